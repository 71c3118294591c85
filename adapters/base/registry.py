"""Finding adapters: a folder under ``adapters/`` or an entry point of an installed package.

There is no list to edit. A package is an adapter when its ``__init__`` defines ``adapter()``,
which gives an ``Adapter``; the folder's name is the word that routes.yaml uses.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from pydantic import BaseModel

from adapters.base.environment import Clock, Judgments, Rng, SourceMemory
from adapters.base.facade import Facade
from adapters.base.findings import Finding
from adapters.base.formats import Environment, Format
from adapters.base.http import MakeHttpSink, no_http
from adapters.base.library import Library
from adapters.base.targets import Target
from adapters.base.transport import Sink, Source

ENTRY_POINT_GROUP = "legacy_bridge.adapters"
NAME_PATTERN = re.compile(r"[a-z][a-z0-9_]*")
SHARED = frozenset({"base", "mapping", "xml", "layouts"})  # parts of several adapters, not adapters


def no_outlet(endpoint: str) -> Sink:
    """Stand in where nobody lends another endpoint's sink. Errors: RuntimeError, always."""
    raise RuntimeError(f"the sink of endpoint '{endpoint}' was not lent")


@dataclass(frozen=True, slots=True)
class EndpointSetup:
    """What an adapter's source or sink is built from; only ``gateway/app.py`` makes one."""

    name: str  # the endpoint's name in routes.yaml
    environment: Environment
    settings: BaseModel  # the adapter's endpoint model
    clock: Clock
    rng: Rng
    secret: Callable[[str], str]  # resolves a secret reference (env:NAME, file:PATH) when it is needed
    library: Library = field(default_factory=Library)  # the mappings and layouts that the settings name
    http: MakeHttpSink = no_http  # the gateway's one HTTP sink, for adapters that speak HTTP
    outlet_of: Callable[[str], Sink] = no_outlet  # the sink of another endpoint, with its credentials


@dataclass(frozen=True, slots=True)
class SourceSetup:
    """What a source is built from: its endpoint and the route that it feeds."""

    endpoint: EndpointSetup
    route: str
    settings: BaseModel | None  # the adapter's source model: ``from:`` beyond what all routes share
    identity: str | None  # the route's ``identity:``
    partner: str | None
    memory: SourceMemory
    size_bytes_max: int
    judgments: Judgments | None = None  # what translation finds later, for sources that tell their senders


@dataclass(frozen=True, slots=True)
class FacadeRoute:
    """One route whose requests arrive at a facade."""

    route: str
    set_type: str | None  # the route's ``from.set``: the one call that it takes
    settings: BaseModel | None  # the route's ``from.settings``: the adapter's format settings
    partner: str | None
    reply: str  # accepted, wait, pass_through, query
    identity: str | None


@dataclass(frozen=True, slots=True)
class FacadeSetup:
    """What a facade is built from; only the gateway's wiring makes one."""

    endpoint: EndpointSetup
    routes: tuple[FacadeRoute, ...]
    library: Library
    size_bytes_max: int


@dataclass(frozen=True, slots=True)
class Reread:
    """What came of reading files again that settings name. Findings: of what stays as it was read before."""

    findings: tuple[Finding, ...] = ()
    has_changed: bool = False
    undo: Callable[[], None] = lambda: None  # put what was read before back into force


@dataclass(frozen=True, slots=True)
class Adapter:
    """What one adapter offers; all but the name and the summary may be absent."""

    name: str
    summary: str  # one line, for ``--help`` and the configuration reference
    endpoint: type[BaseModel] | None = None  # settings of ``endpoints.<name>`` with this kind
    source_settings: type[BaseModel] | None = None  # settings of a route's ``from`` with this kind
    partner: type[BaseModel] | None = None  # ``partners.<name>.<adapter>``
    format_settings: type[BaseModel] | None = None  # a route's ``from.settings`` with this format
    format: Callable[[], Format] | None = None
    holds: bytes = b""  # the beginning of each input of its format; of others the format is not even loaded
    source: Callable[[SourceSetup], Source | None] | None = None
    sink: Callable[[EndpointSetup], Sink] | None = None
    target: Callable[[EndpointSetup], Target | None] | None = None  # None where nothing is delivered there
    facade: Callable[[FacadeSetup], Facade] | None = None  # it may read files: built in a thread
    tells: frozenset[str] | None = None  # what `select`, `pin_legacy` may look at; None: anything
    is_enveloped: bool = False  # what the gateway writes in its format carries control numbers of ours
    content_types: tuple[str, ...] = ()  # under which its format comes over HTTP; empty: under any
    answers_queries: bool = False  # its target declares questions that change nothing (``reply: query``)
    identities: tuple[str, ...] = ()  # what a route's ``identity:`` may say for this source
    judge: Callable[[BaseModel, Library], list[Finding]] | None = None  # its settings, with what they name
    judge_writing: Callable[[BaseModel | None], list[Finding]] | None = None  # the profile it writes for
    needs: tuple[str, ...] = ()  # settings without which its format reads nothing: a route's or its partner's
    commands: Mapping[str, str] = field(default_factory=dict)  # its commands -> one line for ``--help``
    check: Callable[[BaseModel], Awaitable[list[str]] | list[str]] | None = None  # ``check --live``
    writes_documents: Callable[[BaseModel], bool] | None = None  # its target wants documents, also for legacy
    prepare: Callable[[BaseModel], None] | None = None  # slow reading, done in a thread before it is needed
    version: Callable[[BaseModel], str] | None = None  # of the files that settings name, as they are in force
    reread: Callable[[Sequence[BaseModel]], Reread] | None = None  # for a reload, in a thread, of all
    warm: Callable[[], None] | None = None  # what its format's first input would wait for, likewise
    judge_endpoint: Callable[[str, BaseModel, Library], list[Finding]] | None = None  # with its files
    check_endpoint: Callable[[EndpointSetup], Awaitable[list[str]]] | None = None  # the same, with secrets
    gives_erp_orders: bool = False  # its documents come from the cloud ERP itself: none goes back there
    package: str = ""  # the importable package that it is; the registry says so


@lru_cache(maxsize=1)
def adapters() -> Mapping[str, Adapter]:
    """Give all adapters by name. Errors: AdapterError where one cannot be loaded or names clash."""
    found: dict[str, Adapter] = {}
    for name, module in (*_folders(), *_entry_points()):
        made = _load(name, module)
        if made is None:
            continue
        if name in found:
            raise AdapterError(f"two adapters are called '{name}'; rename one of them")
        found[name] = made
    return found


def adapter(name: str) -> Adapter:
    """Give one adapter by its name. Errors: AdapterError, listing the names there are."""
    known = adapters()
    if not NAME_PATTERN.fullmatch(name) or name not in known:
        raise AdapterError(f"there is no adapter '{name}'; there are: {', '.join(sorted(known))}")
    return known[name]


def commands() -> Mapping[str, Adapter]:
    """Give which adapter brings which command. Errors: AdapterError where two bring the same one."""
    found: dict[str, Adapter] = {}
    for made in adapters().values():
        for name in made.commands:
            if name in found:
                raise AdapterError(f"the adapters '{found[name].name}' and '{made.name}' both bring '{name}'")
            found[name] = made
    return found


def commands_module(made: Adapter) -> ModuleType:
    """Import an adapter's ``commands.py``; only where one of its commands runs. Errors: AdapterError."""
    try:
        module = importlib.import_module(f"{made.package}.commands")
    except ImportError as error:
        raise AdapterError(f"the commands of adapter '{made.name}' cannot be loaded: {error}") from error
    if not callable(getattr(module, "add", None)):
        raise AdapterError(f"the commands of adapter '{made.name}': commands.py must define add()")
    return module


class EndpointError(Exception):
    """An endpoint cannot be built from its settings and files; all reasons at once."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = findings


class AdapterError(Exception):
    """An adapter is missing, broken, or named like another."""


def _folders() -> list[tuple[str, str]]:
    package = importlib.import_module("adapters")
    places = [str(Path(place)) for place in package.__path__]
    names = [info.name for info in pkgutil.iter_modules(places) if info.ispkg]
    return [
        (name, f"adapters.{name}") for name in names if name not in SHARED and NAME_PATTERN.fullmatch(name)
    ]


def _entry_points() -> list[tuple[str, str]]:
    return [(point.name, point.value) for point in entry_points(group=ENTRY_POINT_GROUP)]


def _load(name: str, module: str) -> Adapter | None:
    try:
        made = getattr(importlib.import_module(module.partition(":")[0]), "adapter", None)
    except ImportError as error:
        raise AdapterError(f"adapter '{name}' cannot be loaded: {error}") from error
    if made is None:
        return None  # a folder that is not (yet) an adapter
    result = made()
    if not isinstance(result, Adapter) or result.name != name:
        raise AdapterError(f"adapter '{name}': adapter() must give an Adapter named '{name}'")
    return replace(result, package=module.partition(":")[0])
