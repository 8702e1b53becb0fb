"""What a ledger refuses as too much.

QLDB's numbers are from https://docs.aws.amazon.com/qldb/latest/developerguide/limits.html and its
service model.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a ledger and its sessions; the defaults are QLDB's where it has one.

    Attributes:
        sessions: sessions open at the same time, over all ledgers of a server.
        session_idle_seconds: after so long without a request a session ends.
        transaction_seconds: after so long a transaction ends.
        transaction_bytes: of the statements' texts and the revisions that a transaction writes.
        transaction_documents: documents that a transaction may write.
        transaction_redactions: revisions that a transaction may redact.
        transaction_reads: reads that a transaction remembers one by one; with more of them it
            conflicts with every later commit. (No bound of QLDB's is known.)
        document_bytes: of a document in binary Ion.
        statement_characters: of a statement's text.
        parameter_bytes: of a parameter in binary Ion.
        parameter_characters: of a parameter in Ion text.
        active_tables: tables that are not dropped.
        total_tables: tables, dropped ones included.
        indexes_per_table: indexes of one table.
        field_name_characters: of the name of an indexed field.
        page_rows: values on one page of a result. (QLDB's number is not documented.)
        page_bytes: binary Ion on one page of a result, at which the page ends.
        cursors: results of one transaction that wait for FetchPage.
        remembered_changes: recent changes kept for conflict checks; transactions older than
            what had to be forgotten conflict.
        index_batch: documents that an index is built from, or dropped for, in one step.
        reader_connections: connections kept open for reading.
    """

    sessions: int = 1500
    session_idle_seconds: float = 60
    transaction_seconds: float = 30
    transaction_bytes: int = 4 * 1024 * 1024
    transaction_documents: int = 40
    transaction_redactions: int = 1
    transaction_reads: int = 100_000
    document_bytes: int = 128 * 1024
    statement_characters: int = 100_000
    parameter_bytes: int = 128 * 1024
    parameter_characters: int = 1024 * 1024
    active_tables: int = 20
    total_tables: int = 40
    indexes_per_table: int = 5
    field_name_characters: int = 128
    page_rows: int = 200
    page_bytes: int = 1024 * 1024
    cursors: int = 100
    remembered_changes: int = 500_000
    index_batch: int = 1000
    reader_connections: int = 8
