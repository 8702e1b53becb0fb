"""The domain of the OpenSearch view, and what its functions may do with it."""

from __future__ import annotations

import re

import pytest
from aws_cdk.assertions import Match, Template

from qldbkit.replay.views.opensearch.url import ViewAddress
from stacks.views.opensearch import view_name

VIEW = "ViewsOpenSearch"


@pytest.fixture(scope="module")
def template(lay_out) -> Template:
    return lay_out(views="opensearch").stream_template


def test_the_domain_is_encrypted_wherever_its_data_is(template: Template) -> None:
    template.has_resource_properties(
        "AWS::OpenSearchService::Domain",
        {
            "EncryptionAtRestOptions": {
                "Enabled": True,
                "KmsKeyId": {"Ref": Match.string_like_regexp(f"^{VIEW}StoreKey")},
            },
            "NodeToNodeEncryptionOptions": {"Enabled": True},
            "DomainEndpointOptions": {
                "EnforceHTTPS": True,
                "TLSSecurityPolicy": "Policy-Min-TLS-1-2-PFS-2023-10",
            },
        },
    )


def test_each_of_two_zones_has_all_documents(template: Template) -> None:
    template.has_resource_properties(
        "AWS::OpenSearchService::Domain",
        {
            "EngineVersion": "OpenSearch_2.19",
            "ClusterConfig": {
                "InstanceCount": 2,
                "ZoneAwarenessEnabled": True,
                "ZoneAwarenessConfig": {"AvailabilityZoneCount": 2},
            },
        },
    )


def test_errors_are_logged_and_documents_are_not(template: Template) -> None:
    (domain,) = template.find_resources("AWS::OpenSearchService::Domain").values()
    assert domain["Properties"]["LogPublishingOptions"].keys() == {"ES_APPLICATION_LOGS"}
    policies = template.find_resources("AWS::Logs::ResourcePolicy")
    (policy,) = (each for each in policies.values() if "es.amazonaws.com" in str(each))
    assert f"{VIEW}StoreLog" in str(policy)
    assert any(each in str(domain["DependsOn"]) for each in policies)


def test_only_the_views_functions_are_let_in_by_the_domain(template: Template) -> None:
    (domain,) = template.find_resources("AWS::OpenSearchService::Domain").values()
    allowed = domain["Properties"]["AccessPolicies"]["Statement"]
    principals = [each["Principal"]["AWS"] for each in allowed]
    listed = [each for one in principals for each in (one if isinstance(one, list) else [one])]
    roles = {str(each["Fn::GetAtt"][0]) for each in listed}
    assert {re.sub(r"Role[0-9A-F]{8}$", "", each) for each in roles} == {
        f"{VIEW}ReplayOnBatch",
        f"{VIEW}ReplayOnClock",
    }
    assert {each["Effect"] for each in allowed} == {"Allow"}


@pytest.mark.parametrize("function", ["OnBatch", "OnClock"])
def test_a_function_writes_the_views_indices_and_no_others(
    template: Template, permissions_of, function: str
) -> None:
    granted = permissions_of(template, f"{VIEW}Replay{function}Role")
    paths = {
        name.partition(".Arn>/")[2]: actions
        for name, actions in granted.items()
        if f"{VIEW}StoreDomain" in name
    }
    assert paths.keys() == {
        *("qldbblog.*", "qldbblog-bookkeeping*", "_index_template/qldbblog"),
        *("_bulk", "_mget", "_aliases"),
    }
    for actions in paths.values():
        assert actions == {"es:ESHttpGet", "es:ESHttpPost", "es:ESHttpPut"}
    assert not any("qldb:" in action for actions in granted.values() for action in actions)


def test_the_functions_are_told_a_url_of_requests_that_are_signed(template: Template) -> None:
    functions = template.find_resources("AWS::Lambda::Function").values()
    told = [each["Properties"]["Environment"]["Variables"].get("VIEW_URL") for each in functions]
    urls = {
        "".join(part if isinstance(part, str) else "host" for part in each["Fn::Join"][1])
        for each in told
        if each is not None
    }
    (url,) = urls
    address = ViewAddress.of(url)
    assert (address.view, address.encrypted, address.signed) == ("qldbblog", True, True)


def test_the_view_outlives_its_stack_with_its_key_unless_it_is_to_be_destroyed(
    lay_out, template: Template
) -> None:
    def policies(of: Template) -> set[str]:
        kinds = ("AWS::OpenSearchService::Domain", "AWS::KMS::Key")
        found = {name: each for kind in kinds for name, each in of.find_resources(kind).items()}
        return {
            each["DeletionPolicy"]
            for name, each in found.items()
            if name.startswith(f"{VIEW}Store")
        }

    assert policies(template) == {"Retain"}
    assert policies(lay_out(views="opensearch", removalPolicy="destroy").stream_template) == {
        "Delete"
    }


@pytest.mark.parametrize(
    ("ledger", "name"),
    [("QldbBlog", "qldbblog"), ("my-Ledger-1", "my_ledger_1"), ("A" * 32, "a" * 30)],
)
def test_the_view_is_called_as_the_ledger(ledger: str, name: str) -> None:
    assert view_name(ledger) == name
    assert ViewAddress.of(f"opensearch+https://host/{name}").view == name
