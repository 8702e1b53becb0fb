"""A comparison's result as a metric, for the alarm that tells of a difference."""

from __future__ import annotations

from typing import Any

from qldbkit.replay.compare import Comparison
from qldbkit.replay.metric_names import DIMENSION, NAMESPACE, UNITS, Metric


def publish(cloudwatch: Any, destination: str, found: Comparison) -> None:
    """Put how many documents and tables differ into CloudWatch.

    Args:
        cloudwatch: boto3's client.
        destination: its name, the metric's dimension.
        found: what was compared.

    Raises:
        ClientError: CloudWatch refuses.
    """
    tables = len(found.missing_tables) + len(found.extra_tables)
    figure = {
        "MetricName": str(Metric.DIFFERENCES),
        "Dimensions": [{"Name": DIMENSION, "Value": destination}],
        "Unit": UNITS[Metric.DIFFERENCES],
        "Value": found.different_documents + tables,
    }
    cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[figure])
