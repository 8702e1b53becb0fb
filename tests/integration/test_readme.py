"""The commands that the README shows are run, as they stand there.

Each runs in its own folder for what it stores, on a free port. What would run these tests again is
only checked to be there.
"""

import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from qldbkit.local.aws import free_port

PROJECT = Path(__file__).resolve().parent.parent.parent
TIMEOUT_SECONDS = 300
RUN_BY_THIS_FILE = {
    "make demo",
    "make deploy-local",
    "make destroy-local",
    "make serve",
}
CHECKED_TO_EXIST = {
    "make test",
    "make check",
    "make format",
    "make unit",
    "make conformance",
    "make bench",
    "qldbkit ledgers --create NAME",
    "qldbkit query NAME",
    ".ci/run",
}


def blocks():
    """The README's shell blocks, each a list of commands without their comments."""
    text = (PROJECT / "README.md").read_text()
    return [
        [command for line in block.splitlines() if (command := line.split("#")[0].strip())]
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    ]


BY_HAND = next(block for block in blocks() if any("--env" in command for command in block))


@pytest.fixture
def environment(tmp_path):
    """That of a user's shell: no settings of `make test`, and this project's tools on the path."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "MAKE", "CDK_", "QLDBKIT_CONTEXT")) and name != "MFLAGS"
    }
    folder = tmp_path / "state"
    yield {
        **kept,
        "QLDBKIT_FOLDER": str(folder),
        "QLDBKIT_PORT": str(free_port()),
        "PATH": f"{PROJECT / '.venv' / 'bin'}{os.pathsep}{kept['PATH']}",
    }
    subprocess.run(
        [PROJECT / ".venv/bin/qldbkit", "local", "--stop"],
        env={**kept, "QLDBKIT_FOLDER": str(folder)},
        check=True,
    )


def run(command, environment):
    """Run a command line in the project's folder and return what it printed."""
    ran = subprocess.run(
        ["sh", "-euc", command],
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, f"{command}\n{ran.stdout}"
    return ran.stdout


def test_every_command_of_the_readme_is_covered():
    shown = {command for block in blocks() for command in block}
    assert shown == RUN_BY_THIS_FILE | CHECKED_TO_EXIST | set(BY_HAND)


@pytest.mark.parametrize("command", sorted(CHECKED_TO_EXIST))
def test_what_would_run_the_tests_again_is_there(command, environment):
    program, _, target = command.partition(" ")
    if program == "make":
        run(f"make --dry-run {target}", environment)
    elif program == "qldbkit":
        run(f"qldbkit {target.split()[0]} --help", environment)
    else:
        assert os.access(PROJECT / program, os.X_OK)
        run(f"sh -n {program}", environment)


def test_make_demo(environment):
    started = time.monotonic()
    printed = run("make demo", environment)
    assert "Both ledgers hold the same documents." in printed
    assert "restore the archive in S3 into a third ledger: its digest is the source's" in printed
    assert time.monotonic() - started < 180
    shutil.rmtree(environment["QLDBKIT_FOLDER"])


def test_deploying_and_destroying_by_make(environment):
    run("make deploy-local", environment)
    exports = 'eval "$(qldbkit local --env)"'
    assert "Both ledgers hold" in run(
        f"{exports}; qldbkit compare QldbBlog QldbBlogStreaming --wait 120", environment
    )
    run("make destroy-local", environment)


def test_deploying_and_destroying_by_hand(environment):
    printed = run("\n".join(_without_questions(BY_HAND)), environment)
    assert "Both ledgers hold the same documents." in printed


def _without_questions(commands):
    """The CDK asks a person before it changes permissions or destroys; nobody is asked here."""
    for command in commands:
        if command.startswith("cdk deploy"):
            yield f"{command} --require-approval never"
        elif command.startswith("cdk destroy"):
            yield f"{command} --force"
        else:
            yield command


def test_make_serve(environment):
    url = f"http://127.0.0.1:{environment['QLDBKIT_PORT']}"
    with subprocess.Popen(
        ["make", "serve"],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            announced = process.stdout.readline()
            while "QLDB at" not in announced and announced:
                announced = process.stdout.readline()
            assert url in announced
            assert _answers(url)
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(30)


def _answers(url):
    try:
        with urllib.request.urlopen(f"{url}/ledgers", timeout=10) as answer:
            return answer.status == 200
    except urllib.error.HTTPError as error:
        return error.code < 500
