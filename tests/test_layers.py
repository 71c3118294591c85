"""The import rule and the purity rule of ARCHITECTURE.md, read off the source with `ast`.

Nothing is imported or run. Each rule is a small function from one module to its violations; the seeded
trees at the end prove that every rule goes red on what it forbids, and stays green on what it allows.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PACKAGES = ("canonical", "adapters", "gateway", "simulators")
OUTSIDE = ("tests", "benchmarks")

SHARED = ("base", "mapping", "xml", "layouts")  # what adapters share; every adapter may import these
COMPOSERS = ("gateway/app.py", "gateway/__main__.py", "gateway/cli.py", "gateway/cli/*", "gateway/commands/*")
REHEARSALS = ("gateway/demo*", "gateway/simulate*", "gateway/*/demo*", "gateway/*/simulate*")

# What each part of the gateway must not import, though other parts may.
BELOW_THE_PIPELINE = ("gateway/journal/*", "gateway/erp/*", "gateway/security/*")
ABOVE_THE_JOURNAL = ("gateway.pipeline", "gateway.app", "gateway.cli", "gateway.commands")

# Pure files: path patterns, then the exceptions among them.
PURE = (
    "canonical/*",
    "adapters/*",
    "gateway/stage.py",
    "gateway/stage/*",
    "gateway/outcome.py",
    "gateway/planning.py",
    "gateway/ruling.py",
    "gateway/known_before.py",
    "gateway/order_opening.py",
    "gateway/four_eyes.py",
    "gateway/passing_on.py",
    "gateway/naming.py",
    "gateway/following.py",
    "gateway/going_on.py",
    "gateway/delivery_plans.py",
    "gateway/acknowledging.py",
    "gateway/correspondence.py",
    "gateway/call_answers.py",
    "gateway/earlier.py",
    "gateway/gathered.py",
    "gateway/order_facts.py",
    "gateway/order_lines.py",
    "gateway/order_documents.py",
    "gateway/moving.py",
    "gateway/invoice_owner.py",
    "gateway/entity_owner.py",
    "gateway/config/ownership.py",
    "gateway/config/*rules.py",
    "gateway/config/remains.py",
    "gateway/reconciling.py",
    "gateway/journal/moves.py",
    "gateway/journal/move_rules.py",
    "gateway/journal/parked_moves.py",
    "gateway/unit_factors.py",
    "gateway/waiting_comparisons.py",
    "gateway/erp/orders_there.py",
    "gateway/compare.py",
    "gateway/compare/*",
    "gateway/business_calendar.py",
    "gateway/rehearsal.py",
    "gateway/readiness.py",
    "gateway/evidence_replies.py",
    "gateway/facets.py",
    "gateway/erp/shadow_guard.py",
    "gateway/security/scopes.py",
    "gateway/*keys.py",
    "gateway/erp/connector/*",
    "gateway/erp/generic_rest*",
    "gateway/erp/odata/*",
    "gateway/erp/oracle_fusion*",
    "gateway/erp/sap_s4hana*",
    "gateway/erp/dynamics365*",
    "gateway/erp/raw_http.py",
    "gateway/erp/replies.py",
    "gateway/erp/json_paths.py",
    "gateway/erp/limits.py",
    "gateway/erp/settings.py",
    "gateway/erp/reading.py",
    "gateway/erp/drift/*",
    "gateway/erp/readers.py",
    "gateway/echoes.py",
    "gateway/security/partners.py",
    "gateway/security/roles.py",
    "gateway/security/bearer.py",
    "gateway/api/contract.py",
    "gateway/api/openapi.py",
    "gateway/api/arguments.py",
    "gateway/inlets/lifecycle.py",
    "gateway/operations/progress.py",
    "gateway/commands/layout.py",
    "gateway/journal/types/*",
    "gateway/journal/errors.py",
    "gateway/dossier.py",
    "gateway/forecast/model.py",
    "gateway/forecast/requests.py",
    "gateway/forecast/observing.py",
    "gateway/forecast/changes.py",
    "gateway/forecast/result.py",
    "gateway/forecast/stages.py",
    "gateway/forecast/report_*.py",
    "gateway/forecast/pictures.py",
    "gateway/security/assertions.py",
)
INPUT_OUTPUT = (
    "adapters/*/source.py",  # the two edges of an adapter
    "adapters/*/sink.py",
    "adapters/*/commands.py",  # its part of the command line
    "adapters/base/waking.py",  # how every loop waits, ours and the sources'
    "adapters/base/ending.py",  # and how every task ends
    "adapters/*/driver_*.py",  # one blocking library behind one file
    "canonical/schemas.py",  # the command that keeps the published schemas
)
READS_PACKAGED_FILES = ("*_loader.py",)  # once, at start; everything else of the purity rule holds

IMPURE_MODULES = (  # noqa: SIM905 - a list of words reads better
    "aiohttp apsw asyncio concurrent ctypes fcntl http.client http.server io.open logging multiprocessing os "
    "paramiko pathlib.Path.cwd queue random requests secrets select selectors shutil signal smtplib socket "
    "socketserver sqlite3 ssl subprocess sys.stdin sys.stdout sys.stderr tempfile tenacity threading time "
    "urllib.request uuid.uuid1 uuid.uuid4 zeep"
).split()
IMPURE_CALLS = ("open", "print", "input", "breakpoint")
CLOCK_METHODS = ("now", "utcnow", "today", "monotonic")
FILE_METHODS = (  # noqa: SIM905
    "open read_text read_bytes write_text write_bytes iterdir rglob mkdir rmdir unlink touch chmod stat "
    "lstat exists is_file is_dir samefile"
).split()

# Single breaches that are right, each with its reason; one that is no longer needed is an error too.
EXCEPTIONS = {
    ("adapters/base/registry.py", "imports adapters"): "it finds the adapters by their folders",
}


@dataclass(frozen=True, slots=True)
class Module:
    """One source file: its path below the project, its parts without `.py`, its syntax tree."""

    path: str
    parts: tuple[str, ...]
    tree: ast.Module

    @property
    def name(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Violation:
    rule: str
    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text} [{self.rule}]"


def violations(root: Path) -> list[Violation]:
    """Give every breach of the rules below a project folder, by path and line."""
    rules = (
        packages_import_downwards,
        only_composers_import_console,
        stores_stay_below,
        pure_files_stay_pure,
    )
    found = [violation for module in modules(root) for rule in rules for violation in rule(module)]
    return sorted(found, key=lambda violation: (violation.path, violation.line))


def modules(root: Path) -> Iterator[Module]:
    for package in PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            relative = file.relative_to(root)
            parts = relative.with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            yield Module(relative.as_posix(), parts, ast.parse(file.read_text(encoding="utf-8")))


# --- the import rule ----------------------------------------------------------------------------------


def packages_import_downwards(module: Module) -> Iterator[Violation]:
    allowed = allowed_imports(module)
    for target, line in imports(module):
        if target.split(".")[0] in PACKAGES + OUTSIDE and not within(target, allowed):
            yield Violation(
                "import", module.path, line, f"imports {target}; allowed here: {', '.join(allowed)}"
            )


def allowed_imports(module: Module) -> tuple[str, ...]:
    shared = tuple(f"adapters.{name}" for name in SHARED)
    match module.parts:
        case ("adapters",):
            return ("canonical", *shared)
        case ("adapters", folder, *_):
            return ("canonical", *shared, f"adapters.{folder}")
        case ("gateway", *_) if matches(module.path, REHEARSALS):
            return ("canonical", "adapters", "gateway", "simulators")
        case ("gateway", *_):
            return ("canonical", "adapters", "gateway")
        case (package, *_):  # canonical knows nothing of ours; simulators are independent witnesses
            return (package,)
    raise AssertionError(module.path)


def only_composers_import_console(module: Module) -> Iterator[Violation]:
    if matches(module.path, (*COMPOSERS, "gateway/console/*", "gateway/console.py")):
        return
    for target, line in imports(module):
        if within(target, ("gateway.console",)):
            yield Violation(
                "console", module.path, line, f"imports {target}; only {', '.join(COMPOSERS)} may"
            )


def stores_stay_below(module: Module) -> Iterator[Violation]:
    if not matches(module.path, BELOW_THE_PIPELINE):
        return
    for target, line in imports(module):
        if within(target, ABOVE_THE_JOURNAL):
            yield Violation("below", module.path, line, f"imports {target}, which stands above it")


def imports(module: Module) -> Iterator[tuple[str, int]]:
    """Give every import of a module as a full dotted name: nested, relative, for typing, and by string."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Import(names):
                yield from ((alias.name, node.lineno) for alias in names)
            case ast.ImportFrom(base, names, level):
                prefix = absolute(module, base, level or 0)
                yield from ((f"{prefix}.{alias.name}", node.lineno) for alias in names)
            case ast.Call(ast.Name(called) | ast.Attribute(attr=called), [ast.Constant(str(target)), *_]):
                if called in ("import_module", "__import__"):
                    yield target, node.lineno


def absolute(module: Module, base: str | None, level: int) -> str:
    if level == 0:
        return base or ""
    is_package = module.path.endswith("__init__.py")
    above = module.parts[: len(module.parts) - level + is_package]
    return ".".join((*above, *(base or "").split("."))).rstrip(".")


# --- the purity rule ----------------------------------------------------------------------------------


def pure_files_stay_pure(module: Module) -> Iterator[Violation]:
    is_pure = matches(module.path, PURE) or says_pure(module)
    if not is_pure or matches(module.path, INPUT_OUTPUT):
        return
    may_read = matches(module.path, READS_PACKAGED_FILES)
    for text, line in impurities(module, may_read):
        yield Violation(
            "pure", module.path, line, f"{text} in a pure file; pass what it needs as an argument"
        )


def says_pure(module: Module) -> bool:
    """Tell whether a file says of itself that it is pure: then it is held to it, listed or not."""
    return re.search(r"\bPure\b", ast.get_docstring(module.tree) or "") is not None


def impurities(module: Module, may_read: bool) -> Iterator[tuple[str, int]]:
    for target, line in imports(module):
        if within(target, tuple(IMPURE_MODULES)):
            yield f"imports {target}", line
    for node in ast.walk(module.tree):
        match node:
            case ast.Await() | ast.AsyncFor() | ast.AsyncWith():
                yield "awaits", node.lineno
            case ast.AsyncFunctionDef(name) if not declares_only(node):
                yield f"async def {name}", node.lineno
            case ast.Call(ast.Name(called)) if called in IMPURE_CALLS and not may_read:
                yield f"calls {called}()", node.lineno
            case ast.Call(ast.Attribute(attr=called)) if called in FILE_METHODS and not may_read:
                yield f"calls .{called}()", node.lineno
            case ast.Call(ast.Attribute(attr=called)) if called in CLOCK_METHODS:
                yield f"calls .{called}()", node.lineno


def declares_only(function: ast.AsyncFunctionDef) -> bool:
    """Tell whether a coroutine only states a protocol: a docstring, `...`, or both."""
    return all(
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        for statement in function.body
    )


def matches(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(path, pattern) for pattern in patterns)


def within(target: str, prefixes: tuple[str, ...]) -> bool:
    return any(target == prefix or target.startswith(f"{prefix}.") for prefix in prefixes)


# --- the tests ----------------------------------------------------------------------------------------


@cache
def violations_here() -> list[Violation]:
    return violations(PROJECT)  # some thousand files to parse, for two tests


def test_the_project_keeps_the_import_rule_and_the_purity_rule() -> None:
    found = [violation for violation in violations_here() if not excepted(violation)]

    assert not found, "\n" + "\n".join(map(str, found))


def test_every_listed_exception_is_still_needed() -> None:
    used = {exception for violation in violations_here() for exception in excepted(violation)}

    assert used == set(EXCEPTIONS)


def excepted(violation: Violation) -> list[tuple[str, str]]:
    return [
        (path, text)
        for path, text in EXCEPTIONS
        if violation.path == path and violation.text.partition(";")[0] == text
    ]


def test_the_rules_read_every_package_of_the_project() -> None:
    assert {module.parts[0] for module in modules(PROJECT)} == set(PACKAGES)


FORBIDDEN = [
    ("import", "canonical/order.py", "from adapters.base import Format"),
    ("import", "canonical/order.py", "def late():\n    import gateway.stage"),
    (
        "import",
        "canonical/order.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import simulators",
    ),
    ("import", "canonical/order.py", "import tests.golden"),
    ("import", "adapters/soap/facade.py", "from adapters.edi_x12.envelope import Interchange"),
    ("import", "adapters/soap/facade.py", "from adapters import edi_x12"),
    ("import", "adapters/soap/facade.py", "from ..edi_x12 import envelope"),
    ("import", "adapters/soap/__init__.py", "from ..edi_x12 import envelope"),
    ("import", "adapters/soap/facade.py", "import adapters"),
    ("import", "adapters/soap/facade.py", "from adapters.based import Format"),
    ("import", "adapters/soap/facade.py", "from gateway.journal import base"),
    ("import", "adapters/soap/facade.py", "import importlib\nimportlib.import_module('gateway.stage')"),
    ("import", "adapters/base.py", "from adapters.soap.facade import Facade"),
    ("import", "adapters/base/sources.py", "from gateway.stage import decide"),
    ("import", "adapters/discovery.py", "import adapters.soap"),
    ("import", "adapters/soap/commands.py", "import simulators.legacy_soap"),
    ("import", "gateway/pipeline.py", "from simulators.cloud_erp import Ledger"),
    ("import", "gateway/app.py", "import simulators"),
    ("import", "gateway/erp/http.py", "from benchmarks import figures"),
    ("import", "simulators/cloud_erp/server.py", "from adapters.base import Clock"),
    ("import", "simulators/cloud_erp/server.py", "from gateway.journal.base import Journal"),
    ("import", "simulators/cloud_erp/server.py", "from canonical.order import PurchaseOrder"),
    ("console", "gateway/pipeline.py", "from gateway.console import pages"),
    ("console", "gateway/api/admin.py", "from ..console.pages import render"),
    ("below", "gateway/journal/sqlite.py", "from gateway.pipeline import accept"),
    ("below", "gateway/erp/http.py", "from gateway import pipeline"),
    ("below", "gateway/security/tokens.py", "import gateway.app"),
    ("pure", "canonical/keys.py", "import random"),
    ("pure", "canonical/keys.py", "import os.path"),
    ("pure", "adapters/base.py", "import asyncio"),
    ("pure", "adapters/mapping.py", "import logging"),
    ("pure", "adapters/xml.py", "from urllib.request import urlopen"),
    ("pure", "adapters/soap/facade.py", "def wsdl():\n    return open('a.wsdl')"),
    ("pure", "adapters/soap/facade.py", "from pathlib import Path\nTEXT = Path('a.wsdl').read_text()"),
    ("pure", "adapters/soap/facade.py", "import time"),
    ("pure", "adapters/soap/facade.py", "from uuid import uuid4"),
    ("pure", "adapters/soap/facade.py", "from datetime import UTC, datetime\nAT = datetime.now(UTC)"),
    ("pure", "adapters/soap/facade.py", "def at(clock):\n    return clock.now()"),
    ("pure", "adapters/soap/facade.py", "async def translate():\n    return 1"),
    ("pure", "adapters/edi_x12/guide_loader.py", "import time"),
    (
        "pure",
        "adapters/sftp_files/resource.py",
        "from importlib.resources import files\nX = files('a').read_bytes()",
    ),
    ("pure", "gateway/stage.py", "import socket"),
    ("pure", "gateway/outcome.py", "from random import random"),
    ("pure", "gateway/compare.py", "print('same')"),
    ("pure", "gateway/lane_keys.py", "from datetime import date\nTODAY = date.today()"),
    ("pure", "gateway/erp/generic_rest/target.py", "import aiohttp"),
    ("pure", "gateway/pipeline.py", '"""Decides what comes next. Pure."""\nimport time'),
    ("pure", "gateway/erp/sap_s4hana/order.py", "from sys import stderr"),
]


@pytest.mark.parametrize(("rule", "path", "source"), FORBIDDEN)
def test_a_seeded_violation_goes_red(tmp_path: Path, rule: str, path: str, source: str) -> None:
    plant(tmp_path, path, source)

    assert [(found.rule, found.path) for found in violations(tmp_path)] == [(rule, path)]


ALLOWED = [
    ("canonical/order.py", "from canonical.values import Money\nfrom . import values\nimport decimal"),
    ("adapters/soap/facade.py", "from canonical.order import PurchaseOrder\nfrom adapters.xml import parse"),
    (
        "adapters/soap/facade.py",
        "from adapters import base, mapping\nfrom ..layouts import fixed\nfrom . import wsdl",
    ),
    ("adapters/soap/__init__.py", "from .facade import Facade"),
    (
        "adapters/soap/config.py",
        "from pathlib import Path, PurePosixPath\nfrom datetime import datetime, time",
    ),
    (
        "adapters/soap/source.py",
        "import asyncio, socket, logging\nasync def receive():\n    await asyncio.sleep(0)",
    ),
    ("adapters/soap/sink.py", "import time\nT = time.monotonic()"),
    ("adapters/soap/commands.py", "print(open('a').read())"),
    ("adapters/soap/driver_zeep.py", "import zeep"),
    ("adapters/edi_x12/guide_loader.py", "from importlib.resources import files\nX = files('a').read_text()"),
    ("adapters/base.py", "class Sink:\n    async def send(self):\n        '''Send it.'''\n        ..."),
    (
        "gateway/pipeline.py",
        "import asyncio, logging\nfrom adapters.soap import facade\nfrom gateway import journal",
    ),
    ("gateway/app.py", "from gateway.console import pages\nfrom gateway.pipeline import accept"),
    ("gateway/__main__.py", "import gateway.console"),
    ("gateway/cli.py", "import gateway.console"),
    ("gateway/commands/serve.py", "import gateway.console"),
    ("gateway/console/pages.py", "from gateway.console import parts"),
    ("gateway/demo.py", "from simulators.cloud_erp import serve"),
    ("gateway/commands/demo.py", "import simulators"),
    ("gateway/commands/simulate.py", "import simulators"),
    ("gateway/cli/demo_story.py", "import simulators"),
    ("gateway/journal/sqlite.py", "import apsw, threading\nfrom gateway.journal.base import Journal"),
    ("gateway/erp/http.py", "import aiohttp\nfrom gateway.security import tls"),
    ("gateway/erp/generic_rest/target.py", "import json\nfrom adapters.base import Outcome"),
    ("gateway/stage.py", "import hashlib\nfrom datetime import datetime\ndef f(now: datetime): return now"),
    ("simulators/cloud_erp/server.py", "import asyncio, os\nfrom simulators.tls import context"),
]


@pytest.mark.parametrize(("path", "source"), ALLOWED)
def test_what_the_rules_allow_stays_green(tmp_path: Path, path: str, source: str) -> None:
    plant(tmp_path, path, source)

    assert violations(tmp_path) == []


def plant(root: Path, path: str, source: str) -> None:
    (root / path).parent.mkdir(parents=True)
    (root / path).write_text(source, encoding="utf-8")
