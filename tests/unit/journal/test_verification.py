"""What a verification says of whole journals."""

import dataclasses
import random
from pathlib import Path

import pytest
from generate_journal import blocks, new_journal, records, write_archive, write_export

from qldbkit.journal import decoding, parallel
from qldbkit.journal.blocks import exported_struct
from qldbkit.journal.findings import FindingKind
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import Block, BlockAddress
from qldbkit.journal.peaks import Peaks
from qldbkit.journal.proving import prove, reread
from qldbkit.journal.sources.answers import SavedDigest
from qldbkit.journal.sources.opening import open_source
from qldbkit.journal.sources.stored import StoredBlock
from qldbkit.journal.verification import VerificationReport, verify_source


@pytest.fixture(scope="module")
def journal() -> list[Block]:
    return list(blocks(50))


def digest_at(journal: list[Block], tip: int) -> SavedDigest:
    peaks = Peaks()
    for each in journal[: tip + 1]:
        peaks.add(each.summary.block_hash)
    return SavedDigest(peaks.digest(), journal[tip].address)


def verified(folder: Path, digest: SavedDigest | None = None) -> VerificationReport:
    return verify_source(open_source(str(folder)), digest)


@pytest.mark.parametrize("tip", [0, 1, 6, 7, 8, -1])
def test_the_digest_of_any_moment_is_computed_again(
    tip: int, journal: list[Block], tmp_path: Path
) -> None:
    write_export(tmp_path, journal)
    given = digest_at(journal, tip % len(journal))
    report = verified(tmp_path, given)
    assert report.exit_status == 0
    assert report.digest is not None
    assert report.digest.equal
    wrong = dataclasses.replace(given, digest=bytes(32))
    report = verified(tmp_path, wrong)
    assert report.exit_status == 1
    assert "the journal's digest is not the given one" in report.findings[-1].reason


def test_a_digest_beyond_the_journal_is_not_proven(journal: list[Block], tmp_path: Path) -> None:
    write_export(tmp_path, journal)
    tip = BlockAddress(journal[0].address.strand_id, 10_000)
    assert verified(tmp_path, SavedDigest(bytes(32), tip)).exit_status == 3


def test_a_journal_from_its_middle_has_no_digest(journal: list[Block], tmp_path: Path) -> None:
    write_export(tmp_path, journal[5:])
    report = verified(tmp_path)
    assert report.exit_status == 0
    assert report.strands[0].digest is None
    assert (report.strands[0].first, report.strands[0].blocks) == (5, len(journal) - 5)


def test_one_absent_block_is_known_by_the_hash_that_the_next_one_has_of_it(
    journal: list[Block], tmp_path: Path
) -> None:
    write_archive(tmp_path, records(journal[1:3] + journal[4:]))
    report = verified(tmp_path, digest_at(journal, len(journal) - 1))
    assert report.digest is not None
    assert report.digest.equal
    assert report.exit_status == 3


def test_swapped_and_foreign_blocks_break_the_chain(journal: list[Block], tmp_path: Path) -> None:
    other = list(blocks(50, seed=9))
    struct = exported_struct(other[7])
    struct["blockAddress"] = exported_struct(journal[7])["blockAddress"]
    foreign = decoding.block(IonSpan.of(struct))
    write_export(tmp_path, [*journal[:7], foreign, *journal[8:]])
    report = verified(tmp_path)
    broken = {each.address.sequence_no for each in report.findings if each.address is not None}
    assert {7, 8} <= broken
    assert report.counts[FindingKind.DAMAGED] >= 2


def test_several_processes_find_the_same(journal: list[Block], tmp_path: Path) -> None:
    write_export(tmp_path, [*journal[:20], *journal[21:]])
    alone = verified(tmp_path)
    shared = verify_source(open_source(str(tmp_path)), processes=2)
    assert shared.to_json() == alone.to_json()
    assert alone.exit_status == 1


@pytest.mark.parametrize("once", [0, 3])
def test_while_the_processes_start_the_work_goes_on(
    journal: list[Block], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, once: int
) -> None:
    answers = [True] * once
    monkeypatch.setattr(parallel, "BATCH", 4)
    monkeypatch.setattr(parallel, "are_starting", lambda _: answers.pop() if answers else False)
    write_export(tmp_path, journal)
    shared = verify_source(open_source(str(tmp_path)), processes=1)
    assert shared.to_json() == verified(tmp_path).to_json()
    assert not answers


@pytest.mark.parametrize("form", ["ION_BINARY", "ION_TEXT", "JSON", "archive"])
def test_a_block_is_decoded_again_as_it_was_proven(
    journal: list[Block], tmp_path: Path, form: str
) -> None:
    if form == "archive":
        written = [*records(journal), *records(journal[10:20])]
        random.Random(5).shuffle(written)
        write_archive(tmp_path, written)
    else:
        write_export(tmp_path, journal, form)
    stored = list(open_source(str(tmp_path)).stored_blocks())
    assert len(stored) == len(journal)
    for each in stored:
        assert isinstance(each, StoredBlock)
        assert reread(each) == prove(each).block


def test_findings_are_bounded_and_counted(journal: list[Block], tmp_path: Path) -> None:
    write_export(tmp_path, journal[::2])
    report = verify_source(open_source(str(tmp_path)), finding_limit=3)
    assert len(report.findings) == 3
    assert sum(report.counts.values()) > 10


def test_a_redacted_revision_is_proven_and_named(tmp_path: Path) -> None:
    journal = list(blocks(10))
    at = next(at for at, each in enumerate(journal) if each.revisions)
    struct = exported_struct(journal[at])
    revision = struct["revisions"][0]
    data_hash = IonSpan.of(revision["data"]).hash()
    struct["revisions"][0] = {
        "blockAddress": revision["blockAddress"],
        "hash": revision["hash"],
        "dataHash": data_hash,
        "metadata": revision["metadata"],
    }
    journal[at] = decoding.block(IonSpan.of(struct))
    write_export(tmp_path, journal)
    report = verified(tmp_path)
    assert report.exit_status == 0
    assert report.counts[FindingKind.REDACTED] == 1
    assert "was redacted" in report.findings[0].reason


def test_times_that_go_back_are_not_proven(tmp_path: Path) -> None:
    journal = new_journal()
    first = journal.append(["CREATE TABLE a"], [])
    journal.moment -= 60_000
    write_export(tmp_path, [first, journal.append(["CREATE TABLE b"], [])])
    report = verified(tmp_path)
    assert report.exit_status == 3
    assert "is before the last block's" in report.findings[0].reason


def test_the_report_as_json_says_the_same(journal: list[Block], tmp_path: Path) -> None:
    write_export(tmp_path, journal)
    found = verified(tmp_path, digest_at(journal, 3)).to_json()
    assert found["proven"] is True
    assert found["digest"]["equal"] is True
    assert found["strands"][0]["blocks"] == len(journal)
    assert found["findings"] == []
