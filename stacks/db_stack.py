"""The stack with the two ledgers."""

from __future__ import annotations

from aws_cdk import App, CfnOutput, Stack

from stacks.ledgers import Ledgers, LedgerTables
from stacks.packaging import CodeSource
from stacks.settings import Settings


class QldbBlogDbStack(Stack):
    """Both ledgers, and the tables of the source."""

    def __init__(self, scope: App, id: str, *, settings: Settings, code: CodeSource) -> None:
        super().__init__(
            scope, id, description="A QLDB ledger, its tables, and a ledger to replay to"
        )
        ledgers = Ledgers(self, "Ledgers", settings=settings)
        LedgerTables(self, "SourceTables", ledger=ledgers.source, settings=settings, code=code)
        CfnOutput(self, "SourceLedgerName", value=ledgers.source.ref)
        CfnOutput(self, "DestinationLedgerName", value=ledgers.destination.ref)
