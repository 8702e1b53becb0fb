"""What the database of every view is to the functions that replay into it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from aws_cdk import aws_iam as iam

from stacks.function import Network


class ViewStore(Protocol):
    """A construct with the database of a view, made by ``Store(scope, id, settings=settings)``.

    Attributes:
        url: as `qldbkit.replay.views.opening` reads it, without any secret.
        environment: what the functions are told besides, such as the ARN of a secret.
        network: where functions have to run to reach it; None for no network of one's own.
        outputs: what users have to know of it, by the names of the stack's outputs.
    """

    url: str
    environment: Mapping[str, str]
    network: Network | None
    outputs: Mapping[str, str]

    def allow_replay(self, role: iam.Role) -> None:
        """Let the role of a function replay into it: no more than that takes."""
