"""Tables that are left out, and tables that are called otherwise in the destination."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from simulation.source import Write

from qldbkit.errors import QldbkitError
from qldbkit.replay.applier import ReplayPolicy
from qldbkit.replay.operator import ReplayNames, ReplayNotFoundError, names_of_stack
from qldbkit.replay.routing import TableRouting
from qldbkit.replay.settings import tables_of_environment
from qldbkit.replay.settle import HoldReason


def told(world: Any, replayed: str, renamed: str = "") -> Any:
    world.policy = replace(world.policy, tables=TableRouting.from_text(replayed, renamed))
    world.applier = world.new_applier()
    return world


def contents(world: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for (table, _), data in world.destination.documents().items():
        found.setdefault(table, []).append(data.value()["n"])
    return found


def test_what_is_done_to_tables_that_are_left_out_only_moves_the_checkpoint(world: Any) -> None:
    told(world, "Person")
    source = world.source
    blocks = [
        source.create_table("Person"),
        source.create_table("Secret"),
        source.create_index("Secret", "n"),
        source.insert("Person", {"n": 1}),
        source.insert("Secret", {"n": 2}),
        source.drop_table("Secret"),
    ]
    world.deliver(*blocks)
    assert contents(world) == {"Person": [1]}
    assert world.destination.indexes() == {"Person": frozenset()}
    assert world.reached() == blocks[-1].address.sequence_no


def test_changes_and_redactions_of_documents_that_are_left_out_hold_nothing(world: Any) -> None:
    told(world, "Person")
    source = world.source
    world.deliver(source.create_table("Person"), source.create_table("Secret"))
    secret = source.insert("Secret", {"n": 2})
    id_ = secret.revisions[0].metadata.id
    world.deliver(secret, source.write("Secret", [Write(id_, {"n": 3})]), source.redact(id_, 0))
    world.deliver(source.insert("Person", {"n": 1}))
    assert contents(world) == {"Person": [1]}
    assert world.later().problems() == []


def test_a_renamed_table_is_made_indexed_dropped_and_undropped_under_its_new_name(
    world: Any,
) -> None:
    told(world, "", "Person=People")
    source = world.source
    world.deliver(source.create_table("Person"), source.create_index("Person", "n"))
    world.deliver(source.insert("Person", {"n": 1}))
    assert contents(world) == {"People": [1]}
    assert world.destination.indexes() == {"People": frozenset({"n"})}
    table_id = source.tables["Person"].table_id
    world.deliver(source.drop_table("Person"))
    assert contents(world) == {}
    world.deliver(source.undrop_table(table_id))
    assert contents(world) == {"People": [1]}


def test_undropping_a_table_that_is_left_out_does_nothing_and_holds_nothing(world: Any) -> None:
    told(world, "Person")
    source = world.source
    world.deliver(source.create_table("Person"), source.drop_table("Person"))
    world.deliver(source.create_table("Secret"), source.insert("Secret", {"n": 1}))
    table_id = source.tables["Secret"].table_id
    outcome = world.deliver(source.drop_table("Secret"), source.undrop_table(table_id))
    assert outcome.holds == {}
    assert world.destination.indexes() == {}, "an empty dropped table was taken for the other"


def test_a_table_whose_name_another_one_has_been_given_stops_the_strand(world: Any) -> None:
    told(world, "", "Person=Vehicle")
    source = world.source
    world.deliver(source.create_table("Person"), source.insert("Person", {"n": 1}))
    outcome = world.deliver(source.create_table("Vehicle"))
    (hold,) = outcome.holds.values()
    assert hold.reason is HoldReason.DAMAGED
    assert "table Vehicle is replayed under its own name" in hold.message
    assert contents(world) == {"Vehicle": [1]}


def test_a_late_block_is_filtered_and_renamed_as_well(world: Any) -> None:
    told(world, "Person", "Person=People")
    source = world.source
    world.deliver(source.create_table("Person"), source.create_table("Secret"))
    late = [source.insert("Person", {"n": 1}), source.insert("Secret", {"n": 2})]
    world.deliver(source.insert("Person", {"n": 3}))
    world.later()
    world.deliver(*late)
    assert sorted(contents(world)["People"]) == [1, 3]
    assert contents(world).keys() == {"People"}


@pytest.mark.parametrize(
    ("replayed", "renamed", "sentence"),
    [
        ("Person,Some table", "", "cannot name a table"),
        ("", "Person=Some table", "cannot name a table"),
        ("", "Person", "write SOURCE=DESTINATION"),
        ("", "Person=A,Person=B", "Person is renamed twice"),
        ("", "Person=A,Vehicle=A", "two tables would be A"),
        ("Person,Vehicle", "Person=Vehicle", "two tables would be Vehicle"),
        ("Person", "Vehicle=Car", "Vehicle is renamed and not replayed"),
    ],
)
def test_what_cannot_be_replayed_is_refused_with_what_to_write(
    replayed: str, renamed: str, sentence: str
) -> None:
    with pytest.raises(QldbkitError) as caught:
        TableRouting.from_text(replayed, renamed)
    assert sentence in str(caught.value)


def test_two_tables_may_exchange_their_names() -> None:
    routing = TableRouting.from_text("A,B", "A=B,B=A")
    assert (routing.name_of("A"), routing.name_of("B")) == ("B", "A")
    assert (routing.source_of("A"), routing.source_of("B")) == ("B", "A")


def test_the_functions_and_the_operators_are_told_the_same() -> None:
    class CloudFormation:
        def describe_stacks(self, **_: str) -> dict[str, Any]:
            outputs = {
                "DestinationLedgerName": "Destination",
                "SourceLedgerName": "Source",
                "BufferTableName": "Buffer",
                "ReplayedTables": "Person,Vehicle",
                "RenamedTables": "Person=People",
            }
            pairs = [{"OutputKey": key, "OutputValue": each} for key, each in outputs.items()]
            return {"Stacks": [{"Outputs": pairs}]}

    environment = {"REPLAY_TABLES": "Person,Vehicle", "RENAME_TABLES": "Person=People"}
    routing = tables_of_environment(environment)
    assert names_of_stack(CloudFormation(), "Stack").tables == routing
    assert ReplayPolicy(tables=routing).tables.name_of("Person") == "People"


class Stacks:
    """CloudFormation with one stack, of a ledger and a view."""

    def describe_stacks(self, **_: str) -> dict[str, Any]:
        outputs = {
            "DestinationLedgerName": "Destination",
            "SourceLedgerName": "Source",
            "BufferTableName": "Buffer",
            "QuarantineBucketName": "Quarantine",
            "ReplayedTables": "Person",
            "OpenSearchViewUrl": "opensearch+https://search.example/source?signing=es",
            "OpenSearchViewBufferTableName": "ViewBuffer",
            "OpenSearchViewReplayFunctionName": "ViewReplay",
            "OpenSearchViewClockRuleName": "ViewClock",
        }
        pairs = [{"OutputKey": key, "OutputValue": each} for key, each in outputs.items()]
        return {"Stacks": [{"Outputs": pairs}]}


@pytest.mark.parametrize("view", ["opensearch", "opensearch+http://127.0.0.1:9200/source"])
def test_a_view_has_a_replay_of_its_own(view: str) -> None:
    found = names_of_stack(Stacks(), "Stack", view)
    assert found == ReplayNames(
        destination="Source-opensearch",
        source="Source",
        table="ViewBuffer",
        bucket="Quarantine",
        tables=TableRouting.from_text("Person", ""),
        function="ViewReplay",
        clock_rule="ViewClock",
        view=view if "://" in view else "opensearch+https://search.example/source?signing=es",
    )


@pytest.mark.parametrize(
    ("view", "sentence"),
    [
        ("postgresql", "stack Stack has no output PostgreSqlViewUrl"),
        ("mongodb", "mongodb is no view"),
        ("mongodb://host/name", "mongodb://host/name is no view"),
    ],
)
def test_a_view_that_the_stack_has_not_is_refused(view: str, sentence: str) -> None:
    with pytest.raises(ReplayNotFoundError, match=sentence) as caught:
        names_of_stack(Stacks(), "Stack", view)
    assert caught.value.hint
