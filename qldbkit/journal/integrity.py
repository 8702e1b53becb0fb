"""Whether blocks and revisions are what their hashes say.

Nothing here needs more than the records themselves: a block carries the hashes of its entries and
of the block before it, a revision the hash of its metadata and data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final, Protocol

from qldbkit.errors import QldbkitError
from qldbkit.journal import kernel
from qldbkit.journal.hashes import block_hash, merkle_root, revision_hash
from qldbkit.journal.ion import IonFormatError, IonSpan
from qldbkit.journal.ionhash import struct_hash
from qldbkit.journal.model import Block, BlockAddress, BlockSummary, Revision
from qldbkit.journal.moments import microseconds

REVISIONS: Final = "revisions"
"""The field of an exported block that no hash of its summary covers as it stands."""


class IntegrityError(QldbkitError):
    """A block or revision is not what its hash says: it was changed or damaged."""


def revision_holds(revision: Revision) -> bool:
    """Whether a revision's hash is that of its metadata and its data (or data hash).

    A revision that is internal to QLDB has nothing but a hash, and nothing to check. Contents that
    are damaged so far that they have no hash are not those that were hashed.
    """
    metadata = revision.metadata
    if metadata is None:
        return True
    try:
        return revision_hash(metadata.ion, revision.data, revision.data_hash) == revision.hash
    except IonFormatError:
        return False


def chain_faults(summary: BlockSummary) -> Iterator[str]:
    """What is wrong with a block's hashes of hashes: entries, block and revisions."""
    entries = summary.entries_hash_list
    if merkle_root(entries) != summary.entries_hash:
        yield "entriesHash is not the root of entriesHashList"
    if block_hash(summary.entries_hash, summary.previous_block_hash) != summary.block_hash:
        yield "blockHash is not that of its entries and previous block"
    hashes = [each.hash for each in summary.revision_summaries]
    if hashes and merkle_root(hashes) not in entries:
        yield "the revisions' hashes are not among the hashed entries"


def content_faults(summary: BlockSummary) -> Iterator[str]:
    """What of a block's transaction and redactions is not what its entries were hashed from."""
    entries = summary.entries_hash_list
    info, redactions = summary.transaction_info, summary.redaction_info
    if info is not None and not _is_entry(info.ion, entries):
        yield "transactionInfo is not among the hashed entries"
    if redactions is not None and not _is_entry(redactions.ion, entries):
        yield "redactionInfo is not among the hashed entries"
    named = {each.document_id for each in summary.revision_summaries}
    if info is not None and None in named and not named.issuperset(info.documents):
        # No hash covers the summaries' document ids: one without passes for internal to QLDB
        yield "a revision summary does not name its document"


def _is_entry(span: IonSpan, entries: Sequence[bytes]) -> bool:
    try:
        return span.hash() in entries
    except IonFormatError:
        return False


def verify_revision(revision: Revision) -> None:
    """Check that a revision's hash is that of its contents; see `revision_holds`.

    Raises:
        IntegrityError: it is not.
    """
    if not revision_holds(revision):
        assert revision.metadata is not None  # without metadata it holds
        metadata = revision.metadata
        raise IntegrityError(
            f"the hash of document {metadata.id}, version {metadata.version}, is not that of"
            " its contents",
            position=str(revision.address) if revision.address else None,
        )


def verify_summary(summary: BlockSummary) -> None:
    """Check a block's hashes: entries, block, transaction, redactions and revision hashes.

    Raises:
        IntegrityError: one of them is not that of its contents.
    """
    if kernel.sound(summary, None) is not None:
        return
    for reason in chain(chain_faults(summary), content_faults(summary)):
        raise _broken(summary, reason)


def verify_readable_summary(summary: BlockSummary) -> bool:
    """Check a block's hashes, and that what none of them covers is Ion, and its time one.

    Returns:
        What `binds_header` does.

    Raises:
        IntegrityError: a hash is not that of its contents.
        IonFormatError: something cannot be read.
    """
    if REVISIONS not in summary.ion.context.texts:
        sound = kernel.sound(summary, None)
        if sound is not None:  # whatever it has was decoded or hashed
            _, bound, _ = sound
            return bound
    verify_summary(summary)
    summary.ion.hash()
    microseconds(summary.block_timestamp_ion)
    return binds_header(summary)


def binds_header(summary: BlockSummary) -> bool:
    """Whether a hash covers the block's address, transaction and time; QLDB's own have none.

    It is the one that `qldbkit.journal.building.header_hash` makes.

    Raises:
        IonFormatError: one of them cannot be read.
    """
    return struct_hash(summary.header) in summary.entries_hash_list


def verify_block(block: Block) -> None:
    """Check a block with its revisions: every hash, and that they are the ones it committed.

    Raises:
        IntegrityError: a hash is not that of its contents, or a revision is missing or foreign.
    """
    summary = block.summary
    verify_summary(summary)
    for each in block.revisions:
        verify_revision(each)
        if each.address is not None and each.address != summary.address:
            raise _broken(summary, f"it holds a revision of {each.address}")
        transaction = summary.transaction_id
        if each.metadata is not None and each.metadata.tx_id != transaction:
            raise _broken(summary, "it holds a revision of another transaction")
    # The summaries' document ids are not hashed themselves: the revisions' metadata is.
    named = {each.hash: each.document_id for each in summary.revision_summaries}
    for each in block.revisions:
        id_ = None if each.metadata is None else each.metadata.id
        if each.hash not in named or named.pop(each.hash) != id_:
            raise _broken(summary, "it holds a revision that it did not commit")
    missing = [id_ for id_ in named.values() if id_ is not None]
    if missing:
        raise _broken(summary, f"{len(missing)} of its revisions are missing")


class Linked(Protocol):
    """A block, as far as the one before it is concerned."""

    @property
    def address(self) -> BlockAddress:
        """Where it stands."""

    @property
    def previous_block_hash(self) -> bytes:
        """The hash of the block before it."""


def verify_link(address: BlockAddress, expected_hash: bytes, following: Linked) -> None:
    """Check that the block behind ``address`` continues the chain.

    Args:
        address: the block before.
        expected_hash: its block hash.
        following: the block with the next sequence number.

    Raises:
        IntegrityError: ``following`` names another previous block.
    """
    if following.previous_block_hash != expected_hash:
        raise _broken(following, f"previousBlockHash is not the hash of the block at {address}")


def _broken(summary: Linked, reason: str) -> IntegrityError:
    return IntegrityError(f"a block is damaged: {reason}", position=str(summary.address))
