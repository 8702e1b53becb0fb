"""Starts, watches and stops the process of the local AWS."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from qldbkit.errors import QldbkitError
from qldbkit.local.gateway_settings import gateway_environment
from qldbkit.local.settings import LOOPBACK, LocalSettings

_HEALTH_PATH = "/_ministack/health"
_POLL_SECONDS = 0.1
_LOG_TAIL_LINES = 15


class PortInUseError(QldbkitError):
    """The port of the local AWS is taken by another program."""


class LocalAwsFailedError(QldbkitError):
    """The local AWS did not start, or has ended."""


class LocalAws:
    """One local AWS: its process, from here on this side of it.

    Used as a context manager it is started on entry and stopped, with its state saved, on exit.

    Args:
        settings: where it listens and what it keeps where.
    """

    def __init__(self, settings: LocalSettings):
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, detached: bool = False) -> None:
        """Start the process and return when it answers.

        Args:
            detached: whether it goes on when this process ends.

        Raises:
            PortInUseError: something listens on its port already.
            LocalAwsFailedError: it ended, or did not answer within the start time-out.
        """
        check_installed()
        self._check_port()
        self._make_folders()
        with self.settings.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "qldbkit.local.gateway"],
                env=gateway_environment(self.settings, attached=not detached),
                stdin=subprocess.DEVNULL if detached else subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the command, which stops this in order
            )
        self.settings.process_file.write_text(f"{self._process.pid}\n")
        self._wait_until_ready()

    def stop(self) -> None:
        """Ask the process to save and end, and return when it has; idle when there is none.

        Raises:
            LocalAwsFailedError: it did not end within the stop time-out, and was killed.
        """
        pid = self.pid
        if pid is None:
            self.settings.process_file.unlink(missing_ok=True)
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        ended = self._wait_until_ended(pid)
        if not ended:
            self.kill()
        self._forget()
        if not ended:
            raise LocalAwsFailedError(
                f"the local AWS did not end within {self.settings.stop_timeout:g} seconds"
                " and was killed",
                hint=f"its log is {self.settings.log_file}",
            )

    def kill(self) -> None:
        """End the process at once, as a crash would."""
        pid = self.pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            self._wait_until_ended(pid)
        self._forget()

    @property
    def pid(self) -> int | None:
        """The process id of this folder's local AWS, started here or before; None if none runs."""
        if self._process is not None:
            return self._process.pid if self._process.poll() is None else None
        return _recorded_pid(self.settings)

    def wait(self) -> int:
        """Return the process's exit code when it has ended by itself."""
        if self._process is None:
            raise LocalAwsFailedError("no local AWS was started here")
        return self._process.wait()

    def answers(self) -> bool:
        """Whether it serves requests."""
        url = f"{self.settings.endpoint_url}{_HEALTH_PATH}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - http, loopback
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def log_tail(self, lines: int = _LOG_TAIL_LINES) -> str:
        """Return the last lines of its log."""
        if not self.settings.log_file.exists():
            return ""
        text = self.settings.log_file.read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _check_port(self) -> None:
        port = self.settings.port
        if port_is_free(port):
            return
        ours = _recorded_pid(self.settings)
        if ours is not None and self.answers():
            raise PortInUseError(
                f"the local AWS of {self.settings.folder} runs already, on port {port}",
                hint="stop it with: qldbkit local --stop",
            )
        raise PortInUseError(
            f"port {port} of {LOOPBACK} is in use by another program",
            hint=f"choose another one: qldbkit local --port {port + 1}",
        )

    def _make_folders(self) -> None:
        self.settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.settings.state_folder, self.settings.temporary_folder):
            folder.mkdir(exist_ok=True)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self.settings.start_timeout
        while not self.answers():
            if self.pid is None:
                raise self._failed("the local AWS ended while it started")
            if time.monotonic() > deadline:
                self.kill()
                raise self._failed(
                    f"the local AWS did not answer within {self.settings.start_timeout:g} seconds"
                )
            time.sleep(_POLL_SECONDS)

    def _wait_until_ended(self, pid: int) -> bool:
        deadline = time.monotonic() + self.settings.stop_timeout
        while time.monotonic() < deadline:
            if self._process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(_POLL_SECONDS)
                    return True
            elif not _is_gateway(pid):
                return True
            else:
                time.sleep(_POLL_SECONDS)
        return False

    def _forget(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None
        self.settings.process_file.unlink(missing_ok=True)
        self.settings.console_file.unlink(missing_ok=True)

    def _failed(self, message: str) -> LocalAwsFailedError:
        tail = self.log_tail()
        return LocalAwsFailedError(
            f"{message}; the last lines of its log:\n{tail}\n",
            hint=f"the whole log is {self.settings.log_file}",
        )


def check_installed() -> None:
    """Check that ministack is installed: it is an extra of this package.

    Raises:
        LocalAwsFailedError: it is not.
    """
    if importlib.util.find_spec("ministack") is None:
        raise LocalAwsFailedError(
            "the local AWS needs ministack, which is not installed",
            hint='pip install "qldbkit[local]"',
        )


def port_is_free(port: int) -> bool:
    """Whether nothing listens on ``port`` of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port of the loopback address on which nothing listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _recorded_pid(settings: LocalSettings) -> int | None:
    try:
        pid = int(settings.process_file.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return pid if _is_gateway(pid) else None


def _is_gateway(pid: int) -> bool:
    """Whether ``pid`` is a living process of the local AWS: ids are used again by others."""
    command = Path(f"/proc/{pid}/cmdline")
    if not command.parent.parent.is_dir():
        return _is_alive(pid)
    try:
        return b"qldbkit.local.gateway" in command.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
