"""Where the functions find the ledgers' APIs."""

import pytest

from qldbkit.endpoints import LedgerEndpoints, RegionMissingError


def test_a_given_endpoint_serves_both_apis() -> None:
    endpoints = LedgerEndpoints.from_environment(
        {"LEDGER_ENDPOINT_URL": "http://localhost:4566", "AWS_REGION": "eu-west-1"}
    )
    assert endpoints == LedgerEndpoints(
        "http://localhost:4566", "http://localhost:4566", "eu-west-1"
    )


def test_without_one_they_are_those_that_qldb_had() -> None:
    endpoints = LedgerEndpoints.from_environment({"AWS_DEFAULT_REGION": "us-east-2"})
    assert endpoints.control == "https://qldb.us-east-2.amazonaws.com"
    assert endpoints.session == "https://session.qldb.us-east-2.amazonaws.com"


def test_lambdas_own_region_comes_first() -> None:
    endpoints = LedgerEndpoints.from_environment({"AWS_REGION": "a", "AWS_DEFAULT_REGION": "b"})
    assert endpoints.region == "a"


def test_no_region_is_an_error_that_says_what_to_set() -> None:
    with pytest.raises(RegionMissingError, match="set AWS_REGION"):
        LedgerEndpoints.from_environment({"LEDGER_ENDPOINT_URL": "http://localhost:1"})
