"""The demo's own folder: certificates, the fixtures, and a routes.yaml that fits this machine."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from gateway.commands.errors import CommandError
from gateway.config import Configuration, load
from gateway.security.certificates import write_development_certificates
from simulators.scenario import Change

CHECKOUT = Path(__file__).resolve().parents[2]
ROUTES = "routes.yaml"
FIXTURES = tuple(Path("fixtures", name) for name in ("demo", "soap/wsdl", "soap/mappings"))
OWN_CLIENT = "client"  # what the gateway itself shows to the ERP


def fill(folder: Path) -> None:
    """Copy routes.yaml and the fixtures, from the checkout where there is one, else from the package."""
    with ExitStack() as stack:
        source = CHECKOUT
        if not (CHECKOUT / "pyproject.toml").is_file():
            source = stack.enter_context(as_file(files("simulators") / "demo"))
        shutil.copyfile(source / ROUTES, folder / ROUTES)
        for each in FIXTURES:
            shutil.copytree(source / each, folder / each)
    write_development_certificates(folder / "certs", datetime.now(UTC), clients=_clients(_loaded(folder)))


def adapt(folder: Path, changes: Iterable[Change]) -> Configuration:
    """Write changes into the copy of routes.yaml; comments stay. Give what it says now."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 200  # flow mappings stay on their line
    path = folder / ROUTES
    document = yaml.load(path.read_text(encoding="utf-8"))
    for change in changes:
        _put(document, change)
    text = io.StringIO()
    yaml.dump(document, text)
    path.write_text(text.getvalue(), encoding="utf-8")
    return _loaded(folder)


def _put(document: Any, change: Change) -> None:
    place = document
    for word in change.path[:-1]:
        if isinstance(place, list):
            place = next(each for each in place if each["id"] == word)
        else:
            place = place.setdefault(word, {})
    place[change.path[-1]] = change.value


def _clients(configuration: Configuration) -> list[str]:
    """Give the names that need a certificate: ours, and each partner's that is known by `cn:`."""
    named = [each for partner in configuration.partners.values() for each in partner.certificates]
    return [OWN_CLIENT, *(each.removeprefix("cn:") for each in named if each.startswith("cn:"))]


def _loaded(folder: Path) -> Configuration:
    loaded = load(folder / ROUTES)
    if isinstance(loaded, Configuration):
        return loaded
    text = "\n".join(str(each) for each in loaded)
    raise CommandError(f"the demo's routes.yaml is not good:\n{text}\nlegacy-bridge check -c routes.yaml")
