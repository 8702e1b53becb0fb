"""The stack with the ledgers."""

from aws_cdk.assertions import Match, Template

LEDGER = "arn:<AWS::Partition>:qldb:<AWS::Region>:<AWS::AccountId>:ledger/QldbBlog"


def test_two_ledgers_that_destroy_can_delete(db_template: Template) -> None:
    db_template.resource_count_is("AWS::QLDB::Ledger", 2)
    for name in ("QldbBlog", "QldbBlogStreaming"):
        db_template.has_resource_properties(
            "AWS::QLDB::Ledger",
            {"Name": name, "PermissionsMode": "STANDARD", "DeletionProtection": False},
        )


def test_protection_and_mode_follow_the_context(lay_out) -> None:
    template = lay_out(deletionProtection="true", permissionsMode="ALLOW_ALL").db_template
    template.all_resources_properties(
        "AWS::QLDB::Ledger", {"PermissionsMode": "ALLOW_ALL", "DeletionProtection": True}
    )


def test_the_tables_are_made_after_their_ledger(db_template: Template) -> None:
    source = db_template.find_resources("AWS::QLDB::Ledger", {"Properties": {"Name": "QldbBlog"}})
    db_template.has_resource(
        "Custom::LedgerTables",
        {
            "Properties": {
                "LedgerName": "QldbBlog",
                "TableNames": ["VehicleRegistration", "Vehicle", "Person", "DriversLicense"],
            },
            "DependsOn": Match.array_with(list(source)),
        },
    )


def test_another_list_of_tables_changes_the_resource_and_no_identity(lay_out, db_template) -> None:
    changed = lay_out(tableNames="Vehicle,Boat").db_template
    (before,) = db_template.find_resources("Custom::LedgerTables").items()
    (after,) = changed.find_resources("Custom::LedgerTables").items()
    assert before[0] == after[0]
    assert after[1]["Properties"]["TableNames"] == ["Vehicle", "Boat"]


def test_who_makes_the_tables_may_do_that_only(db_template: Template, permissions_of) -> None:
    granted = permissions_of(db_template, "SourceTablesOnEventRole")
    log = next(each for each in granted if each.startswith("<SourceTablesOnEventLog"))
    assert granted == {
        log: {"logs:CreateLogStream", "logs:PutLogEvents"},
        LEDGER: {"qldb:DescribeLedger", "qldb:SendCommand"},
        f"{LEDGER}/information_schema/user_tables": {"qldb:PartiQLSelect"},
        f"{LEDGER}/table/*": {"qldb:PartiQLCreateTable"},
    }


def test_no_role_has_a_managed_policy_and_every_log_is_kept_for_a_month(db_template) -> None:
    for role in db_template.find_resources("AWS::IAM::Role").values():
        assert "ManagedPolicyArns" not in role["Properties"]
    db_template.all_resources_properties("AWS::Logs::LogGroup", {"RetentionInDays": 30})
    for function in db_template.find_resources("AWS::Lambda::Function").values():
        assert "LogGroup" in function["Properties"]["LoggingConfig"]


def test_the_function_runs_where_its_package_was_built_for(db_template, throwaway) -> None:
    db_template.has_resource_properties(
        "AWS::Lambda::Function",
        {"Handler": "handler.handle", "Runtime": "python3.13", "Architectures": ["arm64"]},
    )
    throwaway.db_template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Handler": "handler.handle",
            "Runtime": "python3.11",
            "Architectures": ["x86_64"],
            "Environment": {"Variables": {"LEDGER_ENDPOINT_URL": "http://localhost:4566"}},
        },
    )


def test_without_an_endpoint_the_function_gets_none(db_template: Template) -> None:
    text = str(db_template.to_json())
    assert "LEDGER_ENDPOINT_URL" not in text


def test_the_outputs_name_the_ledgers(db_template: Template) -> None:
    assert set(db_template.find_outputs("*")) == {"SourceLedgerName", "DestinationLedgerName"}
