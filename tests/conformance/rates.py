"""How many of PartiQL's conformance tests pass: ``python tests/conformance/rates.py``.

With ``--failing`` it prints each case that does not pass, and what came out differently.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from cases import Case, all_cases
from judge import difference, in_qldbs_dialect

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
    outcomes = [(case, difference(case), in_qldbs_dialect(case)) for case in cases]
    if "--failing" in sys.argv[1:]:
        for case, found, in_dialect in outcomes:
            if found is not None:
                sys.stdout.write(f"{'' if in_dialect else '(beyond QLDB) '}{case.name}: {found}\n")
    _print_rate("all cases", [found for _, found, _ in outcomes])
    _print_rate("QLDB's dialect", [found for _, found, in_dialect in outcomes if in_dialect])
    return 0


def _print_rate(what: str, outcomes: list[str | None]) -> None:
    passed = sum(found is None for found in outcomes)
    rate = 100 * passed / len(outcomes)
    sys.stdout.write(f"{what}: {passed} of {len(outcomes)} pass, {rate:.2f} %\n")


if __name__ == "__main__":
    raise SystemExit(main())
