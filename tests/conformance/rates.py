"""How many of PartiQL's conformance tests pass: ``python tests/conformance/rates.py``.

With ``--failing`` it prints each case that does not pass, and what came out differently.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from cases import Case, all_cases
from judge import Outcome, judged, rate

DATA = "conformance/partiql-tests"
LEFT_OUT = ("pivot.ion",)
"""PIVOT is not counted; graphs and window functions have no cases in the data."""


def counted(case: Case) -> bool:
    """Whether a case counts."""
    return not case.name.split(" / ")[0].endswith(LEFT_OUT)


def main() -> int:
    """Print the rates."""
    shared = Path(os.environ.get("QLDBKIT_SHARED", Path(__file__).parents[3] / "shared"))
    cases = [case for case in all_cases(shared / DATA) if counted(case)]
    if not cases:
        sys.stderr.write(f"no cases below {shared / DATA}: set QLDBKIT_SHARED\n")
        return 1
    outcomes = [judged(case) for case in cases]
    if "--failing" in sys.argv[1:]:
        for outcome in outcomes:
            if outcome.difference is not None:
                where = "" if outcome.in_qldbs_dialect else "(beyond QLDB) "
                sys.stdout.write(f"{where}{outcome.name}: {outcome.difference}\n")
    _print_rate("all cases", outcomes)
    _print_rate("QLDB's dialect", [o for o in outcomes if o.in_qldbs_dialect])
    return 0


def _print_rate(what: str, outcomes: list[Outcome]) -> None:
    passed = sum(outcome.difference is None for outcome in outcomes)
    found = rate(outcomes)
    sys.stdout.write(f"{what}: {passed} of {len(outcomes)} pass, {found:.2f} %\n")


if __name__ == "__main__":
    raise SystemExit(main())
