"""The order in which the local AWS's states reach the disk."""

import pytest
from ministack import app as ministack
from ministack.core import persistence

from qldbkit.local.persistence import POSITIONS, StateNotSavedError, StateSaver


@pytest.fixture
def events(monkeypatch, tmp_path):
    """What happens to each service's state, in order."""
    seen = []

    def state_of(name):
        return lambda: seen.append(("copied", name)) or {}

    services = {name: state_of(name) for name in ("dynamodb", "kinesis", POSITIONS, "sqs")}
    monkeypatch.setattr(ministack, "_build_persistence_save_dict", lambda: services)
    write = persistence.save_state
    monkeypatch.setattr(persistence, "PERSIST_STATE", True)
    monkeypatch.setattr(persistence, "STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(
        persistence,
        "save_state",
        lambda name, state: (write(name, state), seen.append(("written", name))),
    )
    return seen


def test_positions_on_disk_are_never_ahead_of_what_functions_stored(events, tmp_path):
    StateSaver(tmp_path, 1.0).save()
    assert events[0] == ("copied", POSITIONS)
    assert events[-1] == ("written", POSITIONS)
    assert len(events) == 8


def test_nothing_is_written_unless_everything_could_be_copied(events, tmp_path, monkeypatch):
    services = ministack._build_persistence_save_dict()

    def changing():
        raise RuntimeError("dictionary changed size during iteration")

    services["sqs"] = changing
    with pytest.raises(RuntimeError):
        StateSaver(tmp_path, 1.0).save()
    assert ("written", POSITIONS) not in events
    assert not [event for event in events if event[0] == "written"]


def test_the_kinesis_log_is_kept_when_a_state_could_not_be_written(events, tmp_path):
    log = tmp_path / "kinesis-records.jsonl"
    log.write_text("{}\n")
    saver = StateSaver(tmp_path, 1.0)
    (tmp_path / "state" / "kinesis.json").mkdir(parents=True)  # which no file can replace
    with pytest.raises(StateNotSavedError, match="the state of kinesis was not saved"):
        saver.save()
    assert (tmp_path / "kinesis-records.previous.jsonl").read_text() == "{}\n"
    (tmp_path / "state" / "kinesis.json").rmdir()
    saver.save()
    assert not (tmp_path / "kinesis-records.previous.jsonl").exists()
