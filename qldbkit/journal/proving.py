"""One block, proven by what it holds: its parts decoded, and every hash in them checked.

What QLDB's hashes do not cover is checked against the rest of the block as far as it can be: its
address against its revisions', its times against each other. Blocks that were formed by
`qldbkit.journal.building` bind these by entries of their own (`BlockFacts.binds_header`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from qldbkit.errors import QldbkitError
from qldbkit.journal import decoding, kernel
from qldbkit.journal.findings import Finding, FindingKind
from qldbkit.journal.hashes import commit_digest
from qldbkit.journal.integrity import binds_header, chain_faults, content_faults, revision_holds
from qldbkit.journal.ion import IonFormatError, IonSpan
from qldbkit.journal.lossy import block_from_json
from qldbkit.journal.model import Block, BlockAddress, BlockSummary, Revision, TableInfo, present
from qldbkit.journal.moments import microseconds
from qldbkit.journal.outcome import BlockFacts, Outcome
from qldbkit.journal.records import BlockSummaryRecord, RevisionDetailsRecord, decode_record
from qldbkit.journal.sources.stored import Part, PartKind, StoredBlock

DAMAGED: Final = FindingKind.DAMAGED
MISSING: Final = FindingKind.MISSING
UNVERIFIABLE: Final = FindingKind.UNVERIFIABLE
REDACTED: Final = FindingKind.REDACTED


class _Read(NamedTuple):
    """A decoded part; a tuple, since there are as many as revisions."""

    part: Part
    summary: BlockSummary | None = None
    revision: Revision | None = None
    table: TableInfo | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A decoded summary, and what is wrong with its hashes."""

    summary: BlockSummary
    part: Part
    chain_faults: tuple[str, ...]
    content_faults: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong, as far as its form allows to tell."""
        lossy = self.part.kind is PartKind.BLOCK_JSON
        return not self.chain_faults and (lossy or not self.content_faults)

    def tell(self, check: _Check) -> None:
        """Note what is wrong."""
        for reason in self.chain_faults:
            check.find(DAMAGED, reason, self.part)
        for reason in self.content_faults:
            check.fault(reason, self.part)


_new_facts: Final = kernel.constructor(BlockFacts)
_new_outcome: Final = kernel.constructor(Outcome)


@dataclass(slots=True)
class _Check:
    """The check of one stored block, as far as it got."""

    address: BlockAddress | None
    findings: list[Finding] = field(default_factory=list)
    unproven: int = 0
    broken: bool = False
    """Whether a revision is there in no sound copy, or the block's time cannot be read."""

    def find(self, kind: FindingKind, reason: str, part: Part | None) -> None:
        place = None if part is None else part.place
        self.findings.append(Finding(kind, reason, self.address, place))

    def fault(self, reason: str, part: Part) -> None:
        """Something does not have its hash; in JSON that proves nothing."""
        if part.kind is PartKind.BLOCK_JSON:
            self.unproven += 1
        else:
            self.find(DAMAGED, reason, part)


def prove(stored: StoredBlock) -> Outcome:
    """Decode a block and check everything in it that needs no other block."""
    usual = _usual_export(stored)
    if usual is not None:
        return usual
    check = _Check(stored.address)
    reads = [each for part in stored.parts for each in _decoded(part, check)]
    usual = _usual(stored, _only_copy(reads))
    if usual is not None:
        return usual
    chosen = _chosen(reads, check)
    if chosen is None:
        return Outcome(None, None, tuple(check.findings), whole=False)
    summary = chosen.summary
    check.address = summary.address
    if stored.within is not None and summary.address not in stored.within:
        check.find(DAMAGED, "by its name, the object does not have this block", chosen.part)
    chosen.tell(check)
    block = Block(summary, _own_revisions(summary, reads, check))
    _check_streams(summary, reads, check)
    facts = _facts(block, chosen.part, check)
    whole = chosen.sound and not check.broken and _has_all(block)
    return Outcome(block, facts, tuple(check.findings), whole)


def reread(stored: StoredBlock) -> Block:
    """A block decoded, and nothing checked: one of whose proof, elsewhere, no finding came."""
    reads = [each for part in stored.parts for each in _decode(part)]
    summary = next(each.summary for each in reads if each.summary is not None)
    own = {each.revision.hash: each.revision for each in reads if each.revision is not None}
    named = dict.fromkeys(each.hash for each in summary.revision_summaries)
    return Block(summary, tuple(own[each] for each in named if each in own))


def _usual_export(stored: StoredBlock) -> Outcome | None:
    """The same as `_usual`, of a block that is there in binary, and in one part."""
    if not kernel.COMPILED or len(stored.parts) != 1 or stored.parts[0].kind is not PartKind.BLOCK:
        return None
    try:
        return _usual(stored, _block(stored.parts[0]))
    except QldbkitError:  # it is decoded again, and told
        return None


def _usual(stored: StoredBlock, block: Block | None) -> Outcome | None:
    """What became of a block that is there once, whole and sound, as nearly every one is.

    None for any other: what there is to say of it takes looking at its parts one by one.
    """
    found = None if block is None else kernel.sound(block.summary, block.revisions)
    if block is None or found is None:
        return None
    summary, (time, binds_header, binds_commit) = block.summary, found
    if stored.within is not None and summary.address not in stored.within:
        return None
    facts = _new_facts(
        summary.address,
        summary.block_hash,
        summary.previous_block_hash,
        time,
        len(block.revisions),
        0,
        binds_header,
        binds_commit,
        stored.parts[0].place,
    )
    return _new_outcome(block, facts, (), True, None)


def _only_copy(reads: list[_Read]) -> Block | None:
    """The block, if its summary comes first and each revision that it names was read once behind.

    None where a part is JSON, whose hashes prove nothing, or of another stream than the first.
    """
    if not kernel.COMPILED or not reads:
        return None
    part, summary = reads[0].part, reads[0].summary
    if summary is None or part.kind is PartKind.BLOCK_JSON:
        return None
    own: dict[bytes, Revision] = {}
    for each in reads[1:]:
        if each.revision is None or each.part.stream_arn != part.stream_arn:
            return None
        if each.table is not None and not _in_table(each.table, _document_of(each), summary):
            return None
        own[each.revision.hash] = each.revision
    if len(own) != len(reads) - 1 or len(own) != len(summary.revision_summaries):
        return None
    named = [own[each.hash] for each in summary.revision_summaries if each.hash in own]
    return Block(summary, tuple(named)) if len(named) == len(own) else None


def _document_of(read: _Read) -> str | None:
    metadata = None if read.revision is None else read.revision.metadata
    return None if metadata is None else metadata.id


def _has_all(block: Block) -> bool:
    found = {each.hash for each in block.revisions}
    named = block.summary.revision_summaries
    return all(each.hash in found or each.document_id is None for each in named)


def _decoded(part: Part, check: _Check) -> Iterator[_Read]:
    """A part decoded; nothing, and a finding, if it cannot be."""
    try:
        yield from _decode(part)
    except QldbkitError as error:
        check.find(DAMAGED, f"it cannot be read: {error}", part)


def _decode(part: Part) -> list[_Read]:
    match part.kind:
        case PartKind.SUMMARY_RECORD | PartKind.REVISION_RECORD:
            record = decode_record(part.data)
            if isinstance(record, BlockSummaryRecord):
                return [_Read(part, summary=record.summary)]
            assert isinstance(record, RevisionDetailsRecord)  # by the part's kind
            return [_Read(part, revision=record.revision, table=record.table)]
        case PartKind.SUMMARY:
            return [_Read(part, summary=decoding.block_summary(IonSpan.parse(part.data)))]
        case PartKind.REVISION:
            return [_Read(part, revision=decoding.revision(IonSpan.parse(part.data)))]
    block = _block(part)
    revisions = [_Read(part, revision=each) for each in block.revisions]
    return [_Read(part, summary=block.summary), *revisions]


def _block(part: Part) -> Block:
    if part.kind is PartKind.BLOCK_JSON:
        return block_from_json(part.data)
    if part.kind is PartKind.BLOCK:
        return decoding.block(IonSpan.parse(part.data))
    try:
        text = part.data.decode()
    except UnicodeDecodeError as error:
        raise IonFormatError("the text is not UTF-8", error.start) from error
    return decoding.block(IonSpan.from_text(text))


def _chosen(reads: list[_Read], check: _Check) -> _Candidate | None:
    """The block's summary: of several, one whose hashes hold."""
    found = [
        _Candidate(
            each.summary,
            each.part,
            tuple(chain_faults(each.summary)),
            tuple(content_faults(each.summary)),
        )
        for each in reads
        if each.summary is not None
    ]
    if not found:
        if reads:
            check.find(MISSING, "the block's summary is not there", reads[0].part)
        return None
    chosen = next((each for each in found if each.sound), found[0])
    for other in found:
        if other is chosen:
            continue
        if not other.sound:
            other.tell(check)
        elif other.summary.block_hash != chosen.summary.block_hash:
            reason = f"it contradicts {chosen.part.place}, which has another block of that address"
            check.find(DAMAGED, reason, other.part)
    return chosen


def _own_revisions(
    summary: BlockSummary, reads: list[_Read], check: _Check
) -> tuple[Revision, ...]:
    """The revisions that the summary names, each checked, in its order."""
    named = {each.hash: each.document_id for each in summary.revision_summaries}
    own: dict[bytes, Revision] = {}
    seen, sound = set(), set()
    for read in reads:
        if read.revision is None:
            continue
        reason = _foreign(read, named, summary)
        if reason is not None:
            check.find(DAMAGED, reason, read.part)
            continue
        seen.add(read.revision.hash)
        if revision_holds(read.revision):
            own[read.revision.hash] = read.revision
            sound.add(read.revision.hash)
        else:
            if read.part.kind is PartKind.BLOCK_JSON:  # what it lost proves nothing
                sound.add(read.revision.hash)
            own.setdefault(read.revision.hash, read.revision)
            check.fault(
                f"the hash of {_name(read.revision)} is not that of its contents", read.part
            )
    for hash_, document_id in named.items():
        if hash_ not in seen and document_id is not None:
            check.find(MISSING, f"the revision of document {document_id} is not there", None)
    check.broken = own.keys() > sound
    _note_redactions(own, reads, check)
    return tuple(own[each] for each in named if each in own)


def _foreign(read: _Read, named: Mapping[bytes, str | None], summary: BlockSummary) -> str | None:
    """Why a revision is not one of the block's; None if it is."""
    revision, id_ = read.revision, _document_of(read)
    assert revision is not None  # of those that have one
    metadata = revision.metadata
    if revision.hash not in named or named[revision.hash] != id_:
        return f"the block did not commit this revision of {_name(revision)}"
    if revision.address is not None and revision.address != summary.address:
        return f"{_name(revision)} names another block: {revision.address}"
    if metadata is not None and revision.address is None:
        return f"{_name(revision)} names no block"
    if metadata is not None and metadata.tx_id != summary.transaction_id:
        return f"{_name(revision)} names another transaction"
    if read.table is not None and not _in_table(read.table, id_, summary):
        return f"{_name(revision)} names another table than its transaction does"
    return None


def _in_table(table: TableInfo, document_id: str | None, summary: BlockSummary) -> bool:
    info = summary.transaction_info
    document = None if info is None or document_id is None else info.documents.get(document_id)
    named = None if document is None else (document.table_name, document.table_id)
    return named == (table.table_name, table.table_id)


def _note_redactions(own: Mapping[bytes, Revision], reads: list[_Read], check: _Check) -> None:
    for read in reads:
        if read.revision is not None and read.revision.redacted and read.revision.hash in own:
            check.find(REDACTED, f"the data of {_name(read.revision)} was redacted", read.part)


def _check_streams(summary: BlockSummary, reads: list[_Read], check: _Check) -> None:
    """Each stream that carried a part of the block should have carried all of it."""
    streams = {each.part.stream_arn for each in reads if each.part.stream_arn}
    if len(streams) < 2:  # as nearly always
        return
    whole = 1 + len(summary.document_ids)
    for stream_arn in sorted(streams):
        found = {_identity(each) for each in reads if each.part.stream_arn == stream_arn}
        if len(found) < whole:
            reason = f"stream {stream_arn} carries only {len(found)} of the block's {whole} records"
            check.find(UNVERIFIABLE, reason, None)


def _identity(read: _Read) -> bytes:
    return b"" if read.revision is None else read.revision.hash


def _facts(block: Block, part: Part, check: _Check) -> BlockFacts:
    summary = block.summary
    time = _block_time(block, part, check)
    info = summary.transaction_info
    digests = [each.statement_digest for each in info.statements] if info is not None else []
    return BlockFacts(
        summary.address,
        summary.block_hash,
        summary.previous_block_hash,
        time,
        len(block.revisions),
        check.unproven,
        *_bound(summary, digests, part, check),
        part.place,
    )


def _bound(
    summary: BlockSummary, digests: list[bytes], part: Part, check: _Check
) -> tuple[bool, bool]:
    """Whether entries bind the block's header, and its transaction."""
    entries, id_ = summary.entries_hash_list, summary.header["transactionId"]
    try:
        return binds_header(summary), commit_digest(id_, digests) in entries
    except IonFormatError as error:
        check.find(DAMAGED, f"the block's header cannot be read: {error}", part)
        return False, False


def _block_time(block: Block, part: Part, check: _Check) -> int:
    """The block's time, which should be none before those of what it holds."""
    written = None
    try:
        written = microseconds(block.summary.block_timestamp_ion)
        times = list(map(microseconds, _times(block)))
    except IonFormatError as error:
        check.find(DAMAGED, f"a time of the block cannot be read: {error}", part)
        check.broken |= written is None
        return written or 0
    if any(each > written for each in times):
        reason = "the block's time, which QLDB covers by no known hash, is before that of a part"
        check.find(UNVERIFIABLE, reason, part)
    return written


def _times(block: Block) -> Iterator[IonSpan]:
    info = block.summary.transaction_info
    for statement in () if info is None else info.statements:
        yield present(statement.start_time_ion, "startTime")
    for revision in block.revisions:
        if revision.metadata is not None:
            yield present(revision.metadata.tx_time_ion, "txTime")


def _name(revision: Revision) -> str:
    metadata = revision.metadata
    if metadata is None:
        return "an internal revision"
    return f"document {metadata.id}, version {metadata.version}"
