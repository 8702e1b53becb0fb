"""A served ledger, and the clients of AWS's own by which tests talk to it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from time import monotonic
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from qldbkit.driver import qldb_driver
from qldbkit.ledger.access import AccessKey
from qldbkit.ledger.server import RunningServer, running_server
from qldbkit.ledger.service_limits import ServiceLimits

REGION = "us-east-1"
PATIENCE = 20.0
ACCOUNT = "000000000000"
LIMITS = ServiceLimits(stream_poll_seconds=0.05, retry_most_seconds=0.2, end_grace_seconds=0.2)


@dataclass(frozen=True)
class Connection:
    """One user of a server."""

    server: RunningServer
    key: AccessKey

    @property
    def aws_session(self) -> boto3.Session:
        return aws_session(self.key.key_id, self.key.secret)

    def client(self, service: str) -> Any:
        config = Config(retries={"total_max_attempts": 1})
        return self.aws_session.client(
            service, endpoint_url=self.server.endpoint_url, config=config
        )

    def driver(self, ledger: str = "orders") -> Any:
        return qldb_driver(
            ledger,
            endpoint_url=self.server.endpoint_url,
            region=REGION,
            session=self.aws_session,
        )

    def create(self, name: str = "orders", **settings: Any) -> Any:
        arguments = {"PermissionsMode": "STANDARD", "DeletionProtection": False} | settings
        return self.client("qldb").create_ledger(Name=name, **arguments)


@cache
def aws_session(key_id: str, secret: str) -> boto3.Session:
    """One session for each key: the first client of a session reads AWS's models for long."""
    return boto3.Session(aws_access_key_id=key_id, aws_secret_access_key=secret, region_name=REGION)


@pytest.fixture(scope="session")
def everything() -> AccessKey:
    """A key for everything."""
    return AccessKey("AKIDEVERYTHING", "the secret of everything")


@pytest.fixture(scope="session")
def connected(everything: AccessKey) -> Callable[..., Connection]:
    """Connects to a server, by a key for everything unless another one is given."""

    def connect(server: RunningServer, key: AccessKey = everything) -> Connection:
        return Connection(server, key)

    return connect


@pytest.fixture
def server(tmp_path: Any) -> Iterator[RunningServer]:
    """An empty server."""
    with running_server(tmp_path / "ledgers") as running:
        yield running


@pytest.fixture
def user(server: RunningServer, connected: Callable[..., Connection]) -> Connection:
    """A user of the empty server."""
    return connected(server)


@pytest.fixture
def qldb(user: Connection) -> Any:
    """The control plane of the empty server."""
    return user.client("qldb")


@pytest.fixture(scope="session")
def failure() -> Callable[..., tuple[str, int]]:
    """Calls what must fail, and gives the error's code and HTTP status."""

    def failure_(call: Callable[..., Any], **arguments: Any) -> tuple[str, int]:
        with pytest.raises(ClientError) as caught:
            call(**arguments)
        response = caught.value.response
        return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]

    return failure_


@pytest.fixture(scope="session")
def in_one() -> Callable[..., list[list[Any]]]:
    """Runs statements with their parameters in one transaction, and gives their values."""

    def in_one_(driver: Any, *statements: tuple[Any, ...]) -> list[list[Any]]:
        def work(transaction: Any) -> list[list[Any]]:
            return [list(transaction.execute_statement(*each)) for each in statements]

        results: list[list[Any]] = driver.execute_lambda(work)
        return results

    return in_one_


@pytest.fixture(scope="session")
def raw() -> Callable[..., tuple[int, Any]]:
    """Sends bytes as they are, and gives the status and the JSON of the answer."""

    def raw_(server: RunningServer, request: bytes) -> tuple[int, Any]:
        with connection_to(server) as connection:
            connection.sendall(request)
            answer = read_answer(connection)
        head, _, body = answer.partition(b"\r\n\r\n")
        status = int(head.split(b" ")[1])
        return status, json.loads(body) if body.startswith(b"{") else body

    return raw_


def connection_to(server: RunningServer) -> socket.socket:
    host, port = server.endpoint_url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


def read_answer(connection: socket.socket) -> bytes:
    """One HTTP answer, or what came before the connection was closed."""
    answer = b""
    while not is_complete(answer):
        part = connection.recv(65536)
        if not part:
            break
        answer += part
    return answer


def is_complete(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    lengths = re.findall(rb"(?i)content-length: *(\d+)", head)
    return bool(end and lengths) and len(body) >= int(lengths[0])


@pytest.fixture(scope="session")
def aws(tmp_path_factory):
    """The address of a local AWS without QLDB."""
    folder = tmp_path_factory.mktemp("aws")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"], env=environment, stdout=log, stderr=log
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: is_healthy(address), "the local AWS does not answer")
        yield address
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def is_healthy(address):
    with contextlib.suppress(OSError):
        return urllib.request.urlopen(f"{address}/_ministack/health", timeout=1).status == 200
    return False


def wait_until(condition, complaint, patience=PATIENCE):
    deadline = monotonic() + patience
    while not (found := condition()):
        assert monotonic() < deadline, complaint
        threading.Event().wait(0.03)
    return found


def aws_client(address, service):
    return boto3.client(
        service,
        endpoint_url=address,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="local",
    )


@pytest.fixture(scope="session")
def kinesis(aws):
    return aws_client(aws, "kinesis")


@pytest.fixture(scope="session")
def s3(aws):
    return aws_client(aws, "s3")


@pytest.fixture
def serve(tmp_path, aws, connected):
    """Serves the same folder each time, streaming into the local AWS."""

    @contextlib.contextmanager
    def serve_():
        options = {"aws_endpoint_url": aws, "service_limits": LIMITS}
        with running_server(tmp_path / "ledgers", **options) as server:
            yield connected(server)

    return serve_


@pytest.fixture(scope="session")
def until():
    """Waits for a condition, within bounds, and gives what it found."""
    return wait_until


@pytest.fixture
def fill(in_one):
    """Creates a table, and writes, changes and deletes documents in it."""

    def fill_(user, first=0, count=5):
        with user.driver() as driver:
            if first == 0:
                in_one(driver, ("CREATE TABLE Thing",))
                in_one(driver, ("CREATE INDEX ON Thing (n)",))
            for number in range(first, first + count):
                in_one(
                    driver,
                    ("INSERT INTO Thing ?", [{"n": number}, {"n": number, "twin": True}]),
                    ("UPDATE Thing AS t SET t.v = ? WHERE t.n = ?", number * 10, number),
                )
            in_one(driver, ("DELETE FROM Thing AS t WHERE t.n = ? AND t.twin = true", first))

    return fill_


@pytest.fixture(scope="session")
def postgresql():
    """A PostgreSQL server with an empty database; each test takes a schema of its own."""
    from servers.postgresql_server import PostgresqlServer

    server = PostgresqlServer()
    try:
        server.make()
        yield server
    finally:
        server.close()
