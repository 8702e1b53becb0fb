"""The main job on one machine: deploy, replicate, compare, restore the archive, destroy."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from qldbkit.local.archive_restore import ArchiveRestore, digest_of_ledger, restore_archive
from qldbkit.local.aws import LocalAws, free_port
from qldbkit.local.catching_up import wait_until_equal
from qldbkit.local.demo_report import Replication, report
from qldbkit.local.deployment import DB_STACK, STREAM_STACK, Deployment
from qldbkit.local.dmv import DmvSample
from qldbkit.local.narration import Narrator
from qldbkit.local.settings import LocalSettings, folder_from_environment
from qldbkit.local.summary import archived_objects, journal_summary
from qldbkit.replay.compare import Comparison, compare_ledgers

CATCH_UP_TIMEOUT = 90.0
RESTORED_LEDGER = "QldbBlogRestored"


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """How the demonstration runs.

    Attributes:
        folder: where its local AWS keeps everything; emptied when it begins.
        catch_up_timeout: seconds that the destination may take to become equal to the source, and
            the archive to be complete.
    """

    folder: Path
    catch_up_timeout: float = CATCH_UP_TIMEOUT


def demo_settings() -> DemoSettings:
    """Return the settings for the current folder."""
    return DemoSettings(folder=folder_from_environment() / "demo")


def run_demo(settings: DemoSettings, console: Console) -> bool:
    """Run the whole demonstration and return whether all three ledgers are what they have to be.

    The destination has to hold the source's documents, and the ledger that is restored from the
    archive has to have the source's digest.

    Its local AWS has a free port and a folder of its own, so that it disturbs no other. Whatever
    happens, what was started is stopped.

    Raises:
        QldbkitError: a step failed; its sentence says where the logs are.
    """
    local = LocalSettings(folder=settings.folder, port=free_port())
    deployment = Deployment(local)
    deployment.cdk.check_installed()
    shutil.rmtree(settings.folder, ignore_errors=True)
    narrator = Narrator(console)
    aws = LocalAws(local)
    try:
        with narrator.step("start the local AWS with the embedded ledger in it") as step:
            aws.start()
            step.result = local.endpoint_url
        replication = _replicate(deployment, settings, narrator)
    finally:
        aws.stop()
        console.print(f"Logs: {local.folder}", highlight=False)
    report(replication, console)
    return replication.comparison.equal and replication.restored.proven


def _replicate(deployment: Deployment, settings: DemoSettings, narrator: Narrator) -> Replication:
    with narrator.step("synthesise the stacks and package their functions") as step:
        deployment.synthesise(step.progress)
    with narrator.step("bootstrap the account for the CDK") as step:
        deployment.bootstrap(step.progress)
    for stack in (DB_STACK, STREAM_STACK):
        with narrator.step(f"deploy {stack}") as step:
            deployment.deploy(stack, step.progress)
    replication = _run_sample(deployment, settings, narrator)
    for stack in (STREAM_STACK, DB_STACK):
        with narrator.step(f"destroy {stack}") as step:
            deployment.destroy(stack, step.progress)
    return replication


def _run_sample(deployment: Deployment, settings: DemoSettings, narrator: Narrator) -> Replication:
    names = deployment.names()
    with (
        deployment.driver(names.source_ledger) as source,
        deployment.driver(names.destination_ledger) as destination,
    ):
        transactions = _run_phases(DmvSample(source), narrator)
        committed = time.monotonic()
        with narrator.step(f"wait until {names.destination_ledger} has caught up") as step:
            comparison = wait_until_equal(
                lambda: compare_ledgers(source, destination),
                step.progress,
                settings.catch_up_timeout,
            )
            behind = time.monotonic() - committed
            step.result = "equal" if comparison.equal else "different"
        restored = _restore(deployment, settings, narrator)
        return _summarise(deployment, source, comparison, restored, transactions, behind)


def _run_phases(sample: DmvSample, narrator: Narrator) -> int:
    transactions = 0
    with narrator.step("run the vehicle registration sample on the source ledger") as step:
        for phase in sample.phases():
            step.progress(f"{phase.name} ({transactions} transactions so far)")
            transactions += sample.run(phase)
        step.result = f"{transactions} transactions"
    return transactions


def _restore(deployment: Deployment, settings: DemoSettings, narrator: Narrator) -> ArchiveRestore:
    names = deployment.names()
    with narrator.step("restore the archive in S3 into a third ledger") as step:
        restored = restore_archive(
            deployment.client("s3"),
            names.archive_bucket,
            digest_of_ledger(deployment.qldb(), names.source_ledger),
            settings.folder / "restored",
            RESTORED_LEDGER,
            progress=step.progress,
            timeout=settings.catch_up_timeout,
        )
        step.result = "its digest is the source's" if restored.proven else "its digest differs"
    return restored


def _summarise(
    deployment: Deployment,
    source: Any,
    comparison: Comparison,
    restored: ArchiveRestore,
    transactions: int,
    behind: float,
) -> Replication:
    names = deployment.names()
    tables = [table.name for table in comparison.tables]
    return Replication(
        comparison=comparison,
        restored=restored,
        journal=journal_summary(deployment.qldb(), source, names.source_ledger, tables),
        transactions=transactions,
        archived=archived_objects(deployment.client("s3"), names.archive_bucket),
        seconds_behind=behind,
    )
