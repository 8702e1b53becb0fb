"""The vehicle registration sample's documents and transactions."""

from decimal import Decimal

import pytest

from qldbkit.local.dmv import DmvSample, DmvSampleError
from qldbkit.local.dmv_documents import register


class RecordingDriver:
    """Runs transactions against nothing and writes down their statements."""

    def __init__(self, sample_owner=None):
        self.transactions = []

    def execute_lambda(self, work):
        self.transactions.append([])
        work(self)

    def execute_statement(self, text, *parameters):
        self.transactions[-1].append((text, parameters))
        if text.startswith("INSERT INTO Person"):
            return iter([{"documentId": f"id-{parameters[0]['GovId']}"}])
        if text.startswith("SELECT"):
            return iter([{"PersonId": self.owner_of(parameters[0])}])
        return iter([])

    def owner_of(self, vin):
        registrations = [
            parameters[0]
            for transaction in self.transactions
            for text, parameters in transaction
            if text == "INSERT INTO VehicleRegistration ?"
        ]
        (owner,) = [
            each["Owners"]["PrimaryOwner"]["PersonId"]
            for each in registrations
            if each["VIN"] == vin
        ]
        return owner


def run(driver, **options):
    sample = DmvSample(driver, **options)
    return {phase.name: sample.run(phase) for phase in sample.phases()}


def test_it_is_more_than_a_hundred_transactions_of_every_kind():
    driver = RecordingDriver()
    counts = run(driver)
    assert sum(counts.values()) == len(driver.transactions) > 100
    assert all(counts.values())
    texts = [text for transaction in driver.transactions for text, _ in transaction]
    for kind in ("CREATE INDEX", "INSERT INTO", "UPDATE", "DELETE", "SELECT", "FROM"):
        assert any(text.startswith(kind) for text in texts)


def test_the_same_seed_gives_the_same_documents_and_another_one_does_not():
    assert register(12, 1) == register(12, 1)
    assert register(12, 1) != register(12, 2)


def test_numbers_that_are_looked_up_are_unique():
    made = register(60, 3)
    for documents, field in (
        (made.people, "GovId"),
        (made.vehicles, "VIN"),
        (made.registrations, "LicensePlateNumber"),
        (made.licences, "LicenseNumber"),
    ):
        assert len({document[field] for document in documents}) == 60
    assert all(isinstance(r["PendingPenaltyTicketAmount"], Decimal) for r in made.registrations)


def test_a_vehicle_with_the_wrong_owner_is_not_handed_over():
    driver = RecordingDriver()
    driver.owner_of = lambda _vin: "somebody else"
    with pytest.raises(DmvSampleError, match="not owned by person 0"):
        run(driver)


def test_too_few_people_are_refused():
    with pytest.raises(DmvSampleError, match="at least 12"):
        DmvSample(RecordingDriver(), size=3)
