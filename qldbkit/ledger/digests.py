"""GetDigest, GetBlock and GetRevision: what proves that a journal is what it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qldbkit.journal import codec
from qldbkit.journal.blocks import exported_struct
from qldbkit.journal.decoding import block_address
from qldbkit.journal.ion import IonFormatError, IonSpan
from qldbkit.journal.model import Block, BlockAddress, Revision
from qldbkit.journal.proofs import revision_proof
from qldbkit.journal.shapes import JournalFormatError
from qldbkit.ledger.errors import InvalidParameterError, ResourcePreconditionNotMetError
from qldbkit.ledger.ledger import Ledger, NoSuchBlockError

Request = Mapping[str, Any]
Answer = dict[str, Any]


class JournalQueries:
    """The control plane's operations that read a journal.

    Args:
        ledger: the ledger of a name; raises `ResourceNotFoundError`.
    """

    def __init__(self, ledger: Callable[[str], Ledger]):
        self._ledger = ledger

    def get_digest(self, request: Request) -> Answer:
        """The digest of the journal up to its latest block."""
        ledger = self._ledger(request["Name"])
        tip = ledger.tip()
        if tip is None:
            raise ResourcePreconditionNotMetError(
                f"The journal of ledger {request['Name']} has no block yet",
                ResourceType="Ledger",
                ResourceName=request["Name"],
            )
        try:
            digest = ledger.digest(tip.sequence_no)
        except NoSuchBlockError as error:  # the journal was restored with holes
            raise ResourcePreconditionNotMetError(
                error.message, ResourceType="Ledger", ResourceName=request["Name"]
            ) from error
        return {
            "Digest": digest,
            "DigestTipAddress": {"IonText": _text(_address_struct(tip))},
        }

    def get_block(self, request: Request) -> Answer:
        """A block, with the proof that a digest covers it when a tip is given."""
        ledger = self._ledger(request["Name"])
        address = _block_at(ledger, request, "BlockAddress")
        block = _block(ledger, address)
        answer: Answer = {"Block": {"IonText": _text(exported_struct(block))}}
        if "DigestTipAddress" in request:
            answer["Proof"] = _proof_text(_proof_of_block(ledger, request, address))
        return answer

    def get_revision(self, request: Request) -> Answer:
        """A document's revision, with the proof that a digest covers it when a tip is given."""
        ledger = self._ledger(request["Name"])
        address = _block_at(ledger, request, "BlockAddress")
        block = _block(ledger, address)
        revision = _revision_in(block, request["DocumentId"])
        answer: Answer = {"Revision": {"IonText": _text(revision.ion.value())}}
        if "DigestTipAddress" in request:
            proof_of_block = _proof_of_block(ledger, request, address)
            proof = revision_proof(block.summary, revision.hash, proof_of_block)
            answer["Proof"] = _proof_text(proof)
        return answer


def _proof_of_block(ledger: Ledger, request: Request, address: BlockAddress) -> Sequence[bytes]:
    tip = _block_at(ledger, request, "DigestTipAddress")
    if tip.sequence_no < address.sequence_no:
        raise _refused(
            "The DigestTipAddress is before the BlockAddress: its digest cannot cover the block",
            "DigestTipAddress",
        )
    try:
        return ledger.proof(address.sequence_no, tip.sequence_no)
    except NoSuchBlockError as error:
        raise _refused(error.message, "DigestTipAddress") from error


def _block(ledger: Ledger, address: BlockAddress) -> Block:
    try:
        return ledger.block(address.sequence_no)
    except NoSuchBlockError as error:
        raise _refused(str(error), "BlockAddress") from error


def _block_at(ledger: Ledger, request: Request, member: str) -> BlockAddress:
    address = _address(request, member)
    tip = ledger.tip()
    if address.strand_id != ledger.strand_id:
        raise _refused(
            f"The strand {address.strand_id} of the {member} is not one of the ledger's", member
        )
    if tip is None or not 0 <= address.sequence_no <= tip.sequence_no:
        raise _refused(f"The journal has no block at the {member}, {address}", member)
    return address


def _address(request: Request, member: str) -> BlockAddress:
    text = request[member].get("IonText", "")
    try:
        return block_address(IonSpan.from_text(text))
    except (IonFormatError, JournalFormatError):
        raise _refused(
            f"The {member} must be an Ion struct like"
            ' {strandId:"BlFTjlSXze9BIh1KOszcE3",sequenceNo:14}',
            member,
        ) from None


def _revision_in(block: Block, document_id: str) -> Revision:
    for revision in block.revisions:
        if revision.metadata is not None and revision.metadata.id == document_id:
            return revision
    raise _refused(
        f"The block at {block.address} has no revision of document {document_id}", "DocumentId"
    )


def _address_struct(address: BlockAddress) -> dict[str, Any]:
    return {"strandId": address.strand_id, "sequenceNo": address.sequence_no}


def _proof_text(hashes: Sequence[bytes]) -> Answer:
    return {"IonText": _text(list(hashes))}


def _text(value: Any) -> str:
    """Ion text without the version marker, as QLDB's answers have it."""
    return codec.write_text(value)


def _refused(message: str, member: str) -> InvalidParameterError:
    return InvalidParameterError(message, ParameterName=member)
