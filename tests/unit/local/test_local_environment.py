"""What `qldbkit local --env` prints."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from qldbkit.local.environment import (
    ArchitectureUnknownError,
    as_shell_exports,
    aws_environment,
    context_of_this_machine,
    tool_path,
)
from qldbkit.local.settings import LocalSettings

SETTINGS = LocalSettings(folder=Path("/nowhere"), port=4999)


def test_a_shell_that_evaluates_it_has_the_values_unchanged():
    variables = {"A": "it's", "B": 'a "b" $HOME `id`', "C": "x\ny"}
    printed = as_shell_exports(variables)
    script = f"{printed}\n{sys.executable} -c 'import os,json; print(json.dumps(dict(os.environ)))'"
    ran = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    seen = json.loads(ran.stdout)
    assert {name: seen[name] for name in variables} == variables


def test_clients_find_the_local_aws_and_no_other(tmp_path):
    variables = aws_environment(SETTINGS, tmp_path)
    assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4999"
    assert variables["AWS_ACCESS_KEY_ID"] == "000000000000"
    assert variables["AWS_REGION"] == variables["AWS_DEFAULT_REGION"] == "us-east-1"


def test_functions_are_packaged_for_the_python_that_runs_them():
    context = context_of_this_machine(SETTINGS)
    assert context["lambdaPython"] == "{}.{}".format(*sys.version_info[:2])
    assert context["ledgerEndpointUrl"] == SETTINGS.endpoint_url
    assert context["removalPolicy"] == "destroy"


def test_context_given_goes_before_that_of_the_machine(tmp_path):
    variables = aws_environment(SETTINGS, tmp_path, context={"settleWindowSeconds": "9"})
    context = json.loads(variables["QLDBKIT_CONTEXT"])
    assert context["settleWindowSeconds"] == "9"
    assert context["ledgerEndpointUrl"] == SETTINGS.endpoint_url


@pytest.mark.parametrize(
    ("machine", "architecture"), [("x86_64", "x86_64"), ("AMD64", "x86_64"), ("aarch64", "arm64")]
)
def test_processors_have_lambdas_names(machine, architecture, monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert context_of_this_machine(SETTINGS)["lambdaArchitecture"] == architecture


def test_an_unknown_processor_is_named(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "vax")
    with pytest.raises(ArchitectureUnknownError, match="vax"):
        context_of_this_machine(SETTINGS)


def test_this_projects_tools_come_first_and_once(tmp_path):
    path = tool_path(tmp_path, f"/usr/bin{os.pathsep}/bin")
    assert path.split(os.pathsep)[1:] == [str(tmp_path / "node_modules/.bin"), "/usr/bin", "/bin"]
    assert tool_path(tmp_path, path) == path
