"""The functions that statements can call, and which of them QLDB has.

What a function does to absent arguments is decided here and nowhere else: QLDB's developer guide
says of each function that a null or missing argument gives null, where PartiQL's specification
lets MISSING through; `CallContext.missing_is_null` chooses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from amazon.ion.core import Timestamp

from qldbkit.partiql import arithmetic, datetimes, formats, timestamps
from qldbkit.partiql.aggregates import AGGREGATES, distinct
from qldbkit.partiql.decimals import added
from qldbkit.partiql.errors import EvaluationError, SemanticError
from qldbkit.partiql.intervals import Interval
from qldbkit.partiql.kinds import (
    ABSENT,
    COLLECTIONS,
    MISSING,
    NUMBERS,
    TEXTS,
    Kind,
    is_absent,
    kind,
    text_of,
    type_name,
)
from qldbkit.partiql.times import Time
from qldbkit.partiql.values import equals

__all__ = ["AGGREGATES", "FUNCTIONS", "CallContext", "Function"]

Kinds = frozenset[Kind]
Body = Callable[[Sequence[Any], "CallContext"], Any]


@dataclass(frozen=True, slots=True)
class CallContext:
    """What a call can know beside its arguments.

    Attributes:
        now: the time of the statement, for UTCNOW.
        transaction_id: 22 characters, for TXID.
        missing_is_null: whether a MISSING argument gives null, as in QLDB, or MISSING, as in
            PartiQL's specification.
    """

    now: Timestamp
    transaction_id: str
    missing_is_null: bool = True


@dataclass(frozen=True, slots=True)
class Function:
    """A function.

    Attributes:
        name: in capitals.
        min_args: the fewest arguments that it takes.
        max_args: the most arguments that it takes.
        body: what it does to arguments that are of its kinds.
        accepts: the kinds of each argument; the last entry stands for all further ones.
        qldb: whether QLDB has it.
        propagates_null: whether an absent argument gives an absent result, without the body.
    """

    name: str
    min_args: int
    max_args: int
    body: Body
    accepts: tuple[Kinds, ...] = ()
    qldb: bool = True
    propagates_null: bool = True

    def call(self, args: Sequence[Any], call: CallContext) -> Any:
        """The function's value.

        Raises:
            EvaluationError: an argument is of a kind, or has a value, that it does not take.
        """
        absent = False
        for position, argument in enumerate(args):
            what = kind(argument)
            if what in ABSENT:
                absent = True
            elif not self.takes(position, what):
                raise EvaluationError(f"{self.name} does not take {type_name(argument)}")
        if absent and self.propagates_null:
            return _absent(args, call)
        return self.body(args, call)

    def takes(self, position: int, what: Kind) -> bool:
        """Whether its argument at a position, from 0, may be of a kind other than the absent."""
        if not self.accepts:
            return True
        return what in self.accepts[min(position, len(self.accepts) - 1)]

    def check_count(self, count: int) -> None:
        """Make sure that it can be called with so many arguments.

        Raises:
            SemanticError: it cannot.
        """
        if self.min_args <= count <= self.max_args:
            return
        wanted = str(self.min_args)
        if self.max_args != self.min_args:
            wanted = f"{wanted} to {self.max_args}" if self.max_args < MANY else f"{wanted} or more"
        raise SemanticError(f"{self.name} takes {wanted} arguments, not {count}")


MANY = 1000
"""The most arguments that a function of any number of them takes."""


def _absent(args: Sequence[Any], call: CallContext) -> Any:
    missing = any(argument is MISSING for argument in args)
    return MISSING if missing and not call.missing_is_null else None


def _text(args: Sequence[Any], position: int = 0) -> str:
    return text_of(args[position])


def _size(args: Sequence[Any], _: CallContext) -> int:
    return len(args[0])


def _coalesce(args: Sequence[Any], _: CallContext) -> Any:
    return next((value for value in args if not is_absent(value)), None)


def _nullif(args: Sequence[Any], call: CallContext) -> Any:
    if args[0] is MISSING:
        return _absent(args, call)
    return None if equals(args[0], args[1]) is True else args[0]


def _exists(args: Sequence[Any], _: CallContext) -> bool:
    """What holds nothing because it is no collection is not there; MISSING is an error.

    So the developer guide's examples of EXISTS have it.
    """
    if args[0] is MISSING:
        raise EvaluationError("EXISTS does not take missing")
    return kind(args[0]) in _SIZED and len(args[0]) > 0


def _substring(args: Sequence[Any], _: CallContext) -> str:
    """SQL-92's: positions before the first character exist, and hold nothing."""
    text, start = _text(args), int(args[1])
    end = max(len(text) + 1, start)
    if len(args) > 2:
        if args[2] < 0:
            raise EvaluationError("SUBSTRING takes a length of 0 or more")
        end = min(end, start + int(args[2]))
    return text[max(start, 1) - 1 : max(end, 1) - 1]


def _trim(args: Sequence[Any], _: CallContext) -> str:
    side, characters, text = text_of(args[0]).upper(), _text(args, 1), _text(args, 2)
    if side == "LEADING":
        return text.lstrip(characters)
    return text.rstrip(characters) if side == "TRAILING" else text.strip(characters)


def _part(args: Sequence[Any], allowed: Iterable[str]) -> str:
    part = text_of(args[0]).upper()
    if part not in allowed:
        raise SemanticError(f"{part} is no part of a time that can be used here")
    return part


def _moment(value: Any) -> Any:
    return datetimes.timestamp_of(value) if kind(value) is Kind.DATE else value


def _date_add(args: Sequence[Any], _: CallContext) -> Any:
    part = _part(args, timestamps.PARTS)
    return timestamps.shift(part, int(args[1]), _moment(args[2]))


def _date_diff(args: Sequence[Any], _: CallContext) -> int:
    first, second = args[1], args[2]
    times = [kind(value) is Kind.TIME for value in (first, second)]
    if not any(times):
        part = _part(args, timestamps.PARTS)
        return timestamps.difference(part, _moment(first), _moment(second))
    if not all(times):
        raise EvaluationError("there is no difference between a time of day and a point in time")
    part = _part(args, timestamps.PARTS[3:])
    return timestamps.instants_apart(part, _instant(first), _instant(second))


def _instant(time: Time) -> tuple[int, Decimal]:
    seconds = time.instant()
    whole = math.floor(seconds)
    return whole, added(seconds, -whole)


def _extract(args: Sequence[Any], _: CallContext) -> Any:
    value = args[1]
    what = kind(value)
    part = _part(args, timestamps.PARTS + timestamps.ZONE_PARTS)
    if part not in _EXTRACTABLE[what]:
        raise EvaluationError(f"a value of type {what.value} has no {part}")
    if what is Kind.TIMESTAMP:
        return timestamps.extract(part, value)
    return _extract_interval(part, value) if what is Kind.INTERVAL else _extract_part(part, value)


_EXTRACTABLE: Mapping[Kind, tuple[str, ...]] = {
    Kind.TIMESTAMP: timestamps.PARTS + timestamps.ZONE_PARTS,
    Kind.DATE: timestamps.PARTS[:3],
    Kind.TIME: timestamps.PARTS[3:] + timestamps.ZONE_PARTS,
    Kind.INTERVAL: timestamps.PARTS,
}


def _extract_part(part: str, value: Any) -> Any:
    """A part of a date or time."""
    if part not in timestamps.ZONE_PARTS:
        return getattr(value, part.lower())
    if value.offset is None:
        raise EvaluationError("a time without time zone has no offset to extract")
    size = abs(value.offset) // 60 if part == "TIMEZONE_HOUR" else abs(value.offset) % 60
    return -size if value.offset < 0 else size


def _extract_interval(part: str, interval: Interval) -> Any:
    parts = interval.parts()
    name = f"{part.lower()}s"
    if name not in parts:
        raise EvaluationError(f"a {interval.span.value} interval has no {part}")
    return -parts[name] if interval.amount < 0 else parts[name]


def _to_string(args: Sequence[Any], _: CallContext) -> str:
    return formats.to_string(_moment(args[0]), _text(args, 1))


def _to_timestamp(args: Sequence[Any], _: CallContext) -> Any:
    if len(args) > 1:
        return formats.to_timestamp(_text(args), _text(args, 1))
    result = timestamps.parse_ion(_text(args))
    if result is None:
        raise EvaluationError("TO_TIMESTAMP takes the text of an Ion timestamp")
    return result


def _position(args: Sequence[Any], _: CallContext) -> int:
    return _text(args, 1).find(_text(args)) + 1


def _overlay(args: Sequence[Any], _: CallContext) -> str:
    text, placing, start = _text(args), _text(args, 1), int(args[2])
    length = int(args[3]) if len(args) > 3 else len(placing)
    if start < 1 or length < 0:
        raise EvaluationError("OVERLAY starts at 1 or later and replaces 0 or more characters")
    return text[: start - 1] + placing + text[start - 1 + length :]


def _text_replace(args: Sequence[Any], _: CallContext) -> str:
    return _text(args).replace(_text(args, 1), _text(args, 2))


def _overlaps(args: Sequence[Any], _: CallContext) -> Any:
    return datetimes.overlaps(args[0], args[1])


def _modulo(args: Sequence[Any], _: CallContext) -> Any:
    return arithmetic.modulo(args[0], args[1])


def _collection(aggregate: Callable[[Iterable[Any]], Any]) -> Body:
    return lambda args, _: aggregate(args[0])


_INT = frozenset({Kind.INT})
_SIZED = COLLECTIONS | {Kind.STRUCT}
_MOMENTS = frozenset({Kind.TIMESTAMP, Kind.DATE})
_SIGNED = NUMBERS | {Kind.INTERVAL}

_QLDB_FUNCTIONS = (
    Function("SIZE", 1, 1, _size, (_SIZED,)),
    Function("EXISTS", 1, 1, _exists, propagates_null=False),
    Function("COALESCE", 1, MANY, _coalesce, propagates_null=False),
    Function("NULLIF", 2, 2, _nullif, propagates_null=False),
    Function("CHAR_LENGTH", 1, 1, lambda args, _: len(_text(args)), (TEXTS,)),
    Function("CHARACTER_LENGTH", 1, 1, lambda args, _: len(_text(args)), (TEXTS,)),
    Function("LOWER", 1, 1, lambda args, _: _text(args).lower(), (TEXTS,)),
    Function("UPPER", 1, 1, lambda args, _: _text(args).upper(), (TEXTS,)),
    Function("SUBSTRING", 2, 3, _substring, (TEXTS, _INT)),
    Function("TRIM", 3, 3, _trim, (TEXTS,)),
    Function("DATE_ADD", 3, 3, _date_add, (TEXTS, _INT, _MOMENTS)),
    Function("DATE_DIFF", 3, 3, _date_diff, (TEXTS, _MOMENTS | {Kind.TIME})),
    Function("EXTRACT", 2, 2, _extract, (TEXTS, frozenset(_EXTRACTABLE))),
    Function("TO_STRING", 2, 2, _to_string, (_MOMENTS, TEXTS)),
    Function("TO_TIMESTAMP", 1, 2, _to_timestamp, (TEXTS,)),
    Function("UTCNOW", 0, 0, lambda _, call: call.now),
    Function("TXID", 0, 0, lambda _, call: call.transaction_id),
)

_FURTHER_FUNCTIONS = (
    Function("ABS", 1, 1, lambda args, _: arithmetic.absolute(args[0]), (_SIGNED,), qldb=False),
    Function("MOD", 2, 2, _modulo, (NUMBERS,), qldb=False),
    Function("POSITION", 2, 2, _position, (TEXTS,), qldb=False),
    Function("OVERLAY", 3, 4, _overlay, (TEXTS, TEXTS, _INT), qldb=False),
    Function("TEXT_REPLACE", 3, 3, _text_replace, (TEXTS,), qldb=False),
    Function("OVERLAPS", 2, 2, _overlaps, qldb=False, propagates_null=False),
    Function("OCTET_LENGTH", 1, 1, lambda a, _: len(_text(a).encode()), (TEXTS,), qldb=False),
    Function("BIT_LENGTH", 1, 1, lambda a, _: 8 * len(_text(a).encode()), (TEXTS,), qldb=False),
    Function("CARDINALITY", 1, 1, _size, (_SIZED,), qldb=False),
    Function("DISTINCT", 1, 1, _collection(distinct), (COLLECTIONS,), qldb=False),
    *(
        Function(f"COLL_{name.upper()}", 1, 1, _collection(body), (COLLECTIONS,), qldb=False)
        for name, body in AGGREGATES.items()
    ),
)

FUNCTIONS: Mapping[str, Function] = {
    function.name: function for function in (*_QLDB_FUNCTIONS, *_FURTHER_FUNCTIONS)
}
"""By their names in capitals. TRIM takes its side (BOTH, LEADING or TRAILING), the characters and
the text; EXTRACT, DATE_ADD and DATE_DIFF take the part first, as a string."""
