"""With keys, the server answers requests that one of them signed, within what it allows."""

import boto3
import pytest
from botocore.exceptions import ClientError

from qldbkit.ledger.access import AccessKey
from qldbkit.ledger.server import ServerError, check_exposure, run_server, running_server
from qldbkit.replay.ledger_client import LedgerClient

READER = AccessKey("AKIDREADERONLY", "the secret of a reader", read_only=True)
ORDERS = AccessKey("AKIDORDERSONLY", "the secret of orders!!", frozenset({"orders"}))


@pytest.fixture
def guarded(tmp_path, everything):
    keys = [everything, READER, ORDERS]
    with running_server(tmp_path / "ledgers", keys=keys) as server:
        yield server


def test_a_configured_key_does_everything(guarded, connected, in_one):
    qldb = connected(guarded).client("qldb")
    arn = connected(guarded).create()["Arn"]
    qldb.tag_resource(ResourceArn=arn, Tags={"a b": "c/d?e=f"})
    qldb.untag_resource(ResourceArn=arn, TagKeys=["a b"])
    with connected(guarded).driver() as driver:
        in_one(driver, ("CREATE TABLE T",), ("INSERT INTO T ?", {"a": "ä€"}))


def test_requests_of_a_replay_are_signed(guarded, connected, failure, everything):
    connected(guarded).create()

    def client(key):
        session = boto3.Session(key.key_id, key.secret)
        return LedgerClient.to(
            "orders", endpoint_url=guarded.endpoint_url, region="us-east-1", session=session
        )

    def make(transaction):
        return list(transaction.execute_statement("CREATE TABLE T"))

    assert len(client(everything).execute_lambda(make)) == 1
    guessed = AccessKey(everything.key_id, "guess" * 4)
    assert failure(lambda: client(guessed).execute_lambda(make))[1] == 403


def test_an_unknown_key_or_a_wrong_secret_gets_403(guarded, connected, failure, everything):
    unknown = AccessKey("AKIDUNKNOWN000", everything.secret)
    guessed = AccessKey(everything.key_id, "guess" * 4)
    for key in (unknown, guessed):
        assert failure(connected(guarded, key).client("qldb").list_ledgers)[1] == 403
        session = connected(guarded, key).client("qldb-session")
        code = failure(session.send_command, StartSession={"LedgerName": "orders"})
        assert code[1] == 403


def test_an_unsigned_request_gets_403(guarded, raw):
    status, body = raw(guarded, b"GET /ledgers HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (status, body["__type"]) == (403, "MissingAuthenticationTokenException")


def test_a_reader_reads(guarded, connected, failure, in_one):
    connected(guarded).create()
    with connected(guarded).driver() as driver:
        in_one(driver, ("CREATE TABLE T",), ("INSERT INTO T ?", {"a": 1}))
    qldb = connected(guarded, READER).client("qldb")
    qldb.get_digest(Name="orders")
    assert failure(qldb.delete_ledger, Name="orders") == ("AccessDeniedException", 403)
    with connected(guarded, READER).driver() as driver:
        assert in_one(driver, ("SELECT * FROM T",)) == [[{"a": 1}]]
        with pytest.raises(ClientError, match="may only read"):
            in_one(driver, ("DELETE FROM T",))


def test_a_key_for_one_ledger_sees_no_other(guarded, connected, failure):
    connected(guarded).create()
    connected(guarded).create("invoices")
    qldb = connected(guarded, ORDERS).client("qldb")
    qldb.describe_ledger(Name="orders")
    assert failure(qldb.describe_ledger, Name="invoices")[1] == 403
    assert failure(qldb.list_ledgers)[1] == 403
    session = connected(guarded, ORDERS).client("qldb-session")
    code = failure(session.send_command, StartSession={"LedgerName": "invoices"})
    assert code == ("AccessDeniedException", 403)


def test_a_session_is_only_for_the_key_that_began_it(guarded, connected, failure):
    connected(guarded).create()
    mine = connected(guarded).client("qldb-session")
    token = mine.send_command(StartSession={"LedgerName": "orders"})["StartSession"]["SessionToken"]
    theirs = connected(guarded, ORDERS).client("qldb-session")
    code = failure(theirs.send_command, SessionToken=token, StartTransaction={})
    assert code == ("InvalidSessionException", 400)


def test_other_machines_need_keys(tmp_path, everything):
    with pytest.raises(ServerError, match="other machines"):
        run_server(tmp_path / "ledgers", host="0.0.0.0")
    check_exposure("0.0.0.0", [everything])
    check_exposure("::1", None)
