"""Saved blocks, revisions and proofs, checked against a saved digest without the journal."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from qldbkit.journal.findings import Finding, FindingKind
from qldbkit.journal.integrity import revision_holds
from qldbkit.journal.model import Block, BlockAddress, Revision
from qldbkit.journal.proofs import block_proof, proves, revision_proof
from qldbkit.journal.proving import prove
from qldbkit.journal.sources.answers import AnswerError, SavedAnswers, SavedDigest
from qldbkit.journal.sources.stored import Part, PartKind, StoredBlock
from qldbkit.journal.verification import exit_status

DAMAGED: Final = FindingKind.DAMAGED
UNVERIFIABLE: Final = FindingKind.UNVERIFIABLE
Proof = Sequence[bytes]


@dataclass(frozen=True, slots=True)
class AnswersReport:
    """What saved answers prove.

    Attributes:
        proven: what a proof leads from to the digest, as sentences.
        findings: what is the matter.
    """

    proven: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def exit_status(self) -> int:
        """As a journal's: 0 proven, 1 damaged, 3 nothing wrong but something unverifiable."""
        return exit_status(self.kinds)

    @property
    def kinds(self) -> frozenset[FindingKind]:
        """The kinds of the findings."""
        return frozenset(each.kind for each in self.findings)

    def to_json(self) -> dict[str, Any]:
        """The report as JSON members."""
        return {
            "proven": self.exit_status == 0,
            "proofs": list(self.proven),
            "findings": [each.to_json() for each in self.findings],
        }


def merged(files: Sequence[SavedAnswers]) -> SavedAnswers:
    """What several files hold together; a proof saved by itself belongs to what has none.

    Raises:
        AnswerError: two files hold different answers to the same question.
    """
    found = SavedAnswers()
    for each in files:
        for name in SavedAnswers.__dataclass_fields__:
            value, before = getattr(each, name), getattr(found, name)
            if value is not None and before is not None and value != before:
                raise AnswerError(f"two files give a different {name.replace('_', ' ')}")
            found = replace(found, **{name: before if value is None else value})
    if found.lone_proof is None:
        return found
    if found.revision is not None and found.revision_proof is None:
        return replace(found, revision_proof=found.lone_proof, lone_proof=None)
    if found.block_text is not None and found.block_proof is None:
        return replace(found, block_proof=found.lone_proof, lone_proof=None)
    return found


@dataclass(slots=True)
class _Check:
    digest: SavedDigest | None
    proven: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def find(self, kind: FindingKind, reason: str, address: BlockAddress | None = None) -> None:
        self.findings.append(Finding(kind, reason, address))

    @property
    def damaged(self) -> bool:
        """Whether something is, so that it is no ground for other checks."""
        return any(each.kind is DAMAGED for each in self.findings)

    def path(self, what: str, leaf: bytes, proof: Proof | None, address: BlockAddress) -> None:
        """Follow a proof from a hash to the digest."""
        if proof is None or self.digest is None:
            lacking = "digest" if self.digest is None else "proof"
            self.find(UNVERIFIABLE, f"there is no {lacking} to check {what} with", address)
        elif not proves(leaf, proof, self.digest.digest):
            self.find(DAMAGED, f"the proof does not lead from {what} to the digest", address)
        elif not _covers(self.digest.tip, address):
            self.find(DAMAGED, f"the digest at {self.digest.tip} does not cover {what}", address)
        else:
            digest = b64encode(self.digest.digest).decode()
            tip = self.digest.tip.sequence_no
            self.proven.append(f"{what} of {address} is in the journal of digest {digest} at {tip}")


def verify_answers(answers: SavedAnswers) -> AnswersReport:
    """Check everything that saved answers hold against each other and the digest."""
    check = _Check(answers.digest)
    block = None if answers.block_text is None else _block(answers.block_text, check)
    if block is not None:
        summary = block.summary
        check.path("the block", summary.block_hash, answers.block_proof, summary.address)
        _check_length(answers.block_proof, answers.digest, summary.address, 0, check)
    if answers.revision is not None:
        _check_revision(answers.revision, answers, block, check)
    if answers.lone_proof is not None:
        check.find(UNVERIFIABLE, "there is a proof, but neither block nor revision to it")
    if answers.block_text is None and answers.revision is None:
        check.find(UNVERIFIABLE, "there is neither a block nor a revision to check")
    return AnswersReport(tuple(check.proven), tuple(check.findings))


def _block(text: str, check: _Check) -> Block | None:
    outcome = prove(StoredBlock(None, (Part(PartKind.BLOCK_TEXT, text.encode()),)))
    check.findings += outcome.findings
    return outcome.block


def _check_revision(
    revision: Revision, answers: SavedAnswers, block: Block | None, check: _Check
) -> None:
    address, proof = revision.address, answers.revision_proof
    if address is None or revision.metadata is None:
        check.find(DAMAGED, "the revision names no block or no document")
        return
    if not revision_holds(revision):
        check.find(DAMAGED, "the revision's hash is not that of its contents", address)
    check.path("the revision", revision.hash, proof, address)
    if block is None or block.address != address or check.damaged:
        _check_length(proof, answers.digest, address, 1, check)
        if block is not None and block.address != address:
            check.find(UNVERIFIABLE, "the revision is of another block than the one saved", address)
        return
    if revision.ion not in [each.ion for each in block.revisions]:
        check.find(DAMAGED, "the revision is not as the block has it", address)
    elif proof is not None and answers.block_proof is not None:
        expected = revision_proof(block.summary, revision.hash, answers.block_proof)
        if list(proof) != expected:
            check.find(DAMAGED, "the revision's proof does not go on as the block's", address)


def _check_length(
    proof: Proof | None,
    digest: SavedDigest | None,
    address: BlockAddress,
    before: int,
    check: _Check,
) -> None:
    """A proof has one hash for every level of the tree below the digest's tip.

    A revision's has further ones before these, at least the previous block's hash.
    """
    if proof is None or digest is None or not _covers(digest.tip, address):
        return
    levels = len(block_proof(address.sequence_no, digest.tip.sequence_no + 1, _no_node))
    if len(proof) < levels + before or (not before and len(proof) != levels):
        reason = f"the proof has {len(proof)} hashes; from there to the tip it takes {levels}"
        check.find(DAMAGED, reason, address)


def _no_node(_: int, __: int) -> bytes:
    return b""


def _covers(tip: BlockAddress, address: BlockAddress) -> bool:
    return tip.strand_id == address.strand_id and tip.sequence_no >= address.sequence_no
