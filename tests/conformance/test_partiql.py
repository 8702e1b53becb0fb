"""PartiQL's published conformance tests.

A case that does not pass is in ``known_failures.json`` with the reason; one that has come to pass
must be taken out of it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cases import all_cases
from judge import Outcome, judged, rate
from rates import DATA, counted

KNOWN = Path(__file__).with_name("known_failures.json")
PROJECT = Path(__file__).resolve().parents[2]
LEAST_OF_ALL = 85.0
LEAST_OF_QLDBS_DIALECT = 97.0


@pytest.fixture(scope="module")
def outcomes(shared_data: Path) -> list[Outcome]:
    cases = [case for case in all_cases(shared_data / DATA) if counted(case)]
    assert len(cases) > 4_500
    return [judged(case) for case in cases]


@pytest.fixture(scope="module")
def known() -> dict[str, str]:
    return json.loads(KNOWN.read_text(encoding="utf-8"))


def test_every_case_that_is_not_known_to_fail_passes(outcomes, known):
    failing = {o.name: o.difference for o in outcomes if o.difference is not None}
    assert {name: found for name, found in failing.items() if name not in known} == {}


def test_every_case_that_is_known_to_fail_still_does(outcomes, known):
    failing = {outcome.name for outcome in outcomes if outcome.difference is not None}
    assert sorted(set(known) - failing) == []


def test_every_known_failure_has_a_reason(known):
    assert all(len(reason) > 20 for reason in known.values())


def test_the_rates_are_at_least_what_is_promised(outcomes):
    assert rate(outcomes) >= LEAST_OF_ALL
    in_dialect = [outcome for outcome in outcomes if outcome.in_qldbs_dialect]
    assert len(in_dialect) > 2_500
    assert rate(in_dialect) >= LEAST_OF_QLDBS_DIALECT


@pytest.mark.parametrize("page", ["README.md", "docs/qldb-compatibility.md"])
def test_the_rates_that_are_documented_are_those_that_were_measured(outcomes, page):
    text = (PROJECT / page).read_text(encoding="utf-8")
    for some in (outcomes, [outcome for outcome in outcomes if outcome.in_qldbs_dialect]):
        passed = sum(outcome.difference is None for outcome in some)
        assert f"| {passed} of {len(some)}, {rate(some):.2f} % |" in text
