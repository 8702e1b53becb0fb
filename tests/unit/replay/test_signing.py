"""Requests are signed as botocore signs them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from qldbkit.replay.session_wire import SERVICE, SIGNED_HEADERS
from qldbkit.replay.signing import PostSigner

PLAIN = Credentials("AKIDEXAMPLE", "the secret")
TEMPORARY = Credentials("ASIAEXAMPLE", "the secret/+=", "a token")


def as_botocore_signs(host: str, body: bytes, credentials: Any, region: str) -> dict[str, str]:
    request = AWSRequest("POST", f"https://{host}/", dict(SIGNED_HEADERS), body)
    SigV4Auth(credentials.get_frozen_credentials(), SERVICE, region).add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@pytest.mark.parametrize("credentials", [PLAIN, TEMPORARY])
@pytest.mark.parametrize("host", ["session.qldb.us-east-1.amazonaws.com", "localhost:4566"])
@pytest.mark.parametrize("region", ["us-east-1", "eu-west-2"])
@pytest.mark.parametrize("body", [b"", b"{}", bytes(range(256))])
def test_a_signature_is_botocores(host: str, body: bytes, credentials: Any, region: str) -> None:
    expected = as_botocore_signs(host, body, credentials, region)
    now = datetime.strptime(expected["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    signer = PostSigner(host, SIGNED_HEADERS, SERVICE, region)
    headers = signer.headers(body, credentials.get_frozen_credentials(), now)
    assert headers == {**expected, "host": host}


def test_a_signer_follows_the_day_and_the_credentials() -> None:
    signer = PostSigner("localhost", SIGNED_HEADERS, SERVICE, "us-east-1")

    def signature(moment: str, credentials: Any) -> str:
        frozen = credentials.get_frozen_credentials()
        headers = signer.headers(b"{}", frozen, datetime.fromisoformat(moment))
        found = re.search("Signature=([0-9a-f]{64})$", headers["authorization"])
        assert found is not None
        return found[1]

    times = ["2025-07-31T23:59:59+00:00", "2025-08-01T00:00:00+00:00"]
    made = [signature(each, who) for each in times for who in (PLAIN, TEMPORARY)]
    assert len(set(made)) == 4
    assert signature(times[0], PLAIN) == made[0]
