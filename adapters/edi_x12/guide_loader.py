"""The guide files that ship with the adapter, read once per process. Reads nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from ruamel.yaml import YAML

_GUIDES = resources.files("adapters.edi_x12").joinpath("guides")


@cache
def guide_file(name: str) -> Mapping[str, Any]:
    """Give one of our guide files: `elements`, `segments`, or a set's number."""
    loaded = YAML(typ="safe", pure=True).load(_GUIDES.joinpath(f"{name}.yaml").read_text("utf-8"))
    return loaded if isinstance(loaded, dict) else {}


@cache
def guide_names() -> frozenset[str]:
    """Give the set types that have a guide."""
    names = (file.name for file in _GUIDES.iterdir())
    return frozenset(name[:-5] for name in names if re.fullmatch(r"\d{3}\.yaml", name))
