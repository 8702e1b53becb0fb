"""The stack with the stream, the archive and the replay."""

import pytest
from aws_cdk.assertions import Match, Template

ARN = "arn:<AWS::Partition>:qldb:<AWS::Region>:<AWS::AccountId>"
DESTINATION = f"{ARN}:ledger/QldbBlogStreaming"
KEY_ON_THE_WAY = {"Fn::GetAtt": [Match.string_like_regexp("^JournalKey"), "Arn"]}
KEY_AT_REST = {"Fn::GetAtt": [Match.string_like_regexp("^ArchiveKey"), "Arn"]}


def test_one_encrypted_shard_keeps_records_for_a_week(stream_template: Template) -> None:
    stream_template.has_resource_properties(
        "AWS::Kinesis::Stream",
        {
            "ShardCount": 1,
            "RetentionPeriodHours": 168,
            "StreamEncryption": {"EncryptionType": "KMS", "KeyId": KEY_ON_THE_WAY},
            "StreamModeDetails": {"StreamMode": "PROVISIONED"},
        },
    )


def test_keys_rotate_and_have_the_aliases_of_the_context(stream_template: Template) -> None:
    stream_template.resource_count_is("AWS::KMS::Key", 2)
    stream_template.all_resources_properties("AWS::KMS::Key", {"EnableKeyRotation": True})
    aliases = stream_template.find_resources("AWS::KMS::Alias").values()
    assert {each["Properties"]["AliasName"] for each in aliases} == {
        "alias/qldb-blog-stream",
        "alias/qldb-blog-archive",
    }


def test_the_journal_is_streamed_from_the_start_time_in_aggregated_records(
    stream_template: Template,
) -> None:
    stream_template.has_resource_properties(
        "AWS::QLDB::Stream",
        {
            "LedgerName": "QldbBlog",
            "InclusiveStartTime": "2020-01-01T00:00:00Z",
            "KinesisConfiguration": {"AggregationEnabled": True, "StreamArn": Match.any_value()},
        },
    )


def test_another_start_time_makes_a_stream_of_another_name(lay_out, stream_template) -> None:
    later = lay_out(inclusiveStartTime="2021-01-01T00:00:00Z").stream_template
    names = {
        each["Properties"]["StreamName"]
        for template in (stream_template, later)
        for each in template.find_resources("AWS::QLDB::Stream").values()
    }
    assert len(names) == 2
    assert all(len(name) <= 32 for name in names)


def test_the_journal_starts_when_firehose_is_there(stream_template: Template) -> None:
    delivery = list(stream_template.find_resources("AWS::KinesisFirehose::DeliveryStream"))
    stream_template.has_resource("AWS::QLDB::Stream", {"DependsOn": Match.array_with(delivery)})


def test_the_journal_starts_when_its_role_may_write(stream_template: Template) -> None:
    policies = stream_template.find_resources("AWS::IAM::Policy")
    of_publisher = [each for each in policies if each.startswith("JournalPublisherRole")]
    stream_template.has_resource("AWS::QLDB::Stream", {"DependsOn": Match.array_with(of_publisher)})


def test_qldb_may_write_to_the_stream_only_and_for_this_ledger_only(
    stream_template: Template, permissions_of
) -> None:
    granted = permissions_of(stream_template, "JournalPublisherRole")
    stream, key = (next(each for each in granted if part in each) for part in ("Stream", "Key"))
    assert granted == {
        stream: {
            "kinesis:PutRecord",
            "kinesis:PutRecords",
            "kinesis:DescribeStream",
            "kinesis:ListShards",
        },
        key: {"kms:GenerateDataKey"},
    }
    (role,) = (
        each["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
        for name, each in stream_template.find_resources("AWS::IAM::Role").items()
        if name.startswith("JournalPublisherRole")
    )
    assert role["Principal"] == {"Service": "qldb.amazonaws.com"}
    assert role["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert "stream/QldbBlog/*" in str(role["Condition"]["ArnLike"]["aws:SourceArn"])


def test_the_archive_is_private_encrypted_and_versioned(stream_template: Template) -> None:
    stream_template.has_resource_properties(
        "AWS::S3::Bucket",
        {
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {
                        "BucketKeyEnabled": True,
                        "ServerSideEncryptionByDefault": {
                            "SSEAlgorithm": "aws:kms",
                            "KMSMasterKeyID": KEY_AT_REST,
                        },
                    }
                ]
            },
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
            "VersioningConfiguration": {"Status": "Enabled"},
        },
    )


@pytest.mark.parametrize("policy", ["AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"])
def test_nothing_is_reached_without_tls(stream_template: Template, policy: str) -> None:
    stream_template.has_resource_properties(
        policy,
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [
                        Match.object_like(
                            {
                                "Effect": "Deny",
                                "Principal": {"AWS": "*"},
                                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                            }
                        )
                    ]
                )
            }
        },
    )


def test_archived_records_move_to_cheaper_storage_and_never_expire(stream_template) -> None:
    buckets = stream_template.find_resources("AWS::S3::Bucket")
    (bucket,) = (each for name, each in buckets.items() if name.startswith("Archive"))
    (rule,) = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    assert rule["Status"] == "Enabled"
    assert [each["StorageClass"] for each in rule["Transitions"]] == ["STANDARD_IA", "GLACIER_IR"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert not rule.keys() & {"ExpirationInDays", "ExpirationDate"}


def test_the_archive_and_its_key_outlive_the_stack(stream_template: Template) -> None:
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    stream_template.all_resources("AWS::S3::Bucket", kept)
    keys = stream_template.find_resources("AWS::KMS::Key")
    policies = {name[:7]: each["DeletionPolicy"] for name, each in keys.items()}
    assert policies == {"Archive": "Retain", "Journal": "Delete"}


def test_asked_to_the_stack_takes_everything_with_it(throwaway) -> None:
    template = throwaway.stream_template
    for resource in template.to_json()["Resources"].values():
        assert resource.get("DeletionPolicy", "Delete") == "Delete"
    template.resource_count_is("Custom::S3AutoDeleteObjects", 2)


def test_firehose_reads_the_stream_and_writes_the_archive(stream_template: Template) -> None:
    stream_template.has_resource_properties(
        "AWS::KinesisFirehose::DeliveryStream",
        {
            "DeliveryStreamType": "KinesisStreamAsSource",
            "KinesisStreamSourceConfiguration": {
                "KinesisStreamARN": {
                    "Fn::GetAtt": [Match.string_like_regexp("^JournalStream"), "Arn"]
                }
            },
            "ExtendedS3DestinationConfiguration": {
                "Prefix": "journal/!{timestamp:yyyy/MM/dd/HH}/",
                "ErrorOutputPrefix": "undelivered/!{firehose:error-output-type}/"
                "!{timestamp:yyyy/MM/dd/HH}/",
                "CompressionFormat": "UNCOMPRESSED",
                "EncryptionConfiguration": {"KMSEncryptionConfig": {"AWSKMSKeyARN": KEY_AT_REST}},
                "CloudWatchLoggingOptions": {"Enabled": True},
            },
        },
    )


def test_firehose_may_add_to_the_archive_and_not_delete_from_it(
    stream_template: Template, permissions_of
) -> None:
    granted = permissions_of(stream_template, "ArchiveDeliveryRole")
    actions = {action for each in granted.values() for action in each}
    assert actions == {
        "kinesis:DescribeStream",
        "kinesis:GetShardIterator",
        "kinesis:GetRecords",
        "kinesis:ListShards",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "s3:AbortMultipartUpload",
        "s3:GetBucketLocation",
        "s3:ListBucket",
        "s3:ListBucketMultipartUploads",
        "s3:PutObject",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }
    of_journal_key = next(each for name, each in granted.items() if "JournalKey" in name)
    assert of_journal_key == {"kms:Decrypt"}


def test_batches_come_in_order_from_the_beginning_and_are_never_given_up(
    stream_template: Template,
) -> None:
    stream_template.resource_count_is("AWS::Lambda::EventSourceMapping", 1)
    (mapping,) = stream_template.find_resources("AWS::Lambda::EventSourceMapping").values()
    properties = mapping["Properties"]
    assert properties["StartingPosition"] == "TRIM_HORIZON"
    assert properties["ParallelizationFactor"] == 1
    assert properties["BisectBatchOnFunctionError"] is False
    assert "FunctionResponseTypes" not in properties
    assert properties["MaximumRetryAttempts"] == -1
    assert properties["MaximumRecordAgeInSeconds"] == 168 * 3600
    assert properties["MaximumBatchingWindowInSeconds"] == 1
    assert "ReplayFailedQueue" in str(properties["DestinationConfig"]["OnFailure"])


def test_records_kept_for_longer_than_lambdas_limit_have_no_age_limit(throwaway) -> None:
    template = throwaway.stream_template
    template.has_resource_properties("AWS::Kinesis::Stream", {"RetentionPeriodHours": 720})
    template.has_resource_properties(
        "AWS::Lambda::EventSourceMapping", {"MaximumRecordAgeInSeconds": Match.absent()}
    )


def test_shards_and_endpoint_follow_the_context(throwaway) -> None:
    template = throwaway.stream_template
    template.has_resource_properties("AWS::Kinesis::Stream", {"ShardCount": 3})
    for handler in ("handler.handle", "drain.handle"):
        template.has_resource_properties(
            "AWS::Lambda::Function",
            {
                "Handler": handler,
                "Environment": {
                    "Variables": Match.object_like({"LEDGER_ENDPOINT_URL": "http://localhost:4566"})
                },
            },
        )


def test_both_replay_functions_know_the_same(stream_template: Template) -> None:
    for handler in ("handler.handle", "drain.handle"):
        stream_template.has_resource_properties(
            "AWS::Lambda::Function",
            {
                "Handler": handler,
                "Environment": {
                    "Variables": {
                        "DESTINATION_LEDGER": "QldbBlogStreaming",
                        "BUFFER_TABLE": {"Ref": Match.string_like_regexp("^ReplayBufferTable")},
                        "QUARANTINE_BUCKET": {"Ref": Match.string_like_regexp("^Quarantine")},
                        "STREAM_NAME": {"Ref": Match.string_like_regexp("^JournalStream")},
                        "SETTLE_WINDOW_SECONDS": "120",
                        "DESTINATION_TRANSACTION_DOCUMENTS": "40",
                        "LOG_LEVEL": "INFO",
                    }
                },
            },
        )


def test_both_replay_functions_and_the_operators_know_which_tables_are_replayed(lay_out) -> None:
    template = lay_out(
        replayTables=["Person", "Vehicle"], renameTables={"Person": "People"}
    ).stream_template
    told = {"REPLAY_TABLES": "Person,Vehicle", "RENAME_TABLES": "Person=People"}
    for handler in ("handler.handle", "drain.handle"):
        template.has_resource_properties(
            "AWS::Lambda::Function",
            {"Handler": handler, "Environment": {"Variables": Match.object_like(told)}},
        )
    template.has_output("ReplayedTables", {"Value": "Person,Vehicle"})
    template.has_output("RenamedTables", {"Value": "Person=People"})


def test_the_settle_window_is_looked_at_every_minute(stream_template: Template) -> None:
    stream_template.has_resource_properties(
        "AWS::Events::Rule",
        {
            "ScheduleExpression": "rate(1 minute)",
            "Targets": [
                {
                    "Arn": {"Fn::GetAtt": [Match.string_like_regexp("^ReplayOnClock"), "Arn"]},
                    "Id": Match.any_value(),
                }
            ],
        },
    )


def test_a_failed_look_at_the_clock_is_not_repeated_but_for_the_next(stream_template) -> None:
    stream_template.has_resource_properties(
        "AWS::Lambda::EventInvokeConfig",
        {
            "FunctionName": {"Ref": Match.string_like_regexp("^ReplayOnClockFunction")},
            "MaximumRetryAttempts": 0,
            "MaximumEventAgeInSeconds": 60,
        },
    )


def test_the_settling_buffer_is_durable_and_encrypted(stream_template: Template) -> None:
    stream_template.has_resource_properties(
        "AWS::DynamoDB::Table",
        {
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            "BillingMode": "PAY_PER_REQUEST",
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "SSESpecification": {
                "SSEEnabled": True,
                "SSEType": "KMS",
                "KMSMasterKeyId": KEY_ON_THE_WAY,
            },
            "TimeToLiveSpecification": {"AttributeName": "expiresAt", "Enabled": True},
        },
    )


@pytest.mark.parametrize("function", ["OnBatch", "OnClock"])
def test_replay_writes_to_the_destination_and_never_to_the_source(
    stream_template: Template, permissions_of, function: str
) -> None:
    granted = permissions_of(stream_template, f"Replay{function}Role")
    of_qldb = {name: each for name, each in granted.items() if ":qldb:" in name}
    assert of_qldb == {
        DESTINATION: {"qldb:SendCommand"},
        f"{DESTINATION}/information_schema/user_tables": {"qldb:PartiQLSelect"},
        f"{DESTINATION}/table/*": {
            "qldb:PartiQLSelect",
            "qldb:PartiQLHistoryFunction",
            "qldb:PartiQLInsert",
            "qldb:PartiQLUpdate",
            "qldb:PartiQLDelete",
            "qldb:PartiQLRedact",
            "qldb:PartiQLCreateTable",
            "qldb:PartiQLDropTable",
            "qldb:PartiQLUndropTable",
            "qldb:PartiQLCreateIndex",
            "qldb:PartiQLDropIndex",
        },
    }
    actions = {action for each in granted.values() for action in each}
    assert not {action for action in actions if "*" in action}
    of_buffer = {action for action in actions if action.startswith("dynamodb:")}
    assert of_buffer == {"dynamodb:Query", "dynamodb:BatchWriteItem", "dynamodb:UpdateItem"}
    assert not actions & {"kinesis:PutRecord", "kinesis:PutRecords"}
    reads_stream = "kinesis:GetRecords" in actions
    assert reads_stream == (function == "OnBatch")


def test_no_role_has_a_managed_policy_and_every_log_is_kept_for_a_month(stream_template) -> None:
    for role in stream_template.find_resources("AWS::IAM::Role").values():
        assert "ManagedPolicyArns" not in role["Properties"]
    stream_template.resource_count_is("AWS::Logs::LogGroup", 3)
    stream_template.all_resources_properties("AWS::Logs::LogGroup", {"RetentionInDays": 30})


def test_the_outputs_name_what_a_user_looks_for(stream_template: Template) -> None:
    assert set(stream_template.find_outputs("*")) == {
        "SourceLedgerName",
        "DestinationLedgerName",
        "StreamName",
        "JournalStreamId",
        "JournalStreamArn",
        "ArchiveBucketName",
        "ArchiveDeliveryStreamName",
        "BufferTableName",
        "ReplayFunctionName",
        "ClockRuleName",
        "DrainFunctionName",
        "FailedBatchesQueueUrl",
        "QuarantineBucketName",
        "DashboardName",
    }
