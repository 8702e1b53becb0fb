"""Keeps the local AWS's state on disk while it runs, so that it survives being killed.

ministack saves its state only when it is stopped in good order. Here every change reaches the disk
within a second or so, and an acknowledged Kinesis record before it is acknowledged: a ledger's
journal stream moves on when Kinesis has taken a record, so that a record which is lost after that
would be lost for good.

What a kill can lose is then harmless: the positions of event sources that are on disk are never
ahead of what their functions have stored, so that after a restart a function may see a batch again,
but never misses one.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from ministack import app as ministack
from ministack.core import persistence
from ministack.services import kinesis, lambda_svc

from qldbkit.errors import QldbkitError

Asgi = Callable[[Any, Any, Any], Awaitable[None]]

_logger = logging.getLogger("qldbkit.local")
POSITIONS = "lambda"
"""The service whose state holds the positions of event sources."""
_COPY_ATTEMPTS = 5


class StateNotSavedError(QldbkitError):
    """The local AWS could not write its state to disk."""


class KinesisLog:
    """The records that Kinesis took since its state was last saved, in an append-only file.

    Args:
        folder: where the files are.
    """

    def __init__(self, folder: Path):
        self._current = folder / "kinesis-records.jsonl"
        self._previous = folder / "kinesis-records.previous.jsonl"
        self._lock = threading.Lock()
        self._written: dict[tuple[Any, ...], str] = {}

    def append(self) -> None:
        """Write down the records that came since the last call."""
        with self._lock:
            lines = [
                json.dumps({"shard": shard_key, "record": record})
                for shard_key, shard in self._shards()
                for record in self._unwritten(shard_key, shard)
            ]
            if lines:
                with self._current.open("a") as file:
                    # The first line break ends a line that a kill may have cut off
                    file.write("\n".join(["", *lines, ""]))

    def restore(self) -> None:
        """Put back the records that the saved state lacks."""
        shards = dict(self._shards())
        for path in (self._previous, self._current):
            for shard_key, record in _read_log(path):
                shard = shards.get(shard_key)
                if shard is not None and record["SequenceNumber"] > _last(shard):
                    shard["records"].append(record)
        self._written = {key: _last(shard) for key, shard in shards.items()}

    def begin_save(self) -> None:
        """Begin a new file: what stands in the old one will be in the state that is saved now."""
        with self._lock:
            if self._current.exists():
                with self._previous.open("a") as file:
                    file.write(self._current.read_text())
                self._current.unlink()

    def end_save(self) -> None:
        """Drop the old file: its records are in the saved state."""
        with self._lock:
            self._previous.unlink(missing_ok=True)

    def _shards(self) -> list[tuple[tuple[Any, ...], MutableMapping[str, Any]]]:
        return [
            ((*scope, name), shard)
            for scope, stream in list(kinesis._streams._data.items())
            for name, shard in list(stream["shards"].items())
        ]

    def _unwritten(
        self, key: tuple[Any, ...], shard: MutableMapping[str, Any]
    ) -> list[dict[str, Any]]:
        written = self._written.get(key, "")
        fresh = []
        for record in reversed(shard["records"]):
            if record["SequenceNumber"] <= written:
                break
            fresh.append(record)
        self._written[key] = _last(shard)
        return fresh[::-1]


class StateSaver:
    """Saves what changed in the local AWS, at an interval, and its Kinesis records at once.

    Args:
        folder: where its state is kept.
        interval: seconds between two looks for a change.
    """

    def __init__(self, folder: Path, interval: float):
        folder.mkdir(parents=True, exist_ok=True)
        self._positions = lambda_svc._kinesis_positions
        self._log = KinesisLog(folder)
        self._interval = interval
        self._requests = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._save_changes, daemon=True, name="state-saver")

    def start(self) -> None:
        """Begin to watch the requests and to save."""
        handlers = ministack.SERVICE_HANDLERS
        for name, handler in list(handlers.items()):
            handlers[name] = self._counting(handler)
        handlers["kinesis"] = self._logging(handlers["kinesis"])
        self._thread.start()

    def stop(self) -> None:
        """End saving; the last state is saved by ministack's own shutdown."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._log.end_save()

    def restoring(self, app: Asgi) -> Asgi:
        """Return ``app`` with the logged records put back as soon as its state is loaded."""

        async def restored(scope: Any, receive: Any, send: Any) -> None:
            async def announce(message: Any) -> None:
                if message["type"] == "lifespan.startup.complete":
                    self._log.restore()
                await send(message)

            await app(scope, receive, announce if scope["type"] == "lifespan" else send)

        return restored

    def save(self) -> None:
        """Save the state of every service.

        Raises:
            StateNotSavedError: a state could not be written; the Kinesis log is kept.

        The positions of event sources are copied first and written last. At no moment then are
        those on disk ahead of the other states on disk, wherever a kill falls.
        """
        services = ministack._build_persistence_save_dict()
        names = sorted(services, key=lambda name: name != POSITIONS)
        self._log.begin_save()
        states = [(name, _steady(services[name])) for name in names]
        for name, state in reversed(states):
            if state is not None:
                _save_state(name, state)
        self._log.end_save()

    def _counting(self, handler: Any) -> Any:
        async def counted(*request: Any) -> Any:
            answer = await handler(*request)
            self._requests += 1
            return answer

        return counted

    def _logging(self, handler: Any) -> Any:
        async def logged(*request: Any) -> Any:
            answer = await handler(*request)
            self._log.append()
            return answer

        return logged

    def _change(self) -> tuple[int, str]:
        return self._requests, repr(self._positions._data)

    def _save_changes(self) -> None:
        saved = self._change()
        while not self._stop.wait(self._interval):
            change = self._change()
            if change != saved and self._saved():
                saved = change

    def _saved(self) -> bool:
        """Whether saving succeeded; otherwise the next look tries again."""
        try:
            self.save()
        except RuntimeError:
            _logger.exception("the state changed too fast to be copied")
            return False
        except StateNotSavedError as error:
            _logger.error(str(error))  # noqa: TRY400 - the sentence says all that is known
            return False
        return True


def _save_state(name: str, state: Any) -> None:
    """Have ministack write a state, and see that it did: it logs a failure and goes on."""
    file = Path(persistence.STATE_DIR) / f"{name}.json"
    before = _inode(file)
    persistence.save_state(name, state)
    if _inode(file) == before:  # every save puts a new file in the old one's place
        raise StateNotSavedError(
            f"the state of {name} was not saved", position=str(file), hint="is the disk full?"
        )


def _inode(file: Path) -> int | None:
    return file.stat().st_ino if file.exists() else None


def _last(shard: MutableMapping[str, Any]) -> str:
    records = shard["records"]
    return str(records[-1]["SequenceNumber"]) if records else ""


def _read_log(path: Path) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    if not path.exists():
        return []
    entries = []
    for line in filter(None, path.read_text().splitlines()):
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue  # the process was killed while it wrote this line: it was not acknowledged
        entries.append((tuple(entry["shard"]), entry["record"]))
    return entries


def _steady(get_state: Callable[[], Any]) -> Any:
    """Return a service's state, copied while it did not change under the copier."""
    for _ in range(_COPY_ATTEMPTS - 1):
        try:
            return get_state()
        except RuntimeError as error:  # "dictionary changed size during iteration"
            _logger.debug("state changed while it was copied: %s", error)
    return get_state()
