"""The local AWS as a process: what a person sees of it, and what it keeps when it ends."""

import os
import socket
import subprocess
import sys
import time

import boto3
import pytest

from qldbkit.driver import control_client, qldb_driver
from qldbkit.local.aws import LocalAws, LocalAwsFailedError, PortInUseError, free_port
from qldbkit.local.settings import LOOPBACK, LocalSettings


@pytest.fixture
def settings(tmp_path):
    return LocalSettings(folder=tmp_path / "local", port=free_port(), save_interval=0.2)


@pytest.fixture
def aws(settings):
    started = LocalAws(settings)
    started.start()
    yield started
    started.stop()


def client(settings, service):
    return session(settings).client(service, endpoint_url=settings.endpoint_url)


def session(settings):
    return boto3.Session(
        aws_access_key_id=settings.account,
        aws_secret_access_key="local",
        region_name=settings.region,
    )


def qldb(settings):
    return control_client(settings.endpoint_url, settings.region, session(settings))


def driver(settings, ledger):
    return qldb_driver(
        ledger,
        endpoint_url=settings.endpoint_url,
        region=settings.region,
        session=session(settings),
    )


def make_ledger(settings, name="Cars"):
    qldb(settings).create_ledger(Name=name, PermissionsMode="STANDARD", DeletionProtection=False)


def records_of(settings, stream):
    kinesis = client(settings, "kinesis")
    shard = kinesis.list_shards(StreamName=stream)["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(
        StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    return [record["Data"] for record in kinesis.get_records(ShardIterator=iterator)["Records"]]


def until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_both_of_qldbs_apis_are_on_the_one_port(aws, settings):
    make_ledger(settings)
    assert qldb(settings).describe_ledger(Name="Cars")["State"] == "ACTIVE"
    with driver(settings, "Cars") as cars:
        cars.execute_lambda(lambda tx: tx.execute_statement("CREATE TABLE Vehicle"))
        cars.execute_lambda(lambda tx: tx.execute_statement("INSERT INTO Vehicle ?", {"VIN": "1"}))
        rows = cars.execute_lambda(lambda tx: list(tx.execute_statement("SELECT * FROM Vehicle")))
    assert [row["VIN"] for row in rows] == ["1"]


def test_the_other_services_are_there_too(aws, settings):
    s3 = client(settings, "s3")
    s3.create_bucket(Bucket="cars")
    s3.put_object(Bucket="cars", Key="a", Body=b"1")
    assert s3.get_object(Bucket="cars", Key="a")["Body"].read() == b"1"


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_what_was_acknowledged_is_there_after_a_restart(aws, settings, end):
    client(settings, "kinesis").create_stream(StreamName="journal", ShardCount=1)
    make_ledger(settings)
    saved = settings.state_folder / "kinesis.json"
    until(lambda: saved.exists() and "journal" in saved.read_text())
    client(settings, "kinesis").put_record(StreamName="journal", Data=b"1", PartitionKey="k")
    with driver(settings, "Cars") as cars:
        cars.execute_lambda(lambda tx: tx.execute_statement("CREATE TABLE Vehicle"))
    getattr(aws, end)()
    aws.start()
    assert records_of(settings, "journal") == [b"1"]
    with driver(settings, "Cars") as cars:
        assert list(cars.list_tables()) == ["Vehicle"]


def test_it_listens_on_this_machine_only(aws, settings):
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)} - {LOOPBACK}
    for address in others:
        with pytest.raises(OSError), socket.create_connection((address, settings.port), timeout=2):
            pass


def test_a_second_one_in_the_same_folder_says_how_to_stop_the_first(aws, settings):
    with pytest.raises(PortInUseError, match="qldbkit local --stop"):
        LocalAws(settings).start()
    assert aws.answers()


def test_a_port_that_another_program_has_is_named(settings):
    taken = socket.create_server((LOOPBACK, settings.port))
    with taken, pytest.raises(PortInUseError) as refused:
        LocalAws(settings).start()
    assert str(settings.port) in str(refused.value)
    assert f"--port {settings.port + 1}" in str(refused.value)


def test_a_start_that_fails_shows_the_log(settings):
    settings.folder.mkdir(parents=True)
    settings.ledger_folder.write_text("not a folder")
    with pytest.raises(LocalAwsFailedError) as failure:
        LocalAws(settings).start()
    assert str(settings.log_file) in str(failure.value)
    assert "ledgers" in failure.value.message


def test_stopping_what_does_not_run_is_no_error(settings):
    LocalAws(settings).stop()


def test_it_ends_with_the_program_that_started_it(settings):
    starter = (
        "import sys; from pathlib import Path\n"
        "from qldbkit.local.aws import LocalAws\n"
        "from qldbkit.local.settings import LocalSettings\n"
        "aws = LocalAws(LocalSettings(folder=Path(sys.argv[1]), port=int(sys.argv[2])))\n"
        "aws.start(); print('up', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", starter, str(settings.folder), str(settings.port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"up\n"
        assert LocalAws(settings).answers()
        process.kill()
    until(lambda: LocalAws(settings).pid is None, 30)
    assert not LocalAws(settings).answers()


def test_one_in_the_background_is_stopped_by_another_command(settings):
    environment = {
        **os.environ,
        "QLDBKIT_FOLDER": str(settings.folder),
        "QLDBKIT_PORT": str(settings.port),
    }

    def qldbkit(*arguments):
        command = [sys.executable, "-m", "qldbkit.cli", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)

    assert settings.endpoint_url in qldbkit("local", "--detach").stdout
    try:
        assert LocalAws(settings).answers()
        assert settings.endpoint_url in qldbkit("local", "--detach").stdout
        assert settings.endpoint_url in qldbkit("local", "--env").stdout
    finally:
        qldbkit("local", "--stop")
    assert not LocalAws(settings).answers()


CREATE_LEDGER = """
{"Resources": {"Ledger": {"Type": "AWS::QLDB::Ledger", "Properties": {
  "Name": "%s", "PermissionsMode": "STANDARD", "DeletionProtection": %s}}},
 "Outputs": {"Name": {"Value": {"Ref": "Ledger"}}}}
"""


def test_cloudformation_makes_changes_replaces_and_deletes_a_ledger(aws, settings):
    formation, ledgers = client(settings, "cloudformation"), qldb(settings)

    def wait_for(state):
        formation.get_waiter(f"stack_{state}_complete").wait(
            StackName="Cars", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )

    def names():
        return [ledger["Name"] for ledger in ledgers.list_ledgers()["Ledgers"]]

    formation.create_stack(StackName="Cars", TemplateBody=CREATE_LEDGER % ("One", "true"))
    wait_for("create")
    assert ledgers.describe_ledger(Name="One")["DeletionProtection"] is True
    formation.update_stack(StackName="Cars", TemplateBody=CREATE_LEDGER % ("One", "false"))
    wait_for("update")
    assert ledgers.describe_ledger(Name="One")["DeletionProtection"] is False
    formation.update_stack(StackName="Cars", TemplateBody=CREATE_LEDGER % ("Two", "false"))
    wait_for("update")
    until(lambda: names() == ["Two"])
    formation.delete_stack(StackName="Cars")
    wait_for("delete")
    assert names() == []
