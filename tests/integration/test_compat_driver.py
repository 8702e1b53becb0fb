"""What QLDB's own drivers check of the service: sessions, statements, results and retries."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from amazon.ion import simpleion
from botocore.exceptions import ClientError
from pyqldb.errors import (
    DriverClosedError,
    SessionPoolEmptyError,
    is_bad_request_exception,
    is_invalid_session_exception,
    is_occ_conflict_exception,
)

from qldbkit.driver import qldb_driver
from qldbkit.journal import codec
from qldbkit.ledger.server import running_server

REGION = "us-east-1"
TABLE = "DriverTable"


class SteppedClock:
    """The system's clock, which a test may put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def milliseconds(self) -> int:
        return int((time.time() + self.ahead) * 1000)

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture(scope="module")
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture(scope="module")
def user(tmp_path_factory, connected, clock) -> Iterator[Any]:
    with running_server(tmp_path_factory.mktemp("driver") / "ledgers", clock=clock) as server:
        user = connected(server)
        user.create()
        yield user


@pytest.fixture(scope="module")
def make_driver(user) -> Callable[..., Any]:
    """Makes drivers, whose retries a test may switch off."""

    def make(ledger: str = "orders", **settings: Any) -> Any:
        return qldb_driver(
            ledger,
            endpoint_url=user.server.endpoint_url,
            region=REGION,
            session=user.aws_session,
            **settings,
        )

    return make


@pytest.fixture(scope="module")
def driver(make_driver) -> Iterator[Any]:
    with make_driver() as driver:
        run(driver, f"CREATE TABLE {TABLE}")
        yield driver


@pytest.fixture(autouse=True)
def empty_table(driver) -> Iterator[None]:
    yield
    run(driver, f"DELETE FROM {TABLE}")


def run(driver: Any, statement: str, *parameters: Any) -> list[Any]:
    values: list[Any] = driver.execute_lambda(
        lambda transaction: list(transaction.execute_statement(statement, *parameters))
    )
    return values


def refused(call: Callable[[], Any]) -> ClientError:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value


def test_a_ledger_that_is_not_there_is_a_bad_request(make_driver) -> None:
    with make_driver("Absent") as driver:
        error = refused(lambda: list(driver.list_tables()))
    assert is_bad_request_exception(error)
    assert "Absent" in str(error)


def test_sessions_are_made_kept_and_closed(make_driver, driver) -> None:
    with make_driver() as other:
        assert TABLE in list(other.list_tables())
        assert TABLE in list(other.list_tables())
    with pytest.raises(DriverClosedError):
        other.list_tables()


def test_a_pool_is_empty_when_all_its_sessions_work(make_driver) -> None:
    with make_driver(max_concurrent_transactions=1) as driver:
        begun, done = threading.Event(), threading.Event()

        def occupy(transaction: Any) -> None:
            list(transaction.execute_statement(f"SELECT * FROM {TABLE}"))
            begun.set()
            assert done.wait(20)

        with ThreadPoolExecutor(1) as pool:
            busy = pool.submit(driver.execute_lambda, occupy)
            assert begun.wait(20)
            with pytest.raises(SessionPoolEmptyError):
                run(driver, f"SELECT * FROM {TABLE}")
            done.set()
            busy.result(20)
        assert run(driver, f"SELECT * FROM {TABLE}") == []


def test_what_a_transaction_failed_at_is_aborted_and_its_session_goes_on(driver) -> None:
    class ApplicationError(Exception):
        pass

    def fail(transaction: Any) -> None:
        transaction.execute_statement(f"INSERT INTO {TABLE} ?", {"n": 1})
        raise ApplicationError

    for _ in range(3):
        with pytest.raises(ApplicationError):
            driver.execute_lambda(fail)
    assert run(driver, f"SELECT * FROM {TABLE}") == []


def test_a_transaction_expires_and_is_not_retried(make_driver, clock) -> None:
    tries = []

    def wait(transaction: Any) -> None:
        tries.append(transaction.transaction_id)
        clock.ahead += 31
        transaction.execute_statement(f"SELECT * FROM {TABLE}")

    with make_driver() as driver:
        error = refused(lambda: driver.execute_lambda(wait))
    assert is_invalid_session_exception(error)
    assert error.response["Error"]["Message"] == f"Transaction {tries[0]} has expired"
    assert len(tries) == 1


def test_an_idle_session_expires_and_the_driver_takes_another(make_driver, clock) -> None:
    with make_driver() as driver:
        run(driver, f"INSERT INTO {TABLE} ?", {"n": 1})
        clock.ahead += 61
        assert run(driver, f"SELECT VALUE n FROM {TABLE}") == [1]


def test_tables_are_made_listed_and_dropped(driver) -> None:
    assert len(run(driver, "CREATE TABLE Passing")) == 1
    assert "Passing" in list(driver.list_tables())
    assert len(run(driver, "DROP TABLE Passing")) == 1
    assert "Passing" not in list(driver.list_tables())


def test_errors_of_statements_have_qldbs_codes(driver) -> None:
    again = refused(lambda: run(driver, f"CREATE TABLE {TABLE}"))
    assert is_bad_request_exception(again)
    assert again.response["Code"] == "412"
    assert again.response["Error"]["Message"] == f"Table with name: USER.{TABLE} already exists"
    absent = refused(lambda: run(driver, "SELECT * FROM Absent"))
    assert absent.response["Code"] == "432"
    wrong = refused(lambda: run(driver, f"SELECT WRONG FROM FROM {TABLE}"))
    assert is_bad_request_exception(wrong)


def test_an_index_is_shown_where_the_drivers_look_for_it(driver) -> None:
    assert len(run(driver, f"CREATE INDEX on {TABLE} (indexAttribute)")) == 1
    (index,) = run(
        driver,
        "SELECT VALUE indexes[0] FROM information_schema.user_tables WHERE status = 'ACTIVE' "
        f"AND name = '{TABLE}'",
    )
    assert index["expr"] == "[indexAttribute]"


def test_documents_are_written_read_and_counted(driver) -> None:
    assert run(driver, f"SELECT * FROM {TABLE}") == []
    assert len(run(driver, f"INSERT INTO {TABLE} ?", {"Name": "one"})) == 1
    assert len(run(driver, f"INSERT INTO {TABLE} <<?, ?>>", {"Name": "a"}, {"Name": "b"})) == 2
    assert run(driver, f'SELECT VALUE Name FROM "{TABLE}" WHERE Name = ?', "one") == ["one"]
    found = run(driver, f"SELECT VALUE Name FROM {TABLE} WHERE Name IN (?,?)", "a", "b")
    assert sorted(found) == ["a", "b"]
    assert len(run(driver, f"DELETE FROM {TABLE} WHERE Name = ?", "one")) == 1
    assert run(driver, f"SELECT COUNT(*) FROM {TABLE}") == [{"_1": 2}]
    assert len(run(driver, f"DELETE FROM {TABLE}")) == 2
    assert run(driver, f"SELECT COUNT(*) FROM {TABLE}") == [{"_1": 0}]


SCALARS = [
    *("true", "1", "-1", "3.2e0", "0e0", "-0e0", "nan", "+inf", "0.1", "1.50", "-0.0", "1d400"),
    *("2016-12-20T05:23:43.000Z", "2016T", "2016-12T", "2016-12-20", "2016-12-20T05:23+07:30"),
    *("2016-12-20T05:23:43.123456789012-00:00", '"text"', '""', "symbol", "'a b'", "'true'"),
    *("{{aGVsbG8=}}", '{{"clob"}}', "[1, 2]", "[]", "(cons 1 2)", "{brand: Ford}", "{}", "a::b::1"),
    *("{a: 1, a: 2}", "{a: [{b: (c null.int)}]}", "9223372036854775808", "1" * 100),
]
NULLS = ["null"] + [
    f"null.{each}"
    for each in (
        *("bool", "int", "float", "decimal", "timestamp", "string", "symbol", "blob", "clob"),
        *("list", "sexp", "struct"),
    )
]


@pytest.mark.parametrize("text", SCALARS + NULLS)
def test_every_ion_type_is_inserted_found_and_read(driver, text) -> None:
    value = codec.read_text(text)
    run(driver, f"INSERT INTO {TABLE} ?", {"Name": value})
    if text in NULLS:
        found = run(driver, f"SELECT VALUE Name FROM {TABLE} WHERE Name IS NULL")
    elif text == "nan":
        found = run(driver, f"SELECT VALUE Name FROM {TABLE}")
    else:
        found = run(driver, f"SELECT VALUE Name FROM {TABLE} WHERE Name = ?", value)
    assert [codec.write_text(each) for each in found] == [codec.write_text(value)]
    assert found[0].ion_type is value.ion_type


@pytest.mark.parametrize("text", SCALARS + NULLS)
def test_a_field_is_set_to_every_ion_type(driver, text) -> None:
    value = codec.read_text(text)
    run(driver, f"INSERT INTO {TABLE} ?", {"Name": "before"})
    assert len(run(driver, f"UPDATE {TABLE} SET Name = ?", value)) == 1
    (found,) = run(driver, f"SELECT VALUE Name FROM {TABLE}")
    assert codec.write_text(found) == codec.write_text(value)
    assert found.ion_type is value.ion_type


def test_python_values_are_parameters_as_they_are(driver) -> None:
    document = {"bytes": b"hello", "list": [1, 2.5, True], "text": "é", "deep": {"a": {}}}
    run(driver, f"INSERT INTO {TABLE} ?", document)
    assert run(driver, f"SELECT * FROM {TABLE}") == [document]


def test_the_cost_of_a_statement_is_told(driver) -> None:
    """Three documents, joined six times over: 3 + 9 + 27 + 81 + 243 + 729 reads."""
    run(driver, f"INSERT INTO {TABLE} << {{'col': 1}}, {{'col': 2}}, {{'col': 3}} >>")
    statement = f"SELECT * FROM {', '.join(f'{TABLE} AS {alias}' for alias in 'abcdef')}"

    def work(transaction: Any) -> tuple[Any, int]:
        cursor = transaction.execute_statement(statement)
        first = cursor.get_consumed_ios()["ReadIOs"]
        assert first > 0
        assert cursor.get_timing_information()["ProcessingTimeMilliseconds"] > 0
        assert len(list(cursor)) == 729
        return cursor, first

    cursor, first = driver.execute_lambda(work)
    assert cursor.get_consumed_ios()["ReadIOs"] == 1092 > first
    buffered = driver.execute_lambda(lambda t: t.execute_statement(statement))
    assert buffered.get_consumed_ios()["ReadIOs"] == 1092
    assert buffered.get_timing_information()["ProcessingTimeMilliseconds"] > 0


def test_large_results_come_page_by_page(driver) -> None:
    for first in range(0, 1000, 40):
        documents = [{"n": number, "text": "x" * 500} for number in range(first, first + 40)]
        run(driver, f"INSERT INTO {TABLE} ?", documents)
    numbers = run(driver, f"SELECT VALUE n FROM {TABLE}")
    assert sorted(numbers) == list(range(1000))
    assert run(driver, f"SELECT COUNT(*) AS c FROM {TABLE} AS a, {TABLE} AS b WHERE a.n = 1") == [
        {"c": 1000}
    ]
    for first in range(0, 1000, 40):
        run(driver, f"DELETE FROM {TABLE} WHERE n >= ? AND n < ?", first, first + 40)


def test_several_results_are_read_at_the_same_time(driver) -> None:
    run(driver, f"INSERT INTO {TABLE} ?", [{"n": number} for number in range(20)])

    def work(transaction: Any) -> list[tuple[int, int]]:
        statement = f"SELECT VALUE a.n FROM {TABLE} AS a, {TABLE} AS b"
        one, two = (transaction.execute_statement(statement) for _ in range(2))
        return list(zip(one, two, strict=True))

    pairs = driver.execute_lambda(work)
    assert len(pairs) == 400
    assert all(one == two for one, two in pairs)


def test_who_loses_a_race_is_told_and_has_changed_nothing(make_driver, driver) -> None:
    run(driver, f"INSERT INTO {TABLE} ?", {"n": 0})
    with make_driver(retry_limit=0) as other:

        def read_while_another_writes(transaction: Any) -> None:
            transaction.execute_statement(f"SELECT VALUE n FROM {TABLE}")
            run(other, f"UPDATE {TABLE} SET n = ?", 5)

        error = refused(lambda: other.execute_lambda(read_while_another_writes))
    assert is_occ_conflict_exception(error)
    assert error.response["Error"]["Message"] == (
        "Optimistic concurrency control (OCC) failure encountered while committing the transaction"
    )
    assert run(driver, f"SELECT VALUE n FROM {TABLE}") == [5]


def test_retries_make_racing_increments_add_up(make_driver) -> None:
    with make_driver(retry_limit=40) as driver:
        run(driver, f"INSERT INTO {TABLE} ?", {"n": 0})

        def increment(transaction: Any) -> None:
            (value,) = transaction.execute_statement(f"SELECT VALUE n FROM {TABLE}")
            transaction.execute_statement(f"UPDATE {TABLE} SET n = ?", value + 1)

        with ThreadPoolExecutor(4) as pool:
            waiting = [pool.submit(driver.execute_lambda, increment) for _ in range(12)]
            for each in waiting:
                each.result(60)
        assert run(driver, f"SELECT VALUE n FROM {TABLE}") == [12]


@pytest.mark.parametrize("limit", [0, 3])
def test_a_lost_race_is_tried_again_as_often_as_was_said(make_driver, driver, limit) -> None:
    run(driver, f"INSERT INTO {TABLE} ?", {"n": 0})
    tries = []

    def lose(transaction: Any) -> None:
        tries.append(1)
        list(transaction.execute_statement(f"SELECT VALUE n FROM {TABLE}"))
        run(driver, f"UPDATE {TABLE} SET n = ?", len(tries))

    with make_driver(retry_limit=limit) as other:
        assert is_occ_conflict_exception(refused(lambda: other.execute_lambda(lose)))
    assert len(tries) == limit + 1


def test_limits_of_a_transaction_are_qldbs(driver) -> None:
    many = [{"n": number} for number in range(41)]
    error = refused(lambda: run(driver, f"INSERT INTO {TABLE} ?", many))
    assert error.response["Error"]["Code"] == "LimitExceededException"
    large = {"text": "x" * (128 * 1024)}
    assert refused(lambda: run(driver, f"INSERT INTO {TABLE} ?", large))
    assert run(driver, f"SELECT COUNT(*) FROM {TABLE}") == [{"_1": 0}]


def test_parameters_come_as_text_too(user) -> None:
    sessions = user.client("qldb-session")
    token = sessions.send_command(StartSession={"LedgerName": "orders"})["StartSession"]
    session = {"SessionToken": token["SessionToken"]}
    begun = sessions.send_command(**session, StartTransaction={})["StartTransaction"]
    values = [
        {"IonText": "{a: 1, t: 2020-01-01T}"},
        {"IonBinary": simpleion.dumps({"a": 2}, binary=True)},
    ]
    for value in values:
        statement = {
            "TransactionId": begun["TransactionId"],
            "Statement": f"INSERT INTO {TABLE} ?",
            "Parameters": [value],
        }
        answer = sessions.send_command(**session, ExecuteStatement=statement)["ExecuteStatement"]
        assert len(answer["FirstPage"]["Values"]) == 1
        assert "NextPageToken" not in answer["FirstPage"]
        assert set(answer["ConsumedIOs"]) == {"ReadIOs", "WriteIOs"}
    sessions.send_command(**session, AbortTransaction={})
    sessions.send_command(**session, EndSession={})
    error = refused(lambda: sessions.send_command(**session, StartTransaction={}))
    assert is_invalid_session_exception(error)
