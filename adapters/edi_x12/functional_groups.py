"""Which functional group a transaction set stands in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

GROUP_OF_SET: Mapping[str, str] = MappingProxyType({
    "810": "IN", "820": "RA", "832": "SC", "846": "IB", "850": "PO", "855": "PR", "856": "SH", "860": "PC",
    "865": "CA", "997": "FA", "999": "FA",
})  # fmt: skip
"""Functional identifier (GS01, element 479) that belongs to a set (ST01)."""
