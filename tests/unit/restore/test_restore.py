"""Restore with identity: what the ledger was, it is again."""

import random
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from amazon.ion import simpleion
from generate_journal import Journal, blocks, new_journal, records, write_archive, write_export

from qldbkit.journal import decoding
from qldbkit.journal.blocks import exported_struct
from qldbkit.journal.building import RevisionDraft
from qldbkit.journal.hashes import commit_digest, ion_hash, statement_digest
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import Block, BlockAddress, RedactedRevision, TableInfo
from qldbkit.journal.moments import microseconds
from qldbkit.journal.peaks import Peaks
from qldbkit.journal.proofs import proves
from qldbkit.journal.records import (
    RevisionDetailsRecord,
    decode_record,
    encode_revision_details,
)
from qldbkit.journal.sources.answers import SavedDigest
from qldbkit.journal.sources.opening import open_source
from qldbkit.journal.verification import verify_source
from qldbkit.ledger.ledger import Ledger
from qldbkit.ledger.restore_target import FolderTarget, LedgerTarget, RestoreTargetError
from qldbkit.ledger.restoring import (
    DamagedJournalError,
    DivergedError,
    RestoreReport,
    RestoreSettings,
    restore,
)
from qldbkit.ledger.source import LedgerFileSource, ledger_file

NAME = "restored"


@pytest.fixture(scope="module")
def journal() -> list[Block]:
    return list(blocks(120, seed=4))


@pytest.fixture
def export(journal: list[Block], tmp_path: Path) -> Path:
    write_export(tmp_path / "export", journal, "ION_BINARY", per_object=20)
    return tmp_path / "export"


def run(location: Path, folder: Path, **settings: Any) -> RestoreReport:
    with FolderTarget(folder, NAME) as target:
        return restore(open_source(str(location)), target, RestoreSettings(**settings))


@contextmanager
def opened(folder: Path) -> Iterator[Ledger]:
    file = ledger_file(folder, NAME)
    assert file is not None
    ledger = Ledger.open(file)
    try:
        yield ledger
    finally:
        ledger.close()


def contents(found: Iterator[Block] | list[Block]) -> list[bytes]:
    return [ion_hash(exported_struct(each)) for each in found]


def test_the_restored_ledger_is_the_original(
    journal: list[Block], export: Path, tmp_path: Path
) -> None:
    report = run(export, tmp_path / "ledgers")
    assert report.exit_status == 0
    assert (report.blocks, report.revisions) == (len(journal), 120)
    with opened(tmp_path / "ledgers") as ledger:
        assert contents(ledger.blocks()) == contents(journal)
        tip = journal[-1].address.sequence_no
        assert report.digest == ledger.digest(tip)
        for number in (0, 7, tip):
            block = ledger.block(number)
            assert proves(block.summary.block_hash, ledger.proof(number, tip), ledger.digest(tip))
        file = ledger_file(tmp_path / "ledgers", NAME)
        assert file is not None
        assert verify_source(LedgerFileSource(file)).exit_status == 0


@pytest.mark.parametrize("form", ["ION_TEXT", "JSON", "archive"])
def test_every_form_restores_to_the_same_digest(
    form: str, journal: list[Block], tmp_path: Path
) -> None:
    if form == "archive":
        data = list(records(journal))
        random.Random(1).shuffle(data)
        write_archive(tmp_path / form, data, per_object=50)
    else:
        write_export(tmp_path / form, journal, form)
    report = run(tmp_path / form, tmp_path / "ledgers")
    assert report.exit_status == (3 if form == "JSON" else 0)
    from qldbkit.journal.peaks import Peaks

    peaks = Peaks()
    for each in journal:
        peaks.add(each.summary.block_hash)
    assert report.digest == peaks.digest()
    with opened(tmp_path / "ledgers") as ledger:
        for mine, original in zip(ledger.blocks(), journal, strict=True):
            for one, other in zip(mine.revisions, original.revisions, strict=True):
                assert one.metadata is not None
                assert other.metadata is not None
                assert one.metadata.id == other.metadata.id
                assert one.metadata.version == other.metadata.version


def test_a_restored_ledger_goes_on(export: Path, journal: list[Block], tmp_path: Path) -> None:
    run(export, tmp_path / "ledgers")
    with opened(tmp_path / "ledgers") as ledger:
        transaction = ledger.begin()
        statement = "INSERT INTO Person << {'GovId': 'new'} >>"
        transaction.execute(statement, [])
        digest = commit_digest(transaction.id, [statement_digest(statement, [])])
        transaction.commit(digest)
        latest = ledger.block(len(journal))
        assert latest.summary.previous_block_hash == journal[-1].summary.block_hash
    file = ledger_file(tmp_path / "ledgers", NAME)
    assert file is not None
    assert verify_source(LedgerFileSource(file)).exit_status == 0
    # The ledger has gone its own way; what it had before is still the journal's.
    report = run(export, tmp_path / "ledgers")
    assert (report.blocks, report.present) == (0, len(journal))


def test_the_same_command_goes_on_where_it_ended(
    export: Path, journal: list[Block], tmp_path: Path
) -> None:
    first = run(export, tmp_path / "ledgers", until_sequence_no=30)
    assert (first.blocks, first.last) == (31, 30)
    second = run(export, tmp_path / "ledgers")
    assert (second.first, second.present) == (31, 31)
    third = run(export, tmp_path / "ledgers")
    assert (third.first, third.blocks, third.present) == (None, 0, len(journal))
    with opened(tmp_path / "ledgers") as ledger:
        assert contents(ledger.blocks()) == contents(journal)


def test_a_point_in_time_takes_the_blocks_up_to_it(
    export: Path, journal: list[Block], tmp_path: Path
) -> None:
    moment = microseconds(journal[20].summary.ion.fields()["blockTimestamp"])
    report = run(export, tmp_path / "ledgers", until_time=moment)
    assert report.last == 20
    report = run(export, tmp_path / "others", until_time=moment - 1)
    assert report.last == 19


def test_a_dry_run_writes_nothing(export: Path, journal: list[Block], tmp_path: Path) -> None:
    report = restore(open_source(str(export)), None)
    assert (report.blocks, report.dry_run) == (len(journal), True)
    assert report.digest == digest_up_to(journal, len(journal) - 1)
    assert not (tmp_path / "ledgers").exists()


def damage(export: Path, block: Block) -> None:
    for file in (each for each in export.rglob("*.ion")):
        data = bytearray(file.read_bytes())
        at = data.find(block.summary.entries_hash)
        if at >= 0:
            data[at] ^= 1
            file.write_bytes(data)


@pytest.mark.parametrize("processes", [0, 1])
def test_a_damaged_block_is_refused_and_what_is_before_it_is_there(
    processes: int, export: Path, journal: list[Block], tmp_path: Path
) -> None:
    damage(export, journal[25])
    with pytest.raises(DamagedJournalError, match="sequence number 25"):
        run(export, tmp_path / "ledgers", processes=processes)
    with opened(tmp_path / "ledgers") as ledger:
        assert contents(ledger.blocks()) == contents(journal[:25])
    report = run(export, tmp_path / "ledgers", stop_before_damage=True, processes=processes)
    assert report.exit_status == 1
    assert report.stopped_at is not None
    assert report.stopped_at.address is not None
    assert report.stopped_at.address.sequence_no == 25
    assert report.present == 25


def forged(journal: list[Block]) -> tuple[BlockAddress, bytes, bytes]:
    """A revision's record, and the same with other data under the same hash."""
    block = next(each for each in journal[5:] if each.revisions)
    revision = block.revisions[0]
    assert revision.metadata is not None
    record = next(
        each for each in records([block]) if b"REVISION_DETAILS" in each and revision.hash in each
    )
    fields = decode_record(record)
    assert isinstance(fields, RevisionDetailsRecord)
    other = replace(fields.revision, ion=with_data(fields.revision.ion))
    return block.address, record, encode_revision_details(fields.stream_arn, fields.table, other)


def with_data(revision: IonSpan) -> IonSpan:
    return IonSpan.of({**revision.value(), "data": {"forged": True}})


def test_a_document_that_was_changed_under_its_hash_is_refused(
    journal: list[Block], tmp_path: Path
) -> None:
    address, sound, changed = forged(journal)
    data = [changed if each == sound else each for each in records(journal)]
    assert data != list(records(journal))
    write_archive(tmp_path / "archive", data)
    with pytest.raises(DamagedJournalError, match=f"number {address.sequence_no},"):
        run(tmp_path / "archive", tmp_path / "ledgers")
    with opened(tmp_path / "ledgers") as ledger:
        assert contents(ledger.blocks()) == contents(journal[: address.sequence_no])


def test_a_changed_document_beside_a_sound_copy_is_no_loss(
    journal: list[Block], tmp_path: Path
) -> None:
    _, _, changed = forged(journal)
    for place, data in (("behind", [*records(journal), changed]), ("before", [changed])):
        write_archive(tmp_path / place, [*data, *records(journal)])
        run(tmp_path / place, tmp_path / f"{place} it")
        with opened(tmp_path / f"{place} it") as ledger:
            assert contents(ledger.blocks()) == contents(journal)


def test_a_damaged_record_with_a_sound_copy_is_no_loss(
    journal: list[Block], tmp_path: Path
) -> None:
    data = list(records(journal))
    victim = next(at for at, each in enumerate(data) if b"REVISION_DETAILS" in each)
    hash_ = next(each for each in journal if each.revisions).revisions[0].hash
    damaged = bytearray(data[victim])
    damaged[damaged.index(hash_)] ^= 1
    write_archive(tmp_path / "archive", [*data, bytes(damaged)])
    report = run(tmp_path / "archive", tmp_path / "ledgers", stop_before_damage=True)
    assert (report.blocks, report.stopped_at) == (len(journal), None)


def test_a_gap_is_refused_unless_allowed(journal: list[Block], tmp_path: Path) -> None:
    carried = [each for each in journal if each.revisions or each.address.sequence_no < 5]
    left_out = len(journal) - len(carried)
    assert left_out
    write_archive(tmp_path / "archive", records(carried))
    with pytest.raises(DamagedJournalError, match="not in the source"):
        run(tmp_path / "archive", tmp_path / "ledgers")
    report = run(tmp_path / "archive", tmp_path / "ledgers", allow_gaps=True)
    assert report.absent == left_out
    assert report.exit_status == 3
    with opened(tmp_path / "ledgers") as ledger:
        assert contents(ledger.blocks()) == contents(carried)


def test_a_lost_version_of_a_document_is_never_passed_over(tmp_path: Path) -> None:
    journal = new_journal(3)
    table = journal.tables[0]
    found = [journal.append(["CREATE TABLE T"], [])]
    for version in range(4):
        draft = RevisionDraft("d" * 22, version, table, {"v": version}, (0,))
        found.append(journal.append(["UPDATE T SET v = ?"], [draft]))
    write_archive(tmp_path / "archive", records(found[:2] + found[3:]))
    with pytest.raises(DamagedJournalError, match="before this one is in no record"):
        run(tmp_path / "archive", tmp_path / "ledgers", allow_gaps=True)
    report = run(
        tmp_path / "archive", tmp_path / "ledgers", allow_gaps=True, stop_before_damage=True
    )
    assert (report.last, report.exit_status) == (1, 1)
    assert report.stopped_at is not None
    assert report.stopped_at.address == found[3].address


def test_another_journal_is_never_mixed_in(export: Path, tmp_path: Path) -> None:
    run(export, tmp_path / "ledgers", until_sequence_no=10)
    write_export(tmp_path / "other", blocks(20, seed=77))
    with pytest.raises(RestoreTargetError, match="holds strand"):
        run(tmp_path / "other", tmp_path / "ledgers")
    forked = new_journal(4)
    write_export(tmp_path / "fork", list(fork(forked, 11)))
    with pytest.raises(DivergedError, match="another block there"):
        run(tmp_path / "fork", tmp_path / "ledgers")


def fork(journal: Journal, count: int) -> Iterator[Block]:
    for number in range(count):
        yield journal.append([f"SELECT {number} FROM Person"], [])


def test_several_journals_are_told_apart_by_name(journal: list[Block], tmp_path: Path) -> None:
    other = list(blocks(20, seed=8))
    mixed = [*records(journal), *records(other, "arn:aws:qldb:eu-west-1:0:stream/bank/x")]
    write_archive(tmp_path / "archive", mixed)
    for one in (journal, other):
        strand = one[0].address.strand_id
        report = run(tmp_path / "archive", tmp_path / strand, strand_id=strand)
        assert (report.blocks, report.strand_id) == (len(one), strand)
    with pytest.raises(DivergedError, match="second journal"):
        run(tmp_path / "archive", tmp_path / "ledgers")


def test_dropped_and_recreated_tables_redactions_and_deletions(tmp_path: Path) -> None:
    journal = new_journal(6)
    first, second = TableInfo("T", "1" * 22), TableInfo("T", "2" * 22)
    found = [
        journal.append(["CREATE TABLE T"], []),
        journal.append(["CREATE INDEX ON T (k)"], []),
        journal.append(["INSERT INTO T ?"], [RevisionDraft("a" * 22, 0, first, {"k": 1}, (0,))]),
        journal.append(["UPDATE T SET k = ?"], [RevisionDraft("a" * 22, 1, first, {"k": 2}, (0,))]),
        journal.append(["DROP TABLE T"], []),
        journal.append(["CREATE TABLE T"], []),
        journal.append(
            ["INSERT INTO T ?"],
            [
                RevisionDraft("b" * 22, 0, second, {"k": 3}, (0,)),
                RevisionDraft("c" * 22, 0, second, {"k": 4}, (0,)),
            ],
        ),
        journal.append(["DELETE FROM T"], [RevisionDraft("c" * 22, 1, second, None, (0,))]),
    ]
    target = found[2].address
    order = RedactedRevision(target, first.table_id, "a" * 22, 0)
    found.append(journal.append(["EXEC REDACT_REVISION ?, ?, ?"], [], (order,)))
    found[2] = redacted(found[2])
    write_export(tmp_path / "export", found)
    report = run(tmp_path / "export", tmp_path / "ledgers")
    assert report.exit_status == 0
    with opened(tmp_path / "ledgers") as ledger:
        assert contents(ledger.blocks()) == contents(found)
        assert ledger.has_table(first.table_id)
        assert ledger.has_table(second.table_id)
        tables = ledger.state.catalog.tables
        assert (tables[first.table_id].active, tables[second.table_id].active) == (False, True)
        revision, _ = ledger.revision("a" * 22, target)
        assert revision.redacted
        deleted, _ = ledger.revision("c" * 22, found[7].address)
        assert deleted.deleted


def redacted(block: Block) -> Block:
    struct = exported_struct(block)
    revision = struct["revisions"][0]
    struct["revisions"] = [
        {
            "blockAddress": revision["blockAddress"],
            "hash": revision["hash"],
            "dataHash": ion_hash(revision["data"]),
            "metadata": revision["metadata"],
        }
    ]
    return decoding.block(IonSpan.of(simpleion.loads(simpleion.dumps(struct, binary=True))))


def test_a_given_digest_is_compared(export: Path, journal: list[Block], tmp_path: Path) -> None:
    with FolderTarget(tmp_path / "ledgers", NAME) as target:
        report = restore(open_source(str(export)), target)
        assert report.digest is not None
        given = SavedDigest(report.digest, journal[-1].address)
        again = restore(open_source(str(export)), target, digest=given)
        assert (again.digest_equal, again.exit_status) == (True, 0)
        wrong = restore(open_source(str(export)), target, digest=replace(given, digest=bytes(32)))
        assert (wrong.digest_equal, wrong.exit_status) == (False, 1)


def test_a_dry_run_compares_a_given_digest_too(export: Path, journal: list[Block]) -> None:
    whole = verify_source(open_source(str(export))).strands[0].digest
    assert whole is not None
    given = SavedDigest(whole, journal[-1].address)
    dry = restore(open_source(str(export)), None, digest=given)
    assert (dry.digest, dry.digest_equal, dry.exit_status) == (whole, True, 0)
    wrong = restore(open_source(str(export)), None, digest=replace(given, digest=bytes(32)))
    assert (wrong.digest_equal, wrong.exit_status) == (False, 1)


def test_a_digest_beyond_what_is_restored_is_not_called_proven(
    export: Path, journal: list[Block], tmp_path: Path
) -> None:
    given = SavedDigest(bytes(32), journal[-1].address)
    part = RestoreSettings(until_sequence_no=10)
    for folder in (None, tmp_path / "ledgers"):
        with nullcontext() if folder is None else FolderTarget(folder, NAME) as target:
            report = restore(open_source(str(export)), target, part, digest=given)
        assert (report.digest_equal, report.exit_status) == (None, 3)
    assert report.digest == digest_up_to(journal, 10)


def digest_up_to(journal: list[Block], last: int) -> bytes:
    peaks = Peaks()
    for each in journal[: last + 1]:
        peaks.add(each.summary.block_hash)
    return peaks.digest()


def test_an_open_ledger_is_a_target_too(export: Path, journal: list[Block], tmp_path: Path) -> None:
    strand_id = journal[0].address.strand_id
    ledger = Ledger.create(tmp_path / "l.sqlite", NAME, strand_id=strand_id, genesis=False)
    try:
        assert restore(open_source(str(export)), LedgerTarget(ledger)).blocks == len(journal)
    finally:
        ledger.close()
