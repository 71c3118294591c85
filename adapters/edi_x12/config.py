"""What a partner's configuration may say about X12: who they are, what they may do wrong.

Everything is declared here once; `partners.<name>.edi_x12` in routes.yaml is validated by it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from adapters.base.findings import Level
from adapters.base.settings import Settings
from adapters.edi_x12.profile import AcknowledgmentReading, InvoiceTypes, OrderTypes, Outbound

Policy = Literal["accept_with_errors", "reject"]


def _text_encoding(name: str) -> str:
    """Take an encoding in which delimiters and segment names are ASCII, as reading begins with them."""
    try:
        is_fit = "ISA*~".encode(name) == b"ISA*~"
    except (LookupError, UnicodeError) as error:
        raise ValueError(f"'{name}' is no encoding that is known; expected one such as cp1252") from error
    if not is_fit:
        raise ValueError(f"in '{name}' ASCII is written otherwise; expected one such as utf-8 or cp1252")
    return name


class InterchangeId(Settings):
    """One (qualifier, id) pair of ISA05/ISA06 or ISA07/ISA08, trimmed."""

    qualifier: str = Field(pattern=r"^[A-Z0-9]{2}$")
    """ISA05 or ISA07, such as ZZ, 01 or 12: two characters."""

    id: str = Field(pattern=r"^[!-~](?:[ -~]{0,13}[!-~])?$")
    """ISA06 or ISA08 without its padding: 1 to 15 characters."""


class GuideOverride(Settings):
    """How a partner's guide for one set differs from ours; merged on it, keys that are absent stay.

    `segments` replaces element lists (`ZZX: M127 O352 | P0102`, the notation of `guides/segments.yaml`),
    `limits` the usage and repeats of a place in the structure (`N1/N3: O/4`), `extra` adds segments
    behind a place (`BEG: [ZZX O/1]`), `codes` replaces the code list of an element.
    """

    elements: dict[str, str] = Field(default_factory=dict)
    """Element number -> `AN 1/30`."""

    segments: dict[str, str] = Field(default_factory=dict)
    """Segment id -> its elements and notes."""

    limits: dict[str, str] = Field(default_factory=dict)
    """Path in the structure -> `M/1`, `O/>1`."""

    extra: dict[str, list[str]] = Field(default_factory=dict)
    """Path -> segments allowed behind it."""

    codes: dict[str, list[str]] = Field(default_factory=dict)
    """Element number -> codes allowed."""


class X12Partner(Settings):
    """One partner's X12 profile."""

    isa: tuple[InterchangeId, ...] = ()
    """The partner's interchange ids."""

    gs: tuple[str, ...] = ()
    """The partner's application ids (GS02, GS03)."""

    version: str = "004010"
    """Version of sets that come without GS, and of ours."""

    read_version_as: dict[str, str] = Field(default_factory=dict)
    """GS08 for which we have no guide -> the version whose guide fits (004030: 004010)."""

    encoding: Annotated[str, AfterValidator(_text_encoding)] | None = None
    """Character encoding; default UTF-8, else Latin-1 where that fails."""

    refuse: tuple[str, ...] = ()
    """Codes of tolerances (findings of level note) that this partner may not need."""

    levels: dict[str, Level] = Field(default_factory=dict)
    """Finding code -> level, where ours does not suit."""

    se_count: Policy = "accept_with_errors"
    """SE01, SE02 or CTT01 do not match the transaction set."""

    envelope_counts: Policy = "accept_with_errors"
    """GE or IEA counts or control numbers do not match."""

    duplicates: Literal["accept_with_errors", "acknowledge_again", "reject"] = "accept_with_errors"
    """A control number was used before, in this file or in an earlier one. `acknowledge_again`: what an
    earlier file brought is answered and goes nowhere a second time; inside one file it is as the first."""

    unique: tuple[Literal["ISA13", "GS06", "ST02"], ...] = ("ISA13", "GS06")
    """Control numbers that this partner never uses twice, from file to file. ST02 where it numbers its sets
    throughout; most begin anew in each group."""

    interchange_acknowledgment: Literal["auto", "always", "never"] = "auto"
    """Whether a TA1 is written. `auto`: where ISA14 asks for it, and where the envelope has a fault."""

    acknowledgment_version: str | None = None
    """GS08 of acknowledgments. Default: that of what is acknowledged; of a 999, 005010X231A1."""

    unknown_segments: Literal["keep", "reject"] = "keep"
    """A segment that the guide does not know."""

    unknown_sets: Literal["pass_through", "reject"] = "pass_through"
    """A transaction set for which there is no guide, and which `pass_through` does not name."""

    pass_through: tuple[str, ...] = ()
    """Sets that are only passed on, as "856": where the whole interchange goes on as it came, who gets it
    acknowledges it, and the gateway does not."""

    units: dict[str, str] = Field(default_factory=dict)
    """Unit as sent -> X12 element 355 code (`BX10: BX`)."""

    guides: dict[str, GuideOverride] = Field(default_factory=dict)
    """Set type -> override of its guide."""

    order_types: OrderTypes = Field(default_factory=dict)
    """BEG02 -> order type, where this partner has codes of its own (`ZZ: bill_only`)."""

    already_placed: Literal["bill_only_and_confirmed", "confirmed", "never"] = "bill_only_and_confirmed"
    """Which orders the supplier has already when they come: those are created and sent to nobody.
    `confirmed`: BEG01 06; bill-only orders too unless it says otherwise."""

    invoice_types: InvoiceTypes = Field(default_factory=dict)
    """BIG07 -> invoice type, where this partner has codes of its own."""

    acknowledgments: AcknowledgmentReading = AcknowledgmentReading()
    """How its 855 is understood."""

    us: InterchangeId | None = None
    """Our interchange id towards it (ISA05, ISA06 of what we send)."""

    us_gs: str | None = None
    """Our application id (GS02). Default: the id of `us`."""

    outbound: Outbound = Outbound()
    """How it wants what we write."""


NO_PARTNER = X12Partner()


def partner_of(settings: BaseModel | None) -> X12Partner:
    """Give the partner's profile, the default one where the configuration names none."""
    return settings if isinstance(settings, X12Partner) else NO_PARTNER
