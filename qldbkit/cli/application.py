"""Puts the commands together and turns errors into sentences."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer
from botocore.exceptions import BotoCoreError, ClientError

from qldbkit.cli import (
    comparing,
    demonstrating,
    exporting,
    listing,
    local,
    quarantine,
    querying,
    refilling,
    restoring,
    serving,
    status,
    verifying,
)
from qldbkit.cli.exit_codes import FAILED
from qldbkit.cli.sentences import describe
from qldbkit.errors import QldbkitError

application = typer.Typer(
    name="qldbkit",
    help="Stream, archive, replay and restore Amazon QLDB journals; an embedded ledger that"
    " speaks QLDB's API.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
serving.add_to(application)
local.add_to(application)
demonstrating.add_to(application)
querying.add_to(application)
listing.add_to(application)
exporting.add_to(application)
comparing.add_to(application)
restoring.add_to(application)
status.add_to(application)
quarantine.add_to(application)
refilling.add_to(application)
verifying.add_to(application)


def main() -> None:
    """Run the command line; what qldbkit or an AWS service refuses is said in a sentence."""
    try:
        application()
    except (QldbkitError, BotoCoreError, ClientError) as error:
        _fail(describe(error))
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))


def _fail(sentence: str) -> NoReturn:
    sys.stderr.write(f"qldbkit: {sentence}\n")
    sys.exit(FAILED)
