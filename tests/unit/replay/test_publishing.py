"""What a comparison found, as a metric."""

from __future__ import annotations

import boto3
from moto import mock_aws

from qldbkit.replay.compare import Comparison, Difference, DifferenceKind
from qldbkit.replay.metric_names import DIMENSION, NAMESPACE, Metric
from qldbkit.replay.publishing import publish


@mock_aws
def test_how_much_differs_is_put_where_the_alarm_looks() -> None:
    cloudwatch = boto3.client("cloudwatch", region_name="us-east-1")
    changed = Difference("Person", "D1", DifferenceKind.CHANGED)
    publish(cloudwatch, "Replica", Comparison((), ("Car",), (), (changed,), 3))
    (found,) = cloudwatch.list_metrics(Namespace=NAMESPACE)["Metrics"]
    assert found["MetricName"] == Metric.DIFFERENCES
    assert found["Dimensions"] == [{"Name": DIMENSION, "Value": "Replica"}]


def test_its_figure_counts_documents_and_tables() -> None:
    put = {}

    class Cloudwatch:
        def put_metric_data(self, **request: object) -> None:
            put.update(request)

    publish(Cloudwatch(), "Replica", Comparison((), ("Car",), ("Bike",), (), 3))
    (figure,) = put["MetricData"]  # type: ignore[misc]
    assert (figure["Value"], figure["Unit"]) == (5, "Count")
    publish(Cloudwatch(), "Replica", Comparison((), (), (), (), 0))
    (figure,) = put["MetricData"]  # type: ignore[misc]
    assert figure["Value"] == 0
