"""What a ledger exported to S3 makes the same ledger again, by the commands that a person types."""

import json
import os
import subprocess
import sys
from base64 import b64encode
from datetime import UTC, datetime

import pytest
from amazon.ion import simpleion

from qldbkit.driver import qldb_driver
from qldbkit.ledger.server import running_server

ROLE = "arn:aws:iam::000000000000:role/journal"
FORMATS = ("ION_TEXT", "ION_BINARY", "JSON")


def command(aws, *arguments):
    """Run qldbkit with the S3 of the tests as its own."""
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": aws,
        "AWS_ACCESS_KEY_ID": "000000000000",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    return subprocess.run(
        [sys.executable, "-m", "qldbkit.cli", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def saved_digest(user, file):
    """The answer of GetDigest as the AWS CLI prints it."""
    answer = user.client("qldb").get_digest(Name="orders")
    answer["Digest"] = b64encode(answer["Digest"]).decode()
    answer.pop("ResponseMetadata")
    file.write_text(json.dumps(answer))
    return file


def exported(user, bucket, output_format, until):
    qldb = user.client("qldb")
    export_id = qldb.export_journal_to_s3(
        Name="orders",
        InclusiveStartTime=datetime(2020, 1, 1, tzinfo=UTC),
        ExclusiveEndTime=datetime.now(UTC),
        S3ExportConfiguration={
            "Bucket": bucket,
            "Prefix": "journal/",
            "EncryptionConfiguration": {"ObjectEncryptionType": "NO_ENCRYPTION"},
        },
        RoleArn=ROLE,
        OutputFormat=output_format,
    )["ExportId"]

    def completed():
        found = qldb.describe_journal_s3_export(Name="orders", ExportId=export_id)
        return found["ExportDescription"]["Status"] == "COMPLETED"

    until(completed, "it does not complete")


def documents(endpoint_url, ledger, session):
    with qldb_driver(
        ledger, endpoint_url=endpoint_url, region="us-east-1", session=session
    ) as driver:
        rows = driver.execute_lambda(
            lambda executor: list(executor.execute_statement("SELECT * FROM history(Thing)"))
        )
    return sorted(
        simpleion.dumps([each["metadata"]["id"], each["metadata"]["version"], each.get("data")])
        for each in rows
    )


@pytest.mark.parametrize("output_format", FORMATS)
def test_an_export_in_every_format_is_restored_and_served(
    serve, fill, s3, aws, until, output_format, tmp_path
):
    """In JSON, too: documents of numbers and bools are proven by their hashes there as well."""
    bucket = f"restored-{output_format.lower().replace('_', '-')}"
    s3.create_bucket(Bucket=bucket)
    with serve() as user:
        user.create()
        fill(user)
        digest = saved_digest(user, tmp_path / "digest.json")
        exported(user, bucket, output_format, until)
        original = documents(user.server.endpoint_url, "orders", user.aws_session)
    location = f"s3://{bucket}/journal"
    verified = command(aws, "verify", location, "--digest", str(digest), "--json")
    assert verified.returncode == 0, verified.stderr
    assert json.loads(verified.stdout)["digest"]["equal"] is True

    folder = tmp_path / "restored"
    into = ("--into", "again", "--folder", str(folder), "--digest", str(digest), "--json")
    restored = command(aws, "restore", location, *into)
    assert restored.returncode == 0, restored.stderr
    assert json.loads(restored.stdout)["digestEqual"] is True

    with running_server(folder) as server:
        assert documents(server.endpoint_url, "again", user.aws_session) == original
    (file,) = folder.glob("again-*.sqlite")
    assert command(aws, "verify", str(file), "--digest", str(digest)).returncode == 0


def test_an_interrupted_or_wrong_command_says_what_to_do(tmp_path, aws):
    ran = command(aws, "restore", str(tmp_path), "--into", "x")
    assert ran.returncode == 1
    assert "holds no journal export and no archive" in ran.stderr
    assert "hint: " in ran.stderr
    assert command(aws, "restore", str(tmp_path)).returncode == 2
    assert command(aws, "restore", str(tmp_path), "--into", "x", "--until", "now").returncode == 2
    assert command(aws, "verify", str(tmp_path / "nothing/here")).returncode == 1


def test_the_real_answers_of_aws_are_verified(shared_data, tmp_path, aws):
    sample = shared_data / "samples/block-revision-digest-proofs.json"
    ran = command(aws, "verify", str(sample))
    assert (ran.returncode, ran.stdout.count("proven: the ")) == (0, 2)
    answers = json.loads(sample.read_text())
    for name in answers:
        (tmp_path / f"{name}.json").write_text(json.dumps(answers[name]))
    revision, digest = str(tmp_path / "GetRevision.json"), str(tmp_path / "GetDigest.json")
    assert command(aws, "verify", revision, "--digest", digest).returncode == 0
    assert command(aws, "verify", revision).returncode == 3
    wrong = json.loads((tmp_path / "GetDigest.json").read_text())
    (tmp_path / "wrong.json").write_text(json.dumps({**wrong, "Digest": "A" * 43 + "="}))
    ran = command(aws, "verify", revision, "--digest", str(tmp_path / "wrong.json"))
    assert ran.returncode == 1
    assert "does not lead from the revision to the digest" in ran.stdout
