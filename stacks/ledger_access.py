"""What a role may do in a ledger, as QLDB's STANDARD permissions mode wants it said.

Each PartiQL command is an action of its own, on tables or on the catalog, besides the permission
to talk to the ledger at all (QLDB developer guide, "Getting started with the standard permissions
mode"). In ALLOW_ALL mode the first statement alone counts, and the others do no harm.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.acknowledged import acknowledge_wildcard
from stacks.settings import Settings


def ledger_arn(scope: Construct, ledger_name: str) -> str:
    """The ARN of a ledger of this account and region."""
    return Stack.of(scope).format_arn(
        service="qldb",
        resource="ledger",
        resource_name=ledger_name,
        arn_format=ArnFormat.SLASH_RESOURCE_NAME,
    )


def ledger_endpoint(settings: Settings) -> dict[str, str]:
    """What a function is told of where the ledgers are: nothing, unless the settings say it."""
    url = settings.ledger_endpoint_url
    return {} if url is None else {"LEDGER_ENDPOINT_URL": url}


def grant_partiql(role: iam.Role, ledger_name: str, commands: Sequence[str]) -> None:
    """Let a role run these PartiQL commands on the ledger's tables, and read its catalog.

    Args:
        role: who may.
        ledger_name: where.
        commands: names as in IAM's actions without their prefix, such as ``CreateTable``.
    """
    ledger = ledger_arn(role, ledger_name)
    tables = f"{ledger}/table/*"
    for actions, resource in (
        (["qldb:SendCommand"], ledger),
        (["qldb:PartiQLSelect"], f"{ledger}/information_schema/user_tables"),
        ([f"qldb:PartiQL{command}" for command in commands], tables),
    ):
        role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
    acknowledge_wildcard(
        role,
        _as_reported(role, tables),
        "QLDB names a table in an ARN by an id that it makes up when the table is created,"
        " and grants CREATE TABLE on table/* only.",
    )


def _as_reported(scope: Construct, text: str) -> str:
    """A text with tokens as the finding of a rule shows it."""
    stack = Stack.of(scope)
    return (
        text.replace(stack.partition, "<AWS::Partition>")
        .replace(stack.region, "<AWS::Region>")
        .replace(stack.account, "<AWS::AccountId>")
    )
