"""Documents of a file put into a served ledger, and what is said when that ends in the middle."""

import json
from io import BufferedReader, BytesIO

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from qldbkit.client.documents import documents
from qldbkit.client.importing import ImportBounds, ImportStoppedError, import_documents


@pytest.fixture
def driver(user, in_one):
    user.create("orders")
    with user.driver() as driver:
        in_one(driver, ("CREATE TABLE Car",))
        yield driver


@pytest.fixture
def cars(driver, in_one):
    """The cars of the ledger, and how many transactions made them."""

    def cars_():
        query = (
            "SELECT c.data.n AS n, c.blockAddress.sequenceNo AS block FROM _ql_committed_Car AS c"
        )
        rows = in_one(driver, (query,))[0]
        return sorted(int(each["n"]) for each in rows), len({int(each["block"]) for each in rows})

    return cars_


def lines(count, first=0):
    return "".join(json.dumps({"n": each}) + "\n" for each in range(first, first + count))


def found(text):
    return documents(BufferedReader(BytesIO(text.encode())))


def test_documents_are_inserted_some_to_a_transaction(driver, cars):
    told = []
    report = import_documents(driver, "Car", found(lines(100)), told=told.append)
    assert cars() == (list(range(100)), 3)
    assert told == [40, 80, 100]
    assert report.to_json() == {"table": "Car", "documents": 100, "skipped": 0, "transactions": 3}


def test_large_documents_share_a_transaction_as_far_as_they_fit(driver, cars):
    text = "".join(json.dumps({"n": each, "text": "x" * 100_000}) + "\n" for each in range(45))
    report = import_documents(driver, "Car", found(text))
    assert report.transactions == 3
    assert cars() == (list(range(45)), 3)


def test_an_import_that_ended_at_damage_goes_on_as_its_hint_says(driver, cars):
    damaged = lines(90) + "{n: \n" + lines(9, first=91)
    with pytest.raises(ImportStoppedError) as caught:
        import_documents(driver, "Car", found(damaged))
    assert caught.value.position == "document 91, line 91"
    assert caught.value.hint == "80 documents were imported: go on with --skip 80"
    assert cars() == (list(range(80)), 2)
    import_documents(driver, "Car", found(lines(100)), skip=80)
    assert cars()[0] == list(range(100))


def test_a_document_too_large_is_named_before_it_is_sent(driver, cars):
    text = lines(2) + json.dumps({"n": 2, "text": "x" * 200_000})
    with pytest.raises(ImportStoppedError, match=r"200,0.. bytes .* takes 131,072") as caught:
        import_documents(driver, "Car", found(text))
    assert caught.value.position == "document 3, line 3"
    assert caught.value.hint == "nothing was imported"
    assert cars()[0] == []


def test_what_the_ledger_refuses_is_said_with_the_documents(driver, cars):
    bounds = ImportBounds(documents=41)
    with pytest.raises(ImportStoppedError) as caught:
        import_documents(driver, "Car", found(lines(100)), bounds=bounds)
    assert caught.value.position == "document 1, line 1 to document 41, line 41"
    assert cars()[0] == []


class Stubborn:
    """A driver whose commits fail, after or before they are done."""

    def __init__(self, driver, error, *, times=1, committed=True):
        self.driver, self.error, self.times, self.committed = driver, error, times, committed

    def execute_lambda(self, work, retry_config=None):
        if retry_config is None or self.times == 0:
            return self.driver.execute_lambda(work, retry_config=retry_config)
        self.times -= 1
        if self.committed:
            self.driver.execute_lambda(work, retry_config=retry_config)
        raise self.error


def refused(code, status):
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "SendCommand")


@pytest.mark.parametrize(
    "error",
    [ReadTimeoutError(endpoint_url="http://127.0.0.1"), refused("InternalServerError", 500)],
)
def test_a_commit_without_an_answer_is_not_repeated_but_told(driver, cars, error):
    with pytest.raises(ImportStoppedError) as caught:
        import_documents(Stubborn(driver, error), "Car", found(lines(50)))
    assert "--skip 0 or 40" in caught.value.hint
    assert cars() == (list(range(40)), 1)


def test_a_conflict_is_tried_again_within_bounds(driver, cars):
    conflict = refused("OccConflictException", 400)
    stubborn = Stubborn(driver, conflict, times=2, committed=False)
    import_documents(stubborn, "Car", found(lines(3)), bounds=ImportBounds(attempts=3))
    assert cars() == ([0, 1, 2], 1)
    stubborn = Stubborn(driver, conflict, times=3, committed=False)
    with pytest.raises(ImportStoppedError):
        import_documents(stubborn, "Car", found(lines(3)), bounds=ImportBounds(attempts=3))
    assert cars() == ([0, 1, 2], 1)


def test_a_table_that_is_not_there_is_said_with_the_option_that_makes_it(driver):
    with pytest.raises(ImportStoppedError, match="no table Van - --create makes it"):
        import_documents(driver, "Van", found(lines(1)))


def test_an_interruption_says_how_far_it_was(driver, cars):
    def interrupted(done):
        if done == 80:
            raise KeyboardInterrupt

    with pytest.raises(ImportStoppedError, match="interrupted") as caught:
        import_documents(driver, "Car", found(lines(200)), told=interrupted)
    assert "80 documents were imported: go on with --skip 80; up to 40 more" in caught.value.hint
    assert cars()[0] == list(range(80))
