"""The session API as pyqldb and a hand-made client see it, over the real wire."""

from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest
from botocore.exceptions import ClientError


def test_ledgers_are_apart(server, qldb, connected, in_one, user):
    for name in ("orders", "invoices"):
        user.create(name)
        with connected(server).driver(name) as driver:
            in_one(driver, ("CREATE TABLE T",), ("INSERT INTO T ?", {"of": name}))
    for name in ("orders", "invoices"):
        with connected(server).driver(name) as driver:
            assert in_one(driver, ("SELECT t.of FROM T AS t",)) == [[{"of": name}]]


def test_a_session_with_a_ledger_that_is_not_there_is_a_bad_request(server, connected, failure):
    session = connected(server).client("qldb-session")
    code = failure(session.send_command, StartSession={"LedgerName": "nowhere"})
    assert code == ("BadRequestException", 400)


def test_the_code_of_a_statement_s_error_reaches_the_client(server, qldb, connected, in_one, user):
    user.create()
    with connected(server).driver() as driver:
        in_one(driver, ("CREATE TABLE Person",))
        with pytest.raises(ClientError) as caught:
            in_one(driver, ("CREATE TABLE Person",))
    assert caught.value.response["Code"] == "412"
    assert "Table with name: USER.Person already exists" in str(caught.value)


def test_a_wrong_commit_digest_is_refused(server, qldb, connected, user):
    user.create()
    session = connected(server).client("qldb-session")
    token = session.send_command(StartSession={"LedgerName": "orders"})["StartSession"][
        "SessionToken"
    ]
    begun = session.send_command(SessionToken=token, StartTransaction={})
    commit = {
        "TransactionId": begun["StartTransaction"]["TransactionId"],
        "CommitDigest": b"x" * 32,
    }
    with pytest.raises(ClientError, match="Digests don't match"):
        session.send_command(SessionToken=token, CommitTransaction=commit)


def test_transactions_from_many_threads_all_arrive(server, qldb, connected, in_one, user):
    user.create()
    with connected(server).driver() as driver:
        in_one(driver, ("CREATE TABLE T",))

        def insert(number):
            return in_one(driver, ("INSERT INTO T ?", {"n": number}))

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(insert, range(80)))
        rows = in_one(driver, ("SELECT t.n FROM T AS t",))[0]
    assert sorted(row["n"] for row in rows) == list(range(80))


def test_requests_are_answered_without_delayed_acknowledgements(server, qldb, connected, user):
    user.create()
    session = connected(server).client("qldb-session")
    took = []
    for _ in range(20):
        began = monotonic()
        session.send_command(StartSession={"LedgerName": "orders"})
        took.append(monotonic() - began)
    assert sorted(took)[10] < 0.03
