"""The two stacks of this project, deployed to a local AWS by the CDK's own command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

from qldbkit.driver import control_client, qldb_driver
from qldbkit.errors import QldbkitError
from qldbkit.local.cdk import Cdk, project_folder
from qldbkit.local.environment import aws_environment
from qldbkit.local.settings import LocalSettings

DB_STACK = "QldbBlogDbStack"
STREAM_STACK = "QldbBlogStreamStack"

Progress = Callable[[str], None]


class OutputMissingError(QldbkitError):
    """A stack is not deployed, or lacks an output that it should have."""


@dataclass(frozen=True, slots=True)
class DeployedNames:
    """What the stacks call what they deployed, from their outputs."""

    source_ledger: str
    destination_ledger: str
    stream: str
    archive_bucket: str
    buffer_table: str
    replay_function: str
    drain_function: str


class Deployment:
    """The stacks of this project on one local AWS.

    Args:
        settings: the local AWS.
        context: CDK context that goes before ``cdk.json``'s.
    """

    def __init__(self, settings: LocalSettings, context: dict[str, str] | None = None):
        self.settings = settings
        project = project_folder()
        self.cdk = Cdk(
            project=project,
            environment=aws_environment(settings, project, context=context),
            output=settings.folder / "cdk.out",
            log_file=settings.folder / "cdk.log",
        )

    def synthesise(self, progress: Progress) -> None:
        """Make the templates and package the functions; all else builds on them."""
        self.cdk.synthesise(progress)

    def bootstrap(self, progress: Progress) -> None:
        """Prepare the account for the CDK."""
        environment = f"aws://{self.settings.account}/{self.settings.region}"
        self.cdk.run("bootstrap", environment, progress=progress)

    def deploy(self, stack: str, progress: Progress) -> None:
        """Deploy one stack; what it needs of the other must be there."""
        self.cdk.run(
            "deploy", stack, "--exclusively", "--require-approval", "never", progress=progress
        )

    def destroy(self, stack: str, progress: Progress) -> None:
        """Destroy one stack and what it holds."""
        self.cdk.run("destroy", stack, "--exclusively", "--force", progress=progress)

    def names(self) -> DeployedNames:
        """Return what the deployed stacks say of themselves.

        Raises:
            OutputMissingError: a stack is not deployed, or lacks an output.
        """
        outputs = {**self._outputs(DB_STACK), **self._outputs(STREAM_STACK)}
        try:
            return DeployedNames(
                source_ledger=outputs["SourceLedgerName"],
                destination_ledger=outputs["DestinationLedgerName"],
                stream=outputs["StreamName"],
                archive_bucket=outputs["ArchiveBucketName"],
                buffer_table=outputs["BufferTableName"],
                replay_function=outputs["ReplayFunctionName"],
                drain_function=outputs["DrainFunctionName"],
            )
        except KeyError as missing:
            raise OutputMissingError(f"the stacks have no output {missing}") from missing

    def client(self, service: str) -> Any:
        """Return a boto3 client of one of the local AWS's services."""
        return self._session().client(service, endpoint_url=self.settings.endpoint_url)

    def qldb(self) -> Any:
        """Return a client of the ledgers' control plane."""
        return control_client(self.settings.endpoint_url, self.settings.region, self._session())

    def driver(self, ledger: str) -> Any:
        """Return a pyqldb ``QldbDriver`` on one ledger; the caller closes it."""
        return qldb_driver(
            ledger,
            endpoint_url=self.settings.endpoint_url,
            region=self.settings.region,
            session=self._session(),
        )

    def _outputs(self, stack: str) -> dict[str, str]:
        try:
            described = self.client("cloudformation").describe_stacks(StackName=stack)
        except ClientError as error:
            raise OutputMissingError(
                f"{stack} is not deployed", hint=f"deploy it with: cdk deploy {stack}"
            ) from error
        outputs = described["Stacks"][0].get("Outputs", [])
        return {output["OutputKey"]: output["OutputValue"] for output in outputs}

    def _session(self) -> boto3.Session:
        return boto3.Session(
            aws_access_key_id=self.settings.account,
            aws_secret_access_key=self.settings.credentials["AWS_SECRET_ACCESS_KEY"],
            region_name=self.settings.region,
        )
