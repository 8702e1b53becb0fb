"""What a person reads of a demonstration, on a terminal and in a log."""

import io

import pytest
from rich.console import Console

from qldbkit.local.archive_restore import ArchiveRestore
from qldbkit.local.comparison_report import SHOWN_DIFFERENCES, show_comparison
from qldbkit.local.demo_report import Replication, report
from qldbkit.local.narration import Narrator
from qldbkit.local.summary import JournalSummary
from qldbkit.replay.compare import Comparison, Difference, DifferenceKind, TableComparison


def console(**options):
    return Console(file=io.StringIO(), width=100, **options)


def comparison(different=0):
    tables = (
        TableComparison("Person", 24, 24, 24 - different),
        TableComparison("Vehicle", 20, 20, 20),
    )
    differences = tuple(
        Difference("Person", f"id-{number}", DifferenceKind.CHANGED) for number in range(different)
    )
    return Comparison(tables, (), (), differences, different)


def replication(different=0, proven=True):
    return Replication(
        comparison=comparison(different),
        restored=ArchiveRestore("QldbBlogRestored", 137, proven),
        journal=JournalSummary(blocks=137, revisions={"Person": 30, "Vehicle": 28}),
        transactions=129,
        archived=131,
        seconds_behind=0.84,
    )


def test_the_report_has_everything_that_was_counted():
    shown = console()
    report(replication(), shown)
    text = shown.file.getvalue()
    for part in ("129 transactions", "137 blocks", "131 objects", "0.8 seconds behind"):
        assert part in text
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines()]
    assert ["Person", "24", "24", "30"] in rows
    assert ["all", "44", "44", "58"] in rows
    assert "Both ledgers hold the same documents." in text
    assert "restores to QldbBlogRestored, 137 blocks, with the source's digest" in text


def test_a_restored_ledger_with_another_digest_is_not_called_proven():
    shown = console()
    report(replication(proven=False), shown)
    assert "137 blocks, which have not the source's digest" in shown.file.getvalue()


def test_what_differs_is_named_and_the_rest_counted():
    shown = console()
    show_comparison(comparison(different=SHOWN_DIFFERENCES + 3), shown)
    text = shown.file.getvalue()
    assert "Person: document id-0 is not the same" in text
    assert "and 3 more" in text
    assert "The ledgers differ." in text
    assert "same documents" not in text


def test_missing_and_extra_tables_are_named():
    shown = console()
    show_comparison(Comparison((), ("Person",), ("Old",), (), 0), shown)
    text = shown.file.getvalue()
    assert "table Person is missing in the destination" in text
    assert "table Old is only in the destination" in text
    assert "The ledgers differ." in text


def test_a_log_has_a_line_when_a_step_begins_and_one_when_it_is_done():
    shown = console()
    with Narrator(shown).step("deploy") as step:
        step.result = "two stacks"
    begin, done = shown.file.getvalue().splitlines()
    assert begin == "begin   deploy"
    assert done.startswith("done    deploy: two stacks (")


def test_a_step_that_fails_is_shown_as_failed_and_the_error_goes_on():
    shown = console()
    with pytest.raises(ValueError, match="no"), Narrator(shown).step("deploy"):
        raise ValueError("no")
    assert "failed  deploy" in shown.file.getvalue()


def test_progress_is_seen_on_a_terminal_at_once():
    shown = console(force_terminal=True)
    with Narrator(shown).step("deploy") as step:
        step.progress("3 of 34 resources")
        step._status._live.refresh()
    assert "3 of 34 resources" in shown.file.getvalue()
