"""The journal, replayed into every view that the settings name.

Each view has its own pair of functions, settling buffer and alarms: one that is held, or whose
database is down, holds up no other destination.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from constructs import Construct

from qldbkit.replay.views.kinds import OUTPUT_PREFIXES, deployed_name
from stacks.alarms import Alarms, index_plans, replay_plans
from stacks.journal_stream import JournalStream
from stacks.packaging import CodeSource
from stacks.quarantine_bucket import QuarantineBucket
from stacks.replay import Replay
from stacks.replay_target import ReplayTarget
from stacks.settings import Settings
from stacks.views.dynamodb import DynamoDbStore
from stacks.views.opensearch import OpenSearchStore
from stacks.views.postgresql import PostgreSqlStore
from stacks.views.store import ViewStore

STORES: Final[Mapping[str, Callable[..., ViewStore]]] = {
    "dynamodb": DynamoDbStore,
    "opensearch": OpenSearchStore,
    "postgresql": PostgreSqlStore,
}
"""The construct of each kind of `stacks.settings.VIEW_KINDS`."""

INDEXING: Final = frozenset({"opensearch"})
"""The kinds that index what documents hold, and may fail to."""


class JournalView(Construct):
    """One view: its database, the replay into it, and the alarms of that."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        kind: str,
        settings: Settings,
        code: CodeSource,
        source: JournalStream,
        quarantine: QuarantineBucket,
    ) -> None:
        super().__init__(scope, id)
        self.store = STORES[kind](self, "Store", settings=settings)
        name = deployed_name(settings.qldb_ledger_name, kind)
        self.replay = Replay(
            self,
            "Replay",
            settings=settings,
            code=code,
            source=source,
            quarantine=quarantine,
            target=ReplayTarget(
                name=name,
                called=f"the view {name}",
                package=f"view-{kind}",
                environment={
                    "VIEW_URL": self.store.url,
                    "VIEW_NAME": name,
                    **self.store.environment,
                },
                allow=self.store.allow_replay,
                network=self.store.network,
            ),
        )
        watched = self.replay.watched
        plans = [*replay_plans(watched), *(index_plans(watched) if kind in INDEXING else ())]
        self.alarms = Alarms(self, "Alarms", settings=settings, plans=plans)

    @property
    def outputs(self) -> dict[str, str]:
        """What users and operators have to know of it, by the names of the stack's outputs."""
        parts = {
            "ViewUrl": self.store.url,
            "ViewBufferTableName": self.replay.buffer.table.table_name,
            "ViewReplayFunctionName": self.replay.on_batch.function.function_name,
            "ViewClockRuleName": self.replay.clock.rule_name,
            "ViewDrainFunctionName": self.replay.on_clock.function.function_name,
            "ViewFailedBatchesQueueUrl": self.replay.failed.queue.queue_url,
        }
        return {f"{self.node.id}{name}": value for name, value in parts.items()} | dict(
            self.store.outputs
        )


class JournalViews(Construct):
    """All views of the settings; none unless they name one."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: Settings,
        code: CodeSource,
        source: JournalStream,
        quarantine: QuarantineBucket,
    ) -> None:
        super().__init__(scope, id)
        self.views = tuple(
            JournalView(
                self,
                OUTPUT_PREFIXES[kind],
                kind=kind,
                settings=settings,
                code=code,
                source=source,
                quarantine=quarantine,
            )
            for kind in settings.views
        )

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs of all views."""
        return {name: value for each in self.views for name, value in each.outputs.items()}
