"""The CDK context, read once and checked, so that a mistake fails at synth with a sentence."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from qldbkit.errors import QldbkitError
from qldbkit.names import check_ledger_name, check_table_name
from qldbkit.replay.routing import TableRouting
from qldbkit.replay.settings import LEAST_DOCUMENTS, TRANSACTION_DOCUMENTS

MAX_ACTIVE_TABLES = 20  # QLDB's quota of active tables in a ledger
MAX_SHARDS = 500
MAX_SETTLE_WINDOW_SECONDS = 3600
MAX_TRANSACTION_DOCUMENTS = 10_000
MAX_RETENTION_HOURS = 8760  # Kinesis keeps a record for a year at most
VIEW_KINDS = ("dynamodb", "opensearch", "postgresql")

_KMS_ALIAS = re.compile(r"(?!alias/)(?!aws/)[A-Za-z0-9/_-]{1,250}", re.ASCII)
_TOPIC_ARN = re.compile(r"arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}", re.ASCII)
_OWN_KEY = re.compile(r"[A-Za-z0-9]+", re.ASCII)  # the CDK's own keys hold : / @ or -

Reader = Callable[[str, Any], Any]  # of a context key and what it holds


class SettingsError(QldbkitError):
    """The CDK context holds a value that cannot be deployed."""


@dataclass(frozen=True, slots=True)
class ExistingDatabase:
    """A PostgreSQL database that is there already, and the network that it is reached from.

    Attributes:
        url: of the view in it, as `qldbkit.replay.views.postgresql.address` reads it.
        secret_arn: of the secret that the URL names; None for none.
        vpc_id: the functions' network; None to run them outside of any.
        subnet_ids: where in it.
        security_group_id: what they may reach from there.
    """

    url: str
    secret_arn: str | None
    vpc_id: str | None = None
    subnet_ids: tuple[str, ...] = ()
    security_group_id: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What the two stacks deploy; every field is a key of the CDK context, in snake case."""

    qldb_ledger_name: str = "QldbBlog"
    dest_qldb_ledger_name: str = "QldbBlogStreaming"
    table_names: tuple[str, ...] = ("VehicleRegistration", "Vehicle", "Person", "DriversLicense")
    kds_kms_alias: str = "qldb-blog-stream"
    s3_kms_alias: str = "qldb-blog-archive"
    shard_count: int = 1
    inclusive_start_time: str = "2020-01-01T00:00:00Z"
    permissions_mode: str = "STANDARD"
    deletion_protection: bool = False
    ledger_endpoint_url: str | None = None
    settle_window_seconds: int = 120
    destination_transaction_documents: int = TRANSACTION_DOCUMENTS
    retention_hours: int = 168
    lambda_python: str = "3.13"
    lambda_architecture: str = "arm64"
    removal_policy: str = "retain"
    alarm_topic_arn: str | None = None
    replay_tables: tuple[str, ...] | None = None
    rename_tables: Mapping[str, str] = field(default_factory=dict)
    views: tuple[str, ...] = ()
    postgresql_database: ExistingDatabase | None = None

    @property
    def routing(self) -> TableRouting:
        """Which of the source's tables are replayed, and as what."""
        return TableRouting.of(self.replay_tables, self.rename_tables)

    @classmethod
    def from_context(cls, context: Mapping[str, Any], *, now: datetime | None = None) -> Settings:
        """Read the settings from a CDK context; what it leaves out has the default above.

        Values given on the command line (``cdk deploy -c shardCount=2``) arrive as text and are
        read as what they stand for.

        Raises:
            SettingsError: a key or a value is wrong; the message says what to write.
            NameRefusedError: a ledger or table name is not one that QLDB takes.
            ReplaySettingsError: two tables would become one in the destination, or a table is
                renamed that is not replayed.
        """
        _refuse_unknown_keys(context)
        given = {key: context[key] for key in _KEYS if context.get(key) is not None}
        settings = cls(**{_KEYS[key].field: _KEYS[key].read(key, given[key]) for key in given})
        _check_together(settings, now or datetime.now(UTC))
        return settings


def context_of_environment(environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The context in ``QLDBKIT_CONTEXT``, a JSON object that goes before that of cdk.json.

    Raises:
        SettingsError: it is no JSON object.
    """
    try:
        context = json.loads(environment.get("QLDBKIT_CONTEXT") or "{}")
    except json.JSONDecodeError:
        context = None
    if not isinstance(context, dict):
        raise SettingsError(
            "QLDBKIT_CONTEXT is no JSON object",
            hint='write one, such as {"shardCount": 2}, or unset the variable',
        )
    return context


def _check_together(settings: Settings, now: datetime) -> None:
    if settings.qldb_ledger_name == settings.dest_qldb_ledger_name:
        raise SettingsError(
            f"{settings.qldb_ledger_name} is the source and the destination at once",
            hint="give qldbLedgerName and destQldbLedgerName two different names",
        )
    if settings.kds_kms_alias == settings.s3_kms_alias:
        raise SettingsError(
            f"{settings.kds_kms_alias} names both keys",
            hint="give kdsKmsAlias and s3KmsAlias two different names",
        )
    if datetime.fromisoformat(settings.inclusive_start_time) > now:
        raise SettingsError(
            f"inclusiveStartTime is {settings.inclusive_start_time}, which is in the future",
            hint="write a time that has passed; one before the ledger was made means from"
            " its first block",
        )
    routing = settings.routing
    for each in settings.table_names:
        routing.name_of(each)  # refuses a name that another table is renamed to


def _refuse_unknown_keys(context: Mapping[str, Any]) -> None:
    for key in context:
        if _OWN_KEY.fullmatch(key) and key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, n=1)
            meant = f"did you mean {near[0]}?" if near else f"known are {', '.join(_KEYS)}"
            raise SettingsError(f"{key} is no context key of this app", hint=meant)


def _ledger_name(_key: str, value: Any) -> str:
    return check_ledger_name(value)


def _table_names(key: str, value: Any) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or not 1 <= len(names) <= MAX_ACTIVE_TABLES:
        raise SettingsError(
            f"{key} is {value!r}",
            hint=f'write a list of 1 to {MAX_ACTIVE_TABLES} table names: ["Vehicle", "Person"]',
        )
    checked = tuple(check_table_name(name) for name in names)
    twice = sorted({name for name in checked if checked.count(name) > 1})
    if twice:
        raise SettingsError(f"{key} names {', '.join(twice)} twice", hint="name each table once")
    return checked


def _renames(key: str, value: Any) -> Mapping[str, str]:
    if isinstance(value, str):
        return TableRouting.from_text("", value).renamed
    if not isinstance(value, dict):
        raise SettingsError(
            f"{key} is {value!r}",
            hint='write the source\'s names with the destination\'s: {"Person": "People"}',
        )
    return TableRouting.of(None, value).renamed


def _views(key: str, value: Any) -> tuple[str, ...]:
    kinds = value.split(",") if isinstance(value, str) else value
    known = isinstance(kinds, list) and all(each in VIEW_KINDS for each in kinds)
    if not known or len(set(kinds)) < len(kinds):
        raise SettingsError(
            f"{key} is {value!r}",
            hint=f"write a list of kinds, each once, of {', '.join(VIEW_KINDS)}",
        )
    return tuple(kinds)


def _existing_database(key: str, value: Any) -> ExistingDatabase:
    hint = (
        'write {"url": "postgresql://HOST/DATABASE?schema=NAME&secret=ARN"} and, for a database in'
        ' a VPC, "vpcId", "subnetIds" and "securityGroupId" as well'
    )
    if not isinstance(value, dict) or not _DATABASE_PARTS[0] <= value.keys() <= _DATABASE_PARTS[1]:
        raise SettingsError(f"{key} is {value!r}", hint=hint)
    from qldbkit.replay.views.postgresql.address import PostgresqlAddress  # noqa: PLC0415 - libpq

    address = PostgresqlAddress.of(value["url"])
    network = [value.get(each) for each in ("vpcId", "subnetIds", "securityGroupId")]
    if address.iam or (any(network) and not all(network)):
        raise SettingsError(f"{key} signs in by IAM, or tells a network in part", hint=hint)
    return ExistingDatabase(
        value["url"],
        address.secret,
        value.get("vpcId"),
        tuple(value.get("subnetIds", ())),
        value.get("securityGroupId"),
    )


_DATABASE_PARTS = ({"url"}, {"url", "vpcId", "subnetIds", "securityGroupId"})


def _kms_alias(key: str, value: Any) -> str:
    if not isinstance(value, str) or _KMS_ALIAS.fullmatch(value) is None:
        raise SettingsError(
            f"{key} is {value!r}",
            hint="write letters, digits, / _ or -, without the prefix alias/ and not beginning"
            " with aws/, which is AWS's own",
        )
    return value


def _whole_number(least: int, most: int) -> Reader:
    def read(key: str, value: Any) -> int:
        text = str(value)
        number = int(text) if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) else -1
        if isinstance(value, bool) or not least <= number <= most:
            raise SettingsError(
                f"{key} is {value!r}", hint=f"write a whole number from {least} to {most}"
            )
        return number

    return read


def _one_of(*choices: str) -> Reader:
    def read(key: str, value: Any) -> str:
        if value not in choices:
            raise SettingsError(f"{key} is {value!r}", hint=f"write {' or '.join(choices)}")
        return str(value)

    return read


def _truth(key: str, value: Any) -> bool:
    known = {True: True, False: False, "true": True, "false": False}
    if not isinstance(value, bool | str) or value not in known:
        raise SettingsError(f"{key} is {value!r}", hint="write true or false")
    return known[value]


def _time(key: str, value: Any) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise SettingsError(
            f"{key} is {value!r}",
            hint="write a time with its offset from UTC, such as 2020-01-01T00:00:00Z",
        )
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _url(key: str, value: Any) -> str | None:
    parts = urlsplit(str(value))
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError(
            f"{key} is {value!r}", hint="write a URL, such as http://localhost:4566, or null"
        )
    return str(value).rstrip("/")


def _topic_arn(key: str, value: Any) -> str:
    if not isinstance(value, str) or _TOPIC_ARN.fullmatch(value) is None:
        raise SettingsError(
            f"{key} is {value!r}",
            hint="write the ARN of an SNS topic, such as"
            " arn:aws:sns:us-east-1:123456789012:alarms, or null",
        )
    return value


@dataclass(frozen=True, slots=True)
class _Key:
    field: str
    read: Reader


_KEYS: Mapping[str, _Key] = {
    "qldbLedgerName": _Key("qldb_ledger_name", _ledger_name),
    "destQldbLedgerName": _Key("dest_qldb_ledger_name", _ledger_name),
    "tableNames": _Key("table_names", _table_names),
    "kdsKmsAlias": _Key("kds_kms_alias", _kms_alias),
    "s3KmsAlias": _Key("s3_kms_alias", _kms_alias),
    "shardCount": _Key("shard_count", _whole_number(1, MAX_SHARDS)),
    "inclusiveStartTime": _Key("inclusive_start_time", _time),
    "permissionsMode": _Key("permissions_mode", _one_of("STANDARD", "ALLOW_ALL")),
    "deletionProtection": _Key("deletion_protection", _truth),
    "ledgerEndpointUrl": _Key("ledger_endpoint_url", _url),
    "settleWindowSeconds": _Key(
        "settle_window_seconds", _whole_number(1, MAX_SETTLE_WINDOW_SECONDS)
    ),
    "destinationTransactionDocuments": _Key(
        "destination_transaction_documents",
        _whole_number(LEAST_DOCUMENTS, MAX_TRANSACTION_DOCUMENTS),
    ),
    "retentionHours": _Key("retention_hours", _whole_number(24, MAX_RETENTION_HOURS)),
    "lambdaPython": _Key("lambda_python", _one_of("3.11", "3.12", "3.13")),
    "lambdaArchitecture": _Key("lambda_architecture", _one_of("arm64", "x86_64")),
    "removalPolicy": _Key("removal_policy", _one_of("retain", "destroy")),
    "alarmTopicArn": _Key("alarm_topic_arn", _topic_arn),
    "replayTables": _Key("replay_tables", _table_names),
    "renameTables": _Key("rename_tables", _renames),
    "views": _Key("views", _views),
    "postgresqlDatabase": _Key("postgresql_database", _existing_database),
}
