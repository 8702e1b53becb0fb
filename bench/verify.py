"""How fast journals are verified and restored, and in how much memory.

    python bench/verify.py --revisions 50000 [--restore] [--python]

Every way is measured in a process of its own on the same generated journal: by one process alone,
then with further ones. The kernel in C is used where it was built, unless ``--python`` is given.
The memory is that of all processes together, read ten times a second.
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

from qldbkit.journal.kernel import PURE_SETTING

PROJECT = Path(__file__).resolve().parent.parent
MEASURED = """
import json, resource, sys, time
from pathlib import Path
from qldbkit.journal import kernel
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
        "compiled": kernel.COMPILED,
    }))

if __name__ == "__main__":
    main()
"""


def resident(process: int) -> int:
    """Bytes in memory of a process and all below it; those that several share count for each."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(resident(int(each)) for each in children)


def watched(command: list[str], environment: dict[str, str], folder: str) -> tuple[str, int]:
    """What a command prints, and the most bytes that it and its processes had at once."""
    with subprocess.Popen(
        command, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True
    ) as running:
        most = 0
        while running.poll() is None:
            most = max(most, resident(running.pid))
            time.sleep(0.1)
        assert running.stdout is not None
        printed = running.stdout.read()
    if running.returncode:
        sys.exit(running.returncode)
    return printed, most


def measure(location: Path, processes: int, *, python: bool, restored: bool) -> None:
    environment = dict(os.environ)
    if python:
        environment[PURE_SETTING] = "1"
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "measured.py"
        script.write_text(MEASURED)
        into = str(Path(folder) / "ledgers") if restored else ""
        command = [sys.executable, str(script), str(location), str(processes), into]
        printed, most = watched(command, environment, folder)
    found = json.loads(printed)
    print(
        f"{location.name:12} {'restore' if restored else 'verify':8}"
        f" {'compiled' if found['compiled'] else 'Python':9} {processes} more processes:"
        f" {found['revisions'] / found['seconds']:9,.0f} revisions/s,"
        f" {found['cpu'] / found['revisions'] * 1e6:6,.0f} us CPU each,"
        f" {most / 1e6:4.0f} MB in all",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--revisions", type=int, default=50_000)
    parser.add_argument("--forms", nargs="*", default=["ION_BINARY", "archive"])
    parser.add_argument("--processes", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--python", action="store_true", help="without the compiled kernel")
    parser.add_argument("--restore", action="store_true")
    options = parser.parse_args()
    for form in options.forms:
        location = PROJECT / "build/bench" / f"{options.revisions}" / form
        if not location.exists():
            begin = time.perf_counter()
            generate = [str(PROJECT / "bench/generate_journal.py"), str(location)]
            arguments = ["--revisions", str(options.revisions), "--form", form]
            subprocess.run([sys.executable, *generate, *arguments], check=True)
            print(f"{form} generated in {time.perf_counter() - begin:.0f} s", flush=True)
        for processes in options.processes:
            measure(location, processes, python=options.python, restored=options.restore)


if __name__ == "__main__":
    main()
