"""The format ``db_triggers``: one changed row as JSON <-> a canonical document, by a mapping. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adapters.base import (
    DecodeContext,
    EncodeError,
    Envelope,
    Finding,
    Interchange,
    Position,
    Verdict,
)
from adapters.db_triggers.decoder import RowDecoder
from canonical.document import CanonicalDocument

NAME = "db_triggers"
BEGINS = b'{"table":'


class RowFormat:
    """Rows of legacy tables, as the feed writes them."""

    name = NAME

    def decoder(self, context: DecodeContext, resume: bytes | None = None) -> RowDecoder:
        """Make a decoder for one change."""
        return RowDecoder(context, resume)

    def encode(self, documents: Sequence[CanonicalDocument], envelope: Envelope) -> bytes:
        """Refuse: a database takes canonical documents, by the mappings of its endpoint."""
        text = "a change of a row is only read; a database endpoint writes canonical documents by itself"
        raise EncodeError([Finding("DB-FORMAT", Position(NAME), text)])

    def acknowledge(
        self, interchange: Interchange, verdicts: Mapping[int, Verdict], envelope: Envelope
    ) -> bytes | None:
        """Give none: that the row is gone from the outbox is the acknowledgment."""
        return None

    def wrap(self, sets: Sequence[bytes], interchange: Interchange, envelope: Envelope) -> bytes:
        """Put changes one a line."""
        return b"".join(each.rstrip(b"\n") + b"\n" for each in sets)

    def is_urgent(self, head: bytes) -> bool:
        """Tell nothing: only a mapping knows which column says so."""
        return False

    def identity(self, head: bytes) -> str | None:
        """Give none: the feed names each change itself."""
        return None

    def recognises(self, head: bytes) -> bool:
        """Look for the beginning that the feed writes."""
        return head.startswith(BEGINS)
