"""docs/cost.md counts what the templates have."""

from cost import FIREHOSE_BYTES, FIREHOSE_SECONDS, MIB, Stacks

from qldbkit.replay.metric_names import Metric
from stacks.archive import BUFFER_MB, BUFFER_SECONDS


def test_what_is_paid_for_by_the_month_is_counted(stream_template) -> None:
    counted = Stacks()
    for kind, count in {
        "AWS::CloudWatch::Alarm": counted.alarms,
        "AWS::CloudWatch::Dashboard": counted.dashboards,
        "AWS::KMS::Key": counted.keys,
    }.items():
        stream_template.resource_count_is(kind, count)
    assert len(set(Metric) - {Metric.DOCUMENTS_UNINDEXED}) == counted.metrics  # of a ledger


def test_functions_and_objects_have_the_sizes_that_are_paid_for(stream_template) -> None:
    functions = stream_template.find_resources("AWS::Lambda::Function").values()
    sizes = {each["Properties"]["MemorySize"] for each in functions}
    assert sizes == {Stacks().memory_mb}
    assert (FIREHOSE_BYTES, FIREHOSE_SECONDS) == (BUFFER_MB * MIB, BUFFER_SECONDS)
