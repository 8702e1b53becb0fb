"""Kinesis delivers a batch of journal records, for a view."""

from __future__ import annotations

import os
from typing import Any

from qldbkit.replay.lambda_entry import Replayer

REPLAYER = Replayer.for_view(os.environ)


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Replay the batch; a batch that cannot be finished raises, and is delivered again whole."""
    return REPLAYER.handle(event)
