"""OpenSearch itself, a node of its own, on a free port of the loopback interface."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from pathlib import Path

from servers.maven import HERE, jars_of, java

START_SECONDS = 90
STOP_SECONDS = 10
MEMORY = ("-Xms128m", "-Xmx512m")


class OpenSearchServer:
    """A server that keeps its indices in a folder, so that they are there when it comes back."""

    def __init__(self, folder: Path) -> None:
        """Prepare a server.

        Args:
            folder: where the indices are kept.
        """
        self._jars, self._java = jars_of("opensearch"), java()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def address(self) -> str:
        """Host and port, the same whenever it is started again."""
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start, and wait until the server answers."""
        (self._folder / "config").mkdir(parents=True, exist_ok=True)
        command = [
            *(self._java, *MEMORY, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
            *("-Dlog4j2.level=WARN", "-cp", f"{self._jars}/*"),
            *(str(HERE / "opensearch" / "OnLoopback.java"), str(self._port), str(self._folder)),
        ]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(os.environ)
        )
        self._port = self._announced_port(self._process)

    def kill(self) -> None:
        """End the server in the middle of whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_SECONDS)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def __enter__(self) -> OpenSearchServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _announced_port(self, process: subprocess.Popen[bytes]) -> int:
        assert process.stdout is not None
        deadline = time.monotonic() + START_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while selector.select(max(0.0, deadline - time.monotonic())):
                line = process.stdout.readline()
                if line.strip().isdigit():
                    return int(line)
                assert line, "OpenSearch has ended at once"
        self.kill()
        raise AssertionError(f"OpenSearch did not start within {START_SECONDS} seconds")
