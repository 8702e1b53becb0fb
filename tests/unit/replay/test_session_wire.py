"""Where requests of the session API can be sent."""

from __future__ import annotations

import pytest
from botocore.credentials import Credentials

from qldbkit.replay.session_wire import SessionWire


@pytest.mark.parametrize(
    "url", ["127.0.0.1:80", "ftp://host", "http://host/path", "http://user@host", "http://"]
)
def test_an_endpoint_is_a_scheme_and_a_host(url: str) -> None:
    with pytest.raises(ValueError, match="an endpoint is http"):
        SessionWire(url, "us-east-1", Credentials("AKIDEXAMPLE0", "secret"))
