"""The control plane's operations on ledgers and tags; requests and answers are the model's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from qldbkit.ledger.errors import (
    InvalidParameterError,
    ResourceNotFoundError,
    ResourcePreconditionNotMetError,
)
from qldbkit.ledger.pages import page_of
from qldbkit.ledger.registry import LedgerRecord, LedgerRegistry, LedgerSettings
from qldbkit.ledger.resources import Account, parse_arn
from qldbkit.ledger.tags import Tags, check_tags

Request = Mapping[str, Any]
Answer = dict[str, Any]

AWS_OWNED_KEY: Final = "AWS_OWNED_KMS_KEY"


class LedgerOperations:
    """CreateLedger, DescribeLedger and their like.

    Args:
        registry: the server's ledgers.
        tags: the server's tags.
        account: whose ledgers they are.
        before_removal: what must end before a ledger's file can go: streams, exports, sessions.
    """

    def __init__(
        self,
        registry: LedgerRegistry,
        tags: Tags,
        account: Account,
        before_removal: Callable[[str], None],
    ):
        self._registry = registry
        self._tags = tags
        self._account = account
        self._before_removal = before_removal

    def create_ledger(self, request: Request) -> Answer:
        """Make a ledger; it is ACTIVE at once."""
        tags = request.get("Tags", {})
        check_tags(tags)
        settings = LedgerSettings(
            request["PermissionsMode"],
            request.get("DeletionProtection", True),
            self._kms_key_arn(request.get("KmsKey")),
        )
        record = self._registry.create(request["Name"], settings)
        self._tags.add(self._account.ledger_arn(record.name), tags)
        answer = self._summary(record) | {"PermissionsMode": settings.permissions_mode}
        if settings.kms_key_arn is not None:
            answer["KmsKeyArn"] = settings.kms_key_arn
        return answer

    def describe_ledger(self, request: Request) -> Answer:
        """A ledger's state and settings."""
        record = self._registry.record(request["Name"])
        return (
            self._summary(record)
            | {"PermissionsMode": record.settings.permissions_mode}
            | _encryption(record)
        )

    def list_ledgers(self, request: Request) -> Answer:
        """A page of the ledgers."""
        page, token = page_of(
            self._registry.records(),
            lambda record: record.name,
            request.get("MaxResults"),
            request.get("NextToken"),
        )
        ledgers = [
            {"Name": each.name, "State": each.state, "CreationDateTime": each.created}
            for each in page
        ]
        return {"Ledgers": ledgers} | with_token(token)

    def update_ledger(self, request: Request) -> Answer:
        """Change a ledger's deletion protection or key."""
        settings = self._registry.record(request["Name"]).settings
        if "DeletionProtection" in request:
            settings = replace(settings, deletion_protection=request["DeletionProtection"])
        if "KmsKey" in request:
            settings = replace(settings, kms_key_arn=self._kms_key_arn(request["KmsKey"]))
        record = self._registry.update(request["Name"], settings)
        return self._summary(record) | _encryption(record)

    def update_ledger_permissions_mode(self, request: Request) -> Answer:
        """Change a ledger's permissions mode."""
        settings = self._registry.record(request["Name"]).settings
        changed = replace(settings, permissions_mode=request["PermissionsMode"])
        record = self._registry.update(request["Name"], changed)
        return {
            "Name": record.name,
            "Arn": self._account.ledger_arn(record.name),
            "PermissionsMode": record.settings.permissions_mode,
        }

    def delete_ledger(self, request: Request) -> Answer:
        """Remove a ledger with its journal, its streams and its sessions."""
        name = request["Name"]
        if self._registry.record(name).settings.deletion_protection:
            raise ResourcePreconditionNotMetError(
                f"Deletion protection is enabled for ledger {name}; disable it with UpdateLedger"
                " before you delete the ledger",
                ResourceType="Ledger",
                ResourceName=name,
            )
        self._registry.begin_removal(name)
        self._before_removal(name)
        self._registry.remove(name)
        self._tags.remove_all(self._account.ledger_arn(name))
        return {}

    def _summary(self, record: LedgerRecord) -> Answer:
        return {
            "Name": record.name,
            "Arn": self._account.ledger_arn(record.name),
            "State": record.state,
            "CreationDateTime": record.created,
            "DeletionProtection": record.settings.deletion_protection,
        }

    def _kms_key_arn(self, key: str | None) -> str | None:
        return None if key in (None, AWS_OWNED_KEY) else self._account.kms_key_arn(str(key))


class TagOperations:
    """TagResource, UntagResource and ListTagsForResource.

    Args:
        tags: the server's tags.
        account: whose resources may be tagged.
        exists: whether the resource of a kind, a ledger and an id is there.
    """

    def __init__(
        self,
        tags: Tags,
        account: Account,
        exists: Callable[[str, str, str | None], bool],
    ):
        self._tags = tags
        self._account = account
        self._exists = exists

    def tag_resource(self, request: Request) -> Answer:
        """Add tags to a resource."""
        self._tags.add(self._existing(request["ResourceArn"]), request["Tags"])
        return {}

    def untag_resource(self, request: Request) -> Answer:
        """Remove tags from a resource."""
        self._tags.remove(self._existing(request["ResourceArn"]), request["TagKeys"])
        return {}

    def list_tags_for_resource(self, request: Request) -> Answer:
        """A resource's tags."""
        return {"Tags": self._tags.of(self._existing(request["ResourceArn"]))}

    def _existing(self, arn: str) -> str:
        resource = parse_arn(arn, self._account)
        if resource is None:
            raise InvalidParameterError(
                f"{arn} is not the ARN of a QLDB resource of this account and region",
                ParameterName="ResourceArn",
            )
        if not self._exists(resource.kind, resource.ledger, resource.resource_id):
            raise ResourceNotFoundError(
                f"The resource {arn} is not found",
                ResourceType=resource.kind.capitalize(),
                ResourceName=resource.resource_id or resource.ledger,
            )
        return arn


def with_token(token: str | None) -> Answer:
    """The part of a list's answer that names its next page."""
    return {} if token is None else {"NextToken": token}


def _encryption(record: LedgerRecord) -> Answer:
    key = record.settings.kms_key_arn or AWS_OWNED_KEY
    return {"EncryptionDescription": {"KmsKeyArn": key, "EncryptionStatus": "ENABLED"}}
