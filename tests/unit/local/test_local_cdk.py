"""The CDK command line is run as a program: here a shell script stands in for it."""

from pathlib import Path

import pytest

from qldbkit.local.cdk import Cdk, CdkFailedError, CdkMissingError


def cdk_of(tmp_path: Path, script: str, **options) -> Cdk:
    program = tmp_path / "node_modules/.bin/cdk"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    (tmp_path / "app.py").touch()
    return Cdk(
        project=tmp_path,
        environment={"AWS_REGION": "eu-west-1"},
        output=tmp_path / "out",
        log_file=tmp_path / "logs/cdk.log",
        **options,
    )


def test_its_output_is_passed_on_and_kept(tmp_path):
    cdk = cdk_of(tmp_path, 'echo "$1 $2 in $AWS_REGION"; echo second >&2')
    lines = []
    cdk.run("deploy", "A", progress=lines.append)
    assert lines == ["deploy A in eu-west-1", "second"]
    assert "deploy A in eu-west-1" in cdk.log_file.read_text()


def test_the_templates_are_made_once_and_used_by_every_command(tmp_path):
    cdk = cdk_of(tmp_path, 'echo "$@"')
    lines = []
    cdk.synthesise(lines.append)
    cdk.run("deploy", "A", progress=lines.append)
    assert lines == [
        f"synth --quiet --output {cdk.output} --no-color",
        f"deploy A --app {cdk.output} --no-color",
    ]


def test_a_failure_shows_what_it_printed_and_where_the_rest_is(tmp_path):
    cdk = cdk_of(tmp_path, 'echo "the bucket is not empty"; exit 7')
    with pytest.raises(CdkFailedError) as failure:
        cdk.run("destroy", "A")
    assert "exit code 7" in str(failure.value)
    assert "the bucket is not empty" in str(failure.value)
    assert str(cdk.log_file) in str(failure.value)


def test_a_command_that_hangs_is_ended(tmp_path):
    cdk = cdk_of(tmp_path, "exec sleep 60", timeout=0.2)
    with pytest.raises(CdkFailedError, match="exit code -9"):
        cdk.run("deploy", "A")


def test_where_it_is_not_installed_the_message_says_how(tmp_path):
    cdk = cdk_of(tmp_path, "true")
    (tmp_path / "node_modules/.bin/cdk").unlink()
    with pytest.raises(CdkMissingError, match="make setup"):
        cdk.run("deploy", "A")


def test_an_installed_package_says_that_the_stacks_are_in_a_clone(tmp_path):
    cdk = cdk_of(tmp_path, "true")
    (tmp_path / "app.py").unlink()
    with pytest.raises(CdkMissingError, match="clone the project"):
        cdk.synthesise()
