"""One flipped bit anywhere in an export or archive is found."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from generate_journal import blocks, records, write_archive, write_export

from qldbkit.errors import QldbkitError
from qldbkit.journal.blocks import exported_struct
from qldbkit.journal.findings import Finding
from qldbkit.journal.hashes import ion_hash
from qldbkit.journal.model import Block
from qldbkit.journal.peaks import Peaks
from qldbkit.journal.proving import prove
from qldbkit.journal.sources.answers import SavedDigest
from qldbkit.journal.sources.opening import open_source
from qldbkit.journal.verification import verify_source

REVISIONS = 5
REGIONS = 150
"""Parts into which an object is divided; in each of them one bit is flipped in every run."""

WRITERS: dict[str, Callable[[Path], None]] = {
    "Ion text export": lambda folder: write_export(folder, blocks(REVISIONS)),
    "Ion binary export": lambda folder: write_export(folder, blocks(REVISIONS), "ION_BINARY"),
    "archive": lambda folder: write_archive(folder, records(blocks(REVISIONS))),
    "compressed archive": lambda folder: write_archive(
        folder, records(blocks(REVISIONS)), compressed=True
    ),
    "aggregated archive": lambda folder: write_archive(
        folder, records(blocks(REVISIONS)), aggregated=True
    ),
}


def contents(folder: Path) -> list[bytes]:
    """What is read, as hashes of whole blocks: every value in them counts."""
    found = []
    for stored in open_source(str(folder)).stored_blocks():
        assert not isinstance(stored, Finding)
        block = prove(stored).block
        assert block is not None
        found.append(ion_hash(exported_struct(block)))
    return found


def status(folder: Path, digest: SavedDigest | None = None) -> int:
    try:
        return verify_source(open_source(str(folder)), digest).exit_status
    except QldbkitError:
        return 1


def digest_of(journal: list[Block]) -> SavedDigest:
    peaks = Peaks()
    for each in journal:
        peaks.add(each.summary.block_hash)
    return SavedDigest(peaks.digest(), journal[-1].address)


def flips(size: int, seed: int) -> Iterator[tuple[int, int]]:
    source = random.Random(seed)
    for region in range(REGIONS):
        first, end = region * size // REGIONS, (region + 1) * size // REGIONS
        if first < end:
            yield source.randrange(first, end), source.randrange(8)


@pytest.mark.parametrize("form", WRITERS)
def test_a_flipped_bit_is_found_or_changes_nothing_that_is_read(form: str, tmp_path: Path) -> None:
    WRITERS[form](tmp_path)
    whole = contents(tmp_path)
    assert status(tmp_path) == 0
    for file in sorted(each for each in tmp_path.rglob("*") if each.is_file()):
        data = file.read_bytes()
        for at, bit in flips(len(data), seed=len(data)):
            damaged = bytearray(data)
            damaged[at] ^= 1 << bit
            file.write_bytes(damaged)
            if status(tmp_path) == 0:
                assert contents(tmp_path) == whole, f"bit {bit} of byte {at} in {file.name}"
        file.write_bytes(data)


@pytest.mark.parametrize("form", WRITERS)
def test_an_object_cut_short_anywhere_is_found(form: str, tmp_path: Path) -> None:
    """With the journal's digest, because a shorter archive is an archive, too."""
    WRITERS[form](tmp_path)
    digest = digest_of(list(blocks(REVISIONS)))
    (file,) = (each for each in tmp_path.rglob("*") if each.is_file() and "manif" not in each.name)
    data = file.read_bytes()
    whole = contents(tmp_path)
    for at, _ in flips(len(data), seed=1):
        file.write_bytes(data[:at])
        assert status(tmp_path, digest) != 0 or contents(tmp_path) == whole, f"cut at {at}"
