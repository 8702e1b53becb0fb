"""Findings of the synth's checks and of cdk-nag that are known, each with its reason."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Leave one finding of one rule on one construct out of the reports, saying why."""
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))
