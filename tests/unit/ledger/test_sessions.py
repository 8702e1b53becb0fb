"""The session API: what QLDB's drivers send, and what they are told."""

import re

import pytest
from amazon.ion import simpleion

from qldbkit.journal.hashes import commit_digest, statement_digest
from qldbkit.ledger.errors import (
    BadRequestError,
    InvalidSessionError,
    LimitExceededError,
    OccConflictError,
    ResourceNotFoundError,
)
from qldbkit.ledger.ledger import Ledger
from qldbkit.ledger.limits import Limits
from qldbkit.ledger.sessions import SessionService

TOKEN = re.compile(r"[A-Za-z0-9+/=]{4,1024}")


def binary(value):
    return {"IonBinary": simpleion.dumps(value, binary=True)}


class Client:
    """A driver's side of one session."""

    def __init__(self, service, ledger="Test", owner=None):
        self.service, self.owner = service, owner
        self.token = self.send(StartSession={"LedgerName": ledger})["SessionToken"]
        self.transaction, self.digests = None, []

    def send(self, **request):
        (command,) = request
        if command != "StartSession":
            request["SessionToken"] = self.token
        return self.service.send_command(request, owner=self.owner)[command]

    def start(self):
        self.transaction = self.send(StartTransaction={})["TransactionId"]
        self.digests = []
        return self.transaction

    def execute(self, statement, *parameters, **named):
        answer = self.send(
            ExecuteStatement={
                "TransactionId": self.transaction,
                "Statement": statement,
                "Parameters": [binary(each) for each in parameters],
                **named,
            }
        )
        self.digests.append(statement_digest(statement, parameters))
        return answer

    def fetch(self, token):
        return self.send(FetchPage={"TransactionId": self.transaction, "NextPageToken": token})

    def commit(self, digest=None):
        return self.send(
            CommitTransaction={
                "TransactionId": self.transaction,
                "CommitDigest": digest or commit_digest(self.transaction, self.digests),
            }
        )


@pytest.fixture
def limits():
    return Limits(sessions=3)


@pytest.fixture
def service(people, clock, limits):
    def ledger(name):
        if name != people.name:
            raise ResourceNotFoundError(f"The Ledger with name {name} is not found")
        return people

    service = SessionService(ledger, limits, clock)
    yield service
    service.close()


@pytest.fixture
def client(service):
    return Client(service)


def decoded(page):
    return [simpleion.loads(each["IonBinary"], single_value=True) for each in page["Values"]]


def test_a_whole_transaction(client):
    assert TOKEN.fullmatch(client.token)
    assert re.fullmatch(r"[A-Za-z0-9]{22}", client.start())
    answer = client.execute("INSERT INTO Person ?", {"name": "Ann"})
    assert "NextPageToken" not in answer["FirstPage"]
    assert list(decoded(answer["FirstPage"])[0]) == ["documentId"]
    assert answer["TimingInformation"]["ProcessingTimeMilliseconds"] >= 0
    committed = client.commit()
    assert committed["TransactionId"] == client.transaction
    assert committed["CommitDigest"] == commit_digest(client.transaction, client.digests)
    assert committed["ConsumedIOs"] == {"ReadIOs": 0, "WriteIOs": 1}
    client.start()
    answer = client.execute("SELECT * FROM Person WHERE name = ?", "Ann")
    assert decoded(answer["FirstPage"]) == [{"name": "Ann"}]
    assert answer["ConsumedIOs"] == {"ReadIOs": 1, "WriteIOs": 0}
    client.send(EndSession={})
    with pytest.raises(InvalidSessionError):
        client.start()


def test_parameters_as_text(client):
    client.start()
    client.execute("INSERT INTO Person {'name': 'Ann'}")
    answer = client.send(
        ExecuteStatement={
            "TransactionId": client.transaction,
            "Statement": "SELECT * FROM Person WHERE name = ?",
            "Parameters": [{"IonText": '"Ann"'}],
        }
    )
    assert decoded(answer["FirstPage"]) == [{"name": "Ann"}]


@pytest.mark.parametrize(
    "parameter",
    [{}, {"IonText": "{"}, {"IonText": "1 2"}, {"IonBinary": b"no"}, {"IonText": "1", **binary(1)}],
)
def test_parameters_that_are_no_value_are_refused(client, parameter):
    client.start()
    with pytest.raises(BadRequestError, match="parameter"):
        client.send(
            ExecuteStatement={
                "TransactionId": client.transaction,
                "Statement": "SELECT * FROM Person WHERE name = ?",
                "Parameters": [parameter],
            }
        )


def test_a_long_result_comes_in_pages_of_200(client, people, do):
    for first in range(0, 440, 40):
        do(people, "INSERT INTO Pet ?", [{"n": n} for n in range(first, first + 40)])
    client.start()
    page = client.execute("SELECT * FROM Pet")["FirstPage"]
    sizes, found = [len(page["Values"])], decoded(page)
    used = []
    while "NextPageToken" in page:
        used.append(page["NextPageToken"])
        assert TOKEN.fullmatch(used[-1])
        page = client.fetch(used[-1])["Page"]
        sizes.append(len(page["Values"]))
        found += decoded(page)
    assert sizes == [200, 200, 40]
    assert sorted(row["n"] for row in found) == list(range(440))
    with pytest.raises(BadRequestError, match="NextPageToken"):
        client.fetch(used[0])


def test_pages_are_bounded_in_bytes(tmp_path, do):
    ledger = Ledger.create(tmp_path / "l.sqlite", "Small", limits=Limits(page_bytes=1000))
    client = Client(SessionService(lambda _: ledger, Limits()), "Small")
    do(ledger, "CREATE TABLE Pet")
    do(ledger, "INSERT INTO Pet ?", [{"n": "x" * size} for size in (300, 300, 300, 2000, 1)])
    client.start()
    page = client.execute("SELECT * FROM Pet")["FirstPage"]
    sizes = [len(page["Values"])]
    while "NextPageToken" in page:
        page = client.fetch(page["NextPageToken"])["Page"]
        sizes.append(len(page["Values"]))
    assert sizes == [3, 1, 1]
    ledger.close()


def test_a_result_is_what_the_ledger_was_when_the_statement_ran(client, people, do):
    for first in range(0, 240, 40):
        do(people, "INSERT INTO Pet ?", [{"n": n} for n in range(first, first + 40)])
    client.start()
    page = client.execute("SELECT * FROM Pet")["FirstPage"]
    client.execute("INSERT INTO Pet {'n': -1}")
    found = decoded(page) + decoded(client.fetch(page["NextPageToken"])["Page"])
    assert sorted(row["n"] for row in found) == list(range(240))


@pytest.mark.parametrize("limits", [Limits(cursors=2)])
def test_results_waiting_to_be_fetched_are_bounded(client, people, do):
    for first in range(0, 240, 40):
        do(people, "INSERT INTO Pet ?", [{"n": n} for n in range(first, first + 40)])
    client.start()
    client.execute("SELECT * FROM Pet")
    client.execute("SELECT * FROM Pet")
    with pytest.raises(LimitExceededError, match="2 results"):
        client.execute("SELECT * FROM Pet")


def test_a_wrong_digest_is_refused(client):
    client.start()
    client.execute("INSERT INTO Person {'name': 'Ann'}")
    with pytest.raises(BadRequestError) as caught:
        client.commit(b"\1" * 32)
    assert caught.value.message == "Digests don't match"


def test_a_conflict_is_told_in_qldbs_words_and_a_new_transaction_can_begin(service, people, do):
    do(people, "INSERT INTO Person {'name': 'Ann', 'n': 0}")
    first, second = Client(service), Client(service)
    for client in (first, second):
        client.start()
        client.execute("UPDATE Person SET n = n + 1 WHERE name = 'Ann'")
    first.commit()
    with pytest.raises(OccConflictError) as caught:
        second.commit()
    assert caught.value.message == (
        "Optimistic concurrency control (OCC) failure encountered while committing the transaction"
    )
    second.start()
    second.execute("UPDATE Person SET n = n + 1 WHERE name = 'Ann'")
    second.commit()
    assert do(people, "SELECT n FROM Person") == [{"n": 2}]


def test_one_session_cannot_touch_anothers_transaction(service):
    mine, theirs = Client(service), Client(service)
    mine.start()
    theirs.start()
    mine.transaction = theirs.transaction
    for attempt in (
        lambda: mine.execute("INSERT INTO Person {'name': 'Eve'}"),
        lambda: mine.fetch("AAAA"),
        mine.commit,
    ):
        with pytest.raises(BadRequestError, match="not the session's transaction"):
            attempt()
    theirs.execute("SELECT * FROM Person")
    theirs.commit()


def test_a_session_belongs_to_its_owner(service):
    client = Client(service, owner="alice")
    client.start()
    client.owner = "mallory"
    with pytest.raises(InvalidSessionError):
        client.execute("SELECT * FROM Person")


def test_tokens_do_not_repeat_or_resemble_ids(service):
    tokens = set()
    for _ in range(50):
        client = Client(service)
        tokens.add(client.token)
        client.send(EndSession={})
    assert len(tokens) == 50
    assert min(map(len, tokens)) == 64


def test_one_transaction_at_a_time(client):
    client.start()
    with pytest.raises(BadRequestError, match="one at a time"):
        client.start()
    client.send(AbortTransaction={})
    client.start()


def test_abort_without_a_transaction_does_nothing(client):
    assert client.send(AbortTransaction={}).keys() == {"TimingInformation"}


def test_after_an_abort_the_transaction_is_closed(client, people, do):
    client.start()
    client.execute("INSERT INTO Person {'name': 'Ann'}")
    client.send(AbortTransaction={})
    with pytest.raises(BadRequestError, match="closed"):
        client.commit()
    assert do(people, "SELECT * FROM Person") == []


def test_a_transaction_expires_after_30_seconds_and_the_session_lives_on(client, clock):
    transaction = client.start()
    clock.advance(29)
    client.execute("SELECT * FROM Person")
    clock.advance(1)
    for attempt in (lambda: client.execute("SELECT * FROM Person"), client.commit):
        with pytest.raises(InvalidSessionError) as caught:
            attempt()
        assert caught.value.message == f"Transaction {transaction} has expired"
    client.start()
    client.execute("SELECT * FROM Person")


def test_an_idle_session_ends_after_60_seconds(client, clock):
    clock.advance(59)
    client.send(AbortTransaction={})
    clock.advance(59)
    client.send(AbortTransaction={})
    clock.advance(60)
    with pytest.raises(InvalidSessionError) as caught:
        client.start()
    assert re.fullmatch(
        r"Exceeded the session idle time limit: Session [A-Za-z0-9]{22}", caught.value.message
    )
    assert client.token not in caught.value.message


def test_sessions_are_bounded_and_idle_ones_make_room(service, clock):
    clients = [Client(service) for _ in range(3)]
    with pytest.raises(LimitExceededError, match="3 sessions"):
        Client(service)
    clock.advance(30)
    clients[0].send(AbortTransaction={})
    clock.advance(30)
    Client(service)
    clients[0].start()


def test_sessions_of_a_deleted_ledger_end(service, client):
    client.start()
    service.end_sessions_of("Test")
    with pytest.raises(InvalidSessionError):
        client.execute("SELECT * FROM Person")


def test_an_unknown_ledger_is_a_bad_request(service):
    with pytest.raises(BadRequestError, match="is not found"):
        Client(service, "Other")


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"SessionToken": "AAAA"},
        {"StartTransaction": {}, "AbortTransaction": {}, "SessionToken": "AAAA"},
        {"StartTransaction": {}},
    ],
)
def test_a_request_names_one_thing_and_a_session(service, request_):
    with pytest.raises(BadRequestError):
        service.send_command(request_)


def test_an_unknown_token_is_an_invalid_session(service):
    with pytest.raises(InvalidSessionError):
        service.send_command({"SessionToken": "A" * 64, "StartTransaction": {}})
