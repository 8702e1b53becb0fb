"""Findings of the synth's checks and of cdk-nag that are known, each with its reason."""

from __future__ import annotations

from aws_cdk import Acknowledgment, CfnElement, Stack, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Leave one finding of one rule on one construct out of the reports, saying why."""
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))


def acknowledge_wildcard(construct: IConstruct, resource: str, reason: str) -> None:
    """Acknowledge one resource with a wildcard, written as cdk-nag reports it, in a policy."""
    acknowledge(construct, f"AwsSolutions-IAM5[Resource::{resource}]", reason)


def reported_arn(resource: IConstruct) -> str:
    """The ARN of a resource of a stack as a finding of cdk-nag shows it."""
    element = resource.node.default_child
    if not isinstance(element, CfnElement):
        raise TypeError(f"{resource.node.path} is no CloudFormation resource")
    stack = Stack.of(resource)
    return f"<{stack.resolve(stack.get_logical_id(element))}.Arn>"
