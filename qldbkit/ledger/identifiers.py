"""Identifiers in QLDB's form: 128 bits as 22 letters and digits.

Every identifier seen in real journals is two numbers of 64 bits, each as 11 digits in base 62.
"""

from __future__ import annotations

import re
import secrets
from hashlib import sha256
from typing import Final

IDENTIFIER: Final = re.compile(r"[A-Za-z0-9]{22}", re.ASCII)
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS: Final = tuple(first + second for first in _DIGITS for second in _DIGITS)
_HALF_BITS: Final = 64
_HALF_PAIRS: Final = 5
"""And one digit before them."""


def new_identifier() -> str:
    """A random identifier, for a ledger, strand, transaction or document."""
    return _encoded(secrets.randbits(2 * _HALF_BITS))


def derived_identifier(*parts: object) -> str:
    """The identifier that follows from ``parts``, always the same one for the same parts.

    A block does not carry the ids of the tables and indexes that its statements create. Deriving
    them from the transaction's id lets whoever folds the same journal arrive at the same ids.
    """
    text = "\0".join(map(str, parts))
    return _encoded(int.from_bytes(sha256(text.encode()).digest()[:16], "big"))


def is_identifier(text: str) -> bool:
    """Whether ``text`` has the form of an identifier."""
    return IDENTIFIER.fullmatch(text) is not None


def _encoded(number: int) -> str:
    high, low = divmod(number, 1 << _HALF_BITS)
    return _half(high) + _half(low)


def _half(number: int) -> str:
    parts = []
    for _ in range(_HALF_PAIRS):
        number, pair = divmod(number, len(_PAIRS))
        parts.append(_PAIRS[pair])
    parts.append(_DIGITS[number])
    return "".join(reversed(parts))
