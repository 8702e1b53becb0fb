"""Documents as OpenSearch keeps them: the Ion as it was, and JSON to search in.

The Ion is in ``qldbkit.ion``, as binary in base64, and is what is compared, restored and read back:
nothing is lost there, whatever its type. ``data`` is the same document for queries:

| Ion | JSON in ``data`` | How it is found |
|---|---|---|
| null, null of any type | null | as a field that is missing |
| bool | true, false | term |
| int | number | as a double, every digit in ``.exact`` |
| float, decimal | number, with a decimal's digits | as a double, every digit in ``.exact`` |
| nan, +inf, -inf, and what no double holds | string | in ``.exact`` |
| timestamp | string: ISO 8601 to its precision, nine digits of a second at most | as a date |
| string, symbol | string | full text, or whole in ``.exact``; as a date if it looks like one |
| clob | string, of its bytes as Latin-1 | as a string |
| blob | string: base64; null beyond `BLOB_BYTES` | in ``.exact`` |
| list, sexp | array | any of its elements |
| struct | object; of a repeated name, one array of all its values | by the path |
| annotations | are left out | |

A field's name has its dots and percent signs written ``%2E`` and ``%25``, since OpenSearch takes a
dot for a path; a name of nothing but white space has all of it written so, and the empty name is
``%``.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from math import isfinite
from typing import Any, Final
from urllib.parse import unquote

from amazon.ion.core import IonType
from amazon.ion.simple_types import IonPyDict, IonPyNull

from qldbkit.journal import codec
from qldbkit.journal.encoding import standalone
from qldbkit.journal.ion import IonSpan

BLOB_BYTES: Final = 1024
"""Longer blobs are not searched for."""
NUMBER_CHARACTERS: Final = 100
"""A number with more is written as a string; OpenSearch's parser refuses 1000."""

_LARGEST_EXPONENT: Final = 307
_SECOND_DIGITS: Final = 9
_NULL: Final = "null"


def searchable(document: IonSpan) -> str:
    """The document as JSON text for queries; see the table above.

    Raises:
        IonFormatError: the value is damaged, or holds an int of more than 4300 digits, which the
            Ion library does not read.
    """
    return _json(document.value())


def kept(document: IonSpan) -> str:
    """The document as it is kept beside: binary Ion that stands alone, in base64.

    Raises:
        IonFormatError: the value is damaged.
    """
    return b64encode(standalone(document)).decode()


def document_of(text: str) -> IonSpan:
    """The document that `kept` was given.

    Raises:
        ValueError: it is no base64.
        IonFormatError: it holds no Ion value.
    """
    return IonSpan.parse(b64decode(text, validate=True))


def field_name(name: str) -> str:
    """What OpenSearch calls a field."""
    if not name:
        return "%"
    if name.isspace():
        return "".join(f"%{octet:02X}" for octet in name.encode())
    return name.replace("%", "%25").replace(".", "%2E")


def ion_name(name: str) -> str:
    """The name that `field_name` was given."""
    return "" if name == "%" else unquote(name, errors="strict")


def _json(value: Any) -> str:
    return _NULL if isinstance(value, IonPyNull) else _WRITERS[value.ion_type](value)


def _bool(value: Any) -> str:
    return "true" if value else "false"


def _int(value: Any) -> str:
    return _number(str(int(value)), value)


def _float(value: Any) -> str:
    if isfinite(value):
        return repr(float(value))
    return _text("nan" if value != value else "+inf" if value > 0 else "-inf")  # noqa: PLR0124


def _decimal(value: Any) -> str:
    return _number(str(Decimal(value)), value)


def _number(text: str, value: Any) -> str:
    fits = Decimal(value).adjusted() <= _LARGEST_EXPONENT
    return text if fits and len(text) <= NUMBER_CHARACTERS else _text(text)


def _timestamp(value: Any) -> str:
    written = codec.write_text(value)
    while written.find("::") >= 0:
        written = written.partition("::")[2]
    written = written.removesuffix("T")
    second, point, rest = written.partition(".")
    if not point:
        return _text(written)
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return _text(f"{second}.{rest[: min(digits, _SECOND_DIGITS)]}{rest[digits:]}")


def _symbol(value: Any) -> str:
    return _text("$0" if value.text is None else value.text)


def _clob(value: Any) -> str:
    return _text(bytes(value).decode("latin-1"))


def _blob(value: Any) -> str:
    return _NULL if len(value) > BLOB_BYTES else _text(b64encode(value).decode())


def _list(value: Any) -> str:
    return f"[{','.join(map(_json, value))}]"


def _struct(value: Any) -> str:
    found: dict[str, list[str]] = {}
    for name, member in _members(value):
        found.setdefault(field_name(name), []).append(_json(member))
    fields = (
        f"{_text(name)}:{written[0] if len(written) == 1 else '[' + ','.join(written) + ']'}"
        for name, written in found.items()
    )
    return f"{{{','.join(fields)}}}"


def _members(value: IonPyDict) -> Iterator[tuple[str, Any]]:
    for name, member in value.iteritems():
        yield "$0" if name is None else str(name), member


_text: Final = json.dumps

_WRITERS: Final[Mapping[IonType, Callable[[Any], str]]] = {
    IonType.BOOL: _bool,
    IonType.INT: _int,
    IonType.FLOAT: _float,
    IonType.DECIMAL: _decimal,
    IonType.TIMESTAMP: _timestamp,
    IonType.SYMBOL: _symbol,
    IonType.STRING: _text,
    IonType.CLOB: _clob,
    IonType.BLOB: _blob,
    IonType.LIST: _list,
    IonType.SEXP: _list,
    IonType.STRUCT: _struct,
}
