"""Where a function of the stacks finds the ledgers' two APIs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qldbkit.errors import QldbkitError


class RegionMissingError(QldbkitError):
    """Nothing says which AWS region is meant."""


def region_of(environment: Mapping[str, str]) -> str:
    """The AWS region, from ``AWS_REGION`` or ``AWS_DEFAULT_REGION``.

    Raises:
        RegionMissingError: neither is set.
    """
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if not region:
        raise RegionMissingError("no AWS region is given", hint="set AWS_REGION")
    return region


@dataclass(frozen=True, slots=True)
class LedgerEndpoints:
    """The URLs of the control plane and of the session API, and the region to sign for."""

    control: str
    session: str
    region: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> LedgerEndpoints:
        """Read ``LEDGER_ENDPOINT_URL`` and ``AWS_REGION`` (or ``AWS_DEFAULT_REGION``).

        Without the first, the host names are those that Amazon QLDB had.

        Raises:
            RegionMissingError: no region is given.
        """
        region = region_of(environment)
        given = environment.get("LEDGER_ENDPOINT_URL")
        return cls(
            control=given or f"https://qldb.{region}.amazonaws.com",
            session=given or f"https://session.qldb.{region}.amazonaws.com",
            region=region,
        )
