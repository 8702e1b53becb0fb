"""The process of the local AWS: ministack, with the embedded ledger plugged in as its QLDB.

Run as ``python -m qldbkit.local.gateway`` with the environment that
`qldbkit.local.gateway_settings.gateway_environment` gives: ministack reads its configuration from
the environment when it is imported.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import signal
import sys
import threading
from typing import Any

import boto3
from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from ministack import app as ministack
from ministack.services import s3
from ministack.services.cloudformation import provisioners, stacks

from qldbkit.console.settings import ROOT
from qldbkit.ledger.application import LedgerApplication, ServerLimits
from qldbkit.ledger.errors import AccessDeniedError
from qldbkit.ledger.http import LedgerService
from qldbkit.ledger.limits import Limits
from qldbkit.ledger.origins import OriginGuard
from qldbkit.local.console import local_console
from qldbkit.local.gateway_settings import is_attached, settings_of_gateway
from qldbkit.local.persistence import Asgi, StateSaver
from qldbkit.local.resources import (
    REPLACING_PROPERTIES,
    LedgerResource,
    StreamResource,
    Waiting,
    tags_of,
)
from qldbkit.local.settings import LOOPBACK, LocalSettings

_SIGNED_FOR_QLDB = re.compile(rb"Credential=[^/,]+/\d{8}/[^/,]+/qldb/aws4_request")


class LocalApplication:
    """The ASGI application: what is QLDB's goes to the ledgers, everything else to ministack.

    Args:
        aws: ministack's application.
        ledgers: the embedded ledger's application, which answers both of QLDB's APIs and the
            console.
        guard: keeps pages of other web sites away from all of them.
    """

    def __init__(self, aws: Asgi, ledgers: Asgi, guard: OriginGuard):
        self._aws = aws
        self._ledgers = ledgers
        self._guard = guard

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if "headers" in scope:
            try:
                self._guard.check(_headers(scope))
            except AccessDeniedError as error:
                await _refuse(scope, send, error.message)
                return
        answer = self._ledgers if is_for_qldb(scope) or is_for_console(scope) else self._aws
        await answer(scope, receive, send)


def is_for_qldb(scope: Any) -> bool:
    """Whether a request's signature names the service that both of QLDB's APIs sign for."""
    if scope["type"] != "http":
        return False
    authorization = dict(scope["headers"]).get(b"authorization", b"")
    return _SIGNED_FOR_QLDB.search(authorization) is not None


def is_for_console(scope: Any) -> bool:
    """Whether a request is for the console.

    One that is signed is for an S3 bucket that has the same name.
    """
    if scope["type"] != "http" or b"authorization" in dict(scope["headers"]):
        return False
    path: str = scope["path"]
    return (path == ROOT or path.startswith(f"{ROOT}/")) and b"Signature=" not in scope[
        "query_string"
    ]


def _headers(scope: Any) -> dict[str, str]:
    return {name.decode("latin-1"): each.decode("latin-1") for name, each in scope["headers"]}


async def _refuse(scope: Any, send: Any, sentence: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": f"{sentence}\n".encode()})


def register_resource_types(qldb: Any) -> None:
    """Teach the local CloudFormation the resource types of QLDB, and the tags of buckets.

    Args:
        qldb: a boto3 client of the local QLDB's control plane.
    """
    waiting = Waiting()
    for name, resource in (
        ("AWS::QLDB::Ledger", LedgerResource(qldb, waiting)),
        ("AWS::QLDB::Stream", StreamResource(qldb, waiting)),
    ):
        provisioners._RESOURCE_HANDLERS[name] = {
            "create": resource.create,
            "update": resource.update,
            "delete": resource.delete,
        }
        provisioners._REPLACING_PROPERTIES[name] = REPLACING_PROPERTIES[name]
    bucket = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    bucket["create"] = _with_bucket_tags(bucket["create"])
    blocks = stacks._runs_on_worker_thread
    # These types call back into this server, whose event loop must be free to answer.
    stacks._runs_on_worker_thread = lambda name: name.startswith("AWS::QLDB::") or blocks(name)


async def serve(settings: LocalSettings, *, attached: bool) -> None:
    """Serve until a signal asks to stop, or standard input ends when attached."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if attached:
        _stop_with_standard_input(loop, stop)

    saver = StateSaver(settings.state_folder, settings.save_interval)
    saver.start()
    service = open_ledgers(settings)
    guard = OriginGuard(LOOPBACK)
    pages = local_console(settings)(service)
    limits = ServerLimits(threads=settings.request_threads)
    ledgers = LedgerApplication(service, limits, guard, pages)
    register_resource_types(boto3.client("qldb"))
    logging.getLogger("persistence").setLevel(logging.WARNING)  # or a line per service and save
    config = Config()
    config.bind = [f"{LOOPBACK}:{settings.port}"]
    config.keep_alive_timeout = 75
    try:
        application = LocalApplication(saver.restoring(ministack.app), ledgers, guard)
        await hypercorn_serve(application, config, shutdown_trigger=stop.wait)
    finally:
        saver.stop()
        ledgers.close()
        service.close()
    # A stack that waits for a function's answer would hold up the end of the event loop without
    # bound, and everything that is to be kept is on disk by now.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _with_bucket_tags(create: Any) -> Any:
    """Let a new bucket have the tags of its template, which ministack leaves out.

    The CDK's function that empties a bucket before it is deleted asks for its tag first.
    """

    def create_with_tags(logical_id: str, properties: Any, stack_name: str) -> Any:
        name, attributes = create(logical_id, properties, stack_name)
        s3._bucket_tags[name] = tags_of(properties)
        return name, attributes

    return create_with_tags


def open_ledgers(settings: LocalSettings) -> LedgerService:
    """Return the embedded ledger of a local AWS, streaming into the same local AWS."""
    return LedgerService(
        settings.ledger_folder,
        region=settings.region,
        account_id=settings.account,
        aws_endpoint_url=settings.endpoint_url,
        limits=Limits(transaction_documents=settings.transaction_documents),
    )


def _stop_with_standard_input(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    def read_to_the_end() -> None:
        while os.read(0, 4096):  # unbuffered: a buffer's lock would hold up the end of Python
            pass
        with contextlib.suppress(RuntimeError):  # the loop has ended before its parent
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=read_to_the_end, daemon=True, name="parent").start()


def main() -> None:
    """Run the process of the local AWS, and end it when its state is saved."""
    settings = settings_of_gateway(os.environ)
    asyncio.run(serve(settings, attached=is_attached(os.environ)))


if __name__ == "__main__":
    main()
