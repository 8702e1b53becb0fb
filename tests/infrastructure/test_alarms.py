"""The alarms and the dashboard."""

import json
import re
from pathlib import Path

import pytest
from aws_cdk.assertions import Match, Template

from qldbkit.replay.metric_names import Metric
from stacks.settings import Settings, SettingsError

PROJECT = Path(__file__).resolve().parents[2]
TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"

# Name: namespace, metric, statistic, threshold, bad minutes of minutes, missing data
ALARMS = {
    "IteratorAge": ("AWS/Lambda", "IteratorAge", "Maximum", 300_000, "3/5", "notBreaching"),
    "WritesThrottled": (
        *("AWS/Kinesis", "PutRecords.ThrottledRecords", "Sum", 1, "3/5", "notBreaching"),
    ),
    "Gap": ("qldbkit/replay", "StrandsHeld", "Maximum", 1, "2/3", "ignore"),
    "QuarantineNotEmpty": ("qldbkit/replay", "QuarantinedRecords", "Maximum", 1, "1/1", "ignore"),
    "Difference": ("qldbkit/replay", "Differences", "Maximum", 1, "1/1", "ignore"),
    "NearExpiry": ("AWS/Lambda", "IteratorAge", "Maximum", 453_600_000, "3/5", "notBreaching"),
    "Heartbeat": ("qldbkit/replay", "Heartbeat", "Sum", 1, "5/5", "breaching"),
    "ArchiveBehind": (
        *("AWS/Firehose", "DeliveryToS3.DataFreshness", "Maximum", 900, "3/5", "notBreaching"),
    ),
    "BatchErrors": ("AWS/Lambda", "Errors", "Sum", 1, "3/5", "notBreaching"),
    "ClockErrors": ("AWS/Lambda", "Errors", "Sum", 1, "3/5", "notBreaching"),
    "FailedBatches": (
        *("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", 1, "1/1", "notBreaching"),
    ),
}
OF_SOME_VIEWS = ("Unindexed",)
OF = {
    "IteratorAge": {"FunctionName": "ReplayOnBatchFunction"},
    "WritesThrottled": {"StreamName": "JournalStream"},
    "Gap": {"Destination": "QldbBlogStreaming"},
    "QuarantineNotEmpty": {"Destination": "QldbBlogStreaming"},
    "Difference": {"Destination": "QldbBlogStreaming"},
    "NearExpiry": {"FunctionName": "ReplayOnBatchFunction"},
    "Heartbeat": {"Destination": "QldbBlogStreaming"},
    "ArchiveBehind": {"DeliveryStreamName": "ArchiveDelivery"},
    "BatchErrors": {"FunctionName": "ReplayOnBatchFunction"},
    "ClockErrors": {"FunctionName": "ReplayOnClockFunction"},
    "FailedBatches": {"QueueName": "ReplayFailedQueue"},
}


def alarms_of(template: Template) -> dict[str, dict]:
    """Every alarm's properties by its name in the stack."""
    found = {}
    for logical_id, each in template.find_resources("AWS::CloudWatch::Alarm").items():
        name = re.fullmatch(r"Alarms(\w+?)[0-9A-F]{8}", logical_id)
        assert name, logical_id
        found[name[1]] = each["Properties"]
    return found


def test_there_is_an_alarm_for_everything_that_needs_a_person(stream_template: Template) -> None:
    assert alarms_of(stream_template).keys() == ALARMS.keys()


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_looks_at_its_figure(stream_template: Template, name: str) -> None:
    alarm = alarms_of(stream_template)[name]
    namespace, metric, statistic, threshold, bad, missing = ALARMS[name]
    assert (alarm["Namespace"], alarm["MetricName"]) == (namespace, metric)
    assert (alarm["Statistic"], alarm["Period"]) == (statistic, 60)
    assert alarm["Threshold"] == threshold
    assert f"{alarm['DatapointsToAlarm']}/{alarm['EvaluationPeriods']}" == bad
    assert alarm["TreatMissingData"] == missing
    below = "LessThanThreshold" if name == "Heartbeat" else "GreaterThanOrEqualToThreshold"
    assert alarm["ComparisonOperator"] == below
    assert "Metrics" not in alarm
    assert len(alarm["AlarmDescription"]) > 40
    dimensions = {each["Name"]: str(each["Value"]) for each in alarm["Dimensions"]}
    assert dimensions.keys() == OF[name].keys()
    assert all(OF[name][each] in dimensions[each] for each in dimensions)


def test_an_alarm_tells_the_topic_of_the_context_and_nobody_without(
    lay_out, stream_template: Template
) -> None:
    assert not any("AlarmActions" in each for each in alarms_of(stream_template).values())
    told = alarms_of(lay_out(alarmTopicArn=TOPIC).stream_template)
    assert all(each["AlarmActions"] == each["OKActions"] == [TOPIC] for each in told.values())


@pytest.mark.parametrize("wrong", ["alarms", "arn:aws:sqs:us-east-1:123456789012:alarms", 7])
def test_what_is_no_topic_is_refused_with_what_to_write(wrong: object) -> None:
    with pytest.raises(SettingsError, match=r"alarmTopicArn.*arn:aws:sns"):
        Settings.from_context({"alarmTopicArn": wrong})


def test_the_dashboard_shows_the_alarms_and_what_replay_says(stream_template: Template) -> None:
    (dashboard,) = stream_template.find_resources("AWS::CloudWatch::Dashboard").values()
    body = json.dumps(dashboard["Properties"]["DashboardBody"])
    for alarm in stream_template.find_resources("AWS::CloudWatch::Alarm"):
        assert alarm in body
    shown = {each for each in Metric if f'\\"{each}\\"' in body}
    unshown = {
        *(Metric.REPEATED_RECORDS, Metric.FRAGMENTS_BUFFERED, Metric.STRANDS_WAITING),
        Metric.DOCUMENTS_UNINDEXED,  # of a view, whose alarm is shown
    }
    assert shown == set(Metric) - unshown
    for metric in ("IteratorAge", "Errors", "PutRecords.ThrottledRecords"):
        assert metric in body
    assert "DeliveryToS3.DataFreshness" in body


def test_quarantined_payloads_are_private_encrypted_versioned_and_expire(
    stream_template: Template,
) -> None:
    stream_template.has_resource_properties(
        "AWS::S3::Bucket",
        {
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {
                        "BucketKeyEnabled": True,
                        "ServerSideEncryptionByDefault": {
                            "SSEAlgorithm": "aws:kms",
                            "KMSMasterKeyID": {
                                "Fn::GetAtt": [Match.string_like_regexp("^ArchiveKey"), "Arn"]
                            },
                        },
                    }
                ]
            },
            "LifecycleConfiguration": {
                "Rules": [
                    Match.object_like(
                        {
                            "ExpirationInDays": 365,
                            "NoncurrentVersionExpiration": {"NoncurrentDays": 90},
                            "Status": "Enabled",
                        }
                    )
                ]
            },
            "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
            "VersioningConfiguration": {"Status": "Enabled"},
        },
    )


@pytest.mark.parametrize("function", ["OnBatch", "OnClock"])
def test_replay_adds_to_the_quarantine_and_takes_nothing_away(
    stream_template: Template, permissions_of, function: str
) -> None:
    granted = permissions_of(stream_template, f"Replay{function}Role")
    of_s3 = {name: each for name, each in granted.items() if any("s3:" in one for one in each)}
    ((resource, actions),) = of_s3.items()
    assert re.fullmatch(r"<QuarantineBucket\w+\.Arn>/quarantine/\*", resource)
    assert actions == {"s3:PutObject"}
    (key_actions,) = (each for name, each in granted.items() if name.startswith("<ArchiveKey"))
    assert key_actions == {"kms:GenerateDataKey"}


def test_every_bucket_is_reached_by_tls_only(stream_template: Template) -> None:
    policies = stream_template.find_resources("AWS::S3::BucketPolicy").values()
    assert len(policies) == 2
    for each in policies:
        assert "aws:SecureTransport" in json.dumps(each)


def test_the_manual_says_what_each_alarm_means_and_names_no_other() -> None:
    manual = (PROJECT / "docs" / "operations.md").read_text()
    assert set(re.findall(r"^### (\w+)$", manual, re.MULTILINE)) == {*ALARMS, *OF_SOME_VIEWS}
    for name in (*ALARMS, *OF_SOME_VIEWS):
        assert re.search(rf"^\| {name} \| \S", manual, re.MULTILINE), name
    for metric in Metric:
        assert f"`{metric}`" in manual
