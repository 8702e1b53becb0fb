"""Blocks of JSON exports, with the types given back that are known.

Down-conversion to JSON loses the types of documents: a string may have been a timestamp, a number
a decimal or a float. A block's own fields are always of the same types, so those are restored. A
document that holds nothing but strings, ints, bools, lists and structs comes out as it was, and
its hash shows that it did; of others it cannot be told whether they are what they were.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from amazon.ion import simpleion
from amazon.ion.exceptions import IonException

from qldbkit.journal import decoding
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import Block
from qldbkit.journal.shapes import JournalFormatError

Convert = Callable[[Any], Any]


def block_from_json(data: bytes) -> Block:
    """The block in a line of a JSON export.

    Raises:
        JournalFormatError: it is not JSON, or not a block.
    """
    try:
        struct = json.loads(data, parse_float=Decimal, object_pairs_hook=_struct)
        converted = _fields(_BLOCK)(struct)
        return decoding.block(IonSpan.of(converted))
    except (ValueError, TypeError, AttributeError, IonException, RecursionError) as error:
        raise JournalFormatError(f"it is not a block in JSON: {error}") from error


def _struct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise JournalFormatError("a field is there twice, which JSON cannot tell apart")
    return found


def _blob(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise JournalFormatError(f"{value[:50]!r} is not base64") from error


def _timestamp(value: str) -> Any:
    return simpleion.loads(value, single_value=True)


def _list(convert: Convert) -> Convert:
    return lambda values: [convert(each) for each in values]


def _fields(known: Mapping[str, Convert]) -> Convert:
    def convert(struct: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: known[name](value) if name in known and value is not None else value
            for name, value in struct.items()
        }

    return convert


_REVISION: Final[Mapping[str, Convert]] = {
    "hash": _blob,
    "dataHash": _blob,
    "metadata": _fields({"txTime": _timestamp}),
}
_STATEMENT: Final[Mapping[str, Convert]] = {"startTime": _timestamp, "statementDigest": _blob}
_BLOCK: Final[Mapping[str, Convert]] = {
    "blockTimestamp": _timestamp,
    "blockHash": _blob,
    "entriesHash": _blob,
    "previousBlockHash": _blob,
    "entriesHashList": _list(_blob),
    "transactionInfo": _fields({"statements": _list(_fields(_STATEMENT))}),
    "revisions": _list(_fields(_REVISION)),
}
