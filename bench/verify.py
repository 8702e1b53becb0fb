"""How fast journals are verified and restored, and in how much memory.

    python bench/verify.py --revisions 50000 [--restore] [--compiled build/compiled]

Every way is measured in a process of its own on the same generated journal: one process in pure
Python is the baseline, then further processes, then the compiled copy of `bench/compiled.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
MEASURED = """
import json, resource, sys, time
from pathlib import Path
from qldbkit.journal.sources.opening import open_source
from qldbkit.journal.verification import verify_source
from qldbkit.ledger.restore_target import FolderTarget
from qldbkit.ledger.restoring import RestoreSettings, restore

def main():
    location, processes, into = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    begin = time.perf_counter()
    if into:
        with FolderTarget(Path(into), "restored") as target:
            settings = RestoreSettings(processes=processes)
            report = restore(open_source(location), target, settings)
        revisions = report.revisions
    else:
        report = verify_source(open_source(location), processes=processes)
        revisions = sum(each.revisions for each in report.strands)
    assert report.exit_status == 0, report
    seconds = time.perf_counter() - begin
    own = resource.getrusage(resource.RUSAGE_SELF)
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps({
        "revisions": revisions,
        "seconds": seconds,
        "cpu": own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime,
        "megabytes": [own.ru_maxrss / 1024, others.ru_maxrss / 1024],
    }))

if __name__ == "__main__":
    main()
"""


def measure(location: Path, processes: int, compiled: Path | None, restored: bool) -> None:
    environment = dict(os.environ)
    if compiled is not None:
        environment["PYTHONPATH"] = str(compiled)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "measured.py"
        script.write_text(MEASURED)
        into = str(Path(folder) / "ledgers") if restored else ""
        command = [sys.executable, str(script), str(location), str(processes), into]
        ended = subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True, cwd=folder
        )
    found = json.loads(ended.stdout)
    own, others = found["megabytes"]
    print(
        f"{location.name:12} {'restore' if restored else 'verify':8}"
        f" {'compiled' if compiled else 'Python':9} {processes} more processes:"
        f" {found['revisions'] / found['seconds']:9,.0f} revisions/s,"
        f" {found['cpu'] / found['revisions'] * 1e6:6,.0f} us CPU each,"
        f" {own:4.0f} MB and {others:4.0f} MB in each other",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--revisions", type=int, default=50_000)
    parser.add_argument("--forms", nargs="*", default=["ION_BINARY", "archive"])
    parser.add_argument("--processes", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--compiled", type=Path)
    parser.add_argument("--restore", action="store_true")
    options = parser.parse_args()
    compiled = None if options.compiled is None else options.compiled.absolute()
    for form in options.forms:
        location = PROJECT / "build/bench" / f"{options.revisions}" / form
        if not location.exists():
            begin = time.perf_counter()
            generate = [str(PROJECT / "bench/generate_journal.py"), str(location)]
            arguments = ["--revisions", str(options.revisions), "--form", form]
            subprocess.run([sys.executable, *generate, *arguments], check=True)
            print(f"{form} generated in {time.perf_counter() - begin:.0f} s", flush=True)
        for copy in [None] if compiled is None else [None, compiled]:
            for processes in options.processes:
                measure(location, processes, copy, options.restore)


if __name__ == "__main__":
    main()
