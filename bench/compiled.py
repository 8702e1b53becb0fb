"""An experiment: a copy of the package whose journal code is compiled to machine code.

The same source, compiled by mypyc, which comes with the type checker; it needs a C compiler. The
package itself stays pure Python: what is compiled lies in a folder of its own, in front of it.

    python bench/compiled.py build/compiled
    PYTHONPATH=build/compiled qldbkit verify SOURCE
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
MODULES = (
    "binary",
    "symbols",
    "ion",
    "ionhash",
    "encoding",
    "blocks",
    "hashes",
    "decoding",
    "integrity",
    "moments",
    "records",
    "building",
    "proving",
    "peaks",
    "sources/window",
    "sources/splitting",
    "sources/spill",
    "sources/archive",
)
"""What every revision goes through when a journal is read and verified.

Without the modules of values that are sent to other processes, which compiled classes cannot be.
"""


def compile_copy(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(PROJECT / "qldbkit", folder / "qldbkit", ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copy(PROJECT / "pyproject.toml", folder)
    for name in ("requirements.txt", "README.md"):
        (folder / name).touch()
    modules = [f"qldbkit/journal/{each}.py" for each in MODULES]
    mypyc = Path(sys.executable).with_name("mypyc")
    built = subprocess.run(
        [mypyc, *modules], cwd=folder, capture_output=True, text=True, check=False
    )
    if built.returncode:
        sys.exit(f"mypyc failed:\n{built.stdout[-2000:]}{built.stderr[-2000:]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=PROJECT / "build/compiled")
    options = parser.parse_args()
    compile_copy(options.folder.absolute())
    print(f"compiled: PYTHONPATH={options.folder}")


if __name__ == "__main__":
    main()
