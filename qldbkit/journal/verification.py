"""A journal proven: every hash, every link, every number, and the digest that AWS gave."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from qldbkit.journal.chain import Chain, StrandReport
from qldbkit.journal.findings import Finding, FindingKind
from qldbkit.journal.outcome import BlockFacts, Outcome
from qldbkit.journal.parallel import proven
from qldbkit.journal.sources.answers import SavedDigest
from qldbkit.journal.sources.stored import JournalSource, SourceDescription

FINDING_LIMIT: Final = 1000
"""Findings that a report lists; it counts all."""
BROKEN_EXIT: Final = 1
UNVERIFIABLE_EXIT: Final = 3


@dataclass(frozen=True, slots=True)
class DigestReport:
    """A digest that was given, and the one computed from the journal.

    Attributes:
        given: the saved one.
        computed: of the journal up to the same block; None when it could not be computed.
    """

    given: SavedDigest
    computed: bytes | None

    @property
    def equal(self) -> bool:
        """Whether both are the same."""
        return self.given.digest == self.computed


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """What a verification found.

    Attributes:
        source: what was verified.
        strands: the journals in it.
        findings: up to a limit, in the journal's order as far as it has one.
        counts: how many findings there are of each kind, listed or not.
        digest: the comparison with a saved digest, if one was given.
    """

    source: SourceDescription
    strands: tuple[StrandReport, ...]
    findings: tuple[Finding, ...]
    counts: dict[FindingKind, int]
    digest: DigestReport | None

    @property
    def exit_status(self) -> int:
        """0: proven. 1: damaged or missing. 3: nothing wrong found, but something unverifiable."""
        return exit_status(self.kinds)

    @property
    def kinds(self) -> frozenset[FindingKind]:
        """The kinds of the findings, listed or not."""
        return frozenset(kind for kind, count in self.counts.items() if count)

    def to_json(self) -> dict[str, Any]:
        """The report as JSON members; hashes are in base64, as AWS prints them."""
        found: dict[str, Any] = {
            "source": asdict(self.source),
            "proven": self.exit_status == 0,
            "strands": [_strand_json(each) for each in self.strands],
            "counts": {kind.value: count for kind, count in self.counts.items()},
            "findings": [each.to_json() for each in self.findings],
        }
        if self.digest is not None:
            computed = self.digest.computed
            found["digest"] = {
                "given": b64encode(self.digest.given.digest).decode(),
                "computed": None if computed is None else b64encode(computed).decode(),
                "tipSequenceNo": self.digest.given.tip.sequence_no,
                "equal": self.digest.equal,
            }
        return found


def exit_status(kinds: Iterable[FindingKind]) -> int:
    """What a command ends with that found these: 0 when everything is proven."""
    found = set(kinds)
    if found & {FindingKind.DAMAGED, FindingKind.MISSING}:
        return BROKEN_EXIT
    return UNVERIFIABLE_EXIT if FindingKind.UNVERIFIABLE in found else 0


Progress = Callable[[int, int], None]
"""Called with the blocks and revisions that are verified so far."""


def verify_source(
    source: JournalSource,
    digest: SavedDigest | None = None,
    *,
    processes: int = 0,
    finding_limit: int = FINDING_LIMIT,
    progress: Progress | None = None,
) -> VerificationReport:
    """Verify a journal.

    Args:
        source: the journal.
        digest: one that AWS gave, to compare with the journal's own up to the same block.
        processes: how many others share the work; 0 to do it in this one.
        finding_limit: findings that are listed; all are counted.
        progress: told how far it is, now and then.

    Raises:
        QldbkitError: the source cannot be read at all.
    """
    check = _Verification(source, digest, finding_limit)
    for batch in proven(source.stored_blocks(), processes):
        for _, outcome in batch:
            check.take(outcome)
        if progress is not None:
            progress(check.blocks, check.revisions)
    return check.report()


class _Verification:
    """A verification, as far as it got."""

    def __init__(self, source: JournalSource, digest: SavedDigest | None, limit: int):
        self._source = source.describe()
        self._digest = digest
        self._computed: bytes | None = None
        self._limit = limit
        self._findings: list[Finding] = []
        self._counts = dict.fromkeys(FindingKind, 0)
        self._chains: dict[str, Chain] = {}
        self.blocks = self.revisions = 0

    def take(self, outcome: Outcome) -> None:
        """Take what became of the next block."""
        for finding in outcome.findings:
            self._add(finding)
        if outcome.facts is not None:
            self._link(outcome.facts)

    def report(self) -> VerificationReport:
        """The report, after the last block."""
        strands = tuple(each.report() for each in self._chains.values())
        if not strands:
            self._add(Finding(FindingKind.MISSING, "not a single block could be read"))
        for strand in strands:
            if strand.unproven:
                reason = (
                    f"{strand.unproven} revisions and transactions of strand {strand.strand_id}"
                    " lost their types in JSON, so that their hashes prove nothing"
                )
                self._add(Finding(FindingKind.UNVERIFIABLE, reason))
        compared = None
        if self._digest is not None:
            compared = DigestReport(self._digest, self._computed)
            self._compare(self._digest)
        findings = tuple(self._findings)
        return VerificationReport(self._source, strands, findings, self._counts, compared)

    def _link(self, facts: BlockFacts) -> None:
        self.blocks += 1
        self.revisions += facts.revisions
        strand_id = facts.address.strand_id
        chain = self._chains.get(strand_id)
        if chain is None:
            chain = self._chains[strand_id] = Chain(strand_id, self._source.contiguous)
        for finding in chain.add(facts):
            self._add(finding)
        if self._digest is not None and facts.address == self._digest.tip:
            self._computed = chain.digest()

    def _compare(self, given: SavedDigest) -> None:
        if self._computed is None:
            reason = "the digest cannot be computed: not every block up to its tip is known"
            self._add(Finding(FindingKind.UNVERIFIABLE, reason, given.tip))
        elif self._computed != given.digest:
            reason = "the journal's digest is not the given one"
            self._add(Finding(FindingKind.DAMAGED, reason, given.tip))

    def _add(self, finding: Finding) -> None:
        self._counts[finding.kind] += 1
        if len(self._findings) < self._limit:
            self._findings.append(finding)


def _strand_json(strand: StrandReport) -> dict[str, Any]:
    return {
        "strandId": strand.strand_id,
        "firstSequenceNo": strand.first,
        "lastSequenceNo": strand.last,
        "blocks": strand.blocks,
        "revisions": strand.revisions,
        "digest": strand.digest_text,
    }
