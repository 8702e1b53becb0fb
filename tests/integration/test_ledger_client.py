"""The client that replay writes with, against the ledger it speaks to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from qldbkit.journal.ion import IonSpan
from qldbkit.replay.ledger_client import CommitDigestError, LedgerClient
from qldbkit.replay.retrying import Backoff
from qldbkit.replay.session_wire import Request, SessionWire


class Wire(SessionWire):
    """Notes what is sent, and may answer instead of the ledger."""

    sent: list[str]
    instead: Callable[[str, dict[str, Any]], None]
    answers: Callable[[str, dict[str, Any]], dict[str, Any]]

    def post(self, request: Request) -> None:
        command = json.loads(request.body)
        (name,) = command.keys() - {"SessionToken"}
        self.sent.append(name)
        self.instead(name, command)
        super().post(request)

    def answer(self, name: str) -> dict[str, Any]:
        return self.answers(name, super().answer(name))


@pytest.fixture
def wire(user: Any) -> Wire:
    user.create("orders")
    made = Wire(user.server.endpoint_url, "us-east-1", user.aws_session.get_credentials())
    made.sent, made.instead, made.answers = [], lambda *_: None, lambda _, answer: answer
    return made


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def client(wire: Wire, pauses: list[float]) -> Iterator[LedgerClient]:
    backoff = Backoff(attempts=3, first=0.5, cap=0.8)
    made = LedgerClient("orders", wire, backoff, pause=pauses.append, chance=lambda: 1.0)
    run(made, "CREATE TABLE Order_")
    wire.sent.clear()
    yield made
    made.close()


def run(client: LedgerClient, statement: str, *parameters: Any) -> list[Any]:
    return client.execute_lambda(lambda each: list(each.execute_statement(statement, *parameters)))


def refused(code: str, status: int = 400, message: str = "") -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "SendCommand")


def failing(times: int, at: str, error: Exception) -> Callable[[str, Any], None]:
    """Fails the first requests of a name."""
    left = [error] * times

    def instead(name: str, _command: Any) -> None:
        if name == at and left:
            raise left.pop()

    return instead


def test_values_and_spans_arrive_and_every_page_is_read(client: LedgerClient) -> None:
    run(client, "INSERT INTO Order_ ?", IonSpan.from_text("[{n: 1.50, t: 2020-01-01T}, {n: a::2}]"))
    for at in range(3, 303, 30):
        run(client, "INSERT INTO Order_ ?", [{"n": each} for each in range(at, at + 30)])
    assert len(run(client, "SELECT * FROM Order_")) == 302
    assert (
        str(run(client, "SELECT VALUE o.n FROM Order_ AS o WHERE o.n = ?", 1.5))
        == "[Decimal('1.50')]"
    )


def test_a_session_serves_many_transactions(client: LedgerClient, wire: Wire) -> None:
    for each in range(3):
        run(client, "INSERT INTO Order_ ?", {"n": each})
    assert wire.sent == ["StartTransaction", "ExecuteStatement", "CommitTransaction"] * 3


def test_work_that_raises_leaves_nothing(client: LedgerClient, wire: Wire) -> None:
    def work(transaction: Any) -> None:
        transaction.execute_statement("INSERT INTO Order_ ?", {"n": 1})
        raise KeyError("n")

    with pytest.raises(KeyError):
        client.execute_lambda(work)
    assert wire.sent[-1] == "AbortTransaction"
    assert run(client, "SELECT * FROM Order_") == []


def test_a_conflict_is_done_again_from_the_beginning(client: LedgerClient, user: Any) -> None:
    run(client, "INSERT INTO Order_ ?", {"n": 1})
    other, attempts = user.driver("orders"), []

    def work(transaction: Any) -> None:
        (found,) = transaction.execute_statement("SELECT VALUE o.n FROM Order_ AS o")
        if not attempts:
            other.execute_lambda(lambda each: each.execute_statement("UPDATE Order_ SET n = 10"))
        attempts.append(int(found))
        transaction.execute_statement("UPDATE Order_ SET n = ?", found + 1)

    client.execute_lambda(work)
    assert attempts == [1, 10]
    assert run(client, "SELECT VALUE o.n FROM Order_ AS o") == [11]


@pytest.mark.parametrize(
    ("error", "at"),
    [
        (refused("InternalFailure", 500), "CommitTransaction"),
        (refused("InternalFailure", 500), "ExecuteStatement"),
        (refused("CapacityExceededException", 503), "StartTransaction"),
    ],
)
def test_what_passes_is_tried_again_after_growing_pauses_and_not_for_ever(
    client: LedgerClient, wire: Wire, pauses: list[float], error: ClientError, at: str
) -> None:
    wire.instead = failing(2, at, error)
    run(client, "INSERT INTO Order_ ?", {"n": 1})
    assert pauses == [0.5, 0.8]
    wire.instead = failing(3, at, error)
    with pytest.raises(ClientError) as last:
        run(client, "INSERT INTO Order_ ?", {"n": 2})
    assert last.value is error
    wire.instead = lambda *_: None
    assert len(run(client, "SELECT * FROM Order_")) == 1


def test_a_session_that_has_gone_is_begun_anew_without_a_pause(
    client: LedgerClient, wire: Wire, user: Any, pauses: list[float]
) -> None:
    user.server.service._sessions.end_sessions_of("orders")
    run(client, "INSERT INTO Order_ ?", {"n": 1})
    assert "StartSession" in wire.sent
    assert pauses == []


def test_a_transaction_that_has_expired_is_not_done_again(
    client: LedgerClient, wire: Wire, pauses: list[float]
) -> None:
    expired = refused("InvalidSessionException", message="Transaction 0123 has expired")
    wire.instead = failing(1, "CommitTransaction", expired)
    with pytest.raises(ClientError) as caught:
        run(client, "INSERT INTO Order_ ?", {"n": 1})
    assert caught.value is expired
    assert pauses == []


def test_a_refusal_is_told_as_botocore_tells_it(client: LedgerClient, user: Any) -> None:
    with pytest.raises(ClientError) as ours:
        run(client, "SELECT * FROM Nothing_")
    with pytest.raises(ClientError) as theirs:
        user.driver("orders").execute_lambda(
            lambda each: each.execute_statement("SELECT * FROM Nothing_")
        )
    assert ours.value.response["Error"] == theirs.value.response["Error"]
    assert str(ours.value) == str(theirs.value)


def test_a_commit_of_other_statements_is_told(client: LedgerClient, wire: Wire) -> None:
    wire.answers = lambda name, answer: (
        {**answer, "CommitDigest": "AAAA"} if name == "CommitTransaction" else answer
    )
    with pytest.raises(CommitDigestError, match="another digest"):
        run(client, "INSERT INTO Order_ ?", {"n": 1})


def test_a_connection_that_has_idled_is_opened_anew(client: LedgerClient, wire: Wire) -> None:
    wire._connection.sock.shutdown(2)  # as the other side does, unseen until something is sent
    wire._used = float("-inf")
    run(client, "INSERT INTO Order_ ?", {"n": 1})
    assert len(run(client, "SELECT * FROM Order_")) == 1


def test_a_ledger_that_cannot_be_reached_is_told(user: Any) -> None:
    client = LedgerClient.to(
        "orders", endpoint_url="http://127.0.0.1:9", region="us-east-1", session=user.aws_session
    )
    with pytest.raises(EndpointConnectionError):
        run(client, "SELECT * FROM Order_")


def test_an_endpoint_is_a_host(user: Any) -> None:
    with pytest.raises(ValueError, match="an endpoint is"):
        LedgerClient.to(
            "orders", endpoint_url="file:///x", region="us-east-1", session=user.aws_session
        )


def test_results_are_read_in_any_order_while_the_transaction_lasts(client: LedgerClient) -> None:
    run(client, "INSERT INTO Order_ ?", [{"n": each} for each in range(30)])

    def work(transaction: Any) -> list[int]:
        first = transaction.execute_statement("SELECT VALUE o.n FROM Order_ AS o")
        transaction.execute_statement("INSERT INTO Order_ ?", {"n": 100})
        last = transaction.execute_statement("SELECT VALUE o.n FROM Order_ AS o")
        return [len(list(last)), len(list(first))]

    assert client.execute_lambda(work) == [31, 30]


@pytest.mark.parametrize("further", [0, 1])
def test_a_refusal_is_told_though_nobody_reads_the_result(
    client: LedgerClient, wire: Wire, further: int
) -> None:
    def work(transaction: Any) -> None:
        transaction.execute_statement("INSERT INTO Nothing_ ?", {"n": 1})
        for _ in range(further):
            transaction.execute_statement("INSERT INTO Order_ ?", {"n": 1})

    with pytest.raises(ClientError, match="Nothing_"):
        client.execute_lambda(work)
    assert wire.sent[-2:] == ["ExecuteStatement", "AbortTransaction"]
    assert run(client, "SELECT * FROM Order_") == []
