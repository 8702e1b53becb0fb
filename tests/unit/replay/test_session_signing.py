"""Requests of the session API are signed as botocore would have signed them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from qldbkit.replay.session_signing import SessionSigner
from qldbkit.replay.session_wire import SessionWire

MOMENT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize("token", [None, "a/token+of=a role"])
@pytest.mark.parametrize("host", ["127.0.0.1:8080", "session.qldb.us-east-1.amazonaws.com"])
@pytest.mark.parametrize("body", [b"{}", b'{"StartSession": {"LedgerName": "copy"}}'])
def test_a_signature_is_the_one_that_botocore_makes(
    monkeypatch: pytest.MonkeyPatch, token: str | None, host: str, body: bytes
) -> None:
    monkeypatch.setattr(auth, "get_current_datetime", lambda: MOMENT)
    credentials = Credentials("AKIDEXAMPLE0", "secret", token)
    headers = SessionSigner(host, "eu-west-1", credentials).headers(body, MOMENT)
    signed = {name: text for name, text in headers.items() if name != "authorization"}
    request = AWSRequest("POST", f"https://{host}/", signed, body)
    auth.SigV4Auth(credentials, "qldb", "eu-west-1").add_auth(request)
    assert headers["authorization"] == request.headers["Authorization"]
    assert headers["x-amz-date"] == "20260203T040506Z"


@pytest.mark.parametrize(
    "url", ["127.0.0.1:80", "ftp://host", "http://host/path", "http://user@host", "http://"]
)
def test_an_endpoint_is_a_scheme_and_a_host(url: str) -> None:
    with pytest.raises(ValueError, match="an endpoint is http"):
        SessionWire(url, "us-east-1", Credentials("AKIDEXAMPLE0", "secret"))
