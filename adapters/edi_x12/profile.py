"""What a partner's profile may say about contents: how its answers are read, how we write to it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from adapters.base.settings import Settings
from canonical.acknowledgment import LineStatus, Response
from canonical.invoice import InvoiceType
from canonical.purchase_order import OrderType

PartialBackorder = Literal["accepted", "backordered", "separate", "whole_line"]
Delimiter = Literal["~", "*", ">", ":", "^", "!", "+", "}", "{", "|"]


class AcknowledgmentReading(Settings):
    """How this partner's 855 is understood where X12 leaves it open."""

    partial_backorder: PartialBackorder | None = None
    """What the quantity of an ACK with status BP or IB says when it is not the whole line: `accepted`: what
    is accepted, the rest is backordered; `backordered`: what is backordered, the rest is accepted;
    `separate`: each ACK tells its own quantity (IA accepted, IB backordered) and nothing about the rest;
    `whole_line`: all of the line is backordered, whatever it says. Without a word here what is not said
    stays unknown."""

    statuses: dict[str, LineStatus] = Field(default_factory=dict)
    """ACK01, or ACK29 where `status_from` says so -> what it means (`ZA: accepted`)."""

    status_from: Literal["ACK01", "ACK29"] = "ACK01"
    """Element with the true status. `ACK29`: some partners send ACK01 always the same."""

    responses: dict[str, Response] = Field(default_factory=dict)
    """BAK02 -> what it means, where this partner reads one otherwise."""


class Outbound(Settings):
    """How this partner wants what we write. What its guide does not allow is refused, never sent."""

    element_separator: Delimiter = "*"
    """Between elements."""

    component_separator: Delimiter = ">"
    """ISA16."""

    terminator: Delimiter | Literal["newline"] = "~"
    """Behind each segment."""

    repetition_separator: Delimiter = "^"
    """ISA11 from 00402 on."""

    line_break: Literal["none", "lf", "crlf"] = "lf"
    """What stands behind each terminator."""

    replace_delimiters: str | None = Field(default=None, max_length=1)
    """Character written for a delimiter or control character in a text. Default: the document is refused."""

    cut_texts: bool = False
    """Whether names and descriptions that are too long are cut. Notes are broken over several segments
    anyway. Default: the document is refused."""

    line_count: Literal["always", "as_sent"] = "always"
    """Whether CTT is written for documents that came without one. What came as X12 goes as it came."""

    party_schemes: tuple[str, ...] = ()
    """Which identifier of a party is written, best first (`gln`, `assigned_by_buyer`)."""

    item_qualifiers: dict[str, str] = Field(default_factory=dict)
    """Scheme of an item id -> qualifier that this partner expects (`vendor: VP`)."""


OrderTypes = dict[str, OrderType]
InvoiceTypes = dict[str, InvoiceType]
