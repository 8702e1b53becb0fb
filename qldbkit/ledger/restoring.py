"""Restore with identity: a ledger made again from its own journal.

Blocks are taken over as they are, by the fold that commits use: document ids, versions, times,
table ids, hashes, redactions and deletions are the original's, and so are digests and proofs. Each
block is verified before it is loaded; several are written in one transaction, so that after a
kill the ledger holds a prefix of the journal, and the same command goes on behind it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from qldbkit.errors import QldbkitError
from qldbkit.journal.findings import Finding, FindingKind
from qldbkit.journal.model import BlockAddress
from qldbkit.journal.outcome import BlockFacts, Outcome
from qldbkit.journal.parallel import proven
from qldbkit.journal.peaks import Peaks
from qldbkit.journal.sources.answers import SavedDigest
from qldbkit.journal.sources.stored import JournalSource, StoredBlock
from qldbkit.journal.verification import exit_status
from qldbkit.ledger.ledger import Ledger, NoSuchBlockError
from qldbkit.ledger.storable import StorableBlock, storable

BLOCKS_AT_ONCE: Final = 4000
"""Blocks that become durable together: a wait for the disk, and pages of indexes written once."""
BYTES_AT_ONCE: Final = 8 * 1024 * 1024
"""Bytes of revisions at which they do so earlier."""
BREAKS: Final = (FindingKind.DAMAGED, FindingKind.MISSING)


class DamagedJournalError(QldbkitError):
    """The journal is damaged; nothing from the damaged block on was restored."""


class DivergedError(QldbkitError):
    """The ledger and the journal are not one and the same up to the ledger's latest block."""


class Target(Protocol):
    """Where a journal is restored to."""

    def ledger(self, strand_id: str) -> Ledger:
        """The ledger for a strand, made when it is missing.

        Raises:
            QldbkitError: it holds another journal.
        """


@dataclass(frozen=True, slots=True)
class RestoreSettings:
    """What of a journal is restored, and how.

    Attributes:
        until_sequence_no: the last block; None for all.
        until_time: microseconds since 1970: blocks after it are left out; None for all.
        strand_id: which journal, where the source has several.
        stop_before_damage: end before the first damaged block instead of refusing the journal.
        allow_gaps: go on behind blocks that are not there. There are no digests behind a hole.
        processes: how many others verify; 0 to do it in this one.
    """

    until_sequence_no: int | None = None
    until_time: int | None = None
    strand_id: str | None = None
    stop_before_damage: bool = False
    allow_gaps: bool = False
    processes: int = 0


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What was restored.

    Attributes:
        strand_id: the journal; None when the source has no block.
        first: the first block that was loaded; None when there was nothing to do.
        last: the last one.
        blocks: how many were loaded.
        revisions: how many these have.
        present: blocks that the ledger had before.
        absent: blocks that are not in the source, between those that are.
        unproven: revisions and transactions of JSON whose hashes prove nothing.
        stopped_at: the damage before which it ended, if that was asked for and met.
        digest: of the ledger at its latest block, in a dry run as it would be; None behind a hole.
        given: a digest to compare with, if there was one.
        digest_equal: whether it is the ledger's at the same block; None if that is not known.
        dry_run: whether nothing was written.
    """

    strand_id: str | None
    first: int | None
    last: int | None
    blocks: int
    revisions: int
    present: int
    absent: int
    unproven: int
    stopped_at: Finding | None
    digest: bytes | None
    given: SavedDigest | None
    digest_equal: bool | None
    dry_run: bool

    @property
    def exit_status(self) -> int:
        """0: restored and proven. 1: damaged. 3: restored, but not all of it is proven."""
        kinds = []
        if self.stopped_at is not None or self.digest_equal is False:
            kinds.append(FindingKind.DAMAGED)
        if self.unproven or self.absent or (self.given and self.digest_equal is None):
            kinds.append(FindingKind.UNVERIFIABLE)
        return exit_status(kinds)

    def to_json(self) -> dict[str, Any]:
        """The report as JSON members."""
        return {
            "strandId": self.strand_id,
            "firstSequenceNo": self.first,
            "lastSequenceNo": self.last,
            "blocks": self.blocks,
            "revisions": self.revisions,
            "present": self.present,
            "absent": self.absent,
            "unproven": self.unproven,
            "stoppedAt": None if self.stopped_at is None else self.stopped_at.to_json(),
            "digest": None if self.digest is None else b64encode(self.digest).decode(),
            "digestEqual": self.digest_equal,
            "dryRun": self.dry_run,
        }


Progress = Callable[[int, int], None]
"""Called with the blocks and revisions that are restored so far."""


def restore(
    source: JournalSource,
    target: Target | None,
    settings: RestoreSettings | None = None,
    *,
    digest: SavedDigest | None = None,
    progress: Progress | None = None,
) -> RestoreReport:
    """Restore a journal into a ledger, or go on with it.

    Args:
        source: the journal.
        target: the ledger; None for a dry run, which verifies and counts.
        settings: what of it.
        digest: one that AWS gave, to compare with the ledger's at the same block.
        progress: told how far it is, now and then.

    Raises:
        DamagedJournalError: a block is damaged or missing; those before it are restored.
        DivergedError: the ledger has other blocks than the journal.
        QldbkitError: the source cannot be read, or the ledger not be written.
    """
    restoring = _Restoring(target, settings or RestoreSettings(), digest, progress)
    restoring.run(source)
    return restoring.report()


@dataclass(frozen=True, slots=True, order=True)
class _Barrier:
    """Damage that is known before its block comes."""

    address: BlockAddress
    finding: Finding = field(compare=False)


class _DryDigest:
    """The digest of a ledger that is not made, as long as no block is missing.

    Args:
        tip: at which block it is wanted beside that at the latest one.
    """

    def __init__(self, tip: BlockAddress | None):
        self._tip = tip
        self._at_tip: bytes | None = None
        self._peaks: Peaks | None = Peaks()

    def add(self, facts: BlockFacts) -> None:
        """Take the next block that would be loaded."""
        if self._peaks is None or self._peaks.size != facts.address.sequence_no:
            self._peaks = None
            return
        self._peaks.add(facts.block_hash)
        if facts.address == self._tip:
            self._at_tip = self._peaks.digest()

    def digests(self) -> tuple[bytes | None, bytes | None]:
        """At the latest block, and at the one that was asked for; None where there is none."""
        latest = self._peaks.digest() if self._peaks is not None and self._peaks.size else None
        return latest, self._at_tip


class _Restoring:
    """A restore, as far as it got."""

    def __init__(
        self,
        target: Target | None,
        settings: RestoreSettings,
        given: SavedDigest | None,
        progress: Progress | None,
    ):
        self._target = target
        self._settings = settings
        self._given = given
        self._progress = progress
        self._strand_id = settings.strand_id
        self._ledger: Ledger | None = None
        self._waiting: list[StorableBlock] = []
        self._waiting_bytes = 0
        self._first: int | None = None
        self._latest: BlockFacts | None = None
        self._stopped: Finding | None = None
        self._barrier: _Barrier | None = None
        self._dry = _DryDigest(None if given is None else given.tip)
        self._blocks = self._revisions = self._present = self._absent = self._unproven = 0

    def run(self, source: JournalSource) -> None:
        """Load everything that is to be loaded, block by block."""
        make = None if self._target is None else storable
        found = source.stored_blocks()
        with closing(proven(found, self._settings.processes, make)) as batches:
            for batch in batches:
                if not all(self._take(found, outcome) for found, outcome in batch):
                    break
                if self._progress is not None:
                    self._progress(self._present + self._blocks, self._revisions)
        self._write()

    def report(self) -> RestoreReport:
        """What was done."""
        computed, at_tip = self._dry.digests()
        if self._ledger is not None:
            computed = _digest(self._ledger, None)
            at_tip = None if self._given is None else _digest(self._ledger, self._given.tip)
        equal = None
        if self._given is not None and at_tip is not None:
            equal = at_tip == self._given.digest
        return RestoreReport(
            strand_id=self._strand_id,
            first=self._first,
            last=None if self._latest is None else self._latest.address.sequence_no,
            blocks=self._blocks,
            revisions=self._revisions,
            present=self._present,
            absent=self._absent,
            unproven=self._unproven,
            stopped_at=self._stopped,
            digest=computed,
            given=self._given,
            digest_equal=equal,
            dry_run=self._target is None,
        )

    def _take(self, found: StoredBlock | Finding, outcome: Outcome) -> bool:
        """Take the next block; False when it is not to be restored, nor any behind it."""
        facts = outcome.facts
        if isinstance(found, Finding):
            return found.kind not in BREAKS or self._noted(found)
        if facts is not None and not self._is_wanted(facts.address):
            return True
        if facts is None or not outcome.whole:
            breaks = [each for each in outcome.findings if each.kind in BREAKS]
            return self._broken((breaks or outcome.findings)[0])
        if self._is_beyond(facts):
            return False
        if self._barrier is not None and facts.address >= self._barrier.address:
            return self._broken(self._barrier.finding)
        if not self._follows(facts):
            return self._latest is not None and facts.address <= self._latest.address
        self._load(found, outcome, facts)
        return True

    def _is_wanted(self, address: BlockAddress) -> bool:
        """Whether a block is of the strand that is restored; there must be no doubt about it."""
        if self._strand_id is None:
            self._strand_id = address.strand_id
        if address.strand_id == self._strand_id:
            return True
        if self._settings.strand_id is None:
            self._write()
            raise DivergedError(
                f"the source has a second journal, {address.strand_id}; {self._strand_id} is"
                " restored",
                hint="say with --strand which one is meant",
            )
        return False

    def _is_beyond(self, facts: BlockFacts) -> bool:
        last, time = self._settings.until_sequence_no, self._settings.until_time
        return (last is not None and facts.address.sequence_no > last) or (
            time is not None and facts.time > time
        )

    def _follows(self, facts: BlockFacts) -> bool:
        """Whether a block continues what there is; damage if something is missing before it."""
        latest, address = self._latest, facts.address
        if latest is None:
            return True
        absent = address.sequence_no - latest.address.sequence_no - 1
        if absent < 0:
            return False
        if absent == 0 and facts.previous_block_hash != latest.block_hash:
            reason = "previousBlockHash is not the hash of the block before"
            return self._broken(Finding(FindingKind.DAMAGED, reason, address, facts.place))
        if absent and not self._settings.allow_gaps:
            reason = f"{absent} blocks before it are not in the source"
            return self._broken(Finding(FindingKind.MISSING, reason, address, facts.place))
        self._absent += absent
        return True

    def _noted(self, finding: Finding) -> bool:
        """Take what a source says before its blocks; go on up to the block that it concerns.

        Where it names none, the block that lacks what could not be read will be found broken.
        """
        if not self._settings.stop_before_damage:
            return self._broken(finding)
        address = finding.address
        if address is not None and address.strand_id == (self._strand_id or address.strand_id):
            barrier = _Barrier(address, finding)
            self._barrier = min(filter(None, (self._barrier, barrier)))
        return True

    def _broken(self, finding: Finding) -> bool:
        """Stop before damage if that was asked for; refuse it otherwise. Never goes on."""
        if self._settings.stop_before_damage:
            self._stopped = finding
            return False
        self._write()
        missing = finding.kind is FindingKind.MISSING
        what = "a part of the journal is missing" if missing else f"the journal is {finding.kind}"
        raise DamagedJournalError(
            f"{what}: {finding.reason}",
            position=finding.position or None,
            hint="qldbkit verify names every break; with --stop-before-damage, what is before it"
            " can be restored",
        )

    def _load(self, found: StoredBlock, outcome: Outcome, facts: BlockFacts) -> None:
        """Take a block over, unless the ledger has it."""
        self._latest = facts
        if self._ledger is None and self._target is not None:
            self._ledger = self._target.ledger(facts.address.strand_id)
        if self._ledger is not None and self._has(self._ledger, facts):
            self._present += 1
            return
        self._first = facts.address.sequence_no if self._first is None else self._first
        self._blocks += 1
        self._revisions += facts.revisions
        self._unproven += facts.unproven
        if self._ledger is None:
            self._dry.add(facts)
            return
        self._waiting.append(outcome.made)
        self._waiting_bytes += sum(len(part.data) for part in found.parts)
        if len(self._waiting) >= BLOCKS_AT_ONCE or self._waiting_bytes >= BYTES_AT_ONCE:
            self._write()

    def _has(self, ledger: Ledger, facts: BlockFacts) -> bool:
        """Whether the ledger holds the block; it must not hold another in its place."""
        tip = ledger.state.tip
        number = facts.address.sequence_no
        if tip is None or number > tip.sequence_no:
            return False
        if number == tip.sequence_no and facts.block_hash != tip.block_hash:
            raise DivergedError(
                f"ledger {ledger.name} has another block there", position=str(facts.address)
            )
        return True

    def _write(self) -> None:
        if self._waiting and self._ledger is not None:
            gaps = self._settings.allow_gaps or self._waiting[0].address.sequence_no > 0
            self._ledger.load(self._waiting, allow_gaps=gaps)
        self._waiting = []
        self._waiting_bytes = 0


def _digest(ledger: Ledger, at: BlockAddress | None) -> bytes | None:
    """The ledger's digest at a block or its latest; None where it cannot be computed."""
    tip = at or ledger.tip()
    if tip is None or tip.strand_id != ledger.strand_id:
        return None
    try:
        return ledger.digest(tip.sequence_no)
    except NoSuchBlockError:
        return None
