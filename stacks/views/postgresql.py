"""The database of the PostgreSQL view: Aurora behind a proxy, or one that is there already.

The functions run in a network of their own without a way to the Internet. They sign in to the proxy
by IAM, so that no function knows a password; the proxy takes the one that RDS made, and changes
every week, from the secret that RDS keeps it in. The proxy's certificate is of a public authority,
so that verifying its name takes no file of AWS's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aws_cdk import Aws, Fn, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from constructs import Construct

from stacks.acknowledged import acknowledge
from stacks.function import LOG_RETENTION, Network
from stacks.settings import ExistingDatabase, Settings

ENGINE: Final = "aurora-postgresql"
ENGINE_VERSION: Final = "16.6"
PORT: Final = 5433
"""Not PostgreSQL's own, which is the first that is tried by whoever should not."""
DATABASE: Final = "views"
USER: Final = "qldbkit"
BACKUP_DAYS: Final = 14
LEAST_CAPACITY: Final = 0.5
MOST_CAPACITY: Final = 8.0
"""Aurora capacity units, of about 2 GB each."""
_REMOVAL: Final = {"retain": RemovalPolicy.RETAIN, "destroy": RemovalPolicy.DESTROY}


class PostgreSqlStore(Construct):
    """What `stacks.views.store.ViewStore` says, of a database that is made or is there."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id)
        self.environment: Mapping[str, str] = {}
        self.outputs: Mapping[str, str] = {}
        self.network: Network | None
        self._aurora: Aurora | None = None
        self._existing = settings.postgresql_database
        if self._existing is not None:
            self.url = self._existing.url
            self.network = _network_of(self, self._existing)
            return
        aurora = self._aurora = Aurora(self, "Aurora", settings=settings)
        self.network = aurora.network
        schema = settings.qldb_ledger_name
        self.url = (
            f"postgresql://{USER}@{aurora.endpoint}:{PROXY_PORT}/{DATABASE}"
            f"?schema={schema}&iam=true&sslmode=verify-full&sslrootcert={AUTHORITIES}"
        )
        self.outputs = {"PostgreSqlViewSecretArn": aurora.secret_arn}

    def allow_replay(self, role: iam.Role) -> None:
        """Let a role sign in: by IAM as the one user, or with the secret that the URL names."""
        if self._aurora is not None:
            self._aurora.allow_connect(role)
        elif self._existing is not None and self._existing.secret_arn is not None:
            role.add_to_policy(
                iam.PolicyStatement(
                    actions=["secretsmanager:GetSecretValue"],
                    resources=[self._existing.secret_arn],
                )
            )


PROXY_PORT: Final = 5432
"""The port of every proxy for PostgreSQL."""
AUTHORITIES: Final = "/var/task/botocore/cacert.pem"
"""The public certificate authorities, as the functions' packages have them."""


class Aurora(Construct):
    """Aurora PostgreSQL Serverless v2, encrypted with a key of its owner, and its proxy.

    Attributes:
        network: where functions run that use it.
        endpoint: the proxy's name.
        secret_arn: of the secret with the password, which operators may need.
    """

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id)
        removal = _REMOVAL[settings.removal_policy]
        key = kms.Key(
            self,
            "Key",
            description="The view of the journal in PostgreSQL",
            enable_key_rotation=True,
            removal_policy=removal,
        )
        self._vpc = _isolated_network(self)
        functions, proxies, servers = self._security_groups()
        self.network = Network(self._vpc, _isolated(), functions)
        cluster = self._cluster(key, servers, removal)
        self.secret_arn = cluster.attr_master_user_secret_secret_arn
        self._proxy = self._proxy_of(cluster, key, proxies)
        self.endpoint = self._proxy.attr_endpoint

    def allow_connect(self, role: iam.Role) -> None:
        """Let a role sign in to the proxy as `USER`."""
        proxy_id = Fn.select(6, Fn.split(":", self._proxy.attr_db_proxy_arn))
        user = f"arn:{Aws.PARTITION}:rds-db:{Aws.REGION}:{Aws.ACCOUNT_ID}:dbuser:{proxy_id}/{USER}"
        role.add_to_policy(iam.PolicyStatement(actions=["rds-db:connect"], resources=[user]))

    def _security_groups(
        self,
    ) -> tuple[ec2.SecurityGroup, ec2.SecurityGroup, ec2.SecurityGroup]:
        """Of functions, the proxy and the servers: each reaches the next, and nothing else."""

        def group(id: str, description: str, *, outbound: bool = False) -> ec2.SecurityGroup:
            return ec2.SecurityGroup(
                self,
                id,
                vpc=self._vpc,
                description=description,
                allow_all_outbound=outbound,
            )

        # DynamoDB and S3, which the functions use too, are reached by ranges of public addresses
        functions = group("Functions", "Functions that replay into PostgreSQL", outbound=True)
        proxies = group("Proxies", "The proxy of the PostgreSQL view")
        servers = group("Servers", "The servers of the PostgreSQL view")
        proxies.connections.allow_from(functions, ec2.Port.tcp(PROXY_PORT), "Functions")
        servers.connections.allow_from(proxies, ec2.Port.tcp(PORT), "The proxy")
        return functions, proxies, servers

    def _cluster(
        self, key: kms.Key, servers: ec2.SecurityGroup, removal: RemovalPolicy
    ) -> rds.CfnDBCluster:
        subnets = rds.CfnDBSubnetGroup(
            self,
            "Subnets",
            db_subnet_group_description="The PostgreSQL view",
            subnet_ids=self._vpc.select_subnets(
                subnet_type=ec2.SubnetType.PRIVATE_ISOLATED
            ).subnet_ids,
        )
        cluster = rds.CfnDBCluster(
            self,
            "Cluster",
            engine=ENGINE,
            engine_version=ENGINE_VERSION,
            port=PORT,
            database_name=DATABASE,
            master_username=USER,
            manage_master_user_password=True,
            master_user_secret=rds.CfnDBCluster.MasterUserSecretProperty(kms_key_id=key.key_arn),
            storage_encrypted=True,
            kms_key_id=key.key_arn,
            enable_iam_database_authentication=True,
            deletion_protection=removal is RemovalPolicy.RETAIN,
            backup_retention_period=BACKUP_DAYS,
            copy_tags_to_snapshot=True,
            enable_cloudwatch_logs_exports=["postgresql"],
            db_subnet_group_name=subnets.ref,
            vpc_security_group_ids=[servers.security_group_id],
            serverless_v2_scaling_configuration=(
                rds.CfnDBCluster.ServerlessV2ScalingConfigurationProperty(
                    min_capacity=LEAST_CAPACITY, max_capacity=MOST_CAPACITY
                )
            ),
        )
        cluster.apply_removal_policy(removal)
        for number in (1, 2):  # the second takes over where the first fails
            server = rds.CfnDBInstance(
                self,
                f"Server{number}",
                db_cluster_identifier=cluster.ref,
                db_instance_class="db.serverless",
                engine=ENGINE,
                auto_minor_version_upgrade=True,
                publicly_accessible=False,
                enable_performance_insights=True,
                performance_insights_kms_key_id=key.key_arn,
            )
            server.apply_removal_policy(removal)
        return cluster

    def _proxy_of(
        self, cluster: rds.CfnDBCluster, key: kms.Key, proxies: ec2.SecurityGroup
    ) -> rds.CfnDBProxy:
        role = iam.Role(self, "ProxyRole", assumed_by=iam.ServicePrincipal("rds.amazonaws.com"))
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
                resources=[self.secret_arn],
            )
        )
        key.grant(role, "kms:Decrypt")
        subnets = self._vpc.select_subnets(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED).subnet_ids
        proxy = rds.CfnDBProxy(
            self,
            "Proxy",
            db_proxy_name=f"{Stack.of(self).stack_name}-view".lower(),
            engine_family="POSTGRESQL",
            require_tls=True,
            role_arn=role.role_arn,
            vpc_subnet_ids=subnets,
            vpc_security_group_ids=[proxies.security_group_id],
            auth=[
                rds.CfnDBProxy.AuthFormatProperty(
                    auth_scheme="SECRETS", iam_auth="REQUIRED", secret_arn=self.secret_arn
                )
            ],
        )
        proxy.node.add_dependency(role)
        targets = rds.CfnDBProxyTargetGroup(
            self,
            "ProxyTargets",
            db_proxy_name=proxy.ref,
            target_group_name="default",
            db_cluster_identifiers=[cluster.ref],
        )
        for each in self.node.children:
            if isinstance(each, rds.CfnDBInstance):
                targets.add_dependency(each)
        proxies.connections.allow_to(
            ec2.Peer.ipv4(self._vpc.vpc_cidr_block), ec2.Port.tcp(PORT), "The servers"
        )
        return proxy


def _isolated() -> ec2.SubnetSelection:
    return ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)


def _isolated_network(scope: Construct) -> ec2.Vpc:
    """A network without a way out but to DynamoDB and S3, whose traffic is logged."""
    log = logs.LogGroup(
        scope, "Traffic", retention=LOG_RETENTION, removal_policy=RemovalPolicy.DESTROY
    )
    return ec2.Vpc(
        scope,
        "Network",
        max_azs=2,
        nat_gateways=0,
        restrict_default_security_group=False,
        subnet_configuration=[
            ec2.SubnetConfiguration(name="view", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        ],
        gateway_endpoints={
            "Buffer": ec2.GatewayVpcEndpointOptions(
                service=ec2.GatewayVpcEndpointAwsService.DYNAMODB
            ),
            "Quarantine": ec2.GatewayVpcEndpointOptions(
                service=ec2.GatewayVpcEndpointAwsService.S3
            ),
        },
        flow_logs={
            "Traffic": ec2.FlowLogOptions(
                destination=ec2.FlowLogDestination.to_cloud_watch_logs(log)
            )
        },
    )


def _network_of(scope: Construct, existing: ExistingDatabase) -> Network | None:
    """The network of a database that is there; None if it is reached without one."""
    if existing.vpc_id is None or existing.security_group_id is None:
        return None
    vpc = ec2.Vpc.from_vpc_attributes(
        scope,
        "Network",
        vpc_id=existing.vpc_id,
        availability_zones=[f"zone{n}" for n, _ in enumerate(existing.subnet_ids)],
        private_subnet_ids=list(existing.subnet_ids),
    )
    for each in vpc.private_subnets:
        acknowledge(
            each,
            "@aws-cdk/aws-ec2:noSubnetRouteTableId",
            "Functions are put into the subnet; its routes are not changed.",
        )
    group = ec2.SecurityGroup.from_security_group_id(
        scope, "Functions", existing.security_group_id, mutable=False
    )
    return Network(vpc, ec2.SubnetSelection(subnets=vpc.private_subnets), group)
