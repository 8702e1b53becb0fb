"""Python's search for garbage, held back while a journal is read."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

COLLECTION_THRESHOLD: Final = 500_000
"""Objects that come to be before cycles are looked for: more than the batches hold that are in
memory at once, so that it is done only where something does pile up."""


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for cycles among objects less often.

    Blocks and what they are read into are many objects in no cycles; looking through all of them,
    and everything that was loaded before, as often as usual takes a tenth of the time and more,
    and frees nothing.
    """
    usual = gc.get_threshold()
    gc.set_threshold(max(COLLECTION_THRESHOLD, usual[0]) if usual[0] else 0)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
