"""Waiting until both ledgers are equal."""

import pytest
from botocore.exceptions import ClientError

from qldbkit.local import catching_up
from qldbkit.local.catching_up import CatchUpTimeoutError, wait_until_equal
from qldbkit.replay.compare import Comparison


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(catching_up, "INTERVAL", 0.001)


def found(different):
    return Comparison((), (), (), (), different)


def refused(code):
    return ClientError({"Error": {"Code": code, "Message": ""}}, "SendCommand")


def comparing(*results):
    """A comparison that finds one thing after another, and the last one ever after."""
    remaining = list(results)

    def compare():
        result = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        if isinstance(result, Exception):
            raise result
        return result

    return compare


def test_it_ends_when_nothing_differs_and_tells_how_far_it_is():
    progress = []
    result = wait_until_equal(comparing(found(3), found(1), found(0)), progress.append, 10)
    assert result.equal
    assert progress == ["3 documents still differ", "1 documents still differ"]


def test_tables_that_have_not_come_yet_are_told():
    progress = []
    missing = Comparison((), ("Person", "Vehicle"), (), (), 0)
    assert wait_until_equal(comparing(missing, found(0)), progress.append, 10).equal
    assert progress == ["2 tables are still on one side only"]


def test_what_differs_at_the_end_is_returned():
    assert wait_until_equal(comparing(found(2)), print, 0.05).different_documents == 2


def test_a_comparison_that_the_replay_disturbed_is_made_again():
    busy = refused("OccConflictException")
    assert wait_until_equal(comparing(busy, busy, found(0)), print, 10).equal


def test_a_destination_that_never_rests_is_reported():
    with pytest.raises(CatchUpTimeoutError, match="still being written"):
        wait_until_equal(comparing(refused("OccConflictException")), print, 0.05)


def test_any_other_refusal_is_not_waited_for():
    with pytest.raises(ClientError, match="BadRequest"):
        wait_until_equal(comparing(refused("BadRequestException")), print, 10)
