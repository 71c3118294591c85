"""What can go wrong with a journal: each error says whether trying again can help."""

from __future__ import annotations


class JournalError(Exception):
    """The store failed (disk full, I/O, fsync): nothing of the call is durable, the process must end."""


class JournalBusyError(Exception):
    """The bounded queue in front of the store is full. Nothing was written; the caller may try again."""


class StaleClaimError(Exception):
    """The claim is no longer ours: it expired and was taken over, or a person moved the delivery."""


class StaleStageError(Exception):
    """The stage is not what the caller expected it to be."""


class UnknownError(Exception):
    """There is no such message, delivery, exception or route."""


class RefusedError(Exception):
    """It would be wrong now, and nothing was changed; the text is a sentence that says what to do instead."""
