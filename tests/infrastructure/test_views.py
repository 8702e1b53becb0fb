"""What every view is deployed with: functions, a settling buffer and alarms of its own."""

from __future__ import annotations

import re

import pytest
from aws_cdk.assertions import Template

from qldbkit.replay.views.kinds import OUTPUT_PREFIXES
from stacks.packaging import PACKAGES
from stacks.settings import VIEW_KINDS
from stacks.views.journal_views import INDEXING, STORES


@pytest.fixture(scope="module")
def template(lay_out) -> Template:
    return lay_out(views=list(VIEW_KINDS)).stream_template


def of_view(template: Template, resource: str, kind: str) -> dict[str, dict]:
    """The properties of a view's resources of a type, by their logical ids."""
    found = template.find_resources(resource)
    prefix = f"Views{OUTPUT_PREFIXES[kind]}"
    return {name: each["Properties"] for name, each in found.items() if name.startswith(prefix)}


def test_without_views_in_the_context_there_is_none(stream_template: Template) -> None:
    assert "Views" not in str(stream_template.to_json())


def test_every_kind_has_a_store_a_prefix_and_a_package() -> None:
    assert set(VIEW_KINDS) == STORES.keys() <= OUTPUT_PREFIXES.keys()
    assert all(f"view-{kind}" in PACKAGES for kind in VIEW_KINDS)


@pytest.mark.parametrize("kind", VIEW_KINDS)
def test_a_view_has_two_functions_and_a_settling_buffer(template: Template, kind: str) -> None:
    functions = of_view(template, "AWS::Lambda::Function", kind).values()
    own = [each for each in functions if "VIEW_URL" in each["Environment"]["Variables"]]
    assert {each["Handler"] for each in own} == {"handler.handle", "drain.handle"}
    buffers = {str(each["Environment"]["Variables"]["BUFFER_TABLE"]) for each in own}
    (buffer,) = buffers
    assert f"Views{OUTPUT_PREFIXES[kind]}ReplayBuffer" in buffer
    for each in own:
        told = each["Environment"]["Variables"]
        assert told["VIEW_NAME"] == f"QldbBlog-{kind}"
        assert kind[:8] in str(told["VIEW_URL"])
        assert "LEDGER_ENDPOINT_URL" not in told and "DESTINATION_LEDGER" not in told


@pytest.mark.parametrize("kind", VIEW_KINDS)
def test_a_view_is_told_which_tables_are_replayed(lay_out, kind: str) -> None:
    told = lay_out(views=[kind], replayTables=["Person"], renameTables={"Person": "People"})
    functions = of_view(told.stream_template, "AWS::Lambda::Function", kind).values()
    variables = [each["Environment"]["Variables"] for each in functions]
    of_ours = [each for each in variables if "VIEW_URL" in each]
    assert {each["REPLAY_TABLES"] for each in of_ours} == {"Person"}
    assert {each["RENAME_TABLES"] for each in of_ours} == {"Person=People"}


@pytest.mark.parametrize("kind", VIEW_KINDS)
def test_a_view_reads_the_stream_from_its_beginning_and_in_order(
    template: Template, kind: str
) -> None:
    ((_, mapping),) = of_view(template, "AWS::Lambda::EventSourceMapping", kind).items()
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["MaximumRetryAttempts"] == -1
    assert mapping["ParallelizationFactor"] == 1


@pytest.mark.parametrize("kind", VIEW_KINDS)
def test_a_view_has_alarms_of_its_own(template: Template, kind: str) -> None:
    alarms = of_view(template, "AWS::CloudWatch::Alarm", kind)
    names = {re.fullmatch(r"\w+?Alarms(\w+?)[0-9A-F]{8}", each)[1] for each in alarms}
    assert names == {
        *("IteratorAge", "NearExpiry", "Gap", "QuarantineNotEmpty", "Difference", "Heartbeat"),
        *("BatchErrors", "ClockErrors", "FailedBatches"),
        *(["Unindexed"] if kind in INDEXING else []),
    }
    of_replay = [each for each in alarms.values() if each["Namespace"] == "qldbkit/replay"]
    dimensions = {each["Dimensions"][0]["Value"] for each in of_replay}
    assert dimensions == {f"QldbBlog-{kind}"}


@pytest.mark.parametrize("kind", VIEW_KINDS)
def test_a_view_is_on_the_dashboard_and_in_the_outputs(template: Template, kind: str) -> None:
    (dashboard,) = template.find_resources("AWS::CloudWatch::Dashboard").values()
    assert f"QldbBlog-{kind}: milliseconds behind" in str(dashboard)
    outputs = template.find_outputs("*")
    for name in ("ViewUrl", "ViewBufferTableName", "ViewReplayFunctionName", "ViewClockRuleName"):
        assert f"{OUTPUT_PREFIXES[kind]}{name}" in outputs
