"""What may come next in a statement: keywords, tables and the fields of their documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from qldbkit.client.catalog import tables
from qldbkit.client.connection import look
from qldbkit.client.scripts import COMMANDS
from qldbkit.partiql.errors import PartiqlSyntaxError
from qldbkit.partiql.tokens import KEYWORDS, TokenKind, tokenize

if TYPE_CHECKING:  # `qldbkit.driver` has to be imported before pyqldb is
    from pyqldb.driver.qldb_driver import QldbDriver

SAMPLED_DOCUMENTS: Final = 50
"""Documents of a table that its fields are learnt from."""
_BEFORE_TABLES: Final = frozenset({"FROM", "INTO", "UPDATE", "TABLE", "ON", "JOIN"})
_FUNCTION_WORDS: Final = ("INDEX", "history", "utcnow")


class Completer:
    """Knows a ledger's names as far as they have been asked for.

    A ledger that does not answer gives no names: a missing suggestion is not worth an error in
    the middle of a line.

    Args:
        driver: of the ledger; what it looks at leaves no block in the journal.
    """

    def __init__(self, driver: QldbDriver):
        self._driver = driver
        self._tables: tuple[str, ...] | None = None
        self._fields: dict[str, tuple[str, ...]] = {}

    def forget(self) -> None:
        """Ask the ledger anew next time, since a statement may have changed something."""
        self._tables = None
        self._fields.clear()

    def suggestions(self, typed: str, word: str) -> list[str]:
        """What may stand for ``word``, which is being typed behind ``typed``; sorted."""
        found = {each for each in self._candidates(typed) if _begins(each, word)}
        return sorted(_in_case_of(each, word) for each in found)

    def _candidates(self, typed: str) -> Iterator[str]:
        if typed.rstrip().endswith("."):
            yield from self._fields_in(typed)
            return
        before = typed.rsplit(maxsplit=1)[-1].upper() if typed.split() else ""
        if before in _BEFORE_TABLES:
            yield from self._table_names()
            yield from ("INDEX",) if before == "ON" else ()
            return
        yield from KEYWORDS
        yield from _FUNCTION_WORDS
        if not typed.strip():
            yield from (each for each in COMMANDS if " " not in each)
            return
        yield from self._table_names()
        yield from self._fields_in(typed)

    def _fields_in(self, typed: str) -> Iterator[str]:
        """The fields of the tables that a statement names; of all tables when it names none."""
        known = self._table_names()
        named = _names(typed)
        for table in [each for each in known if each in named] or known:
            yield from self._fields_of(table)

    def _table_names(self) -> tuple[str, ...]:
        if self._tables is None:
            try:
                self._tables = tuple(each.name for each in tables(self._driver) if each.active)
            except (ClientError, BotoCoreError):
                return ()
        return self._tables

    def _fields_of(self, table: str) -> tuple[str, ...]:
        if table not in self._fields:
            statement = f'SELECT * FROM "{table}"'  # noqa: S608 - the ledger's own name
            try:
                rows = look(self._driver, statement, most=SAMPLED_DOCUMENTS)
            except (ClientError, BotoCoreError):
                return ()
            self._fields[table] = tuple(dict.fromkeys(field_names(rows)))
        return self._fields[table]


def field_names(values: Iterable[Any]) -> Iterator[str]:
    """The names of all fields in documents, at any depth."""
    for value in values:
        if isinstance(value, Mapping):
            yield from map(str, value)
            yield from field_names(value.values())
        elif isinstance(value, list):
            yield from field_names(value)


def _names(text: str) -> frozenset[str]:
    try:
        tokens = tokenize(text)
    except PartiqlSyntaxError:
        return frozenset(text.split())
    return frozenset(
        each.text for each in tokens if each.kind in {TokenKind.NAME, TokenKind.QUOTED_NAME}
    )


def _begins(candidate: str, word: str) -> bool:
    return candidate.lower().startswith(word.lower())


def _in_case_of(candidate: str, word: str) -> str:
    """A keyword in small letters when its beginning was typed so."""
    keyword = candidate in KEYWORDS or candidate == "INDEX"
    return candidate.lower() if keyword and word and word.islower() else candidate
