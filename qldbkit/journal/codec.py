"""Ion values to and from bytes by amazon.ion, with every digit of a timestamp kept.

amazon.ion's C extension holds nine digits of a second. Of a timestamp with more it reads zeros or
refuses it, and writes the first nine, which would change a document and so its hash. Its reader
and writer in Python keep all digits and are about fifty times slower, so they are used for the
values that need them alone: a pattern finds those in the bytes, and what else it finds costs time
only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Context, Decimal, localcontext
from io import BytesIO, StringIO
from typing import Any, Final

from amazon.ion import simpleion
from amazon.ion.core import Timestamp
from amazon.ion.exceptions import IonException
from amazon.ion.simple_types import IonPyDict

MAX_SECOND_DIGITS: Final = 4096
"""Digits behind the point of a second; a timestamp with more is refused."""

_EXTENSION_DIGITS: Final = 9
_TEXT_BUFFER: Final = 4096
# Month, day, hour, minute, second, then the exponent of the fraction, of one octet or the first of
# several. No UTF-8 holds five octets such as the first five, so texts are passed over quickly.
_TO_THE_SECOND: Final = rb"[\x81-\x8c][\x81-\x9f][\x80-\x97][\x80-\xbb]{2}"
_MORE_DIGITS: Final = re.compile(_TO_THE_SECOND + rb"[\xca-\xff\x40-\x7f]")
_NINE_DIGITS: Final = re.compile(_TO_THE_SECOND + rb"\xc9")
_MORE_DIGITS_TEXT: Final = re.compile(r":\d\d\.\d{10}")


def read(data: bytes) -> Any:
    """The one value of binary Ion.

    Raises:
        IonException, ValueError: it is no such value, or a timestamp has more than
            `MAX_SECOND_DIGITS`.
    """
    if _MORE_DIGITS.search(data) is None:
        return simpleion.loads(data, single_value=True)
    # An octet holds less than three digits.
    return _read_slowly(BytesIO(_with_every_symbol(data)), 3 * len(data), single_value=True)


def check(data: bytes) -> None:
    """Make sure that `read` can read the one value of binary Ion.

    Raises:
        IonException, ValueError: it cannot.
    """
    if _MORE_DIGITS.search(data) is None:
        # Plain Python values are made in less than half the time.
        bare = simpleion.IonPyValueModel.MAY_BE_BARE
        simpleion.loads(data, single_value=True, value_model=bare)
    else:
        read(data)


def read_text(text: str) -> Any:
    """The one value of Ion text.

    Raises:
        IonException, ValueError: it is no such value, or a timestamp has more than
            `MAX_SECOND_DIGITS`.
    """
    values = read_texts(text)
    if len(values) != 1:
        raise IonException(f"it holds one value, not {len(values)}")
    return values[0]


def read_texts(text: str) -> Any:
    """The values of Ion text, a list of them.

    Raises:
        IonException, ValueError: as `read_text`.
    """
    if _MORE_DIGITS_TEXT.search(text) is not None:
        return _read_slowly(StringIO(text), len(text), single_value=False)
    # The library's own limit for a string in text is 4 KB.
    limit = max(4 * len(text), _TEXT_BUFFER)
    return simpleion.loads(text, single_value=False, text_buffer_size_limit=limit)


def write(value: Any) -> bytes:
    """A value as binary Ion, with its own version marker and symbols.

    Raises:
        TypeError: the value is of a type that Ion does not have.
    """
    data = bytes(simpleion.dumps(value, binary=True))
    if _NINE_DIGITS.search(data) is None or not _has_more_digits(value):
        return data
    return _written_slowly(value, binary=True)


def write_text(value: Any) -> str:
    """A value as Ion text, without a version marker.

    Raises:
        TypeError: the value is of a type that Ion does not have.
    """
    if _has_more_digits(value):
        return _written_slowly(value, binary=False).decode().removeprefix("$ion_1_0 ")
    return str(simpleion.dumps(value, binary=False, omit_version_marker=True))


def _with_every_symbol(data: bytes) -> bytes:
    """A value under one symbol table in which no place is empty.

    The library's reader in Python does not count a table's nulls, which stand for the symbols that
    a value does not use.
    """
    # Both modules read values by this one.
    from qldbkit.journal.binary import VERSION_MARKER, IonFormatError  # noqa: PLC0415
    from qldbkit.journal.encoding import symbol_table  # noqa: PLC0415
    from qldbkit.journal.ion import IonSpan  # noqa: PLC0415
    from qldbkit.journal.symbols import SYSTEM_SYMBOLS  # noqa: PLC0415

    try:
        span = IonSpan.parse(data)
    except IonFormatError as error:
        raise IonException(str(error)) from error
    texts = [text or "" for text in span.context.texts[len(SYSTEM_SYMBOLS) :]]
    return VERSION_MARKER + symbol_table(texts) + data[span.start : span.end]


def _read_slowly(source: BytesIO | StringIO, digits: int, *, single_value: bool) -> Any:
    with localcontext(Context(prec=digits)):
        try:
            value = simpleion.load_python(source, single_value=single_value)
        except (LookupError, ArithmeticError, AttributeError, TypeError) as error:
            # What its reader in Python happens to meet in damaged bytes.
            raise IonException(f"not an Ion value: {error}") from error
    if any(count > MAX_SECOND_DIGITS for count in _second_digits(value)):
        raise IonException(f"a second may have at most {MAX_SECOND_DIGITS} digits")
    return value


def _written_slowly(value: Any, *, binary: bool) -> bytes:
    out = BytesIO()
    with localcontext(Context(prec=MAX_SECOND_DIGITS + 1)):
        simpleion.dump_python(value, out, binary=binary)
    return out.getvalue()


def _has_more_digits(value: Any) -> bool:
    return any(count > _EXTENSION_DIGITS for count in _second_digits(value))


def _second_digits(value: Any) -> Iterator[int]:
    """How many digits the seconds of every timestamp in a value have behind the point."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, IonPyDict):
            waiting.extend(member for _, member in each.iteritems())
        elif isinstance(each, dict):
            waiting.extend(each.values())
        elif isinstance(each, list | tuple):
            waiting.extend(each)
        elif isinstance(each, Timestamp) and each.fractional_seconds is not None:
            yield -int(Decimal(each.fractional_seconds).as_tuple().exponent)
