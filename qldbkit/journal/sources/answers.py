"""Answers of GetDigest, GetBlock and GetRevision, as the AWS CLI prints them and people save them.

A file holds one answer, or several under the names of their operations:
``{"GetBlock": {"Block": {"IonText": ...}, "Proof": {"IonText": ...}}, "GetDigest": ...}``.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from qldbkit.errors import QldbkitError
from qldbkit.journal import decoding
from qldbkit.journal.hashes import HASH_SIZE
from qldbkit.journal.ion import IonFormatError, IonSpan
from qldbkit.journal.model import BlockAddress, Revision
from qldbkit.journal.shapes import JournalFormatError

OPERATIONS: Final = ("GetDigest", "GetBlock", "GetRevision")
_MEMBERS: Final = frozenset(
    {"Digest", "DigestTipAddress", "Block", "Revision", "Proof", "ResponseMetadata"}
)


class AnswerError(QldbkitError):
    """A saved answer cannot be read."""


@dataclass(frozen=True, slots=True)
class SavedDigest:
    """A digest and the last block that it covers.

    Attributes:
        digest: 32 bytes.
        tip: the address of the journal's last block at that time.
    """

    digest: bytes
    tip: BlockAddress


@dataclass(frozen=True, slots=True)
class SavedAnswers:
    """What a file of answers holds.

    Attributes:
        digest: GetDigest's.
        block_text: GetBlock's block, in Ion text.
        block_proof: hashes from the block's hash to a digest; None when none was asked for.
        revision: GetRevision's.
        revision_proof: hashes from the revision's hash to a digest.
        lone_proof: a proof that was saved without its block or revision.
    """

    digest: SavedDigest | None = None
    block_text: str | None = None
    block_proof: tuple[bytes, ...] | None = None
    revision: Revision | None = None
    revision_proof: tuple[bytes, ...] | None = None
    lone_proof: tuple[bytes, ...] | None = None


def read_answers(data: bytes) -> SavedAnswers:
    """Read saved answers.

    Raises:
        AnswerError: it is not JSON, not an answer, or a part of it is damaged.
    """
    try:
        members = json.loads(data, object_pairs_hook=_members)
        if not isinstance(members, dict):
            raise AnswerError("a saved answer is a JSON object")
        return _answers(members)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise AnswerError(f"it is not JSON: {error}") from error
    except (IonFormatError, JournalFormatError, KeyError, TypeError, binascii.Error) as error:
        raise AnswerError(f"a saved answer cannot be read: {error}") from error


def is_answer(head: bytes) -> bool:
    """Whether a file that begins so may hold saved answers."""
    text = head.lstrip()
    return text.startswith(b"{") and any(
        f'"{name}"'.encode() in text for name in (*OPERATIONS, *_MEMBERS)
    )


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise AnswerError("a member of a saved answer is there twice")
    return found


def _answers(members: Mapping[str, Any]) -> SavedAnswers:
    named = bool(members.keys() & set(OPERATIONS))
    _refuse_unknown(members, OPERATIONS if named else _MEMBERS)
    found: dict[str, Any] = {}
    for answer in members.values() if named else (members,):
        _refuse_unknown(answer, _MEMBERS)
        found |= _answer(answer)
    if not found:
        raise AnswerError("it holds no digest, block, revision or proof")
    return SavedAnswers(**found)


def _answer(members: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `SavedAnswers` that one answer fills."""
    proof = _proof(members["Proof"]) if members.get("Proof") else None
    found: dict[str, Any] = {}
    if "Digest" in members:
        tip = decoding.block_address(_ion(members["DigestTipAddress"]))
        found["digest"] = SavedDigest(
            _hash(base64.b64decode(members["Digest"], validate=True)), tip
        )
    if "Block" in members:
        _refuse_unknown(members["Block"], ("IonText",))
        found |= {"block_text": members["Block"]["IonText"], "block_proof": proof}
    if "Revision" in members:
        revision = decoding.revision(_ion(members["Revision"]))
        found |= {"revision": revision, "revision_proof": proof}
    if proof is not None and not found:
        found["lone_proof"] = proof
    return found


def _refuse_unknown(members: Mapping[str, Any], known: Collection[str]) -> None:
    """A member of another name is one that was changed: the real ones are needed by their names."""
    unknown = sorted(set(members) - set(known))
    if unknown:
        raise AnswerError(f"a saved answer has no member {unknown[0]!r}")


def _ion(holder: Mapping[str, Any]) -> IonSpan:
    _refuse_unknown(holder, ("IonText",))
    return IonSpan.from_text(holder["IonText"])


def _proof(holder: Mapping[str, Any]) -> tuple[bytes, ...]:
    return tuple(_hash(each.blob()) for each in _ion(holder).elements())


def _hash(data: bytes) -> bytes:
    if len(data) != HASH_SIZE:
        raise AnswerError(f"a hash has {HASH_SIZE} bytes, not {len(data)}")
    return data
