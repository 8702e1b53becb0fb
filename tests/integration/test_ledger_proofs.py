"""What GetDigest, GetBlock and GetRevision give verifies by the rules of QLDB's own clients."""

import pytest
from amazon.ion import simpleion

from qldbkit.journal.blocks import decode_block
from qldbkit.journal.integrity import verify_block, verify_link, verify_revision
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.proofs import proves
from qldbkit.ledger.server import running_server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("proofs") / "ledgers") as running:
        yield running


@pytest.fixture(scope="module")
def journal(server, connected, in_one):
    """A ledger with twenty-odd blocks, and the id of a document in it."""
    connected(server).create()
    with connected(server).driver() as driver:
        in_one(driver, ("CREATE TABLE Person",))
        rows = in_one(driver, ("INSERT INTO Person ?", [{"n": n} for n in range(3)]))[0]
        for number in range(20):
            in_one(driver, ("UPDATE Person SET v = ? WHERE n = 1", number))
        driver_rows = in_one(driver, ("SELECT COUNT(*) FROM Person",))
    assert driver_rows == [[{"_1": 3}]]
    return str(rows[1]["documentId"])


def blocks(qldb, tip):
    strand = simpleion.loads(tip["IonText"])["strandId"]
    last = simpleion.loads(tip["IonText"])["sequenceNo"]
    for number in range(last + 1):
        address = {"IonText": f'{{strandId:"{strand}",sequenceNo:{number}}}'}
        yield address, qldb.get_block(Name="orders", BlockAddress=address, DigestTipAddress=tip)


def hashes(holder):
    return [each.blob() for each in IonSpan.from_text(holder["IonText"]).elements()]


def test_every_block_is_whole_linked_and_proved_by_the_digest(qldb, journal):
    digest = qldb.get_digest(Name="orders")
    previous = None
    for _, answer in blocks(qldb, digest["DigestTipAddress"]):
        block = decode_block(IonSpan.from_text(answer["Block"]["IonText"]).binary())
        verify_block(block)
        if previous is not None:
            verify_link(block.address, previous, block.summary)
        previous = block.summary.block_hash
        assert proves(previous, hashes(answer["Proof"]), digest["Digest"])


def test_every_revision_is_proved_by_the_digest(qldb, journal):
    digest = qldb.get_digest(Name="orders")
    proved = 0
    for address, answer in blocks(qldb, digest["DigestTipAddress"]):
        block = decode_block(IonSpan.from_text(answer["Block"]["IonText"]).binary())
        for revision in block.revisions:
            if revision.metadata is None:
                continue
            found = qldb.get_revision(
                Name="orders",
                BlockAddress=address,
                DocumentId=revision.metadata.id,
                DigestTipAddress=digest["DigestTipAddress"],
            )
            verify_revision(revision)
            assert (
                IonSpan.from_text(found["Revision"]["IonText"]).fields()["hash"].blob()
                == revision.hash
            )
            assert proves(revision.hash, hashes(found["Proof"]), digest["Digest"])
            proved += 1
    assert proved >= 23


def test_an_older_digest_stays_provable(server, qldb, journal, connected, in_one):
    digest = qldb.get_digest(Name="orders")
    with connected(server).driver() as driver:
        for number in range(5):
            in_one(driver, ("UPDATE Person SET v = ? WHERE n = 2", number))
    for _, answer in blocks(qldb, digest["DigestTipAddress"]):
        block = IonSpan.from_text(answer["Block"]["IonText"]).fields()
        proof = hashes(answer["Proof"])
        assert proves(block["blockHash"].blob(), proof, digest["Digest"])


def test_without_a_digest_s_tip_there_is_no_proof(qldb, journal):
    tip = qldb.get_digest(Name="orders")["DigestTipAddress"]
    assert "Proof" not in qldb.get_block(Name="orders", BlockAddress=tip)


@pytest.mark.parametrize(
    "text",
    [
        '{strandId:"STRAND",sequenceNo:999}',
        '{strandId:"STRAND",sequenceNo:-1}',
        '{strandId:"aaaaaaaaaaaaaaaaaaaaaa",sequenceNo:0}',
        '{strandId:"STRAND"}',
        "{",
        "5",
        "null",
        '"x"',
    ],
)
def test_what_is_no_address_of_a_block_is_an_invalid_parameter(qldb, journal, text, failure):
    tip = qldb.get_digest(Name="orders")["DigestTipAddress"]
    strand = simpleion.loads(tip["IonText"])["strandId"]
    address = {"IonText": text.replace("STRAND", strand)}
    for call, further in ((qldb.get_block, {}), (qldb.get_revision, {"DocumentId": "a" * 22})):
        code = failure(call, Name="orders", BlockAddress=address, **further)
        assert code == ("InvalidParameterException", 400)
    code = failure(qldb.get_block, Name="orders", BlockAddress=tip, DigestTipAddress=address)
    assert code == ("InvalidParameterException", 400)


def test_a_revision_that_is_not_in_the_block_is_an_invalid_parameter(qldb, journal, failure):
    tip = qldb.get_digest(Name="orders")["DigestTipAddress"]
    strand = simpleion.loads(tip["IonText"])["strandId"]
    first = {"IonText": f'{{strandId:"{strand}",sequenceNo:0}}'}
    code = failure(qldb.get_revision, Name="orders", BlockAddress=first, DocumentId=journal)
    assert code == ("InvalidParameterException", 400)
