"""The source ledger, the destination ledger, and the source's tables."""

from __future__ import annotations

from aws_cdk import CustomResource, Duration, custom_resources
from aws_cdk import aws_iam as iam
from aws_cdk import aws_qldb as qldb
from constructs import Construct

from stacks.acknowledged import acknowledge, acknowledge_wildcard, reported_arn
from stacks.function import PythonFunction, own_log_group, role_with_log
from stacks.ledger_access import grant_partiql, ledger_arn, ledger_endpoint
from stacks.packaging import CodeSource
from stacks.settings import Settings

SHUT_DOWN_RULE = "CloudFormation-Validate::E3710"
SHUT_DOWN = (
    "Amazon QLDB ended on 2025-07-31 and AWS refuses this resource type since. It is deployed to"
    " the local AWS, whose ledger is qldbkit's own."
)


class Ledgers(Construct):
    """Two ledgers: what is written to the source is replayed into the destination."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id)
        self.source = self._ledger("Source", settings.qldb_ledger_name, settings)
        self.destination = self._ledger("Destination", settings.dest_qldb_ledger_name, settings)

    def _ledger(self, id: str, name: str, settings: Settings) -> qldb.CfnLedger:
        ledger = qldb.CfnLedger(
            self,
            id,
            name=name,
            permissions_mode=settings.permissions_mode,
            deletion_protection=settings.deletion_protection,
        )
        acknowledge(ledger, SHUT_DOWN_RULE, SHUT_DOWN)
        return ledger


class LedgerTables(Construct):
    """The tables that a ledger is to have. Another list makes the new ones and drops none."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        ledger: qldb.CfnLedger,
        settings: Settings,
        code: CodeSource,
    ) -> None:
        super().__init__(scope, id)
        on_event = self._on_event(settings, code)
        provider = self._provider(on_event)
        self.resource = CustomResource(
            self,
            "Tables",
            resource_type="Custom::LedgerTables",
            service_token=provider.service_token,
            properties={
                "LedgerName": settings.qldb_ledger_name,
                "TableNames": list(settings.table_names),
            },
        )
        self.resource.node.add_dependency(ledger)

    def _on_event(self, settings: Settings, code: CodeSource) -> PythonFunction:
        on_event = PythonFunction(
            self,
            "OnEvent",
            settings=settings,
            code=code,
            package="tables",
            handler="handler.handle",
            description="Makes the missing tables of the source ledger",
            environment=ledger_endpoint(settings),
            timeout=Duration.minutes(3),
        )
        grant_partiql(on_event.role, settings.qldb_ledger_name, ["CreateTable"])
        on_event.role.add_to_policy(
            iam.PolicyStatement(
                actions=["qldb:DescribeLedger"],
                resources=[ledger_arn(self, settings.qldb_ledger_name)],
            )
        )
        return on_event

    def _provider(self, on_event: PythonFunction) -> custom_resources.Provider:
        log_group = own_log_group(self, "ProviderLog")
        role = role_with_log(self, "ProviderRole", log_group)
        acknowledge_wildcard(
            role,
            f"{reported_arn(on_event.function)}:*",
            "The provider framework may call every version of this one function.",
        )
        return custom_resources.Provider(
            self,
            "Provider",
            on_event_handler=on_event.function,
            log_group=log_group,
            framework_on_event_role=role,
        )
