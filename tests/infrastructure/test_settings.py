"""Wrong context fails at synth with a sentence that says what to write."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qldbkit.errors import QldbkitError
from stacks.settings import Settings, SettingsError

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PROJECT = Path(__file__).resolve().parents[2]


def read(**context: object) -> Settings:
    return Settings.from_context(context, now=NOW)


def test_cdk_json_holds_the_defaults_and_every_key() -> None:
    context = json.loads((PROJECT / "cdk.json").read_text())["context"]
    own = {key: value for key, value in context.items() if key.isalnum()}
    assert Settings.from_context(own, now=NOW) == Settings()
    assert len(own) == len(Settings.__dataclass_fields__)


def test_the_cdks_own_context_is_left_alone() -> None:
    assert read(**{"@aws-cdk/core:flag": True, "aws:cdk:bundling-stacks": ["**"]}) == Settings()


def test_values_of_the_command_line_are_text() -> None:
    settings = read(
        shardCount="2",
        tableNames="Vehicle,Person",
        deletionProtection="true",
        retentionHours="24",
    )
    assert settings.shard_count == 2
    assert settings.table_names == ("Vehicle", "Person")
    assert settings.deletion_protection is True
    assert settings.retention_hours == 24


def test_a_renamed_table_has_to_be_replayed() -> None:
    settings = read(replayTables="Person,Vehicle", renameTables="Person=People")
    assert settings.routing.name_of("Person") == "People"
    assert settings.routing.name_of("DriversLicense") is None
    with pytest.raises(QldbkitError, match="renamed and not replayed"):
        read(replayTables=["Vehicle"], renameTables={"Person": "People"})


def test_the_start_time_is_kept_in_utc() -> None:
    settings = read(inclusiveStartTime="2026-01-01T02:00:00+02:00")
    assert settings.inclusive_start_time == "2026-01-01T00:00:00Z"


def test_no_endpoint_is_no_endpoint() -> None:
    assert read(ledgerEndpointUrl=None).ledger_endpoint_url is None
    assert read(ledgerEndpointUrl="http://localhost:4566/").ledger_endpoint_url == (
        "http://localhost:4566"
    )


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("qldbLedgerName", "my--ledger", "use 1 to 32 letters"),
        ("qldbLedgerName", 7, "use 1 to 32 letters"),
        ("destQldbLedgerName", "a" * 33, "use 1 to 32 letters"),
        ("destQldbLedgerName", "QldbBlog", "two different names"),
        ("tableNames", [], "a list of 1 to 20 table names"),
        ("tableNames", {"Vehicle": 1}, "a list of 1 to 20 table names"),
        ("tableNames", [f"T{n}" for n in range(21)], "a list of 1 to 20 table names"),
        ("tableNames", ["Vehicle", "Vehicle"], "name each table once"),
        ("tableNames", ['Vehicle"; DROP TABLE "Person'], "cannot name a table"),
        ("tableNames", ["_ql_committed_Vehicle"], "not the prefix _ql_"),
        ("tableNames", [None], "cannot name a table"),
        ("kdsKmsAlias", "alias/mine", "without the prefix alias/"),
        ("s3KmsAlias", "aws/s3", "AWS's own"),
        ("s3KmsAlias", "qldb-blog-stream", "two different names"),
        ("shardCount", 0, "a whole number from 1"),
        ("shardCount", -1, "a whole number from 1"),
        ("shardCount", "two", "a whole number from 1"),
        ("shardCount", True, "a whole number from 1"),
        ("shardCount", 1.5, "a whole number from 1"),
        ("inclusiveStartTime", "2026-06-01T00:00:01Z", "a time that has passed"),
        ("inclusiveStartTime", "2020-01-01T00:00:00", "with its offset from UTC"),
        ("inclusiveStartTime", "yesterday", "with its offset from UTC"),
        ("permissionsMode", "OPEN", "write STANDARD or ALLOW_ALL"),
        ("deletionProtection", "yes", "write true or false"),
        ("deletionProtection", 1, "write true or false"),
        ("ledgerEndpointUrl", "localhost:4566", "write a URL"),
        ("settleWindowSeconds", 0, "a whole number from 1 to 3600"),
        ("destinationTransactionDocuments", 3, "a whole number from 4 to 10000"),
        ("retentionHours", 23, "a whole number from 24 to 8760"),
        ("lambdaPython", "3.9", "write 3.11 or 3.12 or 3.13"),
        ("lambdaArchitecture", "sparc", "write arm64 or x86_64"),
        ("removalPolicy", "delete", "write retain or destroy"),
        ("replayTables", [], "a list of 1 to 20 table names"),
        ("replayTables", ["_ql_committed_Vehicle"], "not the prefix _ql_"),
        ("renameTables", ["Vehicle"], "the source's names with the destination's"),
        ("renameTables", {"Person": "Some people"}, "cannot name a table"),
        ("renameTables", {"A": "C", "B": "C"}, "two tables would be C"),
        ("renameTables", {"Person": "Vehicle"}, "rename the other table otherwise"),
        ("renameTables", "Person", "write SOURCE=DESTINATION"),
        ("views", ["mongodb"], "a list of kinds"),
        ("views", "dynamodb,dynamodb", "each once"),
        ("views", {"dynamodb": True}, "a list of kinds"),
        ("tableName", ["Vehicle"], "did you mean tableNames?"),
        ("colour", "red", "known are qldbLedgerName"),
    ],
)
def test_a_wrong_value_is_refused_with_what_to_write(key: str, value: object, sentence: str):
    with pytest.raises(QldbkitError) as caught:
        read(**{key: value})
    assert sentence in str(caught.value)


def test_settings_errors_are_of_one_kind() -> None:
    with pytest.raises(SettingsError):
        read(shardCount=0)
