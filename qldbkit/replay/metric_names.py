"""What replay's metrics are called in CloudWatch; alarms and dashboards are made of these names."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

NAMESPACE: Final = "qldbkit/replay"
DIMENSION: Final = "Destination"
"""The only dimension: the destination's name."""


class Metric(StrEnum):
    """A figure of one run. Where Debezium has a word for it, that word is used.

    Those of a batch count what the batch did. Those of the clock say how things stand, and are
    there every minute, also when nothing happens. That of a comparison is there when somebody
    has compared.
    """

    # Of a batch, and of what the clock applied
    RECORDS = "Records"
    REPEATED_RECORDS = "RepeatedRecords"
    BLOCKS_APPLIED = "BlocksApplied"
    REVISIONS_APPLIED = "RevisionsApplied"
    TRANSACTIONS = "Transactions"
    LATE_BLOCKS = "LateBlocks"
    FRAGMENTS_BUFFERED = "FragmentsBuffered"
    GAPS_PASSED = "GapsPassed"
    RECORDS_QUARANTINED = "RecordsQuarantined"
    STRANDS_HELD = "StrandsHeld"
    STRANDS_WAITING = "StrandsWaiting"
    TIMES_FENCED = "TimesFenced"
    MILLISECONDS_BEHIND_SOURCE = "MillisecondsBehindSource"
    # Of the clock alone
    HEARTBEAT = "Heartbeat"
    BLOCKS_WAITING = "BlocksWaiting"
    QUARANTINED_RECORDS = "QuarantinedRecords"
    GAPS_OPEN = "GapsOpen"
    # Of the clock of a view whose database indexes what documents hold
    DOCUMENTS_UNINDEXED = "DocumentsUnindexed"
    # Of a comparison that is published
    DIFFERENCES = "Differences"


UNITS: Final[Mapping[Metric, str]] = {
    each: "Milliseconds" if each is Metric.MILLISECONDS_BEHIND_SOURCE else "Count"
    for each in Metric
}
