"""Realistic journals of any length, with the hashes that QLDB would give them.

A dealer's ledger: vehicles are registered, change hands, are renewed and taken off the road, in
transactions of one to a few documents of about 600 bytes. The same seed gives the same journal.

    python bench/generate_journal.py FOLDER --revisions 100000 --form archive
"""

from __future__ import annotations

import argparse
import gzip
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from amazon.ion import simpleion

from qldbkit.journal.blocks import exported_struct
from qldbkit.journal.building import BlockDraft, RevisionDraft, StatementDraft, form_block
from qldbkit.journal.hashes import statement_digest
from qldbkit.journal.kinesis import aggregate
from qldbkit.journal.model import Block, BlockAddress, TableInfo
from qldbkit.journal.records import (
    COMPLETED,
    CREATED,
    encode_block_summary,
    encode_control,
    encode_revision_details,
)
from qldbkit.ledger.clock import to_timestamp
from qldbkit.ledger.export_format import json_line

STREAM_ARN = "arn:aws:qldb:us-east-1:000000000000:stream/dealer/Fy4gT7n9rnrLQDEhY6otul"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
STATES = ("WA", "OR", "CA", "NV", "ID")
START = 1_577_836_800_000  # 2020-01-01, in milliseconds since 1970
TABLES = ("VehicleRegistration", "Vehicle", "Person")
EMPTY_DIGEST = statement_digest("-", [])


@dataclass
class Journal:
    """A journal as it grows."""

    random: random.Random
    strand_id: str
    tables: tuple[TableInfo, ...]
    moment: int = START
    sequence_no: int = 0
    tip_hash: bytes = b""
    versions: dict[str, tuple[int, TableInfo, dict[str, Any]]] = field(default_factory=dict)
    alive: list[str] = field(default_factory=list)

    def append(
        self, statements: list[str], writes: list[RevisionDraft], redactions: tuple[Any, ...] = ()
    ) -> Block:
        self.moment += self.random.randint(5, 400)
        times = [to_timestamp(self.moment + each) for each in range(len(statements))]
        draft = BlockDraft(
            BlockAddress(self.strand_id, self.sequence_no),
            self.tip_hash,
            identifier(self.random),
            to_timestamp(self.moment + len(statements) + 17),
            to_timestamp(self.moment + len(statements)),
            [
                StatementDraft(text, time, statement_digest(text, [self.random.random()]))
                for text, time in zip(statements, times, strict=True)
            ],
            writes,
            redactions,
        )
        self.moment += len(statements) + 17
        block = form_block(draft)
        self.sequence_no += 1
        self.tip_hash = block.summary.block_hash
        return block


def identifier(source: random.Random) -> str:
    return "".join(source.choices(DIGITS, k=22))


def document(source: random.Random) -> dict[str, Any]:
    """About 600 bytes of binary Ion."""
    number = source.randrange(10**9)
    return {
        "VIN": f"{number:017X}",
        "LicensePlateNumber": f"PLATE{number % 100_000:05}",
        "State": source.choice(STATES),
        "City": f"City {source.randrange(200)}",
        "PendingPenaltyTicketAmount": simpleion.loads(f"{source.randrange(100_000) / 100:.2f}"),
        "ValidFromDate": simpleion.loads(f"20{source.randint(10, 20)}-0{source.randint(1, 9)}-17T"),
        "Mileage": source.randrange(200_000),
        "Electric": source.random() < 0.2,
        "Owners": {
            "PrimaryOwner": {"PersonId": identifier(source)},
            "SecondaryOwners": [
                {"PersonId": identifier(source)} for _ in range(source.randrange(3))
            ],
        },
        "Remarks": "".join(source.choices("abcdefghijklmnopqrstuvwxyz     ", k=260)),
    }


def new_journal(seed: int = 1) -> Journal:
    source = random.Random(seed)
    tables = tuple(TableInfo(name, identifier(source)) for name in TABLES)
    return Journal(source, identifier(source), tables)


def blocks(revisions: int, seed: int = 1, per_block: int = 4) -> Iterator[Block]:
    """Blocks with about ``revisions`` revisions, ``1`` to ``per_block`` each, reads between."""
    journal = new_journal(seed)
    yield journal.append([], [])
    for table in journal.tables:
        yield journal.append([f"CREATE TABLE {table.table_name}"], [])
    yield journal.append(["CREATE INDEX ON VehicleRegistration (VIN)"], [])
    made = 0
    while made < revisions:
        if journal.random.random() < 0.02:
            yield journal.append(["SELECT * FROM Person AS p WHERE p.GovId = ?"], [])
            continue
        count = min(journal.random.randint(1, per_block), revisions - made)
        yield _transaction(journal, count)
        made += count


def _transaction(journal: Journal, count: int) -> Block:
    statements: list[str] = []
    writes: dict[str, RevisionDraft] = {}
    while len(writes) < count:
        id_ = journal.random.choice(journal.alive) if journal.alive else ""
        fate = journal.random.random()
        if not id_ or id_ in writes or fate < 0.45:
            id_, table = identifier(journal.random), journal.random.choice(journal.tables)
            version, data = -1, document(journal.random)
            journal.alive.append(id_)
            statements.append(f"INSERT INTO {table.table_name} ?")
        else:
            version, table, data = journal.versions[id_]
            data = {**data, "Mileage": data["Mileage"] + 1000}
            statements.append(f"UPDATE {table.table_name} AS t SET t.Mileage = ? WHERE t.VIN = ?")
        journal.versions[id_] = (version + 1, table, data)
        gone = version >= 0 and fate > 0.97
        if gone:
            journal.alive.remove(id_)
            statements[-1] = f"DELETE FROM {table.table_name} AS t WHERE t.VIN = ?"
        index = len(statements) - 1
        writes[id_] = RevisionDraft(id_, version + 1, table, None if gone else data, (index,))
    return journal.append(statements, list(writes.values()))


def write_export(
    folder: Path, found: Iterable[Block], output_format: str = "ION_TEXT", per_object: int = 1000
) -> None:
    """An export of the blocks, with its manifests."""
    source, keys, strand = iter(found), [], ""
    hour = folder / "2020/01/01/00"
    hour.mkdir(parents=True, exist_ok=True)
    while batch := list(islice(source, per_object)):
        strand = batch[0].address.strand_id
        ends = f"{batch[0].address.sequence_no}-{batch[-1].address.sequence_no}"
        name = f"{strand}.{ends}.{'json' if output_format == 'JSON' else 'ion'}"
        body = b"".join(encoded(exported_struct(each), output_format) for each in batch)
        (hour / name).write_bytes(body)
        keys.append(f"exports/2020/01/01/00/{name}")
    manifest = encoded({"keys": keys}, output_format)
    (folder / f"8UyXulxccYLAsbN1aon7e4.{strand}.completed.manifest").write_bytes(manifest)


def encoded(value: Any, output_format: str) -> bytes:
    if output_format == "JSON":
        return json_line(value)
    if output_format == "ION_BINARY":
        return bytes(simpleion.dumps(value, binary=True))
    return str(simpleion.dumps(value, binary=False, omit_version_marker=True)).encode() + b"\n"


def records(found: Iterable[Block], stream_arn: str = STREAM_ARN) -> Iterator[bytes]:
    """The records of a stream, in the journal's order, without blocks that only read."""
    yield encode_control(stream_arn, CREATED)
    for block in found:
        summary = block.summary
        yield encode_block_summary(stream_arn, summary)
        for revision in block.revisions:
            table = block.table_of(revision)
            assert table is not None
            yield encode_revision_details(stream_arn, table, revision)
    yield encode_control(stream_arn, COMPLETED)


def write_archive(
    folder: Path,
    data: Iterable[bytes],
    *,
    per_object: int = 5000,
    compressed: bool = False,
    aggregated: bool = False,
) -> None:
    """Objects as Firehose writes them: records one behind the other."""
    if aggregated:
        data = (each.data for each in aggregate(("key", each) for each in data))
    source = iter(data)
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    while batch := list(islice(source, per_object)):
        body = b"".join(batch)
        name = f"delivery-1-2020-01-01-00-{number:06}" + (".gz" if compressed else "")
        (folder / name).write_bytes(gzip.compress(body, 6, mtime=0) if compressed else body)
        number += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--revisions", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--form",
        choices=("archive", "archive.gz", "ION_TEXT", "ION_BINARY", "JSON"),
        default="archive",
    )
    options = parser.parse_args()
    found = blocks(options.revisions, options.seed)
    if options.form.startswith("archive"):
        compressed = options.form.endswith(".gz")
        write_archive(options.folder, records(found), compressed=compressed)
    else:
        write_export(options.folder, found, options.form)


if __name__ == "__main__":
    main()
