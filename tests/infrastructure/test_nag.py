"""cdk-nag's AWS Solutions rules, on what cdk.json deploys."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aws_cdk import Acknowledgment, Validations
from cdk_nag import AwsSolutionsChecks

import stacks.acknowledged
from stacks.settings import VIEW_KINDS


def findings(app) -> list[tuple[str, str]]:
    """Every finding that nobody has acknowledged: its rule, and where in the app it is."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    try:
        app.synth()
    except RuntimeError as error:
        assert "ValidationFailed" in str(error), error
    report = json.loads((Path(app.outdir) / "validation-report.json").read_text())
    return [
        (violation["ruleName"].removeprefix("AwsSolutions::"), construct["constructPath"])
        for plugin in report["pluginReports"]
        if plugin["pluginName"] == "AwsSolutions"
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
    ]


@dataclass
class Recorder:
    """Takes the place of the CDK's validations, and lets no acknowledgement through."""

    acknowledged: list[tuple[str, str, str]] = field(default_factory=list)

    def of(self, construct) -> "Recorder":
        self.path = construct.node.path
        return self

    def acknowledge(self, rule: Acknowledgment) -> None:
        self.acknowledged.append((rule.id, self.path, rule.reason))


VIEWS = list(VIEW_KINDS)


def test_nothing_is_found_that_has_no_reason(lay_out) -> None:
    assert findings(lay_out().app) == []


def test_nothing_is_found_in_the_views_that_has_no_reason(lay_out) -> None:
    assert findings(lay_out(views=VIEWS).app) == []


def test_every_acknowledgement_is_of_something_that_is_found(
    lay_out, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder()
    monkeypatch.setattr(stacks.acknowledged, "Validations", recorder)
    found = findings(lay_out(views=VIEWS).app)
    of_nag = [each for each in recorder.acknowledged if each[0].startswith("AwsSolutions-")]
    assert len(found) == len(of_nag)
    for rule, path, reason in of_nag:
        assert (
            any(rule == known and where.startswith(f"{path}/") for known, where in found)
            or (
                rule,
                path,
            )
            in found
        ), f"{rule} at {path} is acknowledged and not found; found are {found}"
        assert len(reason) > 40 and reason.endswith("."), f"{rule} at {path} has no reason"
