"""CloudFormation asks that a ledger has its tables."""

from __future__ import annotations

from typing import Any

from qldbkit.tables import answer


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Make the missing tables of the ledger; an error fails the deployment with its sentence."""
    return answer(event)
