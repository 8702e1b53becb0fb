"""A statement that takes longer than a transaction may."""

from __future__ import annotations

from pathlib import Path

import pytest

from qldbkit.ledger.errors import InvalidSessionError
from qldbkit.ledger.ledger import Ledger


class HurryingClock:
    """A clock on which a second passes whenever it is looked at."""

    def __init__(self) -> None:
        self._seconds = 1_600_000_000

    def milliseconds(self) -> int:
        return self._seconds * 1000

    def monotonic(self) -> float:
        self._seconds += 1
        return float(self._seconds)


def test_it_ends_with_the_transaction(tmp_path: Path):
    ledger = Ledger.create(tmp_path / "l.sqlite", "l", clock=HurryingClock())
    transaction = ledger.begin()
    lists = ", ".join(f"[{', '.join(map(str, range(100)))}] AS t{n}" for n in range(6))
    with pytest.raises(InvalidSessionError, match="has expired"):
        transaction.execute(f"SELECT VALUE COUNT(*) FROM {lists}")
    assert not transaction.usable
    ledger.close()
