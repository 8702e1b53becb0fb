"""What the HTTP server takes on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Bounds of the HTTP server.

    Attributes:
        threads: requests that are worked on at the same time; further ones wait.
        connections: connections open at the same time, each with a thread that mostly waits;
            further ones are answered with 503.
        body_bytes: the size of a request's body.
        discarded_bytes: how much of a larger body is read before the connection is closed.
        header_bytes: the size of a request's line and headers.
        read_seconds: how long a request may take to arrive, its headers and its body each.
        write_seconds: how long a client may take to receive a part of an answer.
        idle_seconds: how long a connection may wait for its next request.
        stop_seconds: how long requests may take to finish when the server stops.
        backlog: connections that wait to be accepted.
    """

    threads: int = 32
    connections: int = 512
    body_bytes: int = 8 * 1024 * 1024
    discarded_bytes: int = 64 * 1024 * 1024
    header_bytes: int = 32 * 1024
    read_seconds: float = 20.0
    write_seconds: float = 20.0
    idle_seconds: float = 75.0
    stop_seconds: float = 5.0
    backlog: int = 512
