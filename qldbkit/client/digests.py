"""A ledger's digest, in the form in which the AWS CLI prints it and `qldbkit verify` takes it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from qldbkit.journal.sources.answers import SavedDigest, read_answers


def digest_answer(control: Any, ledger: str) -> dict[str, Any]:
    """The members of GetDigest's answer, with the digest in base64.

    Raises:
        ClientError: there is no such ledger, or it has no block yet.
    """
    answer = control.get_digest(Name=ledger)
    return {
        "Digest": base64.b64encode(answer["Digest"]).decode(),
        "DigestTipAddress": answer["DigestTipAddress"],
    }


def digest_of(answer: dict[str, Any]) -> SavedDigest:
    """The digest that an answer holds.

    Raises:
        AnswerError: it is none.
    """
    found = read_answers(json.dumps(answer).encode()).digest
    assert found is not None  # the answer has the member
    return found


def save_digest(answer: dict[str, Any], file: Path) -> None:
    """Write a digest for `qldbkit verify --digest`.

    Raises:
        OSError: the file cannot be written.
    """
    file.write_text(json.dumps(answer, indent=4) + "\n", encoding="utf-8")
