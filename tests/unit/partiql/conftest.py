"""An in-memory ledger for statements to run against."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from amazon.ion import simpleion
from amazon.ion.core import Timestamp, TimestampPrecision

from qldbkit.journal.model import BlockAddress
from qldbkit.partiql import prepare
from qldbkit.partiql.database import Row, Table
from qldbkit.partiql.dialect import Dialect
from qldbkit.partiql.results import decoded
from qldbkit.partiql.values import equals
from qldbkit.partiql.values import field as field_of

NOW = Timestamp(2021, 6, 5, 4, 3, 2, 0, precision=TimestampPrecision.SECOND)


@dataclass
class MemoryTable:
    table: Table
    documents: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, list[Any]] = field(default_factory=dict)


@dataclass
class MemoryLedger:
    """One transaction on tables in memory; ``reads`` says how the statements got their rows."""

    tables: dict[str, MemoryTable] = field(default_factory=dict)
    dropped: dict[str, MemoryTable] = field(default_factory=dict)
    reads: list[tuple[str, ...]] = field(default_factory=list)
    redacted: list[tuple[Any, ...]] = field(default_factory=list)
    transaction_id: str = "T000000000000000000000"
    now: Timestamp = NOW
    _count: int = 0

    def run(self, text: str, *parameters: Any, dialect: Dialect = Dialect.FULL) -> list[Any]:
        return list(map(decoded, prepare(text, dialect).execute(self, parameters)))

    def _id(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count:021d}"

    def table(self, name: str) -> Table | None:
        found = self.tables.get(name)
        return found.table if found else None

    def scan(self, table: Table) -> Iterator[Row]:
        self.reads.append(("scan", table.name))
        return iter([Row(i, d) for i, d in self.tables[table.name].documents.items()])

    def find(self, table: Table, field: str, values: Sequence[Any]) -> Iterator[Row]:
        assert field in table.indexed
        self.reads.append(("find", table.name, field, *map(str, values)))
        rows = self.tables[table.name].documents.items()
        return iter(
            [
                Row(i, d)
                for i, d in rows
                if any(equals(field_of(d, field), value) is True for value in values)
            ]
        )

    def get(self, table: Table, document_ids: Collection[str]) -> Iterator[Row]:
        self.reads.append(("get", table.name, *document_ids))
        documents = self.tables[table.name].documents
        return iter([Row(i, documents[i]) for i in document_ids if i in documents])

    def committed(self, table: Table, row: Row) -> Any:
        return self.tables[table.name].versions[row.document_id][-1]

    def history(self, table: str, start: Any, end: Any, document_ids: Any) -> Iterator[Any]:
        both = {**self.dropped, **self.tables}
        found = next((t for t in both.values() if table in (t.table.name, t.table.table_id)), None)
        if found is None:
            raise LookupError(table)
        self.reads.append(("history", table, str(start), str(end), *(document_ids or ())))
        for document_id, versions in found.versions.items():
            if document_ids is None or document_id in document_ids:
                yield from versions

    def user_tables(self) -> Iterator[Any]:
        for status, tables in (("ACTIVE", self.tables), ("INACTIVE", self.dropped)):
            for each in tables.values():
                yield simpleion.loads(f'{{name: "{each.table.name}", status: "{status}"}}')

    def insert(self, table: Table, document: Any) -> str:
        document_id = self._id("D")
        self.tables[table.name].documents[document_id] = document
        self._revise(table, document_id, document)
        return document_id

    def _revise(self, table: Table, document_id: str, document: Any) -> None:
        versions = self.tables[table.name].versions.setdefault(document_id, [])
        metadata = {"id": document_id, "version": len(versions)}
        versions.append({"data": document, "metadata": metadata})

    def replace(self, table: Table, document_id: str, document: Any) -> None:
        assert document_id in self.tables[table.name].documents
        self.tables[table.name].documents[document_id] = document
        self._revise(table, document_id, document)

    def delete(self, table: Table, document_id: str) -> None:
        del self.tables[table.name].documents[document_id]

    def create_table(self, name: str) -> str:
        table_id = self._id("T")
        self.tables[name] = MemoryTable(Table(name, table_id, frozenset()))
        return table_id

    def drop_table(self, name: str) -> str:
        self.dropped[name] = self.tables.pop(name)
        return self.dropped[name].table.table_id

    def undrop_table(self, table_id: str) -> str:
        name = next(n for n, t in self.dropped.items() if t.table.table_id == table_id)
        self.tables[name] = self.dropped.pop(name)
        return table_id

    def create_index(self, table: str, field: str) -> str:
        found = self.tables[table]
        found.table = replace(found.table, indexed=found.table.indexed | {field})
        return found.table.table_id

    def drop_index(self, table: str, index_id: str) -> str:
        found = self.tables[table]
        found.table = replace(found.table, indexed=found.table.indexed - {index_id})
        return found.table.table_id

    def redact(self, address: BlockAddress, table_id: str, document_id: str) -> Any:
        self.redacted.append((address, table_id, document_id))
        return {"tableId": table_id, "documentId": document_id, "version": 0}


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
def vehicles(ledger: MemoryLedger) -> MemoryLedger:
    """Some of the tables and documents of AWS's vehicle registration sample."""
    for table, index in (("Vehicle", "VIN"), ("Person", "GovId"), ("VehicleRegistration", "VIN")):
        ledger.run(f"CREATE TABLE {table}")
        ledger.run(f"CREATE INDEX ON {table} ({index})")
    for name, gov_id in (("Raul", "LEWISR261LL"), ("Brent", "LOGANB486CG")):
        ledger.run("INSERT INTO Person ?", ion(f'{{FirstName: "{name}", GovId: "{gov_id}"}}'))
    for vin, colour in (("1N4AL11D75C109151", "Silver"), ("KM8SRDHF6EU074761", "Blue")):
        ledger.run("INSERT INTO Vehicle ?", ion(f'{{VIN: "{vin}", Color: "{colour}"}}'))
        ledger.run(
            "INSERT INTO VehicleRegistration ?",
            ion(
                f'{{VIN: "{vin}", State: "WA", PendingPenaltyTicketAmount: 90.25, Owners: '
                '{PrimaryOwner: {PersonId: "P1"}, SecondaryOwners: [{PersonId: "P2"}, '
                '{PersonId: "P3"}]}}'
            ),
        )
    ledger.reads.clear()
    return ledger


def ion(text: str) -> Any:
    return simpleion.loads(text)


@pytest.fixture(scope="session")
def new_ledger() -> type[MemoryLedger]:
    """Makes a ledger for every example of a property."""
    return MemoryLedger
