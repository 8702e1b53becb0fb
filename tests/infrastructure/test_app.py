"""`app.py` as the CDK's command line runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


def run_app(out: Path, **context: object) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "QLDBKIT_CONTEXT": json.dumps(context),
        "CDK_OUTDIR": str(out),
    }
    return subprocess.run(
        [sys.executable, "app.py"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("context", "sentence"),
    [
        ({"qldbLedgerName": "--"}, "'--' cannot name a ledger - use 1 to 32 letters"),
        ({"shardCount": 0}, "shardCount is 0 - write a whole number from 1 to 500"),
        ({"inclusiveStartTime": "2999-01-01T00:00:00Z"}, "which is in the future"),
    ],
)
def test_wrong_context_is_one_sentence_and_no_traceback(tmp_path, context, sentence) -> None:
    done = run_app(tmp_path, **context)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_context_that_is_no_json_is_one_sentence_too(tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=PROJECT,
        env={**os.environ, "QLDBKIT_CONTEXT": "{", "CDK_OUTDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "QLDBKIT_CONTEXT" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_environment_goes_before_cdk_json(tmp_path) -> None:
    machine = f"{sys.version_info.major}.{sys.version_info.minor}"
    done = run_app(
        tmp_path,
        lambdaPython=machine,
        lambdaArchitecture="x86_64",
        ledgerEndpointUrl="http://localhost:4599",
        removalPolicy="destroy",
    )
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    stream = manifest["artifacts"]["QldbBlogStreamStack"]
    assert "QldbBlogDbStack" in stream["dependencies"]
    template = json.loads((tmp_path / "QldbBlogStreamStack.template.json").read_text())
    functions = [
        each["Properties"]
        for each in template["Resources"].values()
        if each["Type"] == "AWS::Lambda::Function" and "Environment" in each["Properties"]
    ]
    ours = [each for each in functions if each["Runtime"].startswith("python")]
    assert len(ours) == 2
    for function in ours:
        assert function["Runtime"] == f"python{machine}"
        assert function["Environment"]["Variables"]["LEDGER_ENDPOINT_URL"] == (
            "http://localhost:4599"
        )
