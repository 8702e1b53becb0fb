"""Running conformance cases, and saying what came out differently."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from amazon.ion.core import Timestamp, TimestampPrecision
from cases import Case, Expectation

from qldbkit.errors import QldbkitError
from qldbkit.partiql import Dialect, DialectError, parse
from qldbkit.partiql.errors import PartiqlSyntaxError, SemanticError
from qldbkit.partiql.prepared import Prepared
from qldbkit.partiql.relations import ValueGlobals
from qldbkit.partiql.settings import specification
from qldbkit.partiql.values import Kind, fields, kind, text_of

NOW = Timestamp(2020, 1, 1, 0, 0, 0, 0, precision=TimestampPrecision.SECOND)


@dataclass(frozen=True, slots=True)
class NoLedger:
    """What the tests' statements know of the world: no ledger, and a fixed time."""

    transaction_id: str = "0" * 22
    now: Timestamp = NOW


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out of a case.

    Attributes:
        name: of the case.
        difference: what it expects and does not get; None when it passes.
        in_qldbs_dialect: see `in_qldbs_dialect`.
    """

    name: str
    difference: str | None
    in_qldbs_dialect: bool


def judged(case: Case) -> Outcome:
    """Run a case."""
    return Outcome(case.name, difference(case), in_qldbs_dialect(case))


def rate(outcomes: list[Outcome]) -> float:
    """How many of a hundred pass."""
    return 100 * sum(outcome.difference is None for outcome in outcomes) / len(outcomes)


def difference(case: Case) -> str | None:
    """What a case expects and does not get; None when it passes."""
    for statement in case.statements:
        for expectation in case.expectations:
            for mode in expectation.modes or ("",):
                found = _difference(statement, case.environment, expectation, mode)
                if found is not None:
                    return f"{mode or expectation.result}: {found}"
    return None


def _difference(statement: str, env: dict[str, Any], wanted: Expectation, mode: str) -> str | None:
    if wanted.result in ("SyntaxSuccess", "SyntaxFail"):
        return _syntax_difference(statement, wanted.result == "SyntaxSuccess")
    try:
        value = _prepare(statement, mode).evaluate(NoLedger(), ValueGlobals(env))
    except (PartiqlSyntaxError, SemanticError) as error:
        refused = wanted.result in ("StaticAnalysisFail", "EvaluationFail")
        return None if refused else f"refused: {error}"
    except QldbkitError as error:
        return None if wanted.result == "EvaluationFail" else f"failed: {error}"
    except Exception as error:  # a crash is what the case found, and the others go on
        return f"crashed: {error!r}"
    if wanted.result != "EvaluationSuccess":
        return f"gave {value!r} instead of {wanted.result}"
    return None if matches(value, wanted.output) else f"gave {value!r}, not {wanted.output!r}"


def _prepare(statement: str, mode: str) -> Prepared:
    return Prepared(statement, specification(strict=mode == "EvalModeError"))


def _syntax_difference(statement: str, expected: bool) -> str | None:
    try:
        parse(statement)
    except PartiqlSyntaxError as error:
        return f"refused: {error}" if expected else None
    return None if expected else "parsed"


def in_qldbs_dialect(case: Case) -> bool:
    """Whether QLDB's own dialect has something to say about a case.

    It has unless that dialect refuses a statement of the case as PartiQL that Amazon QLDB did not
    have. (A statement that is no PartiQL at all is refused for that, and so belongs to it.)
    """
    return not any(map(_is_beyond_qldb, case.statements))


def _is_beyond_qldb(statement: str) -> bool:
    try:
        parse(statement, Dialect.QLDB)
    except DialectError:
        return True
    except PartiqlSyntaxError:
        return False
    return False


def matches(found: Any, wanted: Any) -> bool:
    """Whether two values are the same in kind and in value; the order of a bag does not count."""
    what = kind(found)
    if what is not kind(wanted):
        return False
    if what in (Kind.LIST, Kind.SEXP):
        return len(found) == len(wanted) and all(map(matches, found, wanted))
    if what is Kind.BAG:
        return _same_elements(list(found), list(wanted))
    if what is Kind.STRUCT:
        return _same_fields(list(fields(found)), list(fields(wanted)))
    if what is Kind.NULL:
        return True
    if what is Kind.SYMBOL:
        return text_of(found) == text_of(wanted)
    if what is Kind.FLOAT and math.isnan(found):
        return math.isnan(wanted)
    return bool(found == wanted)


def _same_elements(found: list[Any], wanted: list[Any]) -> bool:
    for element in found:
        partner = next((i for i, other in enumerate(wanted) if matches(element, other)), None)
        if partner is None:
            return False
        del wanted[partner]
    return not wanted


def _same_fields(found: list[Any], wanted: list[Any]) -> bool:
    for name, value in found:
        partner = next(
            (i for i, (n, v) in enumerate(wanted) if n == name and matches(value, v)), None
        )
        if partner is None:
            return False
        del wanted[partner]
    return not wanted
