"""The command line as a person meets it."""

import json
import re
import subprocess
import sys
from importlib.metadata import version

import pytest

from qldbkit.cli.commands import MODULES
from qldbkit.journal import kernel


def qldbkit(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "qldbkit.cli", *arguments],
        capture_output=True,
        text=True,
        env={"PATH": "", **environment},
        check=False,
    )


@pytest.mark.parametrize("command", ["serve", "local", "demo", "compare"])
def test_every_command_explains_itself(command):
    ran = qldbkit(command, "--help")
    assert ran.returncode == 0
    assert "Usage" in ran.stdout


def test_an_error_is_a_sentence_with_a_hint_and_no_stack_trace():
    ran = qldbkit("local", QLDBKIT_PORT="no")
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert ran.stderr == (
        "qldbkit: 'no' is no TCP port\nhint: give --port or QLDBKIT_PORT a number from 1 to 65535\n"
    )


def test_a_wrong_command_line_has_an_exit_code_of_its_own():
    assert qldbkit("local", "--nonsense").returncode == 2
    assert qldbkit("compare", "OnlyOne").returncode == 2


def test_an_endpoint_that_nobody_answers_is_said_so():
    ran = qldbkit(
        "compare",
        "QldbBlog",
        "QldbBlogStreaming",
        "--endpoint-url",
        "http://127.0.0.1:9",
        AWS_ACCESS_KEY_ID="1",
        AWS_SECRET_ACCESS_KEY="1",
    )
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert "http://127.0.0.1:9" in ran.stderr


def test_programs_get_the_local_environment_as_json():
    ran = qldbkit("local", "--env", "--json", "--port", "4999")
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4999"


def test_what_the_shell_completes_is_asked_of_the_program():
    """As the script does that --install-completion puts into a user's shell."""
    assert completed("qldbkit quer", 1) == ["query"]
    assert completed("qldbkit verify --di", 2) == ["--digest"]
    assert completed("qldbkit quarantine re", 2) == ["redrive"]


def completed(words, at):
    ran = qldbkit(_QLDBKIT_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=f"{at}")
    return ran.stdout.split()


def test_the_list_of_commands_loads_none_of_them():
    """Help and completion are waited for at a prompt; boto3 alone takes longer than they may."""
    loaded = "import sys, qldbkit.cli; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert "typer" in ran.stdout.split()
    slow = {"boto3", "botocore", "pyqldb", "ministack", "uvicorn", "amazon.ion", "qldbkit.journal"}
    assert not slow & set(ran.stdout.split())


def test_help_lists_every_command_with_a_line():
    ran = qldbkit("--help", COLUMNS="200")
    for name, (_, line) in MODULES.items():
        assert re.search(rf"{name} +{re.escape(line)}", ran.stdout)


def test_the_version_is_that_of_the_package():
    found = qldbkit("--version").stdout
    assert found.startswith(f"qldbkit {version('qldbkit')}; journals are walked in ")
    assert ("walked in C\n" in found) == kernel.COMPILED


def test_a_mistyped_command_is_told_the_one_that_was_meant():
    ran = qldbkit("serv")
    assert ran.returncode == 2
    assert "Did you mean 'serve'?" in ran.stderr
