"""Where the local AWS is looked for."""

from pathlib import Path

import pytest

from qldbkit.local.settings import LocalSettingsError, settings_from_environment


def test_defaults_are_aws_emulators_usual_port_and_a_folder_of_the_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = settings_from_environment({})
    assert settings.endpoint_url == "http://127.0.0.1:4566"
    assert settings.folder == tmp_path / ".qldbkit"
    assert settings.region == "us-east-1"


def test_port_of_the_command_line_goes_before_the_environment():
    environment = {"QLDBKIT_PORT": "5000", "AWS_REGION": "eu-central-1"}
    assert settings_from_environment(environment).port == 5000
    assert settings_from_environment(environment, port=6000).port == 6000
    assert settings_from_environment(environment).region == "eu-central-1"


@pytest.mark.parametrize("port", ["http", "0", "70000", "-1", ""])
def test_what_is_no_port_is_refused_with_what_to_write(port):
    with pytest.raises(LocalSettingsError, match="from 1 to 65535"):
        settings_from_environment({"QLDBKIT_PORT": port})


def test_everything_it_keeps_is_in_its_folder(tmp_path):
    settings = settings_from_environment({"QLDBKIT_FOLDER": str(tmp_path)})
    for path in (
        settings.ledger_folder,
        settings.state_folder,
        settings.object_folder,
        settings.temporary_folder,
        settings.log_file,
        settings.process_file,
    ):
        assert Path(path).is_relative_to(tmp_path)
