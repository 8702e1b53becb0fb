"""What the deployed functions call."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from simulation.delivery import kinesis_event, raw_event
from simulation.source import records_of

from qldbkit.endpoints import RegionMissingError
from qldbkit.names import NameRefusedError
from qldbkit.replay.applier import ReplayPolicy
from qldbkit.replay.errors import BufferBusyError, ReplaySettingsError, ReplicationHeldError
from qldbkit.replay.lambda_entry import Replayer
from qldbkit.replay.metric_names import UNITS, Metric
from qldbkit.replay.settings import ReplaySettings
from qldbkit.replay.settle import committed_at

ENVIRONMENT = {
    "DESTINATION_LEDGER": "Destination",
    "BUFFER_TABLE": "Buffer",
    "STREAM_NAME": "Stream",
    "SETTLE_WINDOW_SECONDS": "7.5",
    "AWS_REGION": "eu-west-1",
}
OF_A_BATCH = {
    "Records": "Count",
    "RepeatedRecords": "Count",
    "BlocksApplied": "Count",
    "RevisionsApplied": "Count",
    "Transactions": "Count",
    "LateBlocks": "Count",
    "FragmentsBuffered": "Count",
    "GapsPassed": "Count",
    "RecordsQuarantined": "Count",
    "StrandsHeld": "Count",
    "StrandsWaiting": "Count",
    "TimesFenced": "Count",
    "MillisecondsBehindSource": "Milliseconds",
}
OF_THE_CLOCK = {
    **OF_A_BATCH,
    "Heartbeat": "Count",
    "BlocksWaiting": "Count",
    "QuarantinedRecords": "Count",
    "GapsOpen": "Count",
}


@pytest.fixture
def printed() -> list[str]:
    return []


@pytest.fixture
def log() -> StringIO:
    return StringIO()


@pytest.fixture
def replayer(world: Any, printed: list[str], log: StringIO) -> Replayer:
    return Replayer(
        world.destination,
        world.buffer,
        name="Destination",
        policy=ReplayPolicy(settle_window=120.0),
        clock=lambda: world.now,
        emit=printed.append,
        logger=Logger(service=f"replay-{id(log)}", stream=log, level="INFO"),
    )


def test_aws_own_aggregated_event_goes_through_the_entry_point(
    shared_data: Path, replayer: Replayer, world: Any
) -> None:
    """The event is of a stream that begins in the middle of a journal."""
    event = json.loads((shared_data / "samples" / "kinesis-event-aggregated.json").read_text())

    report = replayer.handle(event)
    assert report["Records"] == 2
    assert report["RecordsQuarantined"] == 0
    assert world.destination.documents() == {}
    world.now += 120.0
    assert replayer.drain()["BlocksApplied"] == 1

    ((table, _),) = world.destination.documents()
    (document,) = world.destination.documents().values()
    assert table == "BicycleLicence"
    assert document.value()["Email"] == "testuser@gmail.com"
    assert replayer.handle(event)["RepeatedRecords"] == 2


def test_what_became_of_a_batch_is_printed_as_metrics(
    replayer: Replayer, world: Any, printed: list[str], log: StringIO
) -> None:
    source = world.source
    source.create_table("Person")
    secret = "not to be logged"
    source.insert("Person", {"secret": secret})

    replayer.handle(kinesis_event([each for block in source.blocks for each in records_of(block)]))

    line = json.loads(printed[0])
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "qldbkit/replay"
    assert directive["Dimensions"] == [["Destination"]]
    assert line["BlocksApplied"] == [2]
    assert line["Destination"] == "Destination"
    assert secret not in printed[0]
    logged = log.getvalue()
    assert json.loads(logged)["appliedTo"] == {source.strand_id: 1}
    assert secret not in logged


def named(line: str) -> dict[str, str]:
    (directive,) = json.loads(line)["_aws"]["CloudWatchMetrics"]
    return {each["Name"]: each["Unit"] for each in directive["Metrics"]}


def test_metrics_have_the_names_that_alarms_use(
    replayer: Replayer, world: Any, printed: list[str]
) -> None:
    world.source.create_table("Person")
    replayer.handle(kinesis_event(records_of(world.source.blocks[0])))
    replayer.drain()
    of_batch, of_clock = printed
    assert named(of_batch) == OF_A_BATCH
    assert named(of_clock) == OF_THE_CLOCK
    of_others = {Metric.DIFFERENCES, Metric.DOCUMENTS_UNINDEXED}  # a comparison, some views
    of_replay = set(Metric) - of_others
    assert {str(each): UNITS[each] for each in of_replay} == OF_THE_CLOCK


def test_the_clock_of_a_view_that_indexes_counts_what_is_not_indexed(
    world: Any, printed: list[str]
) -> None:
    unindexed = iter([2, 0])
    replayer = Replayer(
        world.destination,
        world.buffer,
        name="View",
        policy=ReplayPolicy(),
        emit=printed.append,
        unindexed=lambda: next(unindexed),
    )
    world.source.create_table("Person")
    replayer.handle(kinesis_event(records_of(world.source.blocks[0])))
    for _ in range(2):
        replayer.drain()
    of_batch, *of_clock = printed
    assert "DocumentsUnindexed" not in named(of_batch)
    assert [json.loads(each)["DocumentsUnindexed"] for each in of_clock] == [[2], [0]]


def test_the_clock_beats_when_nothing_happens(
    replayer: Replayer, world: Any, printed: list[str]
) -> None:
    for _ in range(3):
        world.now += 60.0
        replayer.drain()
    lines = [json.loads(each) for each in printed]
    assert [each["Heartbeat"] for each in lines] == [[1]] * 3
    assert [each["BlocksApplied"] for each in lines] == [[0]] * 3
    assert json.loads(world.buffer.notes("run")["clock"])["at"] == world.now


def test_the_lag_is_the_age_of_what_is_applied_and_of_what_waits(
    replayer: Replayer, world: Any, printed: list[str]
) -> None:
    source = world.source
    source.create_table("Person")
    first = records_of(source.blocks[0])
    committed = committed_at(source.blocks[0].summary)
    world.now = committed + 2.5
    assert replayer.handle(kinesis_event(first))["MillisecondsBehindSource"] == 2500
    source.insert("Person", {"v": 1})
    behind = source.insert("Person", {"v": 2})
    replayer.handle(kinesis_event(records_of(behind)))

    world.now += 30.0
    standing = replayer.drain()

    assert standing["MillisecondsBehindSource"] == 30_000
    assert (standing["BlocksWaiting"], standing["StrandsWaiting"]) == (1, 1)
    replayer.handle(kinesis_event(records_of(source.blocks[1])))
    assert replayer.drain()["BlocksWaiting"] == 0


def test_a_run_that_fails_is_noted_without_what_documents_hold(
    replayer: Replayer, world: Any, monkeypatch: pytest.MonkeyPatch, log: StringIO
) -> None:
    def broken(*_: Any) -> None:
        raise ValueError("a secret value")

    monkeypatch.setattr(world.destination, "transact", broken)
    world.source.create_table("Person")
    with pytest.raises(ValueError, match="secret"):
        replayer.handle(kinesis_event(records_of(world.source.blocks[0])))

    note = world.buffer.notes("run")["failure"]
    assert json.loads(note)["errorClass"] == "fatal"
    assert "secret" not in note + log.getvalue()


def test_a_failure_is_raised_although_the_buffer_cannot_note_it(
    replayer: Replayer, world: Any, monkeypatch: pytest.MonkeyPatch, log: StringIO
) -> None:
    def fails(*_: Any) -> None:
        raise BufferBusyError("no")

    monkeypatch.setattr(world.buffer, "strands", fails)
    monkeypatch.setattr(world.buffer, "note", fails)
    with pytest.raises(BufferBusyError):
        replayer.drain()
    logged = [json.loads(each) for each in log.getvalue().splitlines()]
    assert [each["message"] for each in logged] == ["failed", "not noted"]


def test_a_poison_record_does_not_fail_its_batch_and_the_drain_reports_it(
    replayer: Replayer, world: Any, printed: list[str], log: StringIO
) -> None:
    poison = b"\xe0\x01\x00\xea\xd3\x99secret"
    assert replayer.handle(raw_event([("key", poison)]))["RecordsQuarantined"] == 1

    with pytest.raises(ReplicationHeldError, match="quarantine") as raised:
        replayer.drain()

    assert raised.value.hint
    assert json.loads(printed[-1])["QuarantinedRecords"] == [1]
    assert "secret" not in "".join(printed) + log.getvalue()
    assert json.loads(log.getvalue().splitlines()[0])["message"] == "quarantined"


def test_settings_come_from_the_environment() -> None:
    settings = ReplaySettings.from_environment(ENVIRONMENT)
    assert settings.stream.settle_window == 7.5
    assert settings.endpoints.session == "https://session.qldb.eu-west-1.amazonaws.com"
    local = {**ENVIRONMENT, "LEDGER_ENDPOINT_URL": "http://127.0.0.1:4566"}
    assert ReplaySettings.from_environment(local).endpoints.session == "http://127.0.0.1:4566"
    default = {key: each for key, each in ENVIRONMENT.items() if key != "SETTLE_WINDOW_SECONDS"}
    assert ReplaySettings.from_environment(default).stream.settle_window == 120.0
    assert settings.transaction_documents == 40
    larger = {**ENVIRONMENT, "DESTINATION_TRANSACTION_DOCUMENTS": "400"}
    assert ReplaySettings.from_environment(larger).transaction_documents == 400


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("DESTINATION_LEDGER", "", ReplaySettingsError),
        ("DESTINATION_LEDGER", "no--name", NameRefusedError),
        ("BUFFER_TABLE", "", ReplaySettingsError),
        ("SETTLE_WINDOW_SECONDS", "soon", ReplaySettingsError),
        ("SETTLE_WINDOW_SECONDS", "-1", ReplaySettingsError),
        ("SETTLE_WINDOW_SECONDS", "inf", ReplaySettingsError),
        ("DESTINATION_TRANSACTION_DOCUMENTS", "3", ReplaySettingsError),
        ("DESTINATION_TRANSACTION_DOCUMENTS", "many", ReplaySettingsError),
        ("AWS_REGION", "", RegionMissingError),
    ],
)
def test_wrong_settings_are_refused_with_what_to_do(
    name: str, value: str, error: type[Exception]
) -> None:
    with pytest.raises(error) as raised:
        ReplaySettings.from_environment({**ENVIRONMENT, name: value})
    assert raised.value.hint  # type: ignore[attr-defined]
