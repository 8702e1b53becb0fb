"""The settling buffer in DynamoDB, shared by all processes of a deployed replay.

One table, its keys ``pk`` and ``sk``:

| pk | sk | what |
|---|---|---|
| ``block#STRAND`` | sequence number (20 digits) ``#`` digest ``#`` chunk | a fragment |
| ``gap#STRAND`` | first sequence number (20 digits) | a passed gap; the TTL is ``expiresAt`` |
| ``quarantine`` | position | a quarantined record, without its payload |
| ``payload`` | position ``#`` digest ``#`` chunk | its payload, if there is no bucket for it |
| ``strands`` | strand id | that the strand has had fragments |
| ``note#TOPIC`` | key | what an operator ordered, or how a run ended |

An item may have 400 KB, so a larger payload is kept in chunks. A fragment of which a chunk is
missing was never acknowledged: it is as if it were not there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import Any

from qldbkit.journal.model import BlockAddress
from qldbkit.replay.dynamodb_table import (
    DynamoDbTable,
    Item,
    chunked,
    key,
    payload_of,
    prefix_of,
)
from qldbkit.replay.fragments import (
    Fragment,
    Gap,
    QuarantinedRecord,
    QuarantineEntry,
    framed,
    unframed,
)
from qldbkit.replay.quarantine_dynamodb import DynamoDbQuarantine, Payloads, TablePayloads


class DynamoDbBuffer:
    """Keeps `qldbkit.replay.buffer.SettlingBuffer`'s contract in one table.

    A fragment that is put again gets the time of its last delivery.
    """

    def __init__(
        self,
        client: Any,
        table: str,
        *,
        gap_retention: float,
        payloads: Payloads | None = None,
        pause: Callable[[float], None] = time.sleep,
    ):
        """Use a table.

        Args:
            client: boto3's client of DynamoDB.
            table: its name.
            gap_retention: seconds that a passed gap is remembered.
            payloads: where quarantined records' bytes are kept; in the table without.
            pause: waits for so many seconds.
        """
        self._table = DynamoDbTable(client, table, pause)
        self._quarantine = DynamoDbQuarantine(self._table, payloads or TablePayloads(self._table))
        self._gap_retention = gap_retention
        self._known_strands: set[str] = set()

    def put(self, fragments: Sequence[Fragment]) -> None:
        """Keep fragments.

        Raises:
            BufferBusyError: DynamoDB does not take them.
        """
        new = {each.address.strand_id for each in fragments} - self._known_strands
        items = [key("strands", each) for each in sorted(new)]
        for fragment in fragments:
            items.extend(_fragment_items(fragment))
        self._table.put(items)
        self._known_strands |= new

    def fragments(self, strand_id: str, first: int, last: int | None = None) -> Iterator[Fragment]:
        """The strand's fragments, by ascending sequence number, read page by page."""
        end = f"{last:020d}~" if last is not None else "~"
        items = self._table.between(f"block#{strand_id}", f"{first:020d}", end)
        for prefix, group in groupby(items, key=prefix_of):
            chunks = list(group)
            if len(chunks) == int(chunks[0]["chunks"]["N"]):
                yield Fragment(
                    BlockAddress(strand_id, int(prefix.split("#")[0])),
                    float(chunks[0]["receivedAt"]["N"]),
                    unframed(payload_of(chunks)),
                )

    def remove(self, strand_id: str, sequence_numbers: Collection[int]) -> None:
        """Forget all fragments of those blocks.

        Raises:
            BufferBusyError: DynamoDB does not take it.
        """
        if not sequence_numbers:
            return
        pk = f"block#{strand_id}"
        first, last = min(sequence_numbers), max(sequence_numbers)
        keys = self._table.between(
            pk, f"{first:020d}", f"{last:020d}~", ProjectionExpression="pk, sk"
        )
        wanted = set(sequence_numbers)
        self._table.delete(each for each in keys if int(each["sk"]["S"].split("#")[0]) in wanted)

    def strands(self) -> Sequence[str]:
        """The strands that fragments were ever kept for."""
        return [each["sk"]["S"] for each in self._table.between("strands", " ", "~")]

    def waiting(self, strand_id: str, first: int, most: int) -> int:
        """How many blocks from ``first`` on something is kept of."""
        keys = self._table.between(
            f"block#{strand_id}", f"{first:020d}", "~", ProjectionExpression="pk, sk"
        )
        blocks = groupby(keys, key=lambda each: each["sk"]["S"].split("#")[0])
        return sum(1 for _ in islice(blocks, most))

    def record_gaps(self, gaps: Sequence[Gap]) -> None:
        """Remember passed gaps.

        Raises:
            BufferBusyError: DynamoDB does not take them.
        """
        self._table.put([self._gap_item(each) for each in gaps])

    def gaps(self, strand_id: str, first: int, last: int) -> Sequence[Gap]:
        """The gaps that hold a sequence number of the range."""
        found = []
        # Passed gaps do not overlap: none before one that ends before the range can reach into it.
        end = f"{last:020d}"
        for each in self._table.between(f"gap#{strand_id}", "0", end, ScanIndexForward=False):
            gap = Gap(
                strand_id, int(each["sk"]["S"]), int(each["last"]["N"]), float(each["at"]["N"])
            )
            if gap.last < first:
                break
            found.append(gap)
        return found

    def fill_gap(self, gap: Gap, sequence_no: int) -> None:
        """Take a block out of a gap: first what is left behind it is kept, then what is before.

        Raises:
            BufferBusyError: DynamoDB does not take it.
        """
        left = gap.without(sequence_no)
        for each in reversed(left):
            self.record_gaps([each])
        if all(each.first != gap.first for each in left):
            self._table.delete(iter([key(f"gap#{gap.strand_id}", f"{gap.first:020d}")]))

    def quarantine(self, records: Sequence[QuarantinedRecord]) -> None:
        """Set records aside.

        Raises:
            BufferBusyError: DynamoDB does not take them.
        """
        for each in records:
            self._quarantine.add(each)

    def quarantine_index(self) -> Iterator[QuarantineEntry]:
        """What is set aside, read page by page."""
        return self._quarantine.index()

    def quarantined_payload(self, position: str) -> bytes:
        """The bytes of a record that is set aside.

        Raises:
            NotQuarantinedError: there is none at that position.
        """
        return self._quarantine.payload(position)

    def discard(self, position: str) -> None:
        """Drop a quarantined record.

        Raises:
            BufferBusyError: DynamoDB does not take it.
        """
        self._quarantine.discard(position)

    def note(self, topic: str, name: str, text: str) -> None:
        """Write something down.

        Raises:
            BufferBusyError: DynamoDB does not take it.
        """
        self._table.put([{**key(f"note#{topic}", name), "text": {"S": text}}])

    def notes(self, topic: str) -> Mapping[str, str]:
        """What was written down."""
        items = self._table.between(f"note#{topic}", " ", "~")
        return {each["sk"]["S"]: each["text"]["S"] for each in items}

    def _gap_item(self, gap: Gap) -> Item:
        return {
            **key(f"gap#{gap.strand_id}", f"{gap.first:020d}"),
            "last": {"N": str(gap.last)},
            "at": {"N": repr(gap.passed_at)},
            "expiresAt": {"N": str(int(gap.passed_at + self._gap_retention))},
        }


def _fragment_items(fragment: Fragment) -> list[Item]:
    address, payload = fragment.address, framed(fragment.records)
    prefix = f"{address.sequence_no:020d}#{fragment.digest}"
    received = {"receivedAt": {"N": repr(fragment.received_at)}}
    return [{**each, **received} for each in chunked(f"block#{address.strand_id}", prefix, payload)]
