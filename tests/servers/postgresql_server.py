"""PostgreSQL from the system's packages, in a folder of its own, on the loopback interface.

`QLDBKIT_PG_BIN` names the folder of its programs where they are not on the path, nor where Debian
puts them. PostgreSQL does not run as root: then it runs as the user ``postgres``, or ``nobody``.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

START_SECONDS = 60
STOP_SECONDS = 20
DATABASE = "views"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "max_connections": "30",
    "log_min_messages": "warning",
}
"""``fsync`` and ``synchronous_commit`` stay on: a server that is killed loses nothing."""


class PostgresqlServer:
    """A server with an empty database, which can be killed and comes back on the same port."""

    def __init__(self) -> None:
        self._programs = programs()
        self._user = unprivileged_user()
        self._folder = Path(tempfile.mkdtemp(prefix="qldbkit-pg-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    def make(self) -> None:
        """Make the cluster and the database."""
        if self._user is not None:
            shutil.chown(self._folder, *self._user)
        self._run(
            *("initdb", "--pgdata", str(self._data), "--username", "qldbkit"),
            *("--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-instructions"),
        )
        self.start()
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")

    def start(self) -> None:
        """Start, and wait until the server answers."""
        settings = {**SETTINGS, "port": str(self.port)}
        command = [self._programs / "postgres", "-D", self._data]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **self._as_user())
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.05)

    def answers(self) -> bool:
        try:
            psycopg.connect(self.conninfo("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def restart_at_once(self) -> None:
        """End the server in the middle of whatever it does, and start it again."""
        assert self._process is not None
        subprocess.run(
            [self._programs / "pg_ctl", "stop", "-D", self._data, "-m", "immediate", "-s"],
            check=True,
            timeout=STOP_SECONDS,
            **self._as_user(),
        )
        self._process.wait(STOP_SECONDS)
        self.start()

    def close(self) -> None:
        """Stop it, and remove everything."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(2)  # a fast shutdown, also while somebody is connected
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.send_signal(3)
                self._process.wait(STOP_SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)

    def conninfo(self, database: str = DATABASE, user: str = "qldbkit") -> str:
        return f"host=127.0.0.1 port={self.port} user={user} dbname={database}"

    def url(self, schema: str, user: str = "qldbkit") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{DATABASE}?schema={schema}"

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments],
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
            **self._as_user(),
        )
        assert done.returncode == 0, done.stderr

    def _as_user(self) -> dict[str, Any]:
        if self._user is None:
            return {}
        return {"user": self._user[0], "group": self._user[1], "extra_groups": [], "cwd": "/"}


def programs() -> Path:
    """The folder with PostgreSQL's programs; skips the test where there is none."""
    named = os.environ.get("QLDBKIT_PG_BIN")
    on_path = shutil.which("initdb")
    folders = [Path(named)] if named else []
    folders += [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for each in folders:
        if all((each / name).exists() for name in ("initdb", "postgres", "pg_ctl")):
            return each
    pytest.skip("no PostgreSQL on this machine: install Debian's package postgresql, or the like")


def unprivileged_user() -> tuple[int, int] | None:
    """User and group to run the server as; None to run it as this process's own."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return found.pw_uid, found.pw_gid
    pytest.skip("PostgreSQL does not run as root, and there is no other user")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
