"""PartiQL's conformance tests as they are published, read into cases."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from amazon.ion import simpleion
from amazon.ion.exceptions import IonException
from amazon.ion.simple_types import IonPyDict, IonPyList, IonPyNull, IonPySymbol

from qldbkit.partiql.intervals import NANOS_PER_SECOND, Interval, Span
from qldbkit.partiql.times import Time, offset_text
from qldbkit.partiql.values import MISSING, Bag, make_struct


@dataclass(frozen=True, slots=True)
class Expectation:
    """One thing that a case says will happen.

    Attributes:
        result: EvaluationSuccess, EvaluationFail, StaticAnalysisFail, SyntaxFail or SyntaxSuccess.
        modes: EvalModeCoerce or EvalModeError or both; none where nothing is evaluated.
        output: the value of an EvaluationSuccess.
    """

    result: str
    modes: tuple[str, ...]
    output: Any


@dataclass(frozen=True, slots=True)
class Case:
    """One test.

    Attributes:
        name: of the file, the sections and the test, which together are unique.
        statements: one, or all of an equivalence class, each of which must do the same.
        environment: the names around the statement.
        expectations: which must all come true.
    """

    name: str
    statements: tuple[str, ...]
    environment: dict[str, Any]
    expectations: tuple[Expectation, ...]


def all_cases(root: Path) -> list[Case]:
    """The cases of all files below a folder, in order; repeated names are numbered."""
    found: list[Case] = []
    seen: dict[str, int] = {}
    for file in sorted(root.rglob("*.ion")):
        for case in _Reader(str(file.relative_to(root))).read(file):
            seen[case.name] = seen.get(case.name, 0) + 1
            number = seen[case.name]
            name = case.name if number == 1 else f"{case.name} #{number}"
            found.append(Case(name, case.statements, case.environment, case.expectations))
    return found


class _Reader:
    def __init__(self, path: str):
        self._path = path
        self._classes: dict[str, tuple[str, ...]] = {}

    def read(self, file: Path) -> Iterator[Case]:
        with file.open("rb") as stream:
            content = simpleion.load(stream, single_value=False)
        return self._section(content, (self._path,), {})

    def _section(self, content: Any, names: tuple[str, ...], env: Any) -> Iterator[Case]:
        for item in content:
            annotation = _annotation(item)
            if annotation == "envs":
                env = {**env, **_environment(item)}
            elif annotation == "equiv_class":
                self._classes[item["id"].text] = tuple(map(str, item["statements"]))
            elif isinstance(item, IonPyList):
                yield from self._section(item, (*names, str(annotation)), env)
            else:
                yield self._case(item, names, env)

    def _case(self, item: IonPyDict, names: tuple[str, ...], env: Any) -> Case:
        statement = item["statement"]
        if isinstance(statement, IonPySymbol):
            statements = self._classes[statement.text]
        else:
            statements = (str(statement),)
        asserted = item["assert"]
        asserted = asserted if isinstance(asserted, IonPyList) else [asserted]
        own = _environment(item["env"]) if "env" in item else env
        name = " / ".join((*names, str(item["name"])))
        return Case(name, statements, own, tuple(map(_expectation, asserted)))


def _annotation(value: Any) -> str | None:
    annotations = value.ion_annotations
    return annotations[0].text if annotations else None


def _environment(struct: IonPyDict) -> dict[str, Any]:
    return {name: decoded(value) for name, value in struct.items()}


def _expectation(struct: IonPyDict) -> Expectation:
    modes = _modes(struct["evalMode"]) if "evalMode" in struct else ()
    output = decoded(struct["output"]) if "output" in struct else None
    return Expectation(struct["result"].text, modes, output)


def _modes(value: Any) -> tuple[str, ...]:
    """The names of one mode or of a list of them; some files have that list in a list."""
    if isinstance(value, list):
        return tuple(name for each in value for name in _modes(each))
    return (value.text,)


def decoded(value: Any) -> Any:
    """The value that an Ion value of the tests stands for."""
    annotation = _annotation(value)
    if isinstance(value, IonPyNull):
        return MISSING if annotation == "$missing" else value
    if isinstance(value, IonPyList):
        elements = [decoded(element) for element in value]
        if annotation == "$bag":
            return Bag(elements)
        return IonPyList.from_value(value.ion_type, elements, value.ion_annotations)
    if annotation in _MADE:
        return _MADE[annotation](value)
    if isinstance(value, IonPyDict):
        return make_struct((name, decoded(member)) for name, member in value.items())
    return value


def _date(value: Any) -> datetime.date:
    if isinstance(value, IonPyDict):
        return datetime.date(*(int(value[part]) for part in ("year", "month", "day")))
    return datetime.date(value.year, value.month, value.day)


def _offset(struct: Any) -> int | None:
    """Minutes east of UTC, which the files write in two ways; None for none."""
    if "offset" in struct:
        offset = struct["offset"]
        return None if isinstance(offset, IonPyNull) else int(offset)
    hours, minutes = struct["timezone_hour"], struct["timezone_minute"]
    return None if isinstance(hours, IonPyNull) else int(hours) * 60 + int(minutes)


def _time(struct: Any) -> Time:
    return Time(
        int(struct["hour"]), int(struct["minute"]), Decimal(struct["second"]), _offset(struct)
    )


def _timestamp(struct: Any) -> Any:
    year, month, day = (int(struct[part]) for part in ("year", "month", "day"))
    hour, minute, second = int(struct["hour"]), int(struct["minute"]), Decimal(struct["second"])
    offset = _offset(struct)
    zone = "-00:00" if offset is None else offset_text(offset)
    text = f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:012.9f}{zone}"
    try:
        return simpleion.loads(text)
    except (ValueError, IonException):
        # A year of five digits is no timestamp: as a struct, it cannot be what comes out.
        return struct


def _interval(span: Span) -> Any:
    weights = {"years": 12, "months": 1}
    if span is Span.DAY_TIME:
        seconds = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
        weights = {name: size * NANOS_PER_SECOND for name, size in seconds.items()} | {"nanos": 1}

    def interval(struct: Any) -> Interval:
        amount = sum(int(struct[name]) * size for name, size in weights.items() if name in struct)
        negative = "sign" in struct and struct["sign"] == "-"
        return Interval(span, -amount if negative else amount)

    return interval


_MADE = {
    "$date": _date,
    "$time": _time,
    "$timestamp": _timestamp,
    "$interval_ym": _interval(Span.YEAR_MONTH),
    "$interval_dt": _interval(Span.DAY_TIME),
}
