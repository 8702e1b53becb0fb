"""The control plane as boto3 sees it, over the real wire."""

import signal
import subprocess
import sys
import threading
from time import monotonic

import pytest

from qldbkit.ledger.folder_lock import FolderInUseError
from qldbkit.ledger.http import LedgerService
from qldbkit.ledger.server import ServerError, run_server, running_server
from qldbkit.ledger.service_limits import ServiceLimits


def test_a_ledger_is_described_as_it_was_made(qldb, user):
    made = user.create(Tags={"team": "a"}, DeletionProtection=True)
    described = qldb.describe_ledger(Name="orders")
    assert made["State"] == described["State"] == "ACTIVE"
    assert described["Arn"] == "arn:aws:qldb:us-east-1:000000000000:ledger/orders"
    assert described["DeletionProtection"] is True
    assert described["PermissionsMode"] == "STANDARD"
    assert described["CreationDateTime"] == made["CreationDateTime"]
    assert qldb.list_tags_for_resource(ResourceArn=made["Arn"])["Tags"] == {"team": "a"}


def test_deletion_protection_is_on_unless_it_is_refused(qldb, failure):
    qldb.create_ledger(Name="orders", PermissionsMode="ALLOW_ALL")
    assert failure(qldb.delete_ledger, Name="orders") == (
        "ResourcePreconditionNotMetException",
        412,
    )
    qldb.update_ledger(Name="orders", DeletionProtection=False)
    qldb.delete_ledger(Name="orders")
    assert failure(qldb.describe_ledger, Name="orders") == ("ResourceNotFoundException", 404)


def test_a_name_is_taken_once(qldb, failure, user):
    user.create()
    code = failure(qldb.create_ledger, Name="orders", PermissionsMode="STANDARD")
    assert code == ("ResourceAlreadyExistsException", 409)


def test_updates_change_what_they_name_and_nothing_else(qldb, user):
    user.create(DeletionProtection=True)
    key = "arn:aws:kms:us-east-1:000000000000:key/1234"
    updated = qldb.update_ledger(Name="orders", KmsKey=key)
    assert updated["EncryptionDescription"]["KmsKeyArn"] == key
    assert updated["DeletionProtection"] is True
    qldb.update_ledger(Name="orders", KmsKey="AWS_OWNED_KMS_KEY")
    mode = qldb.update_ledger_permissions_mode(Name="orders", PermissionsMode="ALLOW_ALL")
    assert mode["PermissionsMode"] == "ALLOW_ALL"
    described = qldb.describe_ledger(Name="orders")
    assert described["EncryptionDescription"]["KmsKeyArn"] == "AWS_OWNED_KMS_KEY"
    assert described["PermissionsMode"] == "ALLOW_ALL"


def test_lists_come_in_pages(qldb, user):
    names = [f"ledger-{number}" for number in range(5)]
    for name in names:
        user.create(name)
    first = qldb.list_ledgers(MaxResults=3)
    second = qldb.list_ledgers(MaxResults=3, NextToken=first["NextToken"])
    assert [each["Name"] for each in first["Ledgers"] + second["Ledgers"]] == names
    assert "NextToken" not in second


def test_a_missing_ledger_is_not_found_by_any_operation(qldb, failure):
    for call in (
        qldb.describe_ledger,
        qldb.delete_ledger,
        qldb.update_ledger,
        qldb.get_digest,
        qldb.list_journal_s3_exports_for_ledger,
    ):
        assert failure(call, Name="nowhere") == ("ResourceNotFoundException", 404)


def test_tags_are_added_replaced_and_removed(qldb, user):
    arn = user.create()["Arn"]
    qldb.tag_resource(ResourceArn=arn, Tags={"a": "1", "b": "2"})
    qldb.tag_resource(ResourceArn=arn, Tags={"b": "3", "c": ""})
    qldb.untag_resource(ResourceArn=arn, TagKeys=["a", "unknown"])
    assert qldb.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"b": "3", "c": ""}


def test_tags_have_aws_s_limits(qldb, failure, user):
    arn = user.create()["Arn"]
    many = {str(number): "x" for number in range(51)}
    for tags in (many, {"aws:x": "y"}, {"k" * 129: "y"}, {"k": "v" * 257}):
        code = failure(qldb.tag_resource, ResourceArn=arn, Tags=tags)
        assert code == ("InvalidParameterException", 400)
    assert qldb.list_tags_for_resource(ResourceArn=arn)["Tags"] == {}


def test_tags_need_a_resource_that_is_there(qldb, failure):
    for arn, error in (
        ("arn:aws:qldb:us-east-1:000000000000:ledger/none", "ResourceNotFoundException"),
        ("arn:aws:qldb:eu-west-1:000000000000:ledger/none", "InvalidParameterException"),
        ("arn:aws:s3:us-east-1:000000000000:bucket", "InvalidParameterException"),
    ):
        assert failure(qldb.list_tags_for_resource, ResourceArn=arn)[0] == error


def test_a_table_can_be_tagged(server, qldb, connected, failure, in_one, user):
    arn = user.create()["Arn"]
    with connected(server).driver() as driver:
        ((row,),) = in_one(driver, ("CREATE TABLE Person",))
    table = row["tableId"]
    qldb.tag_resource(ResourceArn=f"{arn}/table/{table}", Tags={"a": "1"})
    tags = qldb.list_tags_for_resource(ResourceArn=f"{arn}/table/{table}")["Tags"]
    assert tags == {"a": "1"}
    missing = failure(qldb.list_tags_for_resource, ResourceArn=f"{arn}/table/{'a' * 22}")
    assert missing == ("ResourceNotFoundException", 404)


def test_there_are_no_more_ledgers_than_the_limit(tmp_path, connected, failure):
    limits = ServiceLimits(ledgers=2)
    with running_server(tmp_path / "ledgers", service_limits=limits) as small:
        user = connected(small)
        qldb = user.client("qldb")
        user.create("a")
        user.create("b")
        code = failure(qldb.create_ledger, Name="c", PermissionsMode="STANDARD")
        assert code == ("LimitExceededException", 400)
        qldb.delete_ledger(Name="a")
        user.create("c")


def test_everything_is_there_again_after_a_restart(tmp_path, connected, in_one):
    folder = tmp_path / "ledgers"
    with running_server(folder) as first:
        user = connected(first)
        user.create(Tags={"a": "1"})
        with user.driver() as driver:
            in_one(driver, ("CREATE TABLE Person",))
            in_one(driver, ("INSERT INTO Person ?", {"name": "Person 1"}))
        before = user.client("qldb").get_digest(Name="orders")
    with running_server(folder) as second:
        user = connected(second)
        qldb = user.client("qldb")
        after = qldb.get_digest(Name="orders")
        assert after["Digest"] == before["Digest"]
        arn = qldb.describe_ledger(Name="orders")["Arn"]
        assert qldb.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"a": "1"}
        with user.driver() as driver:
            found = in_one(driver, ("SELECT p.name FROM Person AS p",))
        assert found == [[{"name": "Person 1"}]]


def test_a_deleted_ledger_leaves_nothing(tmp_path, user, qldb, failure, in_one):
    folder = tmp_path / "ledgers"
    empty = {each.name for each in folder.iterdir()}
    arn = user.create(Tags={"a": "1"})["Arn"]
    session = user.client("qldb-session")
    start = {"LedgerName": "orders"}
    token = session.send_command(StartSession=start)["StartSession"]["SessionToken"]
    session.send_command(SessionToken=token, StartTransaction={})
    qldb.delete_ledger(Name="orders")
    code = failure(session.send_command, SessionToken=token, StartTransaction={})
    assert code == ("InvalidSessionException", 400)
    assert failure(session.send_command, StartSession=start)[0] == "BadRequestException"
    assert {each.name for each in folder.iterdir()} == empty
    user.create()
    assert qldb.list_tags_for_resource(ResourceArn=arn)["Tags"] == {}
    with user.driver() as driver:
        in_one(driver, ("CREATE TABLE Person",))


def test_one_process_at_a_time_serves_a_folder(server, tmp_path):
    with pytest.raises(FolderInUseError, match="another process"):
        LedgerService(tmp_path / "ledgers")


def test_files_are_for_their_owner_only(server, qldb, tmp_path, user):
    user.create()
    folder = tmp_path / "ledgers"
    assert folder.stat().st_mode & 0o077 == 0
    for each in folder.iterdir():
        assert each.stat().st_mode & 0o077 == 0, each.name


def test_a_taken_port_is_named(server, tmp_path):
    port = int(server.endpoint_url.rpartition(":")[2])
    with pytest.raises(ServerError, match=f"port {port}"):
        run_server(tmp_path / "others", port=port)


def test_it_says_where_it_listens_and_stops_within_bounds(tmp_path, connected):
    began = monotonic()
    with running_server(tmp_path / "ledgers") as listening:
        assert listening.endpoint_url.startswith("http://127.0.0.1:")
        connected(listening).client("qldb").list_ledgers()
    assert monotonic() - began < 5
    assert not [each for each in threading.enumerate() if each.name.startswith("ledger-")]


SERVE = """
import sys
from pathlib import Path
from qldbkit.ledger.server import run_server
run_server(Path(sys.argv[1]), on_ready=lambda address: print(address, flush=True))
print("closed")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(tmp_path, number):
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(tmp_path / "ledgers")], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout.readline().startswith(b"http://127.0.0.1:")
        # The address is known a little before the server's own handlers are in place.
        threading.Event().wait(0.3)
        process.send_signal(number)
        rest, _ = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (process.returncode, rest) == (0, b"closed\n")
