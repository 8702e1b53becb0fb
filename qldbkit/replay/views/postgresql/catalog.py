"""The source's tables as relations: made, dropped under another name, and indexed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, LiteralString

from psycopg import sql

from qldbkit.replay.errors import DestinationChangedError
from qldbkit.replay.views.postgresql.connecting import Connection
from qldbkit.replay.views.postgresql.naming import SUFFIXES, base_name

READ: Final = "SELECT key, name, base, active, indexes FROM journal_table ORDER BY key"
"""All tables that ever were; a ledger has 40 at most at a time."""
_CREATE: Final[tuple[LiteralString, ...]] = (
    """
CREATE TABLE {current} (
    id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    data jsonb NOT NULL,
    tx_id text COLLATE "C",
    tx_time timestamptz,
    strand_id text COLLATE "C",
    sequence_no bigint,
    hash bytea
)
""",
    """
CREATE TABLE {history} (
    id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    data jsonb,
    tx_id text COLLATE "C" NOT NULL,
    tx_time timestamptz NOT NULL,
    strand_id text COLLATE "C" NOT NULL,
    sequence_no bigint NOT NULL,
    hash bytea NOT NULL,
    deleted boolean NOT NULL,
    data_hash bytea,
    ion bytea NOT NULL,
    PRIMARY KEY (id, version)
)
""",
    """
CREATE VIEW {versions} AS
SELECT id, version, data, tx_id, tx_time AS valid_from,
    lead(tx_time) OVER (PARTITION BY id ORDER BY version) AS valid_to,
    deleted, data_hash IS NOT NULL AS redacted, strand_id, sequence_no
FROM {history}
""",
    """
CREATE VIEW {deleted} AS
SELECT gone.id, gone.version, gone.tx_id, gone.tx_time AS deleted_at, (
        SELECT before.data FROM {history} AS before
        WHERE before.id = gone.id AND before.version < gone.version
        ORDER BY before.version DESC LIMIT 1
    ) AS last_data
FROM {history} AS gone
WHERE gone.deleted
""",
)
"""One statement each: a pipeline takes no more at once."""
_TAKEN: Final = """
SELECT relname FROM pg_class WHERE relnamespace = quote_ident(%(schema)s)::regnamespace
UNION SELECT typname FROM pg_type WHERE typnamespace = quote_ident(%(schema)s)::regnamespace
"""


@dataclass(frozen=True, slots=True)
class ViewTable:
    """A table of the source.

    Attributes:
        key: its number in the view; a table made again under one name is another one.
        name: its name in the source, or the one that it is replayed as.
        base: what its relations' names begin with.
        active: whether it was not dropped.
        indexes: its indexed fields.
    """

    key: int
    name: str
    base: str
    active: bool
    indexes: tuple[str, ...]

    @property
    def current(self) -> str:
        """The relation of its current documents."""
        return self.base

    @property
    def history(self) -> str:
        """The relation of all revisions."""
        return f"{self.base}_history"


class Catalog:
    """The tables, as a transaction sees and changes them."""

    def __init__(self, connection: Connection, schema: str, rows: list[tuple[object, ...]]):
        """Begin with what `READ` gave."""
        self._connection, self._schema = connection, schema
        self._hold(_tables(rows))

    @classmethod
    def read(cls, connection: Connection, schema: str) -> Catalog:
        """The tables that are there."""
        return cls(connection, schema, connection.execute(READ).fetchall())

    def __iter__(self) -> Iterator[ViewTable]:
        return iter(self._tables.values())

    def of(self, key: int) -> ViewTable:
        """The table with a number.

        Raises:
            DestinationChangedError: there is none.
        """
        if key not in self._tables:
            raise DestinationChangedError(f"table {key} is not in journal_table")
        return self._tables[key]

    def active(self, name: str) -> ViewTable | None:
        """The active table of a name; None if there is none."""
        return self._active.get(name)

    def required(self, name: str) -> ViewTable:
        """The active table of a name.

        Raises:
            DestinationChangedError: there is none.
        """
        table = self.active(name)
        if table is None:
            raise DestinationChangedError(f"table {name} is not there")
        return table

    def create(self, name: str) -> None:
        """Make a table, unless an active one has the name."""
        self._lock()
        if self.active(name) is not None:
            return
        key = 1 + max(self._tables, default=0)
        table = ViewTable(key, name, base_name(name, key, self._taken()), True, ())
        self._connection.execute(
            "INSERT INTO journal_table (key, name, base, active) VALUES (%s, %s, %s, true)",
            (key, name, table.base),
        )
        current, history, versions, deleted = map(self._identifier, _names(table.base))
        for each in _CREATE:
            made = sql.SQL(each).format(
                current=current, history=history, versions=versions, deleted=deleted
            )
            self._connection.execute(made, prepare=False)
        self._hold({**self._tables, key: table})

    def drop(self, name: str) -> int | None:
        """Make a table inactive; its relations get other names. Returns its number, if any."""
        self._lock()
        table = self.active(name)
        if table is None:
            return None
        self._rename(table, active=False)
        return table.key

    def undrop(self, key: int) -> None:
        """Make a table active again, under its name."""
        self._lock()
        table = self.of(key)
        if not table.active:
            self._rename(table, active=True)

    def index(self, name: str, field: str) -> None:
        """Index a field of a table's documents, unless that is done.

        QLDB's indexes find equal values, of any size; so does a hash index, and no other.
        """
        self._lock()
        table = self.required(name)
        if field in table.indexes:
            return
        self._connection.execute(
            sql.SQL("CREATE INDEX ON {} USING hash ((data -> {}))").format(
                self._identifier(table.current), sql.Literal(field)
            ),
            prepare=False,
        )
        self._put(replace(table, indexes=(*table.indexes, field)))

    def drop_only_index(self, name: str) -> None:
        """Drop a table's index if there is one and no other: the source's id does not say which."""
        self._lock()
        table = self.required(name)
        if len(table.indexes) != 1:
            return
        found = self._connection.execute(_HASH_INDEXES, (self._schema, table.current)).fetchall()
        for (index,) in found:
            self._connection.execute(sql.SQL("DROP INDEX {}").format(self._identifier(index)))
        self._put(replace(table, indexes=()))

    def _rename(self, table: ViewTable, *, active: bool) -> None:
        base = base_name(table.name, table.key, self._taken(), dropped=not active)
        for kind, old, new in zip(_KINDS, _names(table.base), _names(base), strict=True):
            self._connection.execute(
                sql.SQL("ALTER {} {} RENAME TO {}").format(
                    sql.SQL(kind), self._identifier(old), sql.Identifier(new)
                )
            )
        self._put(replace(table, base=base, active=active))

    def _put(self, table: ViewTable) -> None:
        self._connection.execute(
            "UPDATE journal_table SET base = %s, active = %s, indexes = %s WHERE key = %s",
            (table.base, table.active, list(table.indexes), table.key),
        )
        self._hold({**self._tables, table.key: table})

    def _lock(self) -> None:
        """Keep other strands from changing tables, and see what they have changed."""
        self._connection.execute("LOCK TABLE journal_table IN SHARE ROW EXCLUSIVE MODE")
        self._hold(_tables(self._connection.execute(READ).fetchall()))

    def _hold(self, tables: dict[int, ViewTable]) -> None:
        self._tables = tables
        self._active = {each.name: each for each in tables.values() if each.active}

    def _taken(self) -> set[str]:
        rows = self._connection.execute(_TAKEN, {"schema": self._schema})
        return {str(name) for (name,) in rows}

    def _identifier(self, name: str) -> sql.Identifier:
        return sql.Identifier(self._schema, name)


_KINDS: Final = ("TABLE", "TABLE", "VIEW", "VIEW")
_HASH_INDEXES: Final = """
SELECT found.relname FROM pg_index
JOIN pg_class AS found ON found.oid = pg_index.indexrelid
JOIN pg_am ON pg_am.oid = found.relam
WHERE pg_index.indrelid = format('%%I.%%I', %s::text, %s::text)::regclass
    AND pg_am.amname = 'hash'
"""


def _names(base: str) -> list[str]:
    return [base + suffix for suffix in SUFFIXES]


def _tables(rows: list[tuple[object, ...]]) -> dict[int, ViewTable]:
    found = (
        ViewTable(int(str(key)), str(name), str(base), bool(active), tuple(indexes))  # type: ignore[arg-type]
        for key, name, base, active, indexes in rows
    )
    return {each.key: each for each in found}
