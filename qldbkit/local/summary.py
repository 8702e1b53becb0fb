"""Counts what a ledger and the archive of its journal hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from amazon.ion import simpleion

from qldbkit.names import check_table_name


@dataclass(frozen=True, slots=True)
class JournalSummary:
    """How much a ledger's journal holds.

    Attributes:
        blocks: blocks from the first to the tip.
        revisions: for each table, the revisions of all its documents, deletions included.
    """

    blocks: int
    revisions: dict[str, int]


def journal_summary(qldb: Any, driver: Any, ledger: str, tables: Sequence[str]) -> JournalSummary:
    """Count a ledger's blocks, and the revisions of ``tables``.

    Args:
        qldb: a client of QLDB's control plane.
        driver: a driver on the ledger.
        ledger: its name.
        tables: names of its tables.
    """
    tip = simpleion.loads(qldb.get_digest(Name=ledger)["DigestTipAddress"]["IonText"])
    revisions = {table: _revisions(driver, table) for table in tables}
    return JournalSummary(blocks=int(tip["sequenceNo"]) + 1, revisions=revisions)


def archived_objects(s3: Any, bucket: str) -> int:
    """Return how many objects a bucket holds."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return sum(page["KeyCount"] for page in pages)


def _revisions(driver: Any, table: str) -> int:
    statement = f"SELECT VALUE h.metadata.id FROM history({check_table_name(table)}) AS h"  # noqa: S608
    return int(driver.execute_lambda(lambda tx: sum(1 for _ in tx.execute_statement(statement))))
