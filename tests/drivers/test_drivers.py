"""QLDB's drivers for other languages, unchanged, on a served ledger.

They are not installed with the project. To run these tests, put the packages into a folder each::

    npm install --prefix NODE amazon-qldb-driver-nodejs@3 @aws-sdk/client-qldb-session@3 \\
        @smithy/smithy-client@4 ion-js@5 jsbi@3
    mvn dependency:copy-dependencies -DoutputDirectory=JAVA   # amazon-qldb-driver-java 2.3.1
    cd GO; go mod init statements; go get github.com/awslabs/amazon-qldb-driver-go/v3@v3.0.1 \\
        github.com/aws/aws-sdk-go-v2/service/qldbsession@v1.21.1 github.com/amzn/ion-go@v1.1.3

and name the folders in ``QLDBKIT_NODE_DRIVER``, ``QLDBKIT_JAVA_DRIVER`` and ``QLDBKIT_GO_DRIVER``.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from qldbkit.driver import control_client
from qldbkit.ledger.server import running_server

HERE = Path(__file__).parent
LEDGER = "drivers"
TIMEOUT_SECONDS = 120


@pytest.fixture
def endpoint_url(tmp_path: Path) -> Iterator[str]:
    session = boto3.Session("key", "secret", region_name="us-east-1")
    with running_server(tmp_path / "ledgers") as server:
        control = control_client(server.endpoint_url, "us-east-1", session)
        control.create_ledger(Name=LEDGER, PermissionsMode="STANDARD", DeletionProtection=False)
        yield server.endpoint_url


def needed(variable: str, program: str) -> Path:
    folder = os.environ.get(variable)
    if folder is None or shutil.which(program) is None:
        pytest.skip(f"needs {program}, and the driver in the folder that {variable} names")
    return Path(folder).resolve()


def run(command: list[str], **settings: str) -> str:
    ran = subprocess.run(
        command,
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def test_the_driver_for_node_js(endpoint_url: str) -> None:
    folder = needed("QLDBKIT_NODE_DRIVER", "node")
    said = run(
        ["node", str(HERE / "statements.js"), endpoint_url, LEDGER],
        NODE_PATH=str(folder / "node_modules"),
    )
    assert said.count("passed: ") == 7


def test_the_driver_for_java(endpoint_url: str) -> None:
    folder = needed("QLDBKIT_JAVA_DRIVER", "java")
    source = str(HERE / "Statements.java")
    said = run(["java", "-cp", f"{folder}/*", source, endpoint_url, LEDGER])
    assert said.endswith("passed\n")


def test_the_driver_for_go(endpoint_url: str, tmp_path: Path) -> None:
    folder = needed("QLDBKIT_GO_DRIVER", "go")
    module = tmp_path / "module"
    module.mkdir()
    for file in (HERE / "statements.go", folder / "go.mod", folder / "go.sum"):
        shutil.copy(file, module)
    program = str(tmp_path / "statements")
    run(["go", "build", "-C", str(module), "-mod=mod", "-o", program])
    assert run([program, endpoint_url, LEDGER]).count("passed: ") == 7
