"""The session API: QLDBSession.SendCommand, whose requests each name one thing to do."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from itertools import takewhile
from typing import Any, Final

from qldbkit.ledger.clock import Clock, SystemClock
from qldbkit.ledger.errors import (
    BadRequestError,
    CapacityExceededError,
    InvalidSessionError,
    LimitExceededError,
    ResourceNotFoundError,
)
from qldbkit.ledger.ledger import Ledger
from qldbkit.ledger.limits import Limits
from qldbkit.ledger.session import Answer, Members, Session
from qldbkit.ledger.storage import StorageError

START_SESSION: Final = "StartSession"
END_SESSION: Final = "EndSession"

_IN_A_SESSION: Final[dict[str, Callable[[Session, Members], Answer]]] = {
    "StartTransaction": Session.start_transaction,
    "ExecuteStatement": Session.execute_statement,
    "FetchPage": Session.fetch_page,
    "CommitTransaction": Session.commit_transaction,
    "AbortTransaction": Session.abort_transaction,
}
_COMMANDS: Final = (START_SESSION, END_SESSION, *_IN_A_SESSION)


class SessionService:
    """The sessions of a server. Safe to use from several threads.

    Args:
        ledger: the ledger of a name; raises `ResourceNotFoundError`.
        limits: what is too much.
        clock: for idle sessions; the machine's when not given.
    """

    def __init__(self, ledger: Callable[[str], Ledger], limits: Limits, clock: Clock | None = None):
        self._ledger = ledger
        self._limits = limits
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        # In the order of their last use, so that the idle ones are found at the front.
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._idled: OrderedDict[str, str] = OrderedDict()

    def send_command(self, request: Mapping[str, Any], *, owner: str | None = None) -> Answer:
        """Answer one SendCommand request.

        Args:
            request: its members as in QLDB's service model, blobs as bytes.
            owner: who asks; a session is only for the owner that began it.

        Raises:
            ServiceError: the request is refused.
        """
        begun = self._clock.monotonic()
        named = [name for name in _COMMANDS if request.get(name) is not None]
        if len(named) != 1:
            raise BadRequestError(
                f"A request names one of {', '.join(_COMMANDS)}; this one names {len(named)}"
            )
        command = named[0]
        try:
            answer = self._answer(command, request, owner)
        except StorageError as error:
            raise CapacityExceededError(f"The ledger's storage failed: {error.message}") from error
        taken = round((self._clock.monotonic() - begun) * 1000)
        answer["TimingInformation"] = {"ProcessingTimeMilliseconds": taken}
        return {command: answer}

    def end_sessions_of(self, ledger_name: str) -> None:
        """End every session with a ledger, which is about to be deleted."""
        with self._lock:
            ended = [each for each in self._sessions.values() if each.ledger_name == ledger_name]
            for session in ended:
                del self._sessions[session.token]
        for session in ended:
            with session.lock:
                session.end()

    def close(self) -> None:
        """End every session."""
        with self._lock:
            ended = list(self._sessions.values())
            self._sessions.clear()
        for session in ended:
            with session.lock:
                session.end()

    def _answer(self, command: str, request: Mapping[str, Any], owner: str | None) -> Answer:
        if command == START_SESSION:
            return self._start(request[command]["LedgerName"], owner)
        session = self._session(request.get("SessionToken"), owner)
        with session.lock:
            if command == END_SESSION:
                self._end(session)
                return {}
            try:
                return _IN_A_SESSION[command](session, request[command])
            finally:
                self._used(session)

    def _start(self, ledger_name: str, owner: str | None) -> Answer:
        try:
            ledger = self._ledger(ledger_name)
        except ResourceNotFoundError as error:
            raise BadRequestError(error.message) from error
        session = Session(ledger, ledger_name, owner, self._limits)
        session.last_used = self._clock.monotonic()
        with self._lock:
            ended = self._take_idle()
            full = len(self._sessions) >= self._limits.sessions
            if not full:
                self._sessions[session.token] = session
        _end_all(ended)
        if full:
            raise LimitExceededError(f"{self._limits.sessions} sessions are open")
        return {"SessionToken": session.token}

    def _session(self, token: str | None, owner: str | None) -> Session:
        if token is None:
            raise BadRequestError("The request names no SessionToken")
        with self._lock:
            ended = self._take_idle()
            session = self._sessions.get(token)
            idled = self._idled.get(token)
        _end_all(ended)
        if session is not None and session.owner == owner:
            return session
        if idled is not None:
            raise InvalidSessionError(f"Exceeded the session idle time limit: Session {idled}")
        raise InvalidSessionError("There is no such session, or it has expired")

    def _used(self, session: Session) -> None:
        with self._lock:
            session.last_used = self._clock.monotonic()
            if session.token in self._sessions:
                self._sessions.move_to_end(session.token)

    def _end(self, session: Session) -> None:
        with self._lock:
            self._sessions.pop(session.token, None)
        session.end()

    def _take_idle(self) -> list[Session]:
        """Remove the sessions that were idle for too long; the caller ends them."""
        latest = self._clock.monotonic() - self._limits.session_idle_seconds
        ended: list[Session] = []
        idle = takewhile(lambda each: each.last_used <= latest, self._sessions.values())
        for session in list(idle):
            if session.lock.locked():
                continue  # it is at work, not idle
            del self._sessions[session.token]
            self._idled[session.token] = session.id
            ended.append(session)
        while len(self._idled) > self._limits.sessions:
            self._idled.popitem(last=False)
        return ended


def _end_all(sessions: list[Session]) -> None:
    for session in sessions:
        with session.lock:
            session.end()
