"""X12 as a Format: what the gateway sees of this adapter. Pure; numbers and times come with the Envelope."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from adapters.base.findings import Finding
from adapters.base.formats import (
    ControlKey,
    DecodeContext,
    Decoder,
    Envelope,
    Interchange,
    Verdict,
)
from adapters.edi_x12.acknowledge import acknowledge
from adapters.edi_x12.control_keys import keys_of_body
from adapters.edi_x12.decoder import X12Decoder
from adapters.edi_x12.encode import encode
from adapters.edi_x12.heads import identity, looks_like_x12
from adapters.edi_x12.left_out import left_out
from adapters.edi_x12.outbound import wrap
from canonical.document import CanonicalDocument

_URGENT = re.compile(rb"BEG([^A-Za-z0-9\s])[0-9]{2}\1(?:RO|EO)\1")


class X12Format:
    """See `adapters.base.Format`."""

    name = "edi_x12"

    def decoder(self, context: DecodeContext, resume: bytes | None = None) -> Decoder:
        """Make a decoder for one input."""
        return X12Decoder(context, resume)

    def encode(self, documents: Sequence[CanonicalDocument], envelope: Envelope) -> bytes:
        """Write orders, acknowledgments and invoices. Errors: EncodeError, with all findings."""
        return encode(documents, envelope)

    def left_out(self, document: CanonicalDocument) -> tuple[Finding, ...]:
        """Give a note for each field of a document that its set does not say."""
        return left_out(document)

    def acknowledge(
        self, interchange: Interchange, verdicts: Mapping[int, Verdict], envelope: Envelope
    ) -> bytes | None:
        """Write TA1 and 997 or 999 of one interchange; None for acknowledgments and for bare sets."""
        return acknowledge(interchange, verdicts, envelope)

    def wrap(self, sets: Sequence[bytes], interchange: Interchange, envelope: Envelope) -> bytes:
        """Put sets of one interchange, bytes unchanged, into a new envelope of ours."""
        return wrap(sets, interchange, envelope)

    def control_keys(self, body: bytes) -> tuple[ControlKey, ...]:
        """Give the control numbers of an interchange that we wrote."""
        return keys_of_body(body)

    def is_urgent(self, head: bytes) -> bool:
        """Tell whether a rush order shows in the first bytes. Source: BEG02 (element 92) RO, EO."""
        return _URGENT.search(head) is not None

    def identity(self, head: bytes) -> str | None:
        """Give the first interchange's sender, receiver and control number (ISA05-ISA08, ISA13)."""
        return identity(head)

    def recognises(self, head: bytes) -> bool:
        """Tell whether the first bytes look like X12."""
        return looks_like_x12(head)
