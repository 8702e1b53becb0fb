"""The domain of the OpenSearch view. ``docs/views-opensearch.md`` says what its indices are."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aws_cdk import CfnElement, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_opensearchservice as opensearch
from constructs import Construct

from stacks.acknowledged import acknowledge, acknowledge_wildcard
from stacks.function import Network, own_log_group
from stacks.settings import Settings

ENGINE = "OpenSearch_2.19"
INSTANCE_TYPE = "m7g.medium.search"
DATA_NODES = 2  # in two zones; each index has a replica, so that each zone has all documents
VOLUME_GB = 20

_REMOVAL = {"retain": RemovalPolicy.RETAIN, "destroy": RemovalPolicy.DESTROY}


class OpenSearchStore(Construct):
    """A domain whose requests are signed, encrypted with a key of its owner wherever it is."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id)
        removal = _REMOVAL[settings.removal_policy]
        # The key stays as long as the domain: without it the domain cannot be read
        self.key = kms.Key(
            self,
            "Key",
            description="The view of the journal in OpenSearch",
            enable_key_rotation=True,
            removal_policy=removal,
        )
        self.view = view_name(settings.qldb_ledger_name)
        self._policy = iam.PolicyDocument()
        self.domain = self._domain(own_log_group(self, "Log"))
        self.domain.apply_removal_policy(removal)
        self.url = f"opensearch+https://{self.domain.attr_domain_endpoint}/{self.view}?signing=es"
        self.environment: Mapping[str, str] = {}
        self.network: Network | None = None
        self.outputs: Mapping[str, str] = {
            "OpenSearchViewEndpoint": self.domain.attr_domain_endpoint
        }

    def allow_replay(self, role: iam.Role) -> None:
        """Let a role write the view's indices: not search others, nor change the domain.

        What a request for many documents at once names is in its body, which IAM does not see.
        """
        own = (f"{self.view}.*", f"{self.view}-bookkeeping*", f"_index_template/{self.view}")
        paths = (*own, *_PATHS_OF_ALL)
        role.add_to_policy(
            iam.PolicyStatement(
                actions=list(_ACTIONS),
                resources=[f"{self.domain.attr_arn}/{path}" for path in paths],
            )
        )
        for path in (each for each in paths if "*" in each):
            acknowledge_wildcard(
                role,
                f"<{_logical_id(self.domain)}.Arn>/{path}",
                "The paths of an index are its documents and its settings, and the names of the"
                " view's indices begin with the view's.",
            )
        self._policy.add_statements(
            iam.PolicyStatement(
                principals=[iam.ArnPrincipal(role.role_arn)],
                actions=list(_ACTIONS),
                resources=[Stack.of(self).format_arn(service="es", resource="domain/*")],
            )
        )

    def _domain(self, log: logs.LogGroup) -> opensearch.CfnDomain:
        log.grant_write(iam.ServicePrincipal("es.amazonaws.com"))
        domain = opensearch.CfnDomain(
            self,
            "Domain",
            engine_version=ENGINE,
            cluster_config=_NODES,
            ebs_options=_VOLUMES,
            encryption_at_rest_options=opensearch.CfnDomain.EncryptionAtRestOptionsProperty(
                enabled=True, kms_key_id=self.key.key_id
            ),
            node_to_node_encryption_options=_BETWEEN_NODES,
            domain_endpoint_options=_ENDPOINT,
            access_policies=self._policy,
            log_publishing_options={
                "ES_APPLICATION_LOGS": opensearch.CfnDomain.LogPublishingOptionProperty(
                    cloud_watch_logs_log_group_arn=log.log_group_arn, enabled=True
                )
            },
            software_update_options=_UPDATES,
        )
        domain.node.add_dependency(log)  # and on its policy, without which the domain is refused
        for rule, reason in _REASONS.items():
            acknowledge(domain, rule, reason)
        return domain


def view_name(ledger: str) -> str:
    """The view's name: the ledger's, as far as the names of indices can begin with it."""
    return re.sub(r"[^a-z0-9]", "_", ledger.lower())[:30]


def _logical_id(resource: CfnElement) -> str:
    stack = Stack.of(resource)
    return str(stack.resolve(stack.get_logical_id(resource)))


_ACTIONS = ("es:ESHttpGet", "es:ESHttpPost", "es:ESHttpPut")
_PATHS_OF_ALL = ("_bulk", "_mget", "_aliases")

_NODES = opensearch.CfnDomain.ClusterConfigProperty(
    instance_type=INSTANCE_TYPE,
    instance_count=DATA_NODES,
    zone_awareness_enabled=True,
    zone_awareness_config=opensearch.CfnDomain.ZoneAwarenessConfigProperty(
        availability_zone_count=DATA_NODES
    ),
)
_VOLUMES = opensearch.CfnDomain.EBSOptionsProperty(
    ebs_enabled=True, volume_type="gp3", volume_size=VOLUME_GB
)
_BETWEEN_NODES = opensearch.CfnDomain.NodeToNodeEncryptionOptionsProperty(enabled=True)
_ENDPOINT = opensearch.CfnDomain.DomainEndpointOptionsProperty(
    enforce_https=True, tls_security_policy="Policy-Min-TLS-1-2-PFS-2023-10"
)
_UPDATES = opensearch.CfnDomain.SoftwareUpdateOptionsProperty(auto_software_update_enabled=True)

_SLOW_LOGS = (
    "The slow logs quote the documents that are indexed and searched for. The domain's errors are"
    " logged."
)
_REASONS = {
    "AwsSolutions-OS1": "Its endpoint takes requests that a role of this account has signed, and"
    " no others. In a VPC, readers and functions would need one as well.",
    "AwsSolutions-OS3": "Functions have no addresses of their own: the domain knows them by their"
    " roles.",
    "AwsSolutions-OS4": "A view can be made again from the archive; dedicated master nodes would"
    " cost more than its data nodes.",
    "AwsSolutions-OS9[LogExport::SEARCH_SLOW_LOGS]": _SLOW_LOGS,
    "AwsSolutions-OS9[LogExport::INDEX_SLOW_LOGS]": _SLOW_LOGS,
}
