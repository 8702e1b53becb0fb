"""One flipped bit anywhere in an export or archive is found."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from generate_journal import records, write_archive, write_export
from simulation.source import Source

from qldbkit.errors import QldbkitError
from qldbkit.journal.findings import Finding
from qldbkit.journal.model import Block
from qldbkit.journal.peaks import Peaks
from qldbkit.journal.proving import prove
from qldbkit.journal.sources.answers import SavedDigest
from qldbkit.journal.sources.opening import open_source
from qldbkit.journal.verification import verify_source

CUTS = 150
"""Places in an object at which it is cut short."""


def journal() -> list[Block]:
    """A small one, so that each of its bytes can be damaged in turn."""
    source = Source()
    source.create_table("Person")
    source.insert("Person", {"name": "one", "price": 1.5})
    return source.blocks


WRITERS: dict[str, Callable[[Path], None]] = {
    "Ion text export": lambda folder: write_export(folder, journal()),
    "Ion binary export": lambda folder: write_export(folder, journal(), "ION_BINARY"),
    "archive": lambda folder: write_archive(folder, records(journal())),
    "compressed archive": lambda folder: write_archive(folder, records(journal()), compressed=True),
    "aggregated archive": lambda folder: write_archive(folder, records(journal()), aggregated=True),
}


def contents(folder: Path) -> list[bytes]:
    """What is read, as hashes of blocks and revisions as they stand: every value in them counts."""
    found = []
    for stored in open_source(str(folder)).stored_blocks():
        assert not isinstance(stored, Finding)
        block = prove(stored).block
        assert block is not None
        found.append(block.summary.ion.hash())
        found += [each.ion.hash() for each in block.revisions]
    return found


def status(folder: Path, digest: SavedDigest | None = None) -> int:
    try:
        return verify_source(open_source(str(folder)), digest).exit_status
    except QldbkitError:
        return 1


def digest_of(found: list[Block]) -> SavedDigest:
    peaks = Peaks()
    for each in found:
        peaks.add(each.summary.block_hash)
    return SavedDigest(peaks.digest(), found[-1].address)


@pytest.mark.parametrize("form", WRITERS)
def test_a_flipped_bit_is_found_or_changes_nothing_that_is_read(form: str, tmp_path: Path) -> None:
    """One bit of every byte; which one is by chance, from ``SEED``."""
    WRITERS[form](tmp_path)
    whole, chance = contents(tmp_path), random.Random(int(os.environ.get("SEED", "1")))
    assert status(tmp_path) == 0
    for file in sorted(each for each in tmp_path.rglob("*") if each.is_file()):
        data = file.read_bytes()
        for at in range(len(data)):
            bit = chance.randrange(8)
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
    digest = digest_of(journal())
    (file,) = (each for each in tmp_path.rglob("*") if each.is_file() and "manif" not in each.name)
    data = file.read_bytes()
    whole = contents(tmp_path)
    for at in range(0, len(data), 1 + len(data) // CUTS):
        file.write_bytes(data[:at])
        assert status(tmp_path, digest) != 0 or contents(tmp_path) == whole, f"cut at {at}"
