"""The command line as a person meets it."""

import json
import subprocess
import sys

import pytest


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
    ran = qldbkit(_QLDBKIT_COMPLETE="complete_bash", COMP_WORDS="qldbkit quer", COMP_CWORD="1")
    assert "query" in ran.stdout
