"""Saved answers of AWS: a real block, revision and digest with both proofs."""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qldbkit.errors import QldbkitError
from qldbkit.journal.answer_checks import merged, verify_answers
from qldbkit.journal.sources.answers import AnswerError, is_answer, read_answers

SAMPLE = "samples/block-revision-digest-proofs.json"
BLOCK_TIME = "2019-09-16T19:37:05.360Z"


@pytest.fixture(scope="module")
def answers(shared_data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared_data / SAMPLE).read_bytes())
    return found


def status(*files: Any) -> int:
    try:
        return verify_answers(
            merged([read_answers(json.dumps(f).encode()) for f in files])
        ).exit_status
    except QldbkitError:
        return 1


def test_all_three_real_answers_are_proven(shared_data: Path) -> None:
    data = (shared_data / SAMPLE).read_bytes()
    assert is_answer(data[:4096])
    report = verify_answers(read_answers(data))
    assert report.exit_status == 0
    assert [each.split(" of ")[0] for each in report.proven] == ["the block", "the revision"]


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(each, (*path, name))
    else:
        yield path, value


def changed(answers: dict[str, Any], path: tuple[str, ...], value: str) -> dict[str, Any]:
    found = copy.deepcopy(answers)
    holder = found
    for each in path[:-1]:
        holder = holder[each]
    holder[path[-1]] = value
    return found


def test_every_changed_character_is_found(answers: dict[str, Any]) -> None:
    """Every character of every value; but for what no hash of QLDB's covers.

    That is the block's time, as long as it is behind its transaction's, and the tip's number, as
    long as a proof for it would have as many hashes.
    """
    for path, text in leaves(answers):
        for at, character in enumerate(text):
            other = "1" if character != "1" else "2"
            text_then = text[:at] + other + text[at + 1 :]
            if status(changed(answers, path, text_then)) != 0:
                continue
            time = text.find(BLOCK_TIME)
            in_time = time >= 0 and time <= at < time + len(BLOCK_TIME)
            in_tip = path[-2:] == ("DigestTipAddress", "IonText") and character.isdigit()
            assert in_time or in_tip, f"{path}, character {at}: {text[at - 20 : at + 20]!r}"


def test_every_hash_is_needed(answers: dict[str, Any]) -> None:
    for path, text in leaves(answers):
        for match in re.finditer(r"\{\{[^}]*\}\},?", text):
            text_then = text[: match.start()] + text[match.end() :]
            assert status(changed(answers, path, text_then)) != 0


@pytest.mark.parametrize("operation", ["GetBlock", "GetRevision"])
def test_a_block_or_revision_alone_with_the_digest_in_another_file(
    answers: dict[str, Any], operation: str
) -> None:
    assert status(answers[operation], answers["GetDigest"]) == 0
    assert status(answers[operation]) == 3
    without = {key: value for key, value in answers[operation].items() if key != "Proof"}
    assert status(without, answers["GetDigest"]) == 3
    assert status(without, answers["GetDigest"], {"Proof": answers[operation]["Proof"]}) == 0


def test_another_digest_is_refused(answers: dict[str, Any]) -> None:
    other = {**answers["GetDigest"], "Digest": "A" * 43 + "="}
    with pytest.raises(AnswerError, match="different digest"):
        merged([read_answers(json.dumps(each).encode()) for each in (answers, other)])


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"Block": {}}', '{"Digest": "AA=="}', '{"Proof": 1}', '{"GetDigest": 1}'],
)
def test_what_is_no_answer_is_refused(text: str) -> None:
    with pytest.raises(AnswerError):
        read_answers(text.encode())
