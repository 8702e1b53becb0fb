"""What can keep a journal from being replayed."""

from __future__ import annotations

from qldbkit.errors import QldbkitError


class ReplayError(QldbkitError):
    """The journal cannot be replayed further."""


class ReplaySettingsError(ReplayError):
    """The replay is told something that it cannot work with."""


class RevisionMissingError(ReplayError):
    """An earlier revision of a document is missing: something of the journal was lost.

    The block is kept until the missing one comes; nothing behind it is applied.
    """


class BlockDamagedError(ReplayError):
    """A block's records fit its hashes one by one, but not together, or not the chain."""


class PlanError(ReplayError):
    """What a block did cannot be told from its records."""


class DestinationChangedError(ReplayError):
    """The destination is not what the replay left there: something else has written to it."""


class CatalogOrderError(ReplayError):
    """A change of tables came too late: what it would change has gone on without it."""


class UnitTooLargeError(ReplayError):
    """What was to be applied in one destination transaction is more than it takes."""


class CheckpointMovedError(ReplayError):
    """Another applier was faster; what it applied must not be applied again."""


class RetryableError(QldbkitError):
    """A database could not be reached, or had too much to do; a moment later it may not.

    What a view raises from its client's error, so that the client need not be known to tell. It is
    no `ReplayError`: nothing is wrong with the block, which must not be held for it.
    """


class BufferBusyError(QldbkitError):
    """The settling buffer does not take what has to be kept; the batch will be delivered again."""


class ReplicationHeldError(ReplayError):
    """Replay waits for something that is lost or damaged, and will not skip it."""


class NotQuarantinedError(ReplayError):
    """No record is in quarantine under that position."""


class OrderRefusedError(ReplayError):
    """What was ordered is not done, because something that it needs was not said."""
