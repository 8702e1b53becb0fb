"""What running the stacks in AWS costs in a month, from the units that the services charge for.

    python bench/cost.py [--revisions 1 100 1000] [--milliseconds 3]

The prices are those of the table in docs/cost.md, and so is what is assumed; `Load` has the same
assumptions to be changed. QLDB itself is in no price list any more, and so in no figure.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cost.md"
PRICE = re.compile(r"\| `(\w+)` \|[^|]*\| \$([0-9.]+) \|")

HOURS = 730
"""Of a month, as AWS's calculator has it."""
SECONDS = HOURS * 3600
MINUTES = HOURS * 60
GIB = 1024**3
MIB = 1024**2
KIB = 1024
MILLION = 1_000_000

SHARD_BYTES, SHARD_RECORDS = MIB, 1000
"""A shard takes so much in a second."""
PUT_UNIT = 25 * KIB
FIREHOSE_UNIT = 5 * KIB
FIREHOSE_SECONDS, FIREHOSE_BYTES = 60, 16 * MIB
"""When the delivery stream writes an object."""
NEVER_MOVED = 128 * KIB
"""Smaller objects stay in S3's standard class."""
STANDARD_DAYS, INFREQUENT_DAYS, YEAR_DAYS = 30, 60, 365
"""How long the archive's objects are in their first class, in their second; the rest in a third."""
ARCHIVED_DAYS = 30.4
KEY_REQUESTS = HOURS * 12
"""Of one user of a key that asks for it again every five minutes."""
CLOCK_SECONDS = 0.2
"""That the clock function runs, each minute, with nothing to do."""


@dataclass(frozen=True, slots=True)
class Stacks:
    """What is deployed; a test holds these to the stacks' templates."""

    memory_mb: int = 1769
    alarms: int = 11
    metrics: int = 18
    dashboards: int = 1
    keys: int = 2


@dataclass(frozen=True, slots=True)
class Load:
    """What the source ledger writes, sustained, and what replaying it takes.

    Attributes:
        revisions: in a second.
        revisions_of_block: on average.
        revision_bytes: of the stream for one revision, its share of the block's summary included.
        packed_seconds: how long a Kinesis record is filled, if it is not full before.
        packed_bytes: of a full Kinesis record.
        headroom: how many times the sustained load the shards take.
        call_seconds: that a batch takes, beside its revisions.
        revision_seconds: that a revision takes, waiting for the destination included.
        line_bytes: of the log for one call.
        kept_units: units of 1 KB that DynamoDB counts for a revision that waits; what came of a
            block in one batch is one item.
    """

    revisions: float
    revisions_of_block: float = 2.5
    revision_bytes: int = 1481
    packed_seconds: float = 0.1
    packed_bytes: int = 50 * KIB
    headroom: float = 2.0
    call_seconds: float = 0.05
    revision_seconds: float = 0.003
    line_bytes: int = 2000
    kept_units: float = 2.2

    @property
    def bytes(self) -> float:
        """In a second."""
        return self.revisions * self.revision_bytes

    @property
    def records(self) -> float:
        """Kinesis records in a second."""
        blocks = self.revisions / self.revisions_of_block
        return max(self.bytes / self.packed_bytes, min(blocks, 1 / self.packed_seconds))

    @property
    def shards(self) -> int:
        """That the stream has."""
        return ceil(max(self.bytes / SHARD_BYTES, self.records / SHARD_RECORDS) * self.headroom)

    @property
    def calls(self) -> float:
        """Of the replay function, in a second: it waits a second for more, shard by shard."""
        return min(self.records, self.shards)


Quantities = Iterator[tuple[str, str, float]]
"""What is paid for: the service, the price's name, and how many units of it."""


def kinesis(load: Load) -> Quantities:
    """A stream with shards, seven days of retention."""
    units = ceil(load.bytes / load.records / PUT_UNIT)
    yield "Kinesis", "shard_hour", load.shards * HOURS
    yield "Kinesis", "shard_hour_retention", load.shards * HOURS
    yield "Kinesis", "put_units", load.records * units * SECONDS / MILLION


def firehose(load: Load) -> Quantities:
    """Every record, rounded up."""
    size = ceil(load.bytes / load.records / FIREHOSE_UNIT) * FIREHOSE_UNIT
    yield "Firehose", "firehose_gb", load.records * size * SECONDS / GIB


def functions(load: Load, stacks: Stacks) -> Quantities:
    """The function on batches, and the one on the clock."""
    seconds = load.calls * load.call_seconds + load.revisions * load.revision_seconds
    busy = seconds * SECONDS + MINUTES * CLOCK_SECONDS
    yield "Lambda", "gb_second", busy * stacks.memory_mb / 1024
    yield "Lambda", "lambda_requests", (load.calls * SECONDS + MINUTES) / MILLION


def buffer(load: Load) -> Quantities:
    """The settling buffer: asked in each call, filled where shards bring blocks out of order."""
    waiting = load.revisions * (1 - 1 / load.shards)
    # What waits is written, read in units of 4 KB, and deleted; the clock notes its run.
    kept = waiting * load.kept_units * SECONDS
    yield "DynamoDB", "write_units", (2 * kept + MINUTES) / MILLION
    yield "DynamoDB", "read_units", (kept / 2 + 2 * load.calls * SECONDS + 5 * MINUTES) / MILLION


def archive(load: Load) -> Quantities:
    """A month's objects are written, and a year's are kept."""
    size = min(load.bytes * FIREHOSE_SECONDS, FIREHOSE_BYTES)
    objects = load.bytes * SECONDS / size
    daily = load.bytes * 86_400 / GIB
    small = size < NEVER_MOVED
    yield "S3", "s3_put", objects / 1000
    yield "S3", "s3_standard", daily * (YEAR_DAYS if small else STANDARD_DAYS)
    if not small:
        yield "S3", "s3_to_infrequent", objects / 1000
        yield "S3", "s3_to_glacier", objects / 1000
        yield "S3", "s3_infrequent", daily * INFREQUENT_DAYS
        yield "S3", "s3_glacier", daily * (YEAR_DAYS - STANDARD_DAYS - INFREQUENT_DAYS)


def keys(load: Load, stacks: Stacks) -> Quantities:
    """Keys, asked for by the stream's writer and both readers of each shard, and by the others."""
    yield "KMS", "key_month", stacks.keys
    yield "KMS", "key_requests", KEY_REQUESTS * (3 * load.shards + 3) / 10_000


def watching(load: Load, stacks: Stacks) -> Quantities:
    """Metrics, alarms, the dashboard, and the functions' logs."""
    logged = (load.calls * SECONDS + MINUTES) * load.line_bytes / GIB
    yield "CloudWatch", "metric_month", stacks.metrics
    yield "CloudWatch", "alarm_month", stacks.alarms
    yield "CloudWatch", "dashboard_month", stacks.dashboards
    yield "CloudWatch", "log_gb", logged
    yield "CloudWatch", "log_gb_month", logged


def quantities(load: Load, stacks: Stacks) -> Quantities:
    """All that is paid for in a month."""
    yield from kinesis(load)
    yield from firehose(load)
    yield from functions(load, stacks)
    yield from buffer(load)
    yield from archive(load)
    yield from keys(load, stacks)
    yield from watching(load, stacks)


def prices(page: Path = PAGE) -> dict[str, float]:
    """The page's price list, in US dollars."""
    return {name: float(price) for name, price in PRICE.findall(page.read_text())}


def monthly(load: Load, price: Mapping[str, float], stacks: Stacks) -> dict[str, float]:
    """US dollars for each service, in the order of the page."""
    costs: dict[str, float] = {}
    for service, name, units in quantities(load, stacks):
        costs[service] = costs.get(service, 0.0) + units * price[name]
    return costs


def rows(loads: list[Load], price: Mapping[str, float]) -> Iterator[list[str]]:
    """The page's table, without its head."""
    months = [monthly(each, price, Stacks()) for each in loads]
    yield ["Shards", *(str(each.shards) for each in loads)]
    for service in months[0]:
        yield [service, *(f"{each[service]:,.2f}" for each in months)]
    yield ["**A month**", *(f"**{sum(each.values()):,.2f}**" for each in months)]


def main() -> None:
    """Print the table for some sizes."""
    parser = argparse.ArgumentParser(description="What running the stacks in AWS costs in a month.")
    parser.add_argument(
        "--revisions", type=float, nargs="+", default=[1, 100, 1000], help="a second"
    )
    parser.add_argument("--milliseconds", type=float, default=3, help="of replay, for a revision")
    chosen = parser.parse_args()
    loads = [
        replace(Load(each), revision_seconds=chosen.milliseconds / 1000)
        for each in chosen.revisions
    ]
    print("| US dollars |", " | ".join(f"{each.revisions:,g}/s" for each in loads), "|")
    print("|---|" + "---:|" * len(loads))
    for row in rows(loads, prices()):
        print("|", " | ".join(row), "|")


if __name__ == "__main__":
    main()
