"""The database of the PostgreSQL view, and how its functions reach it."""

from __future__ import annotations

import pytest
from aws_cdk.assertions import Match, Template

from stacks.settings import Settings, SettingsError

VIEW = "ViewsPostgreSql"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:views-Ab12"
VPC, GROUP = "vpc-0a1b2c3d4e5f60718", "sg-0a1b2c3d4e5f60718"
SUBNETS = ("subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719")
URL = f"postgresql://db.example:5432/archive?schema=vehicles&secret={SECRET}"


@pytest.fixture(scope="module")
def template(lay_out) -> Template:
    return lay_out(views="postgresql").stream_template


@pytest.fixture(scope="module")
def existing(lay_out) -> Template:
    database = {
        "url": URL,
        "vpcId": VPC,
        "subnetIds": [*SUBNETS],
        "securityGroupId": GROUP,
    }
    return lay_out(views="postgresql", postgresqlDatabase=database).stream_template


def functions(template: Template) -> list[dict]:
    found = template.find_resources("AWS::Lambda::Function").values()
    return [
        each["Properties"]
        for each in found
        if "VIEW_URL" in each["Properties"].get("Environment", {}).get("Variables", {})
    ]


def test_the_database_is_encrypted_backed_up_protected_and_scales(template: Template) -> None:
    template.has_resource_properties(
        "AWS::RDS::DBCluster",
        {
            "Engine": "aurora-postgresql",
            "StorageEncrypted": True,
            "KmsKeyId": {"Fn::GetAtt": [Match.string_like_regexp(f"^{VIEW}StoreAuroraKey"), "Arn"]},
            "ManageMasterUserPassword": True,
            "DeletionProtection": True,
            "BackupRetentionPeriod": 14,
            "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 8},
        },
    )
    template.resource_count_is("AWS::RDS::DBInstance", 2)
    template.all_resources_properties("AWS::RDS::DBInstance", {"PubliclyAccessible": False})


def test_no_password_is_in_the_template_and_none_is_needed(
    template: Template, permissions_of
) -> None:
    assert "MasterUserPassword" not in str(template.to_json()).replace(
        "ManageMasterUserPassword", ""
    )
    template.has_resource_properties(
        "AWS::RDS::DBProxy",
        {"RequireTLS": True, "Auth": [{"AuthScheme": "SECRETS", "IAMAuth": "REQUIRED"}]},
    )
    for function in ("OnBatch", "OnClock"):
        granted = permissions_of(template, f"{VIEW}Replay{function}Role")
        (users,) = (name for name, each in granted.items() if each == {"rds-db:connect"})
        assert users.endswith("/qldbkit")
        assert not any("secretsmanager" in action for each in granted.values() for action in each)


def test_the_functions_verify_the_name_of_what_they_sign_in_to(template: Template) -> None:
    found = functions(template)
    assert len(found) == 2
    for each in found:
        url = str(each["Environment"]["Variables"]["VIEW_URL"])
        for part in (
            "iam=true",
            "sslmode=verify-full",
            "sslrootcert=/var/task/",
            "schema=QldbBlog",
        ):
            assert part in url
        assert "secret" not in url


def test_nothing_reaches_the_database_but_its_proxy_and_nothing_leaves_the_network(
    template: Template,
) -> None:
    rules = template.find_resources("AWS::EC2::SecurityGroupIngress").values()
    ports = sorted(each["Properties"]["ToPort"] for each in rules)
    assert ports == [5432, 5433]
    assert all("SourceSecurityGroupId" in each["Properties"] for each in rules)
    template.resource_count_is("AWS::EC2::NatGateway", 0)
    template.resource_count_is("AWS::EC2::InternetGateway", 0)
    template.resource_count_is("AWS::EC2::VPCEndpoint", 2)
    for each in functions(template):
        assert len(each["VpcConfig"]["SubnetIds"]) == 2


def test_an_existing_database_is_used_with_its_secret_and_network(
    existing: Template, permissions_of
) -> None:
    existing.resource_count_is("AWS::RDS::DBCluster", 0)
    found = functions(existing)
    assert len(found) == 2
    for each in found:
        assert each["VpcConfig"] == {
            "SubnetIds": [*SUBNETS],
            "SecurityGroupIds": [GROUP],
        }
        assert SECRET in each["Environment"]["Variables"]["VIEW_URL"]
    granted = permissions_of(existing, f"{VIEW}ReplayOnBatchRole")
    assert granted[SECRET] == {"secretsmanager:GetSecretValue"}


@pytest.mark.parametrize(
    "database",
    [
        "postgresql://db/archive?schema=s",
        {},
        {"url": URL, "vpc": VPC},
        {"url": URL, "vpcId": VPC},
        {"url": "postgresql://u@db/archive?schema=s&iam=true"},
    ],
)
def test_a_wrong_setting_is_said_at_synth(database: object) -> None:
    with pytest.raises(SettingsError, match="postgresqlDatabase"):
        Settings.from_context({"postgresqlDatabase": database})
