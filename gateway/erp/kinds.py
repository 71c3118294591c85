"""Which cloud ERPs (and plain HTTP receivers) there are: each a module of this package with a Target.

Like adapters, kinds are found, not listed: a module is an endpoint kind when it defines a class with
``next_request`` and ``interpret`` that is made from an endpoint's name and its settings. The file's
name is the word that routes.yaml uses, the type of ``settings`` is the model that validates it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any, get_type_hints

from pydantic import BaseModel

from adapters.base import Target

# The wire brings aiohttp: a sixth of the start of each command, most of which send nothing.
NO_KINDS = frozenset({"kinds", "http"})


@dataclass(frozen=True, slots=True)
class ErpKind:
    """One endpoint kind of this package."""

    name: str
    summary: str  # the first line of its module's docstring
    settings: type[BaseModel]
    target: Callable[[str, Any], Target]  # makes one for an endpoint: (name, settings)


@lru_cache(maxsize=1)
def erp_kinds() -> Mapping[str, ErpKind]:
    """Give all kinds by name."""
    package = importlib.import_module("gateway.erp")
    names = sorted({info.name for info in pkgutil.iter_modules(package.__path__)} - NO_KINDS)
    found = (_kind(name, importlib.import_module(f"gateway.erp.{name}")) for name in names)
    return {kind.name: kind for kind in found if kind is not None}


def _kind(name: str, module: ModuleType) -> ErpKind | None:
    for each in vars(module).values():
        if not isinstance(each, type) or not f"{each.__module__}.".startswith(f"{module.__name__}."):
            continue
        if callable(getattr(each, "next_request", None)) and callable(getattr(each, "interpret", None)):
            settings = get_type_hints(vars(each)["__init__"]).get("settings")
            if isinstance(settings, type) and issubclass(settings, BaseModel):
                summary = (module.__doc__ or "").strip().partition("\n")[0]
                return ErpKind(name, summary, settings, each)
    return None
