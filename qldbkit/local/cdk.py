"""Runs the real CDK command line on the stacks of this project."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qldbkit.errors import QldbkitError

_TAIL_LINES = 30


class CdkMissingError(QldbkitError):
    """The CDK command line, or the CDK app itself, is not where this package is."""


class CdkFailedError(QldbkitError):
    """A command of the CDK failed."""


@dataclass(frozen=True, slots=True)
class Cdk:
    """The CDK command line in one environment.

    Attributes:
        project: the folder with ``app.py``, ``cdk.json`` and ``node_modules``.
        environment: the variables from `qldbkit.local.environment.aws_environment`.
        output: where the synthesised templates are.
        log_file: where everything that it prints is kept.
        timeout: seconds that one command may take.
    """

    project: Path
    environment: dict[str, str]
    output: Path
    log_file: Path
    timeout: float = 600.0

    def synthesise(self, progress: Callable[[str], None] = lambda _line: None) -> None:
        """Make the templates, which every other command then uses.

        Raises:
            CdkMissingError: it is not installed.
            CdkFailedError: it failed, or took longer than the time-out.
        """
        self._run(["synth", "--quiet", "--output", str(self.output)], progress)

    def run(self, *arguments: str, progress: Callable[[str], None] = lambda _line: None) -> None:
        """Run one command on the synthesised templates, such as ``deploy QldbBlogDbStack``.

        Args:
            arguments: the command's words.
            progress: called with every line that it prints.

        Raises:
            CdkMissingError: it is not installed.
            CdkFailedError: it failed, or took longer than the time-out.
        """
        self._run([*arguments, "--app", str(self.output)], progress)

    def check_installed(self) -> Path:
        """Return the program, having looked that the stacks are there too.

        Raises:
            CdkMissingError: one of them is not.
        """
        program = self.project / "node_modules" / ".bin" / "cdk"
        if not (self.project / "app.py").exists():
            raise CdkMissingError(
                "the stacks are not part of the installed package",
                hint="clone the project, and run there: make demo, or make deploy-local",
            )
        if not program.exists():
            raise CdkMissingError(f"{program} is missing", hint="install it with: make setup")
        return program

    def _run(self, arguments: Sequence[str], progress: Callable[[str], None]) -> None:
        program = self.check_installed()
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        lines, code = self._stream([str(program), *arguments, "--no-color"], progress)
        if code != 0:
            tail = "\n".join(lines[-_TAIL_LINES:])
            raise CdkFailedError(
                f"cdk {' '.join(arguments)} failed with exit code {code}:\n{tail}\n",
                hint=f"all of its output is in {self.log_file}",
            )

    def _stream(
        self, command: Sequence[str], progress: Callable[[str], None]
    ) -> tuple[list[str], int]:
        lines: list[str] = []
        with self.log_file.open("a") as log:
            log.write(f"$ {' '.join(command)}\n")
            process = subprocess.Popen(  # noqa: S603 - the CDK, installed by this project
                command,
                cwd=self.project,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            limit = threading.Timer(self.timeout, process.kill)
            limit.start()
            try:
                for line in process.stdout or ():
                    log.write(line)
                    lines.append(line.rstrip())
                    progress(line.rstrip())
                return lines, process.wait()
            finally:
                limit.cancel()
                process.kill()


def project_folder() -> Path:
    """Return the folder of the CDK app: the one that holds this package in a clone."""
    return Path(__file__).resolve().parent.parent.parent
