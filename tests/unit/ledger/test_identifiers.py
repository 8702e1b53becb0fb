"""Identifiers and times in the form that QLDB's real records have."""

import pytest
from amazon.ion import simpleion
from hypothesis import given
from hypothesis import strategies as st

from qldbkit.ledger.clock import to_milliseconds, to_timestamp
from qldbkit.ledger.identifiers import derived_identifier, is_identifier, new_identifier

REAL = (
    "JUJgrQeIeI64ZgvXIuqlZ1",
    "2EOkysIJqfFACzE3TLlbY8",
    "LSkFrekxpQeDFzPFUNidAt",
    "17CRCBBPOEe4aSgHpQ8fSm",
    "Fy4gT7n9rnrLQDEhY6otul",
)


def halves(identifier):
    return identifier[:11], identifier[11:]


def test_both_halves_are_64_bits_like_those_of_real_identifiers():
    ours = [new_identifier() for _ in range(2000)]
    for identifier in (*REAL, *ours):
        assert is_identifier(identifier)
        # The largest number of 64 bits begins with L in 11 digits of base 62.
        assert all(half[0] in "0123456789ABCDEFGHIJKL" for half in halves(identifier))
    assert len(set(ours)) == len(ours)
    assert {half[0] for each in ours for half in halves(each)} >= set("0123456789ABCDEFGHIJK")


def test_a_derived_identifier_follows_from_its_parts():
    one = derived_identifier("table", REAL[0], 0)
    assert is_identifier(one)
    assert one == derived_identifier("table", REAL[0], 0)
    others = [("table", REAL[0], 1), ("index", REAL[0], 0), ("table", REAL[1], 0)]
    assert len({one, *(derived_identifier(*each) for each in others)}) == 4


@given(st.integers(0, 4_102_444_800_000))
def test_times_are_to_the_millisecond_and_in_utc(milliseconds):
    timestamp = to_timestamp(milliseconds)
    text = simpleion.dumps(timestamp, binary=False, omit_version_marker=True)
    assert text.endswith("Z")
    assert len(text.partition(".")[2]) == 4
    assert to_milliseconds(timestamp) == milliseconds


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("2020-07-03T20:36:44.181Z", 1_593_808_604_181),
        ("2020-07-03T22:36:44.181+02:00", 1_593_808_604_181),
        ("2020-07-03T20:36:44.181-00:00", 1_593_808_604_181),
        ("2020-07-03T", 1_593_734_400_000),
        ("2020T", 1_577_836_800_000),
    ],
)
def test_times_of_every_precision_and_offset(text, milliseconds):
    assert to_milliseconds(simpleion.loads(text, single_value=True)) == milliseconds
