"""A journal stream delivers every block that it promises, at least once, whatever goes wrong."""

import threading
from datetime import UTC, datetime
from time import monotonic

import pytest
from botocore.exceptions import ClientError

from qldbkit.journal.hashes import merkle_root
from qldbkit.journal.kinesis import RecordPosition, deaggregate
from qldbkit.journal.records import (
    BlockSummaryRecord,
    ControlRecord,
    RevisionDetailsRecord,
    decode_record,
)
from qldbkit.ledger.clock import SystemClock
from qldbkit.ledger.control_store import ControlStore
from qldbkit.ledger.kinesis_writer import KinesisWriter
from qldbkit.ledger.service_limits import ServiceLimits
from qldbkit.ledger.stream_publisher import StreamPublisher
from qldbkit.ledger.stream_store import JournalStream, StreamStore

STREAM_ID = "IiPT4brpZCqCq3f4MTHbYy"
ARN = f"arn:aws:qldb:us-east-1:000000000000:stream/Test/{STREAM_ID}"
KINESIS = "arn:aws:kinesis:us-east-1:000000000000:stream/journal"
PATIENCE = 10.0
LIMITS = ServiceLimits(
    stream_poll_seconds=0.02,
    retry_first_seconds=0.005,
    retry_most_seconds=0.02,
    end_grace_seconds=0.0,
    stop_seconds=5.0,
)


class Kinesis:
    """A Kinesis stream of one shard that keeps what it is given; tests wait for what comes."""

    def __init__(self):
        self.records = []
        self.failures = []
        self.lose_answer = 0
        self.changed = threading.Condition()

    def list_shards(self, **arguments):
        shard = {
            "HashKeyRange": {"StartingHashKey": "0"},
            "SequenceNumberRange": {"StartingSequenceNumber": "1"},
        }
        return {"Shards": [shard]}

    def put_records(self, **arguments):
        with self.changed:
            if self.failures:
                code = self.failures[0]
                if code is not FOREVER_GONE:
                    self.failures.pop(0)
                raise ClientError({"Error": {"Code": code, "Message": "no"}}, "PutRecords")
            for each in arguments["Records"]:
                self.records += list(
                    deaggregate(each["Data"], each["PartitionKey"], RecordPosition("s", "1"))
                )
            self.changed.notify_all()
            if self.lose_answer:
                self.lose_answer -= 1
                raise ClientError({"Error": {"Code": "InternalFailure"}}, "PutRecords")
        return {"Records": [{"SequenceNumber": "1"} for _ in arguments["Records"]]}

    def decoded(self):
        with self.changed:
            return [decode_record(each.data) for each in self.records]

    def wait_for(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.records) >= count, PATIENCE)
        return self.decoded()


FOREVER_GONE = "ResourceNotFoundException"


class Bench:
    """A ledger, a Kinesis stream, and a journal stream between them."""

    def __init__(self, ledger, store, clock):
        self.ledger = ledger
        self.store = StreamStore(store)
        self.clock = clock
        self.kinesis = Kinesis()
        self.publisher = None

    def add(self, **settings):
        start = datetime(2020, 1, 1, tzinfo=UTC)
        arguments = {"created": start, "start": start, "end": None, "aggregated": True} | settings
        self.store.add(
            JournalStream(STREAM_ID, "Test", "s", "arn:role", kinesis_arn=KINESIS, **arguments)
        )

    def start(self, limits=LIMITS):
        stream = self.store.get("Test", STREAM_ID)
        writer = KinesisWriter(self.kinesis, KINESIS, aggregated=stream.aggregated)
        self.publisher = StreamPublisher(
            stream, ARN, self.ledger, writer, self.store, self.clock, limits
        )
        self.publisher.start()

    def stop(self):
        self.publisher.ask_to_stop()
        self.publisher.join()

    def status(self):
        return self.store.get("Test", STREAM_ID).status

    def wait_for_status(self, status):
        deadline = monotonic() + PATIENCE
        while self.status() != status:
            assert monotonic() < deadline, f"still {self.status()}"
            threading.Event().wait(0.005)


@pytest.fixture
def bench(tmp_path, ledger, clock):
    store = ControlStore(tmp_path / "control.sqlite")
    made = Bench(ledger, store, clock)
    yield made
    if made.publisher is not None:
        made.stop()
    store.close()


@pytest.fixture
def insert(ledger, do):
    do(ledger, "CREATE TABLE Person")

    def insert_(*names):
        return do(ledger, "INSERT INTO Person ?", [{"name": name} for name in names])

    return insert_


def summaries(records):
    return [each for each in records if isinstance(each, BlockSummaryRecord)]


def details(records):
    return [each for each in records if isinstance(each, RevisionDetailsRecord)]


def statements(records):
    """The first statement of each block that has any."""
    infos = [each.summary.transaction_info for each in summaries(records)]
    return [each.statements[0].statement for each in infos if each is not None]


def names(records):
    return [each.revision.data.fields()["name"].text() for each in details(records)]


def test_a_stream_begins_with_created_and_carries_every_revision_with_its_block(bench, insert):
    insert("a", "b")
    bench.add()
    bench.start()
    insert("c")
    records = bench.kinesis.wait_for(8)
    assert records[0] == ControlRecord(ARN, "CREATED")
    assert {each.stream_arn for each in records} == {ARN}
    assert names(records) == ["a", "b", "c"]
    assert statements(records)[-3:] == [
        "CREATE TABLE Person",
        "INSERT INTO Person ?",
        "INSERT INTO Person ?",
    ]
    assert {each.table.table_name for each in details(records)} == {"Person"}
    tip = bench.ledger.block(bench.ledger.tip().sequence_no)
    assert summaries(records)[-1].summary.block_hash == tip.summary.block_hash
    assert details(records)[-1].revision.ion.value() == tip.revisions[-1].ion.value()


def test_records_have_the_partition_keys_of_qldb(bench, insert):
    insert("a")
    bench.add()
    bench.start()
    bench.kinesis.wait_for(4)
    for raw in bench.kinesis.records[1:]:
        record = decode_record(raw.data)
        digest = (
            record.summary.block_hash
            if isinstance(record, BlockSummaryRecord)
            else record.revision.hash
        )
        assert raw.partition_key == digest.hex()


def test_every_block_is_streamed_so_that_the_stream_proves_the_digest(bench, insert, do):
    insert("a")
    do(bench.ledger, "SELECT * FROM Person")
    insert("b")
    bench.add()
    bench.start()
    tip = bench.ledger.tip().sequence_no
    blocks = summaries(bench.kinesis.wait_for(1 + tip + 1 + 2))
    assert [each.address.sequence_no for each in blocks] == list(range(tip + 1))
    hashes = [each.summary.block_hash for each in blocks]
    assert merkle_root(hashes) == bench.ledger.digest(tip)


def test_a_stream_starts_with_the_first_block_of_its_start_time(bench, insert, clock):
    insert("before")
    clock.advance(10)
    start = datetime.fromtimestamp(clock.now / 1000, UTC)
    insert("after")
    bench.add(start=start)
    bench.start()
    assert names(bench.kinesis.wait_for(3)) == ["after"]


def test_a_stream_with_an_end_completes_before_the_first_block_behind_it(bench, insert, clock):
    insert("in")
    clock.advance(10)
    end = datetime.fromtimestamp(clock.now / 1000, UTC)
    insert("at the end")
    bench.add(end=end)
    bench.start()
    bench.wait_for_status("COMPLETED")
    records = bench.kinesis.decoded()
    assert names(records) == ["in"]
    assert records[-1] == ControlRecord(ARN, "COMPLETED")


def test_a_stream_with_an_end_completes_when_its_time_comes_though_nothing_is_committed(
    bench, insert, clock
):
    insert("in")
    bench.add(end=datetime.fromtimestamp(clock.now / 1000 + 60, UTC))
    bench.start()
    bench.kinesis.wait_for(4)
    assert bench.status() == "ACTIVE"
    clock.advance(61)
    bench.wait_for_status("COMPLETED")
    assert bench.kinesis.decoded()[-1] == ControlRecord(ARN, "COMPLETED")


def test_a_stopped_stream_goes_on_where_it_was(bench, insert):
    insert("a")
    bench.add()
    bench.start()
    bench.kinesis.wait_for(4)
    bench.stop()
    insert("b")
    bench.start()
    bench.kinesis.wait_for(6)
    bench.stop()
    records = bench.kinesis.decoded()
    assert names(records) == ["a", "b"]
    assert [each for each in records if isinstance(each, ControlRecord)] == [
        ControlRecord(ARN, "CREATED")
    ]


def test_deletions_redactions_and_table_changes_are_in_the_stream(bench, insert, do):
    insert("a")
    strand = bench.ledger.strand_id
    number = bench.ledger.tip().sequence_no
    (table,) = do(bench.ledger, "SELECT VALUE tableId FROM information_schema.user_tables")
    (document,) = do(bench.ledger, "SELECT VALUE id FROM Person BY id")
    do(bench.ledger, "DELETE FROM Person")
    do(
        bench.ledger,
        "EXEC REDACT_REVISION ?, ?, ?",
        {"strandId": strand, "sequenceNo": number},
        str(table),
        str(document),
    )
    do(bench.ledger, "DROP TABLE Person")
    assert bench.ledger.finish_maintenance(PATIENCE)
    bench.add()
    bench.start()
    tip = bench.ledger.tip().sequence_no
    records = bench.kinesis.wait_for(7)
    while summaries(records)[-1].address.sequence_no < tip:
        records = bench.kinesis.wait_for(len(records) + 1)
    first, deleted = details(records)
    assert first.revision.redacted
    assert deleted.revision.deleted
    redactions = [each.summary.redaction_info for each in summaries(records)]
    assert [each.revisions[0].version for each in redactions if each is not None] == [0]
    last = summaries(records)[-1].summary.transaction_info.statements[0].statement
    assert last == "DROP TABLE Person"


def test_a_busy_stream_saves_its_position_now_and_then_and_an_idle_one_at_once(bench, insert):
    saved = []
    save = bench.store.save_position
    bench.store.save_position = lambda *position: (saved.append(position), save(*position))
    for number in range(50):
        insert(str(number))
    bench.add()
    bench.start(ServiceLimits(stream_batch_blocks=1, stream_poll_seconds=0.02))
    bench.kinesis.wait_for(103)  # CREATED, 52 blocks and 50 revisions
    bench.stop()
    assert len(saved) <= 5
    position = bench.store.get("Test", STREAM_ID).next_sequence_no
    assert position == bench.ledger.tip().sequence_no + 1


def test_an_answer_that_is_lost_delivers_twice_and_loses_nothing(bench, insert):
    bench.kinesis.lose_answer = 2
    insert("a")
    bench.add()
    bench.start()
    bench.kinesis.wait_for(5)
    insert("b")
    bench.kinesis.wait_for(8)
    delivered = names(bench.kinesis.decoded())
    assert set(delivered) == {"a", "b"}
    assert delivered == sorted(delivered)


def test_throttling_is_waited_out_while_the_stream_stays_active(bench, insert):
    bench.kinesis.failures = ["ProvisionedThroughputExceededException"] * 5
    insert("a")
    bench.add()
    bench.start()
    assert names(bench.kinesis.wait_for(4)) == ["a"]
    assert bench.status() == "ACTIVE"


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("ResourceNotFoundException", "KINESIS_STREAM_NOT_FOUND"),
        ("AccessDeniedException", "IAM_PERMISSION_REVOKED"),
    ],
)
def test_a_stream_is_impaired_until_someone_mends_it(bench, insert, code, cause):
    bench.kinesis.failures = [code] * 10_000
    bench.add()
    bench.start()
    bench.wait_for_status("IMPAIRED")
    assert bench.store.get("Test", STREAM_ID).error_cause == cause
    insert("a")
    with bench.kinesis.changed:
        bench.kinesis.failures.clear()
    bench.wait_for_status("ACTIVE")
    assert bench.store.get("Test", STREAM_ID).error_cause is None
    assert names(bench.kinesis.wait_for(4)) == ["a"]


def test_a_stream_that_stays_impaired_fails_with_the_cause(bench, clock):
    bench.kinesis.failures = [FOREVER_GONE]
    bench.add()
    bench.start()
    bench.wait_for_status("IMPAIRED")
    clock.advance(LIMITS.impaired_limit.total_seconds() + 1)
    bench.wait_for_status("FAILED")
    stream = bench.store.get("Test", STREAM_ID)
    assert stream.error_cause == "KINESIS_STREAM_NOT_FOUND"
    assert stream.ended is not None


def test_a_stream_that_waits_for_kinesis_stops_at_once(bench):
    bench.kinesis.failures = ["ProvisionedThroughputExceededException"] * 100_000
    bench.add()
    bench.start(ServiceLimits(retry_first_seconds=60, retry_most_seconds=60))
    began = monotonic()
    bench.stop()
    assert monotonic() - began < 2
    assert bench.status() == "ACTIVE"


def test_a_commit_is_on_its_way_within_a_tenth_of_a_second(bench, insert):
    bench.clock = SystemClock()
    insert("a")
    bench.add()
    bench.start(ServiceLimits())
    bench.kinesis.wait_for(4)
    delays = []
    for number in range(5):
        insert(f"b{number}")
        began = monotonic()
        bench.kinesis.wait_for(6 + 2 * number)
        delays.append(monotonic() - began)
    assert sorted(delays)[2] < 0.1


def test_without_aggregation_each_record_is_a_kinesis_record(bench, insert):
    insert("a")
    bench.add(aggregated=False)
    bench.start()
    bench.kinesis.wait_for(4)
    assert {each.position.sub_sequence_number for each in bench.kinesis.records} == {None}
