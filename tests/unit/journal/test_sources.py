"""Every form in which people hold a journal gives the same blocks, in order."""

import gzip
import random
import resource
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from generate_journal import (
    STREAM_ARN,
    Journal,
    blocks,
    new_journal,
    records,
    write_archive,
    write_export,
)
from moto import mock_aws

from qldbkit.journal.blocks import exported_struct
from qldbkit.journal.findings import FindingKind
from qldbkit.journal.hashes import ion_hash
from qldbkit.journal.model import Block
from qldbkit.journal.peaks import Peaks
from qldbkit.journal.proving import prove
from qldbkit.journal.sources.objects import LocationError
from qldbkit.journal.sources.opening import UnknownFormError, open_source
from qldbkit.journal.sources.spill import SpillError
from qldbkit.journal.sources.stored import StoredBlock
from qldbkit.journal.verification import VerificationReport, verify_source

REVISIONS = 60


@pytest.fixture(scope="module")
def journal() -> list[Block]:
    return list(blocks(REVISIONS))


def read(location: object) -> list[bytes]:
    """The blocks of a source, as hashes of their whole contents."""
    found = []
    for stored in open_source(str(location)).stored_blocks():
        assert isinstance(stored, StoredBlock), stored
        outcome = prove(stored)
        assert outcome.whole, outcome.findings
        assert outcome.block is not None
        found.append(ion_hash(exported_struct(outcome.block)))
    return found


def hashes(journal: list[Block]) -> list[bytes]:
    return [ion_hash(exported_struct(each)) for each in journal]


def verified(location: object) -> VerificationReport:
    return verify_source(open_source(str(location)))


def kinds(report: VerificationReport) -> dict[FindingKind, int]:
    return {kind: count for kind, count in report.counts.items() if count}


def shuffled(data: list[bytes], seed: int = 3) -> list[bytes]:
    twice = data + random.Random(seed).sample(data, len(data) // 3)
    random.Random(seed).shuffle(twice)
    return twice


Write = Callable[[Path, list[Block]], None]
FORMS: dict[str, Write] = {
    "Ion text export": lambda at, found: write_export(at, found, per_object=7),
    "Ion binary export": lambda at, found: write_export(at, found, "ION_BINARY", per_object=7),
    "archive": lambda at, found: write_archive(at, records(found), per_object=9),
    "archive out of order, with duplicates": lambda at, found: write_archive(
        at, shuffled(list(records(found))), per_object=9
    ),
    "compressed archive": lambda at, found: write_archive(at, records(found), compressed=True),
    "aggregated archive": lambda at, found: write_archive(
        at, shuffled(list(records(found))), aggregated=True, per_object=2
    ),
    "archive with newlines": lambda at, found: write_archive(
        at, (each + b"\n" for each in records(found)), per_object=9
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_blocks_in_order(
    form: str, journal: list[Block], tmp_path: Path
) -> None:
    FORMS[form](tmp_path, journal)
    assert read(tmp_path) == hashes(journal)
    report = verified(tmp_path)
    assert report.exit_status == 0, report.findings
    assert report.strands[0].revisions == REVISIONS


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_compressed_export_and_a_copied_part_of_the_path(
    suffix: str, journal: list[Block], tmp_path: Path
) -> None:
    write_export(tmp_path, journal, per_object=20)
    for file in [each for each in tmp_path.rglob("*") if each.is_file()]:
        data = gzip.compress(file.read_bytes())
        file.unlink()
        (tmp_path / (file.name + suffix)).write_bytes(data)
    assert read(tmp_path) == hashes(journal)
    report = verified(tmp_path)
    assert report.exit_status == 0, report.findings
    assert open_source(str(tmp_path)).expected_blocks() == len(journal)


def test_the_same_from_a_bucket(journal: list[Block], tmp_path: Path) -> None:
    write_export(tmp_path, journal, per_object=20)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="journals")
        for file in (each for each in tmp_path.rglob("*") if each.is_file()):
            key = f"exports/{file.relative_to(tmp_path).as_posix()}"
            client.put_object(Bucket="journals", Key=key, Body=file.read_bytes())
        assert read("s3://journals/exports") == hashes(journal)
        with pytest.raises(LocationError, match="cannot be listed"):
            open_source("s3://no-such-bucket/exports")
        with pytest.raises(UnknownFormError, match="it is empty"):
            open_source("s3://journals/nothing")


def test_json_is_proven_only_as_far_as_types_survived(journal: list[Block], tmp_path: Path) -> None:
    write_export(tmp_path, journal, "JSON", per_object=20)
    report = verified(tmp_path)
    assert kinds(report) == {FindingKind.UNVERIFIABLE: 1}
    assert report.exit_status == 3
    # The chain of hashes has no types to lose.
    assert report.strands[0].digest == digest_of(journal)


def digest_of(journal: list[Block]) -> bytes | None:
    peaks = Peaks()
    for each in journal:
        peaks.add(each.summary.block_hash)
    return peaks.digest()


def test_what_is_no_journal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormError, match="it is empty"):
        open_source(str(tmp_path))
    (tmp_path / "notes.txt").write_text("no journal")
    with pytest.raises(UnknownFormError, match="none of its 1 objects is one"):
        open_source(str(tmp_path))
    with pytest.raises(LocationError, match="there is no file or folder"):
        open_source(str(tmp_path / "missing"))
    with pytest.raises(LocationError, match="names no bucket"):
        open_source("s3://")


def findings(location: Path) -> Iterator[str]:
    return (str(each) for each in verified(location).findings)


def test_an_object_that_the_manifest_lists_is_missing(journal: list[Block], tmp_path: Path) -> None:
    write_export(tmp_path, journal, per_object=10)
    lost = sorted((tmp_path / "2020/01/01/00").iterdir())[0]
    first, last = lost.stem.split(".")[1].split("-")
    lost.unlink()
    report = verified(tmp_path)
    assert report.exit_status == 1
    assert any(lost.name in str(each) for each in report.findings)
    if first != "0":
        assert any(f"blocks {first} to {last} are not there" in str(e) for e in report.findings)


def test_gaps_and_overlaps_of_exports_are_named(journal: list[Block], tmp_path: Path) -> None:
    write_export(tmp_path / "a", journal[:10])
    write_export(tmp_path / "b", journal[12:20])
    found = list(findings(tmp_path))
    assert any("no object has blocks 10 to 11" in each for each in found)
    write_export(tmp_path / "c", journal[8:15])
    found = list(findings(tmp_path))
    assert any("the exports overlap" in each for each in found)
    assert not any("no object has" in each for each in found)


def test_without_a_manifest_the_end_is_not_proven(journal: list[Block], tmp_path: Path) -> None:
    write_export(tmp_path, journal)
    next(tmp_path.glob("*.manifest")).unlink()
    assert read_all(tmp_path) == len(journal)
    assert verified(tmp_path).exit_status == 3


def read_all(location: Path) -> int:
    return sum(isinstance(each, StoredBlock) for each in open_source(str(location)).stored_blocks())


def test_a_lost_record_of_an_archive_is_missed(journal: list[Block], tmp_path: Path) -> None:
    data = list(records(journal))
    victim = next(at for at, each in enumerate(data) if b"REVISION_DETAILS" in each)
    write_archive(tmp_path, data[:victim] + data[victim + 1 :])
    report = verified(tmp_path)
    assert kinds(report) == {FindingKind.MISSING: 1}
    assert "the revision of document" in report.findings[0].reason
    assert report.findings[0].address is not None


def test_a_full_disk_is_told_with_what_to_do(
    journal: list[Block], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_archive(tmp_path / "archive", records(journal))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, before[1]))
    try:
        with pytest.raises(SpillError, match="cannot be written") as told:
            read(tmp_path / "archive")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert told.value.hint is not None
    assert "TMPDIR" in told.value.hint
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(SpillError, match=str(tmp_path / "missing")):
        read(tmp_path / "archive")


def test_nothing_is_left_of_the_records_that_were_put_in_order(
    journal: list[Block], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_archive(tmp_path / "archive", records(journal))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    found = open_source(str(tmp_path / "archive")).stored_blocks()
    assert next(found)
    assert list((tmp_path / "temporary").iterdir()) == []  # nor of a process that is killed here


def test_blocks_that_streams_may_leave_out_are_only_not_proven(
    journal: list[Block], tmp_path: Path
) -> None:
    carried = [each for each in journal if each.revisions]
    write_archive(tmp_path, records(carried))
    report = verified(tmp_path)
    assert set(kinds(report)) <= {FindingKind.UNVERIFIABLE}
    assert read_all(tmp_path) == len(carried)


def test_a_lost_version_of_a_document_is_missed(tmp_path: Path) -> None:
    journal = list(blocks(200, seed=5))
    updated = next(
        each
        for each in journal
        if any(r.metadata is not None and r.metadata.version == 1 for r in each.revisions)
        and followed(each, journal)
    )
    write_archive(tmp_path, records(each for each in journal if each is not updated))
    report = verified(tmp_path)
    assert report.exit_status == 1
    assert any("before this one is in no record" in each.reason for each in report.findings)


def followed(block: Block, journal: list[Block]) -> bool:
    """Whether a document at version 1 in the block is written again later."""
    ids = {r.metadata.id for r in block.revisions if r.metadata and r.metadata.version == 1}
    return any(
        r.metadata is not None and r.metadata.id in ids and r.metadata.version == 2
        for each in journal
        for r in each.revisions
    )


def test_two_blocks_of_one_address_name_both_objects(tmp_path: Path) -> None:
    first, second = new_journal(1), new_journal(1)
    one = list(records([grown(first, "A")]))
    other = list(records([grown(second, "B")]))
    write_archive(tmp_path / "a", one)
    write_archive(tmp_path / "b", other)
    report = verified(tmp_path)
    (finding,) = (each for each in report.findings if "contradicts" in each.reason)
    assert "a/delivery" in str(finding)
    assert "b/delivery" in str(finding)
    assert report.exit_status == 1


def grown(journal: Journal, name: str) -> Block:
    return journal.append([f"CREATE TABLE {name}"], [])


def test_several_ledgers_in_one_archive_are_told_apart(tmp_path: Path) -> None:
    other_arn = STREAM_ARN.replace("dealer", "bank")
    mixed = [
        *records(blocks(20, seed=1)),
        *records(blocks(20, seed=2), other_arn),
    ]
    write_archive(tmp_path, shuffled(mixed))
    report = verified(tmp_path)
    assert report.exit_status == 0, report.findings
    assert len(report.strands) == 2
    assert [each.revisions for each in report.strands] == [20, 20]


def test_damage_is_named_with_block_and_byte_and_hides_nothing_behind_it(
    journal: list[Block], tmp_path: Path
) -> None:
    write_export(tmp_path, journal, "ION_BINARY")
    (file,) = (tmp_path / "2020/01/01/00").iterdir()
    data = bytearray(file.read_bytes())
    for sequence_no in (10, 20):
        address = journal[sequence_no].revisions[0].hash
        data[data.index(address)] ^= 1
    file.write_bytes(data)
    report = verified(tmp_path)
    broken = {each.address.sequence_no for each in report.findings if each.address}
    assert broken == {10, 20}
    for each in report.findings:
        assert each.place is not None
        assert each.place.object_name.endswith(file.name)
        assert each.place.offset is not None


def test_records_larger_than_what_is_read_at_once(tmp_path: Path) -> None:
    from qldbkit.journal.building import RevisionDraft

    journal = new_journal()
    large = {"Text": "x" * 3_000_000}
    draft = RevisionDraft("d" * 22, 0, journal.tables[0], large, (0,))
    found = [journal.append(["INSERT INTO T ?"], [draft]), grown(journal, "B")]
    for form in ("ION_TEXT", "ION_BINARY"):
        write_export(tmp_path / form, found, form)
        assert read(tmp_path / form) == hashes(found)
    write_archive(tmp_path / "archive", records(found))
    assert read(tmp_path / "archive") == hashes(found)
