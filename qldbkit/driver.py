"""QLDB's own driver for Python, on a current amazon.ion.

`pyqldb` 3.2.4, the last release, imports the module ``ionhash`` and calls ``ion_hash`` on Ion
values. The real ``ionhash`` does not load with amazon.ion 0.10 or later, so this module stands in
for it: it registers a module of that name and puts `qldbkit.journal`'s hash on the value classes.
Both have to happen before `pyqldb` is imported, which is why nothing else imports `pyqldb`.

There is no AWS endpoint for QLDB any more, so every client is given one.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import boto3
from amazon.ion import simple_types
from botocore.config import Config
from botocore.exceptions import UnknownServiceError

from qldbkit.errors import QldbkitError
from qldbkit.journal import codec
from qldbkit.journal.hashes import ion_hash
from qldbkit.journal.ion import IonSpan
from qldbkit.names import check_ledger_name

VALUE_CLASSES = (
    simple_types.IonPyBool,
    simple_types.IonPyBytes,
    simple_types.IonPyDecimal,
    simple_types.IonPyDict,
    simple_types.IonPyFloat,
    simple_types.IonPyInt,
    simple_types.IonPyList,
    simple_types.IonPyNull,
    simple_types.IonPySymbol,
    simple_types.IonPyText,
    simple_types.IonPyTimestamp,
)
CONNECT_TIMEOUT = 10
READ_TIMEOUT = 40
"""Seconds; longer than the 30 that a QLDB transaction may take."""


class DriverMissingError(QldbkitError, ImportError):
    """pyqldb is not installed: pip cannot do it with the rest, whose versions pyqldb refuses."""


class EndpointError(QldbkitError):
    """The text is no address of a ledger."""


class ServiceModelMissingError(QldbkitError):
    """botocore does not know QLDB: its models, dropped in 1.40.61, are not installed."""


def _ion_hash(value: Any, algorithm: str) -> bytes:
    """What pyqldb calls as ``value.ion_hash("SHA256")``."""
    if algorithm != "SHA256":
        raise ValueError(f"QLDB hashes with SHA256, not {algorithm}")
    return ion_hash(value)


def _stand_in_for_ionhash() -> None:
    sys.modules.setdefault("ionhash", ModuleType("ionhash"))
    for each in VALUE_CLASSES:
        each.ion_hash = _ion_hash


def _written(value: Any) -> bytes:
    return value.binary() if isinstance(value, IonSpan) else codec.write(value)


def _keep_every_digit() -> None:
    """Have pyqldb read and write Ion by `codec`, or it would cut timestamps of ten digits.

    A parameter may then also be an `IonSpan`.
    """
    for module in (session_client, transaction, qldb_hash):
        module.dumps = _written
    for module in (stream_cursor, transaction, qldb_hash):
        module.loads = codec.read


_missing: ModuleNotFoundError | None = None
"""Why pyqldb cannot be imported. The control plane does without, and so do most commands."""
_stand_in_for_ionhash()
try:
    from pyqldb.communication import session_client
    from pyqldb.config.retry_config import RetryConfig
    from pyqldb.cursor import stream_cursor
    from pyqldb.driver.qldb_driver import QldbDriver
    from pyqldb.transaction import transaction
    from pyqldb.util import qldb_hash
except ModuleNotFoundError as error:
    _missing = error
else:
    _keep_every_digit()


def check_endpoint(endpoint_url: str) -> str:
    """Return the address if a client can be given it.

    Raises:
        EndpointError: it is no HTTP or HTTPS URL with a host.
    """
    try:
        found = urlsplit(endpoint_url)
        usable = found.scheme in {"http", "https"} and bool(found.hostname) and found.port != 0
    except ValueError:  # a port that is no number, or an address that is none
        usable = False
    if not usable:
        raise EndpointError(
            f"{endpoint_url!r} is no address of a ledger",
            hint="write it as http://127.0.0.1:8080",
        )
    return endpoint_url


def qldb_driver(
    ledger_name: str,
    *,
    endpoint_url: str,
    region: str,
    retry_limit: int = 4,
    max_concurrent_transactions: int = 0,
    session: boto3.Session | None = None,
) -> QldbDriver:
    """A driver on one ledger's session API.

    Args:
        ledger_name: the ledger.
        endpoint_url: where the session API is, e.g. ``http://localhost:4566``.
        region: the region that requests are signed for.
        retry_limit: how often a transaction that may be retried is; 0 for never.
        max_concurrent_transactions: sessions at a time; 0 for as many as HTTP connections.
        session: credentials, and then also the region that requests are signed for; boto3's
            default chain without.

    Raises:
        NameRefusedError: that cannot be a ledger's name.
        EndpointError: that is no address.
        DriverMissingError: pyqldb is not installed.
        ServiceModelMissingError: the service model is not installed.
    """
    if _missing is not None:
        raise DriverMissingError(
            "QLDB's driver for Python is not installed",
            hint="pip install --no-deps pyqldb==3.2.4 (its own pins are out of date)",
        ) from _missing
    try:
        return QldbDriver(
            check_ledger_name(ledger_name),
            retry_config=RetryConfig(retry_limit=retry_limit),
            # Beside a session, pyqldb takes no region, and warns about one
            region_name=region if session is None else None,
            endpoint_url=check_endpoint(endpoint_url),
            boto3_session=session,
            max_concurrent_transactions=max_concurrent_transactions,
            config=Config(connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT),
        )
    except UnknownServiceError as error:
        raise _model_missing("qldb-session") from error


def control_client(endpoint_url: str, region: str, session: boto3.Session | None = None) -> Any:
    """boto3's client of QLDB's control plane.

    Raises:
        EndpointError: that is no address.
        ServiceModelMissingError: the service model is not installed.
    """
    try:
        return (session or boto3.Session()).client(
            "qldb",
            endpoint_url=check_endpoint(endpoint_url),
            region_name=region,
            config=Config(connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT),
        )
    except UnknownServiceError as error:
        raise _model_missing("qldb") from error


def _model_missing(service: str) -> ServiceModelMissingError:
    return ServiceModelMissingError(
        f"botocore does not know {service}",
        hint=f"pip install botocore-a-la-carte-{service}",
    )
