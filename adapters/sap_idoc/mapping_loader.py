"""The mapping that ships with the adapter, compiled once per process. Reads nothing else."""

from __future__ import annotations

from functools import cache
from importlib import resources

from adapters.mapping import Mapping


@cache
def orders_mapping() -> Mapping:
    """Give the mapping of ORDERS05."""
    file = resources.files("adapters.sap_idoc").joinpath("mappings", "orders.yaml")
    return Mapping.load(file.read_text("utf-8"), "orders.yaml")
