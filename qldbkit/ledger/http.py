"""The embedded ledger as a whole: both of QLDB's APIs over one folder of ledgers.

`LedgerService.handle` takes an HTTP request and gives its response. It knows no server, so that
it can stand behind one of its own as well as inside another AWS stand-in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from qldbkit.ledger.access import (
    AccessKey,
    Authenticator,
    authorize,
    authorize_statement,
    ledger_of,
    reads_only,
)
from qldbkit.ledger.aws import AwsClients, Boto3Clients
from qldbkit.ledger.clock import Clock, SystemClock
from qldbkit.ledger.control import LedgerOperations, TagOperations
from qldbkit.ledger.control_store import ControlStore
from qldbkit.ledger.digests import JournalQueries
from qldbkit.ledger.errors import ResourceNotFoundError
from qldbkit.ledger.export_store import ExportStore
from qldbkit.ledger.exports import ExportOperations
from qldbkit.ledger.folder_lock import FolderLock
from qldbkit.ledger.ledger import Ledger
from qldbkit.ledger.limits import Limits
from qldbkit.ledger.registry import LedgerOptions, LedgerRecord, LedgerRegistry
from qldbkit.ledger.resources import Account
from qldbkit.ledger.service_limits import ServiceLimits
from qldbkit.ledger.sessions import SessionService
from qldbkit.ledger.stream_store import StreamStore
from qldbkit.ledger.streams import StreamOperations, StreamPublishers
from qldbkit.ledger.tags import Tags
from qldbkit.ledger.wire import (
    Command,
    HttpRequest,
    HttpResponse,
    check_size,
    parse_request,
    respond,
)
from qldbkit.partiql.dialect import Dialect

__all__ = ["HttpRequest", "HttpResponse", "LedgerService"]

CONTROL_FILE: Final = "control.sqlite"
DEFAULT_REGION: Final = "us-east-1"
DEFAULT_ACCOUNT: Final = "000000000000"

Handler = Callable[[Mapping[str, Any]], dict[str, Any]]


class LedgerService:
    """Every ledger of one folder, behind QLDB's two APIs. Safe to use from several threads.

    Args:
        folder: where the ledgers are kept; made when it is missing.
        limits: bounds of ledgers and sessions.
        service_limits: bounds of the control plane, streams and exports.
        dialect: the PartiQL that statements may use.
        dialects: by a ledger's name, where it is another one.
        clock: the time of day, and time that only goes forward.
        region: the region that the server stands for.
        account_id: the account that the server stands for, 12 digits.
        aws_endpoint_url: where Kinesis and S3 are; None for AWS itself.
        aws: gives their clients, instead of ``aws_endpoint_url``.
        keys: those that requests must be signed with; None to take every request.

    Raises:
        FolderInUseError: another process has the folder open.
    """

    def __init__(
        self,
        folder: Path,
        *,
        limits: Limits | None = None,
        service_limits: ServiceLimits | None = None,
        dialect: Dialect = Dialect.FULL,
        dialects: Mapping[str, Dialect] | None = None,
        clock: Clock | None = None,
        region: str = DEFAULT_REGION,
        account_id: str = DEFAULT_ACCOUNT,
        aws_endpoint_url: str | None = None,
        aws: AwsClients | None = None,
        keys: Sequence[AccessKey] | None = None,
    ):
        bounds, clock = service_limits or ServiceLimits(), clock or SystemClock()
        account = Account(region, account_id)
        self._max_body = bounds.request_bytes
        self._authenticator = None if keys is None else Authenticator(keys, region, clock)
        self._lock = FolderLock(folder)
        self._store = ControlStore(folder / CONTROL_FILE)
        options = LedgerOptions(clock, limits or Limits(), dialect, dialects or {})
        self._registry = LedgerRegistry(folder, self._store, options, bounds.ledgers)
        self._sessions = SessionService(self._registry.ledger, options.limits, clock)
        tags = Tags(self._store)
        clients = aws or Boto3Clients(region, aws_endpoint_url, account_id, bounds)
        streams = StreamStore(self._store)
        self._publishers = StreamPublishers(
            self._registry, streams, account, clients, clock, bounds
        )
        self._streams = StreamOperations(
            self._registry, streams, self._publishers, tags, account, clock, bounds
        )
        self._exports = ExportOperations(
            self._registry, ExportStore(self._store), clients, clock, bounds
        )
        ledgers = LedgerOperations(self._registry, tags, account, self._before_removal)
        tagging = TagOperations(tags, account, self._exists)
        queries = JournalQueries(self._registry.ledger)
        self._handlers = _handlers(ledgers, tagging, self._streams, self._exports, queries)
        self._publishers.resume()
        self._exports.resume()

    @property
    def operations(self) -> frozenset[str]:
        """The names of the control plane's operations."""
        return frozenset(self._handlers)

    @property
    def signed(self) -> bool:
        """Whether requests must be signed by a configured key."""
        return self._authenticator is not None

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request; whatever goes wrong becomes an answer of QLDB's API."""
        return respond(request, self._answer)

    def ledger(self, name: str) -> Ledger:
        """A ledger of the folder, for what runs in the same process.

        Raises:
            ResourceNotFoundError: there is none of that name.
        """
        return self._registry.ledger(name)

    def ledgers(self) -> list[LedgerRecord]:
        """Every ledger of the folder, by name."""
        return self._registry.records()

    def close(self) -> None:
        """End streams, exports and sessions, within bounds, and close every file."""
        self._publishers.close()
        self._exports.close()
        self._sessions.close()
        self._registry.close()
        self._store.close()
        self._lock.release()

    def _answer(self, request: HttpRequest) -> Mapping[str, Any]:
        check_size(request, self._max_body)
        key = None if self._authenticator is None else self._authenticator.key_of(request)
        command = parse_request(request)
        if command.operation == "SendCommand":
            return self._send(command, key)
        if key is not None:
            authorize(
                key,
                command.operation,
                ledger_of(command.members),
                reads=reads_only(command.operation),
            )
        return self._handlers[command.operation](command.members)

    def _send(self, command: Command, key: AccessKey | None) -> Mapping[str, Any]:
        """A session belongs to the key that began it: no other key can use its token."""
        if key is None:
            return self._sessions.send_command(command.members)
        begun = command.members.get("StartSession")
        if begun is not None:
            authorize(key, "SendCommand", begun["LedgerName"], reads=True)
        executed = command.members.get("ExecuteStatement")
        if executed is not None and key.read_only:
            authorize_statement(key, executed["Statement"])
        return self._sessions.send_command(command.members, owner=key.key_id)

    def _before_removal(self, ledger: str) -> None:
        self._streams.cancel_all(ledger)
        self._exports.cancel_all(ledger)
        self._sessions.end_sessions_of(ledger)

    def _exists(self, kind: str, ledger: str, resource_id: str | None) -> bool:
        if kind == "stream":
            return self._streams.exists(ledger, str(resource_id))
        try:
            opened = self._registry.ledger(ledger)
        except ResourceNotFoundError:
            return False
        return kind == "ledger" or resource_id in opened.state.catalog.tables


def _handlers(
    ledgers: LedgerOperations,
    tags: TagOperations,
    streams: StreamOperations,
    exports: ExportOperations,
    queries: JournalQueries,
) -> dict[str, Handler]:
    """What answers each operation of the control plane's model."""
    return {
        "CreateLedger": ledgers.create_ledger,
        "DescribeLedger": ledgers.describe_ledger,
        "ListLedgers": ledgers.list_ledgers,
        "UpdateLedger": ledgers.update_ledger,
        "UpdateLedgerPermissionsMode": ledgers.update_ledger_permissions_mode,
        "DeleteLedger": ledgers.delete_ledger,
        "TagResource": tags.tag_resource,
        "UntagResource": tags.untag_resource,
        "ListTagsForResource": tags.list_tags_for_resource,
        "StreamJournalToKinesis": streams.stream_journal_to_kinesis,
        "DescribeJournalKinesisStream": streams.describe_journal_kinesis_stream,
        "ListJournalKinesisStreamsForLedger": streams.list_journal_kinesis_streams_for_ledger,
        "CancelJournalKinesisStream": streams.cancel_journal_kinesis_stream,
        "ExportJournalToS3": exports.export_journal_to_s3,
        "DescribeJournalS3Export": exports.describe_journal_s3_export,
        "ListJournalS3Exports": exports.list_journal_s3_exports,
        "ListJournalS3ExportsForLedger": exports.list_journal_s3_exports_for_ledger,
        "GetDigest": queries.get_digest,
        "GetBlock": queries.get_block,
        "GetRevision": queries.get_revision,
    }
