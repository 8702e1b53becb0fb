"""Kinesis records are on disk before they are acknowledged, so that a kill loses none."""

import copy
import json

import pytest
from ministack.core.responses import AccountRegionScopedDict
from ministack.services import kinesis

from qldbkit.local.persistence import KinesisLog

SCOPE = ("000000000000", "us-east-1", "journal")


@pytest.fixture
def streams(monkeypatch):
    store = AccountRegionScopedDict()
    store._data[SCOPE] = {"shards": {"shard-0": {"records": []}, "shard-1": {"records": []}}}
    monkeypatch.setattr(kinesis, "_streams", store)
    return store._data


def put(streams, number, shard="shard-0"):
    record = {"SequenceNumber": f"{number:030d}", "Data": "AA==", "PartitionKey": "k"}
    streams[SCOPE]["shards"][shard]["records"].append(record)


def numbers(streams, shard="shard-0"):
    return [int(r["SequenceNumber"]) for r in streams[SCOPE]["shards"][shard]["records"]]


def restart(streams, saved, folder):
    """What a new process does: load the saved state, then put back what the log holds."""
    streams.clear()
    streams.update(copy.deepcopy(saved))
    log = KinesisLog(folder)
    log.restore()
    return log


def test_records_that_were_not_saved_come_back_in_order(streams, tmp_path):
    saved, log = copy.deepcopy(streams), KinesisLog(tmp_path)
    for number in (1, 2, 3):
        put(streams, number)
        log.append()
    put(streams, 4, "shard-1")
    log.append()
    restart(streams, saved, tmp_path)
    assert numbers(streams) == [1, 2, 3]
    assert numbers(streams, "shard-1") == [4]


def test_records_that_were_saved_do_not_come_back_twice(streams, tmp_path):
    log = KinesisLog(tmp_path)
    put(streams, 1)
    log.append()
    saved = copy.deepcopy(streams)
    put(streams, 2)
    log.append()
    log = restart(streams, saved, tmp_path)
    assert numbers(streams) == [1, 2]
    put(streams, 3)
    log.append()
    restart(streams, saved, tmp_path)
    assert numbers(streams) == [1, 2, 3]


@pytest.mark.parametrize("finished", [True, False])
def test_a_kill_while_the_state_is_saved_loses_nothing(streams, tmp_path, finished):
    log = KinesisLog(tmp_path)
    before = copy.deepcopy(streams)
    put(streams, 1)
    log.append()
    log.begin_save()
    after = copy.deepcopy(streams)
    put(streams, 2)
    log.append()
    if finished:
        log.end_save()
    restart(streams, after if finished else before, tmp_path)
    assert numbers(streams) == [1, 2]


def test_the_log_does_not_grow_beyond_what_was_not_saved(streams, tmp_path):
    log = KinesisLog(tmp_path)
    for number in range(1, 50):
        put(streams, number)
        log.append()
    log.begin_save()
    log.end_save()
    put(streams, 50)
    log.append()
    lines = [line for path in tmp_path.iterdir() for line in path.read_text().splitlines() if line]
    assert [int(json.loads(line)["record"]["SequenceNumber"]) for line in lines] == [50]


def test_a_line_that_was_being_written_when_it_was_killed_is_passed_over(streams, tmp_path):
    saved, log = copy.deepcopy(streams), KinesisLog(tmp_path)
    put(streams, 1)
    log.append()
    (path,) = tmp_path.iterdir()
    path.write_text(path.read_text() + '{"shard": ["0000')
    log = restart(streams, saved, tmp_path)
    assert numbers(streams) == [1]
    put(streams, 2)
    log.append()
    restart(streams, saved, tmp_path)
    assert numbers(streams) == [1, 2]


def test_records_of_a_stream_that_is_gone_are_dropped(streams, tmp_path):
    log = KinesisLog(tmp_path)
    put(streams, 1)
    log.append()
    restart(streams, {}, tmp_path)
    assert not streams
