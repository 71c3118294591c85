"""The mappings of what the ERPs' APIs give, compiled once per process. Reads nothing else."""

from __future__ import annotations

from functools import cache
from importlib import resources

from adapters.mapping import Mapping

_MAPPINGS = resources.files("adapters.erp_events").joinpath("mappings")


@cache
def packaged_mapping(erp: str, document: str) -> Mapping:
    """Give the mapping of one ERP's document."""
    name = f"{erp}_{document}.yaml"
    return Mapping.load(_MAPPINGS.joinpath(name).read_text("utf-8"), name)


@cache
def own_mapping(text: str, name: str) -> Mapping:
    """Give a mapping that routes.yaml names."""
    return Mapping.load(text, name)
