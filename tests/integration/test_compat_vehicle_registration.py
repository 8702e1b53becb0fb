"""A department of motor vehicles on QLDB, as AWS's sample applications do it.

Each test does what one of the sample's programs does, and finds what that program looks for.
"""

import contextlib
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import reduce
from hashlib import sha256
from itertools import pairwise
from typing import Any

import pytest
from amazon.ion import simpleion

from qldbkit.ledger.server import running_server
from qldbkit.local.dmv_documents import INDEXES, Register
from qldbkit.local.dmv_documents import register as register_of

LEDGER = "vehicle-registration"
ROLE = "arn:aws:iam::000000000000:role/journal"
TABLES = ("DriversLicense", "Person", "Vehicle", "VehicleRegistration")


@pytest.fixture(scope="module")
def user(tmp_path_factory, connected, aws) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("dmv") / "ledgers"
    with running_server(folder, aws_endpoint_url=aws) as server:
        yield connected(server)


@pytest.fixture(scope="module")
def qldb(user) -> Any:
    return user.client("qldb")


@pytest.fixture(scope="module")
def register() -> Register:
    return register_of(size=5, seed=1)


@pytest.fixture(scope="module")
def driver(user, qldb, register, in_one, until) -> Iterator[Any]:
    """The ledger with its tables, indexes and documents; licenses name their person's id."""
    qldb.create_ledger(Name=LEDGER, PermissionsMode="ALLOW_ALL", DeletionProtection=False)
    until(lambda: qldb.describe_ledger(Name=LEDGER)["State"] == "ACTIVE", "it does not come")
    with user.driver(LEDGER) as driver:
        for table in TABLES:
            in_one(driver, (f"CREATE TABLE {table}",))
        for table, field in INDEXES:
            in_one(driver, (f"CREATE INDEX ON {table} ({field})",))
        people = in_one(driver, ("INSERT INTO Person ?", list(register.people)))[0]
        ids = [str(row["documentId"]) for row in people]
        in_one(
            driver,
            ("INSERT INTO Vehicle ?", list(register.vehicles)),
            ("INSERT INTO VehicleRegistration ?", owned(register, ids)),
            ("INSERT INTO DriversLicense ?", licensed(register, ids)),
        )
        yield driver


def owned(register: Register, ids: list[str]) -> list[dict[str, Any]]:
    return [
        document | {"Owners": {"PrimaryOwner": {"PersonId": person}, "SecondaryOwners": []}}
        for document, person in zip(register.registrations, ids, strict=True)
    ]


def licensed(register: Register, ids: list[str]) -> list[dict[str, Any]]:
    return [
        document | {"PersonId": person}
        for document, person in zip(register.licences, ids, strict=True)
    ]


@pytest.fixture(scope="module")
def one(driver, in_one) -> Any:
    """Runs one statement in a transaction, and gives its values."""
    return lambda *statement: in_one(driver, statement)[0]


@pytest.fixture(scope="module")
def document_id(one) -> Any:
    """Finds the only document with a value in a field."""

    def find(table: str, field: str, value: str) -> str:
        (row,) = one(f"SELECT id FROM {table} AS t BY id WHERE t.{field} = ?", value)
        return str(row["id"])

    return find


def test_the_ledger_is_listed_and_described(driver, qldb) -> None:
    assert LEDGER in [each["Name"] for each in qldb.list_ledgers()["Ledgers"]]
    described = qldb.describe_ledger(Name=LEDGER)
    assert described["Arn"].endswith(f":ledger/{LEDGER}")
    assert described["PermissionsMode"] == "ALLOW_ALL"
    assert described["DeletionProtection"] is False


def test_tables_are_listed_and_scanned(driver, one, register) -> None:
    assert sorted(driver.list_tables()) == list(TABLES)
    for table in TABLES:
        assert len(one(f"SELECT * FROM {table}")) == len(register.people)


def test_the_vehicles_of_a_person_are_found_by_a_join(one, document_id, register) -> None:
    person = document_id("Person", "GovId", register.people[0]["GovId"])
    (vehicle,) = one(
        "SELECT Vehicle FROM Vehicle INNER JOIN VehicleRegistration AS r ON Vehicle.VIN = r.VIN "
        "WHERE r.Owners.PrimaryOwner.PersonId = ?",
        person,
    )
    assert vehicle["Vehicle"]["VIN"] == register.vehicles[0]["VIN"]


def test_a_vehicle_gets_a_new_owner_who_is_in_its_history(one, document_id, register) -> None:
    vin = register.vehicles[1]["VIN"]
    (owner,) = one(
        "SELECT Owners.PrimaryOwner.PersonId FROM VehicleRegistration AS v WHERE v.VIN = ?", vin
    )
    before = str(owner["PersonId"])
    (person,) = one("SELECT p.* FROM Person AS p BY pid WHERE pid = ?", before)
    assert person["GovId"] == register.people[1]["GovId"]
    buyer = document_id("Person", "GovId", register.people[2]["GovId"])
    begun = datetime.now(UTC)
    changed = one(
        "UPDATE VehicleRegistration AS r SET r.Owners.PrimaryOwner.PersonId = ? WHERE r.VIN = ?",
        buyer,
        vin,
    )
    registration = document_id("VehicleRegistration", "VIN", vin)
    assert [row["documentId"] for row in changed] == [registration]
    moments = [f"`{each:%Y-%m-%dT%H:%M:%S.%fZ}`" for each in (begun - timedelta(days=90), begun)]
    history = "SELECT data.Owners.PrimaryOwner, metadata.version FROM history({}) AS h {}"
    past = one(
        history.format(f"VehicleRegistration, {', '.join(moments)}", "WHERE h.metadata.id = ?"),
        registration,
    )
    assert [row["PrimaryOwner"]["PersonId"] for row in past] == [before]
    all_of_it = one(history.format("VehicleRegistration", "WHERE metadata.id = ?"), registration)
    owners = {int(row["version"]): row["PrimaryOwner"]["PersonId"] for row in all_of_it}
    assert owners == {0: before, 1: buyer}


def test_a_second_owner_is_added_once(one, document_id, register) -> None:
    vin = register.vehicles[3]["VIN"]
    person = document_id("Person", "GovId", register.people[0]["GovId"])
    owners = "SELECT Owners.SecondaryOwners FROM VehicleRegistration AS v WHERE v.VIN = ?"
    (row,) = one(owners, vin)
    assert row["SecondaryOwners"] == []
    one(
        f"FROM VehicleRegistration AS v WHERE v.VIN = '{vin}' "
        "INSERT INTO v.Owners.SecondaryOwners VALUE ?",
        {"PersonId": person},
    )
    (row,) = one(owners, vin)
    assert [owner["PersonId"] for owner in row["SecondaryOwners"]] == [person]


def test_a_driver_is_registered_in_one_transaction(driver, one) -> None:
    new = {"FirstName": "New", "GovId": "NEW 1", "DOB": datetime(1995, 2, 9)}

    def work(transaction: Any) -> str:
        found = transaction.execute_statement(
            "SELECT * FROM Person AS p WHERE p.GovId = ?", "NEW 1"
        )
        assert list(found) == []
        (row,) = transaction.execute_statement("INSERT INTO Person ?", new)
        person = str(row["documentId"])
        licensed = "SELECT * FROM DriversLicense AS d WHERE d.PersonId = ?"
        assert list(transaction.execute_statement(licensed, person)) == []
        license_ = {
            "PersonId": person,
            "LicenseNumber": "L 1",
            "ValidToDate": datetime(2022, 10, 30),
        }
        transaction.execute_statement("INSERT INTO DriversLicense ?", license_)
        assert len(list(transaction.execute_statement(licensed, person))) == 1
        return person

    person = driver.execute_lambda(work)
    renewed = one(
        "UPDATE DriversLicense AS d SET d.ValidToDate = ? WHERE d.LicenseNumber = ?",
        datetime(2026, 10, 30),
        "L 1",
    )
    assert len(renewed) == 1
    (row,) = one("SELECT d.ValidToDate FROM DriversLicense AS d WHERE d.PersonId = ?", person)
    assert row["ValidToDate"].year == 2026


def test_a_license_is_taken_away(one, register) -> None:
    number = register.licences[4]["LicenseNumber"]
    assert len(one("DELETE FROM DriversLicense AS d WHERE d.LicenseNumber = ?", number)) == 1
    assert one("SELECT * FROM DriversLicense AS d WHERE d.LicenseNumber = ?", number) == []
    assert one("DELETE FROM DriversLicense AS d WHERE d.LicenseNumber = ?", number) == []


def flipped(data: bytes) -> bytes:
    at, bit = random.Random(1).randrange(len(data)), 1 << random.Random(2).randrange(8)
    return data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]


def joined(one: bytes, other: bytes) -> bytes:
    """The dot operator, as AWS's verifier has it: ordered by signed bytes from the last on."""
    if not one or not other:
        return one or other

    def order(each: bytes) -> list[int]:
        return [byte - 256 if byte > 127 else byte for byte in reversed(each)]

    return sha256(min(one, other, key=order) + max(one, other, key=order)).digest()


def verified(leaf: bytes, answer: dict[str, Any], digest: bytes) -> bool:
    proof = [bytes(each) for each in simpleion.loads(answer["Proof"]["IonText"])]
    return reduce(joined, proof, leaf) == digest


def test_a_block_and_a_revision_verify_against_the_digest(one, qldb, register) -> None:
    (row,) = one(
        "SELECT blockAddress, metadata.id, hash FROM _ql_committed_VehicleRegistration AS r "
        "WHERE r.data.VIN = ?",
        register.vehicles[2]["VIN"],
    )
    place = row["blockAddress"]
    text = f'{{strandId: "{place["strandId"]}", sequenceNo:{place["sequenceNo"]}}}'
    digest = qldb.get_digest(Name=LEDGER)
    arguments = {
        "Name": LEDGER,
        "BlockAddress": {"IonText": text},
        "DigestTipAddress": digest["DigestTipAddress"],
    }
    block = qldb.get_block(**arguments)
    block_hash = bytes(simpleion.loads(block["Block"]["IonText"])["blockHash"])
    revision = qldb.get_revision(DocumentId=str(row["id"]), **arguments)
    revision_hash = bytes(simpleion.loads(revision["Revision"]["IonText"])["hash"])
    assert revision_hash == bytes(row["hash"])
    for leaf, answer in ((block_hash, block), (revision_hash, revision)):
        assert verified(leaf, answer, digest["Digest"])
        assert not verified(leaf, answer, flipped(digest["Digest"]))
        assert not verified(flipped(leaf), answer, digest["Digest"])


@pytest.fixture
def bucket(s3) -> str:
    s3.create_bucket(Bucket="dmv-journal")
    return "dmv-journal"


def test_the_exported_journals_hash_chain_is_valid(driver, qldb, s3, bucket, until) -> None:
    """The export is read as AWS's sample reads it: text that is cut at ``} {``."""
    prefix = f"{LEDGER}/"
    begun = qldb.export_journal_to_s3(
        Name=LEDGER,
        InclusiveStartTime=datetime.now(UTC) - timedelta(minutes=10),
        ExclusiveEndTime=datetime.now(UTC),
        S3ExportConfiguration={
            "Bucket": bucket,
            "Prefix": prefix,
            "EncryptionConfiguration": {"ObjectEncryptionType": "SSE_S3"},
        },
        RoleArn=ROLE,
    )
    named = {"Name": LEDGER, "ExportId": begun["ExportId"]}
    until(
        lambda: (
            qldb.describe_journal_s3_export(**named)["ExportDescription"]["Status"] == "COMPLETED"
        ),
        "the export does not complete",
    )
    listed = qldb.list_journal_s3_exports_for_ledger(Name=LEDGER)["JournalS3Exports"]
    assert [each["ExportId"] for each in listed] == [begun["ExportId"]]
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]]
    assert f"{prefix}{begun['ExportId']}.started.manifest" in keys
    (completed,) = [key for key in keys if key.endswith("completed.manifest")]
    blocks = [
        block
        for key in simpleion.loads(read(s3, bucket, completed))["keys"]
        for block in blocks_of(str(key), read(s3, bucket, str(key)))
    ]
    assert len(blocks) > 10
    for previous, block in pairwise(blocks):
        assert block["previousBlockHash"] == previous["blockHash"]
        expected = joined(bytes(block["entriesHash"]), bytes(previous["blockHash"]))
        assert bytes(block["blockHash"]) == expected


def read(s3: Any, bucket: str, key: str) -> str:
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()


def blocks_of(key: str, text: str) -> list[Any]:
    parts = text.split("} {")
    opened = [part if number == 0 else "{" + part for number, part in enumerate(parts)]
    closed = [part + "}" for part in opened[:-1]] + opened[-1:]
    blocks = [simpleion.loads(part) for part in closed]
    first, last = (blocks[at]["blockAddress"]["sequenceNo"] for at in (0, -1))
    assert key.split(".")[1] == f"{first}-{last}"
    return blocks


def test_a_past_revision_is_redacted_and_everything_still_verifies(
    one, qldb, document_id, register, until
) -> None:
    vin = register.vehicles[0]["VIN"]
    (table,) = one(
        "SELECT VALUE tableId FROM information_schema.user_tables "
        "WHERE name = 'VehicleRegistration'"
    )
    document = document_id("VehicleRegistration", "VIN", vin)
    one("UPDATE VehicleRegistration AS r SET r.City = 'Elsewhere' WHERE r.VIN = ?", vin)
    (past,) = one(
        f"SELECT * FROM history(VehicleRegistration) AS h WHERE h.metadata.id = '{document}' "
        "AND h.metadata.version = 0"
    )
    (redacted,) = one(f"EXEC redact_revision ?, '{table}', '{document}'", past["blockAddress"])
    assert (redacted["documentId"], redacted["version"]) == (document, 0)
    assert (redacted["tableId"], redacted["blockAddress"]) == (table, past["blockAddress"])

    def without_data() -> Any:
        (row,) = one(
            "SELECT * FROM history(VehicleRegistration) AS h "
            f"WHERE h.metadata.id = '{document}' AND h.metadata.version = {redacted['version']}"
        )
        return row if "data" not in row and "dataHash" in row else None

    left = until(without_data, "the revision is not redacted")
    assert left["hash"] == past["hash"]
    place = left["blockAddress"]
    text = f'{{strandId:"{place["strandId"]}",sequenceNo:{place["sequenceNo"]}}}'
    digest = qldb.get_digest(Name=LEDGER)
    answer = qldb.get_revision(
        Name=LEDGER,
        BlockAddress={"IonText": text},
        DocumentId=document,
        DigestTipAddress=digest["DigestTipAddress"],
    )
    assert verified(bytes(left["hash"]), answer, digest["Digest"])
    assert "data" not in simpleion.loads(answer["Revision"]["IonText"])


def test_two_who_change_one_document_meet(user, driver, register, one) -> None:
    """Who commits second is told, and succeeds when he tries again."""
    vin = register.vehicles[4]["VIN"]
    tries = []

    def work(transaction: Any) -> None:
        tries.append(1)
        statement = "UPDATE VehicleRegistration AS r SET r.City = ? WHERE r.VIN = ?"
        transaction.execute_statement(statement, "first", vin)
        if len(tries) == 1:
            one(statement, "second", vin)

    driver.execute_lambda(work)
    assert len(tries) == 2
    (row,) = one("SELECT r.City FROM VehicleRegistration AS r WHERE r.VIN = ?", vin)
    assert row["City"] == "first"


def test_a_protected_ledger_is_not_deleted(user, qldb, until) -> None:
    qldb.create_ledger(Name="protected", PermissionsMode="ALLOW_ALL")
    with pytest.raises(qldb.exceptions.ResourcePreconditionNotMetException):
        qldb.delete_ledger(Name="protected")
    qldb.update_ledger(Name="protected", DeletionProtection=False)
    qldb.delete_ledger(Name="protected")

    def gone() -> bool:
        with contextlib.suppress(qldb.exceptions.ResourceNotFoundException):
            qldb.describe_ledger(Name="protected")
            return False
        return True

    until(gone, "the ledger stays")


def test_a_ledger_is_tagged(user, qldb) -> None:
    created = qldb.create_ledger(
        Name="tagged",
        Tags={"IsTest": "true", "Domain": "Test"},
        PermissionsMode="ALLOW_ALL",
        DeletionProtection=False,
    )
    arn = created["Arn"]
    qldb.untag_resource(ResourceArn=arn, TagKeys=["IsTest"])
    assert qldb.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"Domain": "Test"}
    qldb.tag_resource(ResourceArn=arn, Tags={"Environment": "Test"})
    tags = qldb.list_tags_for_resource(ResourceArn=arn)["Tags"]
    assert tags == {"Domain": "Test", "Environment": "Test"}


def test_permissions_become_finer_and_back(user, qldb) -> None:
    qldb.create_ledger(Name="modes", PermissionsMode="ALLOW_ALL", DeletionProtection=False)
    qldb.update_ledger_permissions_mode(Name="modes", PermissionsMode="STANDARD")
    assert qldb.describe_ledger(Name="modes")["PermissionsMode"] == "STANDARD"
    qldb.update_ledger_permissions_mode(Name="modes", PermissionsMode="ALLOW_ALL")
    assert qldb.describe_ledger(Name="modes")["PermissionsMode"] == "ALLOW_ALL"


def test_the_journal_is_streamed_while_the_application_works(
    qldb, driver, one, kinesis, until
) -> None:
    kinesis.create_stream(StreamName="dmv", ShardCount=1)
    until(
        lambda: (
            kinesis.describe_stream(StreamName="dmv")["StreamDescription"]["StreamStatus"]
            == "ACTIVE"
        ),
        "Kinesis has no stream",
    )
    arn = kinesis.describe_stream(StreamName="dmv")["StreamDescription"]["StreamARN"]
    started = qldb.stream_journal_to_kinesis(
        LedgerName=LEDGER,
        RoleArn=ROLE,
        InclusiveStartTime=datetime(2020, 1, 1, tzinfo=UTC),
        KinesisConfiguration={"StreamArn": arn, "AggregationEnabled": False},
        StreamName="dmv",
    )
    named = {"LedgerName": LEDGER, "StreamId": started["StreamId"]}
    one("UPDATE Person AS p SET p.Seen = true")
    shard = kinesis.list_shards(StreamName="dmv")["Shards"][0]["ShardId"]
    place = {"StreamName": "dmv", "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}

    def seen() -> bool:
        at = kinesis.get_shard_iterator(**place)["ShardIterator"]
        records = kinesis.get_records(ShardIterator=at, Limit=1000)["Records"]
        kinds = [str(simpleion.loads(each["Data"])["recordType"]) for each in records]
        texts = [simpleion.dumps(simpleion.loads(each["Data"]), binary=False) for each in records]
        return kinds[:1] == ["CONTROL"] and any("p.Seen" in text for text in texts)

    until(seen, "the change is not streamed")
    assert qldb.describe_journal_kinesis_stream(**named)["Stream"]["Status"] == "ACTIVE"
    qldb.cancel_journal_kinesis_stream(**named)
    until(
        lambda: qldb.describe_journal_kinesis_stream(**named)["Stream"]["Status"] == "CANCELED",
        "the stream does not end",
    )
