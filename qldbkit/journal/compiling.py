"""Building the kernel in C, which everything works without.

    python -m qldbkit.journal.compiling [FOLDER]

The package's own installation does so where there is a C compiler. This is for what comes later: a
change of the kernel's source, a compiler that was not there, a package for another place. The
library is put beside this file, where `qldbkit.journal.kernel` finds it, or into another folder.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from qldbkit.errors import QldbkitError

HERE: Final = Path(__file__).parent
NATIVE: Final = HERE / "native"
SOURCE: Final = NATIVE / "kernel.c"
FLAGS: Final = ("-O2", "-fPIC", "-fwrapv", "-Wall", "-Wextra", "-Wno-missing-field-initializers")
TIMEOUT_SECONDS: Final = 120


class CompilingError(QldbkitError):
    """The kernel could not be compiled; everything works without it, only slower."""


def compile_kernel(folder: Path = HERE, flags: Sequence[str] = ()) -> Path:
    """Compile the kernel.

    Args:
        folder: where the library is put.
        flags: more of the compiler's options.

    Returns:
        the library.

    Raises:
        CompilingError: there is no compiler, or it failed.
    """
    library = folder / f"_kernel{sysconfig.get_config_var('EXT_SUFFIX')}"
    built = library.with_name(f"{library.name}.new")
    linker = shlex.split(sysconfig.get_config_var("LDSHARED") or "cc -shared")
    headers = f"-I{sysconfig.get_paths()['include']}"
    command = [*linker, *FLAGS, *flags, headers, str(SOURCE), "-o", str(built)]
    hint = "it takes a C compiler and Python's headers (Debian: gcc and python3-dev)"
    try:
        ended = subprocess.run(  # noqa: S603 - the compiler that Python was built with
            command, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise CompilingError(f"the C compiler cannot be run: {error}", hint=hint) from error
    if ended.returncode:
        raise CompilingError(f"the C compiler failed: {ended.stderr.strip()[-2000:]}", hint=hint)
    built.replace(library)  # a process that runs keeps the old one
    return library


def main() -> None:
    """Compile, and say where the library is."""
    try:
        library = compile_kernel(Path(sys.argv[1]) if sys.argv[1:] else HERE)
    except CompilingError as error:
        sys.exit(str(error))
    sys.stdout.write(f"compiled: {library}\n")


if __name__ == "__main__":
    main()
