"""What a PostgreSQL view's URL may say, and what it is told without."""

from __future__ import annotations

import pytest

from qldbkit.replay.views.opening import ViewUrlError, is_view, open_view
from qldbkit.replay.views.postgresql.address import PUBLIC_AUTHORITIES, PostgresqlAddress

SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:views-Ab12"


def test_a_url_says_where_the_view_is_and_is_told_again_as_it_was() -> None:
    url = "postgresql://reader@127.0.0.1:5433/archive?connect_timeout=3&schema=vehicles"
    address = PostgresqlAddress.of(url)
    assert address.schema == "vehicles"
    assert address.options == {
        "host": "127.0.0.1",
        "port": "5433",
        "user": "reader",
        "dbname": "archive",
        "connect_timeout": "3",
    }
    assert PostgresqlAddress.of(str(address)) == address
    assert is_view(url)
    assert str(open_view(url, "us-east-1")) == str(address)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://db.example/archive?schema=vehicles",
        "postgres://db.example/archive?schema=vehicles&secret=" + SECRET,
        "postgresql://writer@proxy.example:5432/views?schema=s&iam=true",
    ],
)
def test_a_server_elsewhere_has_to_prove_its_name(url: str) -> None:
    options = PostgresqlAddress.of(url).options
    assert options["sslmode"] == "verify-full"
    assert options["sslrootcert"]


def test_where_the_system_trusts_nobody_the_public_authorities_are_trusted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Nobody:
        cafile = None

    monkeypatch.setattr("ssl.get_default_verify_paths", Nobody)
    options = PostgresqlAddress.of("postgresql://db.example/a?schema=s").options
    assert options["sslrootcert"] == PUBLIC_AUTHORITIES


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://localhost/archive?schema=s",
        "postgresql:///archive?host=/var/run/postgresql&schema=s",
        "postgresql://db.example/archive?schema=s&sslmode=require",
    ],
)
def test_this_machine_needs_no_proof_and_what_is_said_holds(url: str) -> None:
    assert "sslrootcert" not in PostgresqlAddress.of(url).options
    assert PostgresqlAddress.of(str(PostgresqlAddress.of(url))) == PostgresqlAddress.of(url)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://localhost/archive", "names no schema"),
        ("postgresql://u:hunter2@localhost/a?schema=s", "has a password"),
        ("postgresql://localhost/a?schema=s&password=hunter2", "password is no part"),
        ("postgresql://localhost/a?schema=s&schema=t", "twice"),
        ("postgresql://localhost/a?schema=pg_catalog", "cannot name"),
        ("postgresql://localhost/a?schema=a%25s", "cannot name"),
        ("postgresql://localhost/a?schema=" + "é" * 32, "cannot name"),
        ("postgresql://localhost:port/a?schema=s", "port"),
        ("postgresql://localhost/a?schema=s&secret=hunter2", "no ARN"),
        ("postgresql://localhost/a?schema=s&iam=yes", "iam is"),
        ("postgresql://localhost/a?schema=s&iam=true", "needs a user"),
        (f"postgresql://u@h/a?schema=s&iam=true&secret={SECRET}", "no secret"),
    ],
)
def test_what_is_wrong_is_said_without_a_secret(url: str, said: str) -> None:
    with pytest.raises(ViewUrlError, match=said) as refused:
        PostgresqlAddress.of(url)
    assert "hunter2" not in str(refused.value)
