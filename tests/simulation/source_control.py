"""The control plane of a made-up source: its newest block, and any block by its address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from math import inf
from typing import Any

from simulation.source import Source

from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import Block
from qldbkit.replay.settle import committed_at


class SourceControl:
    """As boto3's client has it; a block is there from when it was committed."""

    def __init__(self, source: Source, clock: Callable[[], float] = lambda: inf) -> None:
        self._source, self._clock = source, clock

    def blocks(self) -> list[Block]:
        return [each for each in self._source.blocks if committed_at(each.summary) <= self._clock()]

    def get_digest(self, **_: Any) -> Any:
        address = self.blocks()[-1].address
        text = f'{{strandId: "{address.strand_id}", sequenceNo: {address.sequence_no}}}'
        return {"DigestTipAddress": {"IonText": text}}

    def get_block(self, **request: Any) -> Any:
        asked = request["BlockAddress"]["IonText"]
        number = IonSpan.from_text(asked).fields()["sequenceNo"].integer()
        (block,) = (each for each in self.blocks() if each.address.sequence_no == number)
        moment = datetime.fromtimestamp(committed_at(block.summary), UTC)
        stamp = moment.isoformat(timespec="milliseconds")
        return {"Block": {"IonText": f"{{blockTimestamp: {stamp}}}"}}
