"""Which ledgers a command talks to, and as whom."""

import pytest

from qldbkit.client.connection import LedgerConnection, default_endpoint, is_loopback


def test_by_default_the_ledgers_are_where_serve_listens():
    assert default_endpoint({}) == "http://127.0.0.1:8080"
    assert default_endpoint({"QLDBKIT_PORT": "9000"}) == "http://127.0.0.1:9000"


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://localhost:4566", True),
        ("http://[::1]:8080", True),
        ("https://ledgers.example.com", False),
        ("http://10.0.0.1:8080", False),
    ],
)
def test_this_machine_is_told_from_others(url, here):
    assert is_loopback(url) is here


@pytest.fixture
def without_credentials(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_no_credentials_are_needed_on_this_machine_and_never_made_up_elsewhere(without_credentials):
    here = LedgerConnection("http://127.0.0.1:8080")._session().get_credentials()
    assert here.access_key == "local"
    assert LedgerConnection("https://ledgers.example.com")._session().get_credentials() is None


def test_given_credentials_are_used_on_this_machine_too(without_credentials, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "given")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert LedgerConnection("http://127.0.0.1:8080")._session().get_credentials().access_key == (
        "given"
    )
