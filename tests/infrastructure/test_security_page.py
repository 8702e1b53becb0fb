"""docs/security.md says of each role what the templates let it do, and nothing else."""

import re
from pathlib import Path

from qldbkit.ledger.access import load_keys

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs" / "security.md"
HASH = re.compile(r"<(\w+?)[0-9A-F]{8}\.Arn>")
ARN = re.compile(r"arn:<AWS::Partition>:\w+:<AWS::Region>:<AWS::AccountId>:")


def roles(template):
    """The roles' names in the template, as they are there and without the CDK's ending."""
    found = template.find_resources("AWS::IAM::Role")
    return {name[:-8]: name for name in found}


def table(template, permissions_of):
    for role, name in sorted(roles(template).items()):
        for resource, actions in permissions_of(template, name).items():
            readable = ARN.sub("", HASH.sub(r"\1", resource))
            listed = ", ".join(f"`{each}`" for each in sorted(actions))
            yield f"| `{role}` | `{readable}` | {listed} |"


def test_the_page_has_every_permission_and_no_other(
    db_template, stream_template, permissions_of
) -> None:
    expected = [*table(db_template, permissions_of), *table(stream_template, permissions_of)]
    section = PAGE.read_text().partition("## What each role may do")[2].partition("\n## ")[0]
    said = [line for line in section.splitlines() if line.startswith("| `")]
    assert said == expected


def test_no_role_has_a_permission_in_any_other_way(db_template, stream_template) -> None:
    for template in (db_template, stream_template):
        for role in template.find_resources("AWS::IAM::Role").values():
            assert not {"ManagedPolicyArns", "Policies"} & role["Properties"].keys()


def test_no_role_may_do_anything_everywhere(db_template, stream_template, permissions_of) -> None:
    for template in (db_template, stream_template):
        for name in roles(template).values():
            for resource, actions in permissions_of(template, name).items():
                assert resource != "*"
                assert not any("*" in each for each in actions)


def test_the_file_of_keys_is_one_that_the_server_takes(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "keys.json").write_text(shown)
    everything, reports = load_keys(tmp_path / "keys.json")
    assert everything.ledgers is None and not everything.read_only
    assert reports.ledgers == {"orders"} and reports.read_only
