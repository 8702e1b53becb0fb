"""Which of the source's tables are replayed, and what they are called in the destination.

This changes what a block does, not which blocks there are: a block that only writes tables that are
left out moves the checkpoint and nothing else. What is told here holds for the blocks that follow;
a table that is added later has what it is written from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from qldbkit.names import check_table_name
from qldbkit.replay.bookkeeping_tables import BOOKKEEPING_TABLES
from qldbkit.replay.errors import PlanError, ReplaySettingsError
from qldbkit.replay.plan import (
    BlockPlan,
    CreateIndex,
    CreateTable,
    DropIndex,
    DropTable,
    RedactRevision,
    Step,
    UndropTable,
    WriteRevision,
)


class TableNameTakenError(PlanError):
    """A table has the name that another one is given by ``renameTables``.

    Nothing behind it is applied: two tables would become one.
    """


@dataclass(frozen=True, slots=True)
class TableRouting:
    """The tables that are replayed, and their names in the destination.

    Attributes:
        replayed: names in the source; None for all.
        renamed: the destination's name by the source's, of those that have another one.
    """

    replayed: frozenset[str] | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, replayed: Iterable[str] | None, renamed: Mapping[str, str]) -> TableRouting:
        """The routing, checked.

        Raises:
            NameRefusedError: a name is none that a table may have.
            ReplaySettingsError: two tables would become one, a table is renamed that is not
                replayed, or a name is one that the replay itself uses.
        """
        names = None if replayed is None else frozenset(map(check_table_name, replayed))
        for source, destination in renamed.items():
            check_table_name(source)
            check_table_name(destination)
        routing = cls(names, dict(renamed))
        routing._check()
        return routing

    @classmethod
    def from_text(cls, replayed: str, renamed: str) -> TableRouting:
        """The routing as an environment or a command line tells it.

        Args:
            replayed: ``Person,Vehicle``, empty for all.
            renamed: ``Person=People,Vehicle=Car``, empty for none.

        Raises:
            NameRefusedError, ReplaySettingsError: as `of` does.
        """
        pairs = [_pair(each) for each in renamed.split(",")] if renamed else []
        twice = sorted({one for one, _ in pairs if [each for each, _ in pairs].count(one) > 1})
        if twice:
            raise ReplaySettingsError(
                f"{', '.join(twice)} is renamed twice", hint="give each table one name"
            )
        names = [each.strip() for each in replayed.split(",")] if replayed else None
        return cls.of(names, dict(pairs))

    def to_text(self) -> tuple[str, str]:
        """What `from_text` reads."""
        pairs = (f"{source}={name}" for source, name in sorted(self.renamed.items()))
        return ",".join(sorted(self.replayed or ())), ",".join(pairs)

    @property
    def changes_nothing(self) -> bool:
        """Whether all tables are replayed under their own names."""
        return self.replayed is None and not self.renamed

    def name_of(self, source: str) -> str | None:
        """What a table of the source is called in the destination; None if it is left out.

        Raises:
            TableNameTakenError: another table is renamed to its name.
        """
        if self.replayed is not None and source not in self.replayed:
            return None
        if source in self.renamed:
            return self.renamed[source]
        if source in self.renamed.values():
            raise TableNameTakenError(
                f"table {source} is replayed under its own name, and so is another one",
                hint="rename the other table otherwise, or leave one of them out",
            )
        return source

    def source_of(self, destination: str) -> str:
        """What a table of the destination is called in the source."""
        for source, name in self.renamed.items():
            if name == destination:
                return source
        return destination

    def _check(self) -> None:
        if self.replayed is not None and not self.replayed:
            raise ReplaySettingsError("no table is replayed", hint="name one, or leave it to all")
        outside = sorted(set(self.renamed) - (self.replayed or set(self.renamed)))
        if outside:
            raise ReplaySettingsError(
                f"{', '.join(outside)} is renamed and not replayed",
                hint="replay the table too, or do not rename it",
            )
        names = [*self.renamed.values(), *((self.replayed or set()) - set(self.renamed))]
        shared = sorted({each for each in names if names.count(each) > 1})
        if shared:
            raise ReplaySettingsError(
                f"two tables would be {shared[0]} in the destination",
                hint="give each table a name of its own",
            )
        own = sorted(BOOKKEEPING_TABLES.intersection(names))
        if own:
            raise ReplaySettingsError(f"{own[0]} is the replay's own table in the destination")


ALL_TABLES: Final = TableRouting()
"""Every table under its own name."""


def routed(plan: BlockPlan, routing: TableRouting) -> BlockPlan:
    """The plan without what is done to tables that are left out, under the destination's names.

    Raises:
        TableNameTakenError: two tables would become one.
    """
    if routing.changes_nothing:
        return plan
    return BlockPlan.of(plan.block, _routed(plan.steps, routing))


def _routed(steps: Iterable[Step], routing: TableRouting) -> Iterator[Step]:
    for step in steps:
        match step:
            case UndropTable():
                # It names the table by an id, which is known only of tables that are replayed
                yield replace(step, only_known=routing.replayed is not None)
            case RedactRevision():
                yield step
            case _:
                name = routing.name_of(_table_of(step))
                if name is not None:
                    yield _renamed(step, name)


_Named = CreateTable | DropTable | CreateIndex | DropIndex | WriteRevision


def _table_of(step: _Named) -> str:
    match step:
        case CreateTable(name=name) | DropTable(name=name):
            return name
        case CreateIndex(table=table) | DropIndex(table=table):
            return table
        case WriteRevision(table=info):
            return info.table_name


def _renamed(step: _Named, name: str) -> Step:
    match step:
        case CreateTable() | DropTable():
            return replace(step, name=name)
        case CreateIndex() | DropIndex():
            return replace(step, table=name)
        case WriteRevision(table=info):
            return step._replace(table=replace(info, table_name=name))


def _pair(text: str) -> tuple[str, str]:
    source, sign, destination = text.partition("=")
    if not sign:
        raise ReplaySettingsError(
            f"{text!r} renames nothing", hint="write SOURCE=DESTINATION, such as Person=People"
        )
    return source.strip(), destination.strip()
