"""The clock calls: what waits in the settling buffer of a view may have become due."""

from __future__ import annotations

import os
from typing import Any

from qldbkit.replay.lambda_entry import Replayer

REPLAYER = Replayer.for_view(os.environ)


def handle(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Apply what the settle window has released, when no new batch comes to release it."""
    return REPLAYER.drain()
