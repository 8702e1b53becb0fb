"""What the kernel calls sound is what the checks in Python find nothing wrong with."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from generate_journal import blocks, records, write_archive, write_export

from qldbkit.journal import kernel
from qldbkit.journal.findings import Finding
from qldbkit.journal.integrity import IntegrityError
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import Block, BlockAddress, Revision, RevisionMetadata
from qldbkit.journal.proving import prove
from qldbkit.journal.records import RecordError
from qldbkit.journal.sources.opening import open_source
from qldbkit.journal.sources.stored import StoredBlock
from qldbkit.replay.gathering import verified

pytestmark = pytest.mark.skipif(not kernel.COMPILED, reason="the kernel in C is not built")

Changed = tuple[Block, tuple[Revision, ...]]


def sample() -> Block:
    """A block of several revisions."""
    return next(each for each in blocks(40) if len(each.revisions) == 3)


def sound(block: Block, revisions: tuple[Revision, ...] | None = None) -> Any:
    return kernel.sound(block.summary, block.revisions if revisions is None else revisions)


def stored(folder: Path) -> list[StoredBlock]:
    found = list(open_source(str(folder)).stored_blocks())
    assert not any(isinstance(each, Finding) for each in found)
    return found  # type: ignore[return-value]


@pytest.mark.parametrize("form", ["ION_BINARY", "ION_TEXT", "archive"])
def test_what_is_sound_has_the_facts_that_python_finds(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if form == "archive":
        write_archive(tmp_path, records(blocks(60)))
    else:
        write_export(tmp_path, blocks(60), form)
    at_once = list(map(prove, stored(tmp_path)))
    answers: list[Any] = []
    monkeypatch.setattr(kernel, "sound", lambda *block: answers.append(block))
    one_by_one = list(map(prove, stored(tmp_path)))
    assert len(answers) >= len(at_once)
    assert [each.facts for each in at_once] == [each.facts for each in one_by_one]
    assert [each.block for each in at_once] == [each.block for each in one_by_one]
    assert all(each.whole and not each.findings for each in at_once)


def test_every_usual_block_is_sound() -> None:
    found = [(each, sound(each)) for each in blocks(60)]
    assert all(answer is not None for each, answer in found if each.summary.transaction_info)
    assert sum(answer is not None for _, answer in found) > 20


def changed_summary(**changes: Any) -> Callable[[Block], Changed]:
    def change(block: Block) -> Changed:
        summary = block.summary
        made = {name: each(getattr(summary, name)) for name, each in changes.items()}
        return replace(block, summary=replace(summary, **made)), block.revisions

    return change


def changed_revision(**changes: Any) -> Callable[[Block], Changed]:
    """The second revision is another."""

    def change(block: Block) -> Changed:
        first, second, third = block.revisions
        made = {name: each(getattr(second, name)) for name, each in changes.items()}
        return block, (first, replace(second, **made), third)

    return change


def flipped(hash_: bytes) -> bytes:
    return bytes((hash_[0] ^ 1,)) + hash_[1:]


def with_metadata(**changes: Any) -> Callable[[RevisionMetadata], RevisionMetadata]:
    return lambda metadata: replace(metadata, **changes)


def earlier(header: Any) -> Any:
    return {**header, "blockTimestamp": IonSpan.from_text("2000-01-01T00:00:00.000Z")}


OF_SUMMARY: dict[str, Callable[[Block], Changed]] = {
    "block hash": changed_summary(block_hash=flipped),
    "entries hash": changed_summary(entries_hash=flipped),
    "previous block hash": changed_summary(previous_block_hash=flipped),
    "no previous block hash": changed_summary(previous_block_hash=lambda _: b""),
    "an entry": changed_summary(entries_hash_list=lambda all_: (flipped(all_[0]), *all_[1:])),
    "an entry less": changed_summary(entries_hash_list=lambda all_: all_[1:]),
    "no entries": changed_summary(entries_hash_list=lambda _: ()),
    "a hash of another size": changed_summary(block_hash=lambda hash_: hash_[:31]),
    "no transaction": changed_summary(transaction_info=lambda _: None),
    "another transaction": changed_summary(
        transaction_info=lambda info: replace(info, ion=IonSpan.of({}))
    ),
    "a digest of another size": changed_summary(
        transaction_info=lambda info: replace(
            info, statements=(replace(info.statements[0], statement_digest=b"1"),)
        )
    ),
    "a statement without its time": changed_summary(
        transaction_info=lambda info: replace(
            info, statements=(replace(info.statements[0], start_time_ion=None),)
        )
    ),
    "a redaction": changed_summary(redaction_info=lambda _: object()),
    "a time before its parts'": changed_summary(header=earlier),
    "no time": changed_summary(
        header=lambda header: {
            name: each for name, each in header.items() if name != "blockTimestamp"
        }
    ),
}
"""Changes that a block's summary shows alone."""
CHANGES: dict[str, Callable[[Block], Changed]] = {
    **OF_SUMMARY,
    "another transaction id": changed_summary(transaction_id=lambda id_: id_[::-1]),
    "another address": changed_summary(address=lambda each: replace(each, sequence_no=0)),
    "a summary less": changed_summary(revision_summaries=lambda all_: all_[:-1]),
    "a summary without its document": changed_summary(
        revision_summaries=lambda all_: (replace(all_[0], document_id=None), *all_[1:])
    ),
    "a summary of another document": changed_summary(
        revision_summaries=lambda all_: (replace(all_[0], document_id="other"), *all_[1:])
    ),
    "another order": lambda block: (block, block.revisions[::-1]),
    "a revision less": lambda block: (block, block.revisions[:-1]),
    "a revision twice": lambda block: (block, (*block.revisions[:2], block.revisions[1])),
    "a revision's hash": changed_revision(hash=flipped),
    "a revision's data": changed_revision(data=lambda _: IonSpan.of({"a": 1})),
    "a revision without data": changed_revision(data=lambda _: None),
    "a revision with a data hash": changed_revision(data_hash=lambda _: bytes(32)),
    "a revision without an address": changed_revision(address=lambda _: None),
    "a revision of another block": changed_revision(
        address=lambda each: BlockAddress(each.strand_id, each.sequence_no + 1)
    ),
    "a revision of another strand": changed_revision(
        address=lambda each: BlockAddress(each.strand_id[::-1], each.sequence_no)
    ),
    "a revision without metadata": changed_revision(metadata=lambda _: None),
    "a revision of another transaction": changed_revision(metadata=with_metadata(tx_id="other")),
    "a revision of another document": changed_revision(metadata=with_metadata(id="other")),
    "a revision without a time": changed_revision(metadata=with_metadata(tx_time_ion=None)),
    "a revision of a later time": changed_revision(
        metadata=with_metadata(tx_time_ion=IonSpan.from_text("2100-01-01T00:00:00.000Z"))
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_block_that_is_changed_is_not_sound(change: Callable[[Block], Changed]) -> None:
    block = sample()
    assert sound(block) is not None
    assert sound(*change(block)) is None


@pytest.mark.parametrize("change", OF_SUMMARY.values(), ids=OF_SUMMARY)
def test_a_summary_that_is_changed_is_not_sound(change: Callable[[Block], Changed]) -> None:
    block = sample()
    assert kernel.sound(block.summary, None) == sound(block)
    changed, _ = change(block)
    assert kernel.sound(changed.summary, None) is None


def test_damaged_records_are_refused_with_and_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    source, good = random.Random(5), list(records(blocks(3)))[-3:]
    for data in good * 300:
        damaged = bytearray(data)
        damaged[source.randrange(len(data))] ^= 1 << source.randrange(8)
        answers = []
        for asked in kernel.sound, lambda *_: None:
            with monkeypatch.context() as patched:
                patched.setattr(kernel, "sound", asked)
                try:
                    answers.append(verified(bytes(damaged), "here"))
                except (RecordError, IntegrityError) as error:
                    answers.append(str(error))
        assert answers[0] == answers[1]


def test_what_does_not_bind_its_header_says_so() -> None:
    block = sample()
    _, header, commit = sound(block)
    assert (header, commit) == (True, True)
    later = {
        **block.summary.header,
        "blockTimestamp": IonSpan.from_text("2100-01-01T00:00:00.000Z"),
    }
    time, header, commit = sound(replace(block, summary=replace(block.summary, header=later)))
    assert (time, header, commit) == (4_102_444_800_000_000, False, True)


def test_it_takes_a_summary_and_revisions() -> None:
    with pytest.raises(TypeError, match="a tuple of revisions"):
        kernel.sound(sample().summary, [])  # type: ignore[arg-type]
