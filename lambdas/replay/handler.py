"""Kinesis delivers a batch of journal records."""

from __future__ import annotations

import os
from typing import Any

from qldbkit.replay.lambda_entry import Replayer

REPLAYER = Replayer.from_environment(os.environ)


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Replay the batch; a batch that cannot be finished raises, and is delivered again whole."""
    return REPLAYER.handle(event)
