"""A Python function of AWS Lambda, with a role and a log group of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.acknowledged import acknowledge, acknowledge_wildcard
from stacks.packaging import CodeSource
from stacks.settings import Settings

LOG_RETENTION = logs.RetentionDays.ONE_MONTH


@dataclass(frozen=True, slots=True)
class Network:
    """Where a function runs that has to reach what no public address has."""

    vpc: ec2.IVpc
    subnets: ec2.SubnetSelection
    security_group: ec2.ISecurityGroup


class PythonFunction(Construct):
    """A function that may write its own log and nothing else until it is granted more."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: Settings,
        code: CodeSource,
        package: str,
        handler: str,
        description: str,
        environment: Mapping[str, str],
        timeout: Duration,
        memory_mb: int = 512,
        network: Network | None = None,
    ) -> None:
        super().__init__(scope, id)
        log_group = own_log_group(self, "Log")
        self.role = role_with_log(self, "Role", log_group)
        if network is not None:
            _allow_network(self.role)
        self.function = lambda_.Function(
            self,
            "Function",
            description=description,
            runtime=lambda_.Runtime(
                f"python{settings.lambda_python}", lambda_.RuntimeFamily.PYTHON
            ),
            architecture=_architecture(settings.lambda_architecture),
            code=lambda_.Code.from_asset(str(code.folder(package))),
            handler=handler,
            environment=dict(environment),
            timeout=timeout,
            memory_size=memory_mb,
            role=self.role,
            log_group=log_group,
            vpc=network.vpc if network else None,
            vpc_subnets=network.subnets if network else None,
            security_groups=[network.security_group] if network else None,
        )
        acknowledge(
            self.function,
            "AwsSolutions-L1",
            "amazon.ion, which decodes the journal, is published for Python up to 3.13.",
        )


def own_log_group(scope: Construct, id: str) -> logs.LogGroup:
    """A log group that keeps its entries for a bounded time and goes with its stack."""
    return logs.LogGroup(scope, id, retention=LOG_RETENTION, removal_policy=RemovalPolicy.DESTROY)


def role_with_log(scope: Construct, id: str, log_group: logs.ILogGroup) -> iam.Role:
    """A role for a function that may write to one log group only."""
    role = iam.Role(scope, id, assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    log_group.grant_write(role)
    return role


def _architecture(name: str) -> lambda_.Architecture:
    known = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}
    return known[name]


def _allow_network(role: iam.Role) -> None:
    role.add_to_policy(iam.PolicyStatement(actions=list(_NETWORK_ACTIONS), resources=["*"]))
    acknowledge_wildcard(
        role,
        "*",
        "Lambda makes the network interfaces of a function in a VPC in the name of its role, and"
        " they have no ARN that could be known before.",
    )


_NETWORK_ACTIONS = (
    *("ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"),
    *("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"),
    *("ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"),
)
