"""What the deployed functions call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from simulation.delivery import kinesis_event, raw_event
from simulation.source import records_of

from qldbkit.endpoints import RegionMissingError
from qldbkit.names import NameRefusedError
from qldbkit.replay.applier import ReplayPolicy
from qldbkit.replay.errors import ReplaySettingsError, ReplicationHeldError
from qldbkit.replay.lambda_entry import Replayer
from qldbkit.replay.settings import ReplaySettings

ENVIRONMENT = {
    "DESTINATION_LEDGER": "Destination",
    "BUFFER_TABLE": "Buffer",
    "STREAM_NAME": "Stream",
    "SETTLE_WINDOW_SECONDS": "7.5",
    "AWS_REGION": "eu-west-1",
}
METRICS = {
    "Records",
    "RepeatedRecords",
    "BlocksApplied",
    "RevisionsApplied",
    "Transactions",
    "LateBlocks",
    "FragmentsBuffered",
    "GapsPassed",
    "RecordsQuarantined",
    "QuarantineNotEmpty",
    "StrandsHeld",
    "StrandsWaiting",
    "TimesFenced",
    "SecondsBehind",
}


@pytest.fixture
def printed() -> list[str]:
    return []


@pytest.fixture
def replayer(world: Any, printed: list[str]) -> Replayer:
    return Replayer(
        world.destination,
        world.buffer,
        name="Destination",
        policy=ReplayPolicy(settle_window=120.0),
        clock=lambda: world.now,
        emit=printed.append,
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
    replayer: Replayer, world: Any, printed: list[str]
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
    assert line["BlocksApplied"] == 2
    assert line["Destination"] == "Destination"
    assert line["_aws"]["Timestamp"] == int(world.now * 1000)
    assert {each["Name"] for each in directive["Metrics"]} <= METRICS
    assert all(each["Name"] in line for each in directive["Metrics"])
    assert secret not in printed[0]


def test_metrics_have_the_names_that_alarms_use(
    replayer: Replayer, world: Any, printed: list[str]
) -> None:
    world.source.create_table("Person")
    replayer.handle(kinesis_event(records_of(world.source.blocks[0])))
    replayer.drain()
    names = {
        metric["Name"]
        for line in map(json.loads, printed)
        for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }
    assert names == METRICS


def test_a_poison_record_does_not_fail_its_batch_and_the_drain_reports_it(
    replayer: Replayer, world: Any, printed: list[str]
) -> None:
    poison = b"\xe0\x01\x00\xea\xd3\x99secret"
    assert replayer.handle(raw_event([("key", poison)]))["RecordsQuarantined"] == 1

    with pytest.raises(ReplicationHeldError, match="quarantine") as raised:
        replayer.drain()

    assert raised.value.hint
    assert json.loads(printed[-1])["QuarantineNotEmpty"] == 1
    assert "secret" not in "".join(printed)


def test_settings_come_from_the_environment() -> None:
    settings = ReplaySettings.from_environment(ENVIRONMENT)
    assert settings.settle_window == 7.5
    assert settings.endpoints.session == "https://session.qldb.eu-west-1.amazonaws.com"
    local = {**ENVIRONMENT, "LEDGER_ENDPOINT_URL": "http://127.0.0.1:4566"}
    assert ReplaySettings.from_environment(local).endpoints.session == "http://127.0.0.1:4566"
    default = {key: each for key, each in ENVIRONMENT.items() if key != "SETTLE_WINDOW_SECONDS"}
    assert ReplaySettings.from_environment(default).settle_window == 120.0


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("DESTINATION_LEDGER", "", ReplaySettingsError),
        ("DESTINATION_LEDGER", "no--name", NameRefusedError),
        ("BUFFER_TABLE", "", ReplaySettingsError),
        ("SETTLE_WINDOW_SECONDS", "soon", ReplaySettingsError),
        ("SETTLE_WINDOW_SECONDS", "-1", ReplaySettingsError),
        ("SETTLE_WINDOW_SECONDS", "inf", ReplaySettingsError),
        ("AWS_REGION", "", RegionMissingError),
    ],
)
def test_wrong_settings_are_refused_with_what_to_do(
    name: str, value: str, error: type[Exception]
) -> None:
    with pytest.raises(error) as raised:
        ReplaySettings.from_environment({**ENVIRONMENT, name: value})
    assert raised.value.hint  # type: ignore[attr-defined]
