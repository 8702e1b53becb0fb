"""The two stacks as templates, with a stand-in for the functions' code where it does not count."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from stacks.db_stack import QldbBlogDbStack
from stacks.settings import Settings
from stacks.stream_stack import QldbBlogStreamStack

PROJECT = Path(__file__).resolve().parents[2]

# The CDK's constructs run on Node: on the one that is installed beside this Python
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@dataclass(frozen=True)
class OneFolder:
    """A code source that gives every function the same small folder."""

    path: Path

    def folder(self, name: str) -> Path:
        return self.path


@dataclass(frozen=True)
class Stacks:
    """An app with both stacks, and what they synthesise."""

    app: App
    db: QldbBlogDbStack
    stream: QldbBlogStreamStack

    @property
    def db_template(self) -> Template:
        return Template.from_stack(self.db)

    @property
    def stream_template(self) -> Template:
        return Template.from_stack(self.stream)


@pytest.fixture(scope="session")
def code(tmp_path_factory: pytest.TempPathFactory) -> OneFolder:
    folder = tmp_path_factory.mktemp("code")
    (folder / "handler.py").write_text("def handle(event, context): ...\n")
    return OneFolder(folder)


@pytest.fixture(scope="session")
def lay_out(code: OneFolder, tmp_path_factory: pytest.TempPathFactory):
    """A function that lays both stacks out, with the context of cdk.json but for what is given."""

    def lay_out_with(**context: object) -> Stacks:
        own = json.loads((PROJECT / "cdk.json").read_text())["context"]
        app = App(
            context={**own, **context},
            outdir=str(tmp_path_factory.mktemp("cdk.out")),
            analytics_reporting=False,
        )
        settings = Settings.from_context(app.node.get_all_context())
        db = QldbBlogDbStack(app, "QldbBlogDbStack", settings=settings, code=code)
        stream = QldbBlogStreamStack(app, "QldbBlogStreamStack", settings=settings, code=code)
        return Stacks(app, db, stream)

    return lay_out_with


@pytest.fixture(scope="session")
def stacks(lay_out) -> Stacks:
    """Both stacks as cdk.json has them."""
    return lay_out()


@pytest.fixture(scope="session")
def db_template(stacks: Stacks) -> Template:
    return stacks.db_template


@pytest.fixture(scope="session")
def stream_template(stacks: Stacks) -> Template:
    return stacks.stream_template


@pytest.fixture(scope="session")
def throwaway(lay_out) -> Stacks:
    """Both stacks as they are laid out on one machine."""
    return lay_out(
        ledgerEndpointUrl="http://localhost:4566",
        lambdaPython="3.11",
        lambdaArchitecture="x86_64",
        removalPolicy="destroy",
        shardCount="3",
        retentionHours=720,
    )


def _flat(value: object) -> object:
    """A template's value with its joins and references written into one text."""
    if isinstance(value, dict) and value.keys() == {"Fn::Join"}:
        separator, parts = value["Fn::Join"]
        return separator.join(str(_flat(part)) for part in parts)
    if isinstance(value, dict) and value.keys() == {"Ref"}:
        return f"<{value['Ref']}>"
    if isinstance(value, dict) and value.keys() == {"Fn::GetAtt"}:
        return f"<{'.'.join(value['Fn::GetAtt'])}>"
    return value


def permissions(template: Template, role: str) -> dict[str, set[str]]:
    """What the one role whose logical id begins with ``role`` may do: resource to actions."""
    granted: dict[str, set[str]] = {}
    for policy in template.find_resources("AWS::IAM::Policy").values():
        properties = policy["Properties"]
        if not any(each["Ref"].startswith(role) for each in properties["Roles"]):
            continue
        for statement in properties["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            actions, resources = statement["Action"], statement["Resource"]
            for resource in resources if isinstance(resources, list) else [resources]:
                listed = [actions] if isinstance(actions, str) else actions
                granted.setdefault(str(_flat(resource)), set()).update(listed)
    assert granted, f"no role begins with {role}"
    return granted


@pytest.fixture(scope="session")
def permissions_of():
    return permissions
