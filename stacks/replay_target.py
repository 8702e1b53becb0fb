"""What a journal is replayed into, as far as the functions that do it have to know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aws_cdk import aws_iam as iam

from stacks.function import Network
from stacks.ledger_access import grant_partiql, ledger_endpoint
from stacks.settings import Settings

# What replay does in the destination: its bookkeeping, and what the source's journal asks for
PARTIQL_COMMANDS = (
    *("Select", "HistoryFunction", "Insert", "Update", "Delete", "Redact"),
    *("CreateTable", "DropTable", "UndropTable", "CreateIndex", "DropIndex"),
)


@dataclass(frozen=True, slots=True)
class ReplayTarget:
    """One destination.

    Attributes:
        name: the destination's, in the metrics.
        called: what descriptions call it, such as "the destination ledger".
        package: the functions' package, one of `stacks.packaging.PACKAGES`.
        environment: what the functions are told besides what every replay is.
        allow: lets a function's role use the destination.
        network: where the functions have to run to reach it; None for no network of one's own.
    """

    name: str
    called: str
    package: str
    environment: Mapping[str, str]
    allow: Callable[[iam.Role], None]
    network: Network | None = None


def ledger_target(settings: Settings) -> ReplayTarget:
    """The destination ledger."""
    ledger = settings.dest_qldb_ledger_name
    return ReplayTarget(
        name=ledger,
        called="the destination ledger",
        package="replay",
        environment={
            "DESTINATION_LEDGER": ledger,
            "DESTINATION_TRANSACTION_DOCUMENTS": str(settings.destination_transaction_documents),
            **ledger_endpoint(settings),
        },
        allow=lambda role: grant_partiql(role, ledger, PARTIQL_COMMANDS),
    )
