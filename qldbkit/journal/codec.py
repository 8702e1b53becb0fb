"""Ion values to and from bytes by amazon.ion, with every digit of a number and a timestamp kept.

amazon.ion's C extension holds nine digits of a second. Of a timestamp with more it reads zeros or
refuses it, and writes the first nine, which would change a document and so its hash. It also
changes integers as it writes them: of 0.15.0, some of those from 241 bits on, and decimals of as
many digits; much longer ones end the process. Its reader and writer in Python keep all of them and
are about fifty times slower, so they are used for the values that need them alone. What is to be
read, a pattern finds in the bytes, and what else it finds costs time only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Context, Decimal, localcontext
from io import BytesIO, StringIO
from typing import Any, Final

from amazon.ion import simpleion
from amazon.ion.core import Timestamp
from amazon.ion.exceptions import IonException
from amazon.ion.simple_types import IonPyDict

from qldbkit.journal.kernel import only_value

MAX_SECOND_DIGITS: Final = 4096
"""Digits behind the point of a second; a timestamp with more is refused."""

_EXTENSION_DIGITS: Final = 9
_EXTENSION_INTEGER: Final = 1 << 192
"""Integers from here on are not left to the extension to write, well before it changes any."""
_EXTENSION_COEFFICIENT: Final = 57
"""Digits of a decimal that it writes; fewer than `_EXTENSION_INTEGER` has."""
_TEXT_BUFFER: Final = 4096
# Month, day, hour, minute, second, then the exponent of the fraction, of one octet or the first of
# several. No UTF-8 holds five octets such as the first five, so texts are passed over quickly.
_TO_THE_SECOND: Final = rb"[\x81-\x8c][\x81-\x9f][\x80-\x97][\x80-\xbb]{2}"
_MORE_DIGITS: Final = re.compile(_TO_THE_SECOND + rb"[\xca-\xff\x40-\x7f]")
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


def read_each(written: Sequence[bytes]) -> list[Any]:
    """The one value of each of several pieces of binary Ion, in a third of the time.

    Raises:
        IonException, ValueError: as `read`.
    """
    data = b"".join(written)
    if _MORE_DIGITS.search(data) is None and all(only_value(each) is not None for each in written):
        # Each begins with a version marker of its own, which ends the symbols of the one before.
        return list(simpleion.loads(data, single_value=False))
    return list(map(read, written))


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
    if any(map(_is_beyond_extension, _scalars(value))):
        return _written_slowly(value, binary=True)
    return bytes(simpleion.dumps(value, binary=True))


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
    if any(
        isinstance(each, Timestamp) and _second_digits(each) > MAX_SECOND_DIGITS
        for each in _scalars(value)
    ):
        raise IonException(f"a second may have at most {MAX_SECOND_DIGITS} digits")
    return value


def _written_slowly(value: Any, *, binary: bool) -> bytes:
    out = BytesIO()
    with localcontext(Context(prec=MAX_SECOND_DIGITS + 1)):
        simpleion.dump_python(value, out, binary=binary)
    return out.getvalue()


def _is_beyond_extension(scalar: Any) -> bool:
    """Whether the extension would write something else."""
    if isinstance(scalar, int):
        return not -_EXTENSION_INTEGER < scalar < _EXTENSION_INTEGER
    if isinstance(scalar, Decimal):
        return len(scalar.as_tuple().digits) > _EXTENSION_COEFFICIENT
    return isinstance(scalar, Timestamp) and _second_digits(scalar) > _EXTENSION_DIGITS


def _has_more_digits(value: Any) -> bool:
    return any(
        isinstance(each, Timestamp) and _second_digits(each) > _EXTENSION_DIGITS
        for each in _scalars(value)
    )


def _second_digits(moment: Timestamp) -> int:
    """How many digits the seconds have behind the point."""
    fraction = moment.fractional_seconds
    return 0 if fraction is None else -int(Decimal(fraction).as_tuple().exponent)


def _scalars(value: Any) -> Iterator[Any]:
    """What is in a value, and in the values in it, and is no container."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, IonPyDict):
            waiting.extend(member for _, member in each.iteritems())
        elif isinstance(each, dict):
            waiting.extend(each.values())
        elif isinstance(each, list | tuple):
            waiting.extend(each)
        else:
            yield each
