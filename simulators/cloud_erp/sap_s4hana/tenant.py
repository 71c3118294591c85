"""How the simulated SAP is set up: organisation, suppliers, users, and its ways apart from faults."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal


@dataclass(frozen=True, slots=True)
class SupplierMaster:
    """One supplier. `key` is how SAP stores it: ten digits with zeros in front, where it is a number."""

    key: str
    name: str
    purchasing_is_blocked: bool = False
    posting_is_blocked: bool = False
    organisations: tuple[str, ...] = ("1010",)
    gln: str = ""


SUPPLIERS = (
    SupplierMaster("0010300001", "Sterile Supply Co", gln="0012345000010"),
    SupplierMaster("0010300002", "Blocked Trading", purchasing_is_blocked=True),
    SupplierMaster("0010300003", "No Posting Ltd", posting_is_blocked=True),
    SupplierMaster("MEDLINE", "Named Supplier"),
)


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant: its organisation, its master data, and its ways."""

    company_codes: frozenset[str] = frozenset({"1010"})
    purchasing_organisations: frozenset[str] = frozenset({"1010"})
    purchasing_groups: frozenset[str] = frozenset({"001", "002"})
    plants: frozenset[str] = frozenset({"1010", "1020"})
    units: frozenset[str] = frozenset({"PC", "EA", "BX", "CS", "KG", "L", "PAK", "CAR", "EUR", "RO"})
    currencies: frozenset[str] = frozenset({"USD", "EUR", "JPY", "KWD"})
    order_types: frozenset[str] = frozenset({"NB"})
    text_ids: frozenset[str] = frozenset({"F01", "F02", "F03"})
    condition_types: frozenset[str] = frozenset({"FRB1", "RB00", "RA01"})
    blocked_materials: frozenset[str] = frozenset({"BLOCKED"})
    suppliers: tuple[SupplierMaster, ...] = SUPPLIERS
    open_from: date = date(2026, 1, 1)  # postings before it lie in a closed period
    duplicate_invoice: Literal["error", "warning", "accepted"] = "error"
    pads_items: bool = False  # answers say 00010 where 10 was sent
    warns: bool = False  # each create succeeds with a warning
    page_size: int = 100
    ignores_filter: bool = False
    needs_csrf: bool = True
    csrf_life_s: float = 1_800.0
    confirmation_delay_s: float = 0.0  # how long a message taken with 202 waits before it is worked on
    confirmation_key: str = ""  # the confirmation control key that new order items get from the supplier
