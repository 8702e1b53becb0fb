"""DynamoDB Local, AWS's own stand-in for the service, on a free port of the loopback interface."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from servers.maven import HERE, jars_of, java

START_SECONDS = 60
STOP_SECONDS = 10
MEMORY = "-Xmx256m"


class DynamoDbLocal:
    """A server that keeps its tables in a folder, so that they are there when it comes back."""

    def __init__(self, folder: Path | None = None) -> None:
        """Prepare a server.

        Args:
            folder: where the tables are kept; in the server's memory without.
        """
        self._jars, self._java = jars_of("dynamodb"), java()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def endpoint(self) -> str:
        """The server's URL, the same whenever it is started again."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start, and wait until the server answers."""
        folder = [] if self._folder is None else [str(self._folder)]
        command = [
            *(self._java, MEMORY, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
            *(f"-Djava.library.path={self._jars}", "-cp", f"{self._jars}/*"),
            *(str(HERE / "dynamodb" / "OnLoopback.java"), str(self._port), *folder),
        ]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "DDB_LOCAL_TELEMETRY": "0"},
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

    def client(self, **options: Any) -> Any:
        """A client of DynamoDB, which tries nothing twice unless the options say so."""
        config = {"retries": {"total_max_attempts": 1}, "read_timeout": 20, **options}
        return boto3.client(
            "dynamodb",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(**config),
        )

    def __enter__(self) -> DynamoDbLocal:
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
                assert line, "DynamoDB Local has ended at once"
        self.kill()
        raise AssertionError(f"DynamoDB Local did not start within {START_SECONDS} seconds")
