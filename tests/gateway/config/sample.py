"""A small world to configure: its own kinds and formats, so that these tests know what there is."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from adapters.base import Finding
from adapters.base.settings import Duration, LocalPath, SecretRef, Settings
from gateway.config import Catalogue, Configuration, load_text
from gateway.config.catalogue import EndpointKind, FormatKind

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "config"


class Files(Settings):
    """Files in a folder."""

    folder: LocalPath
    """The folder."""

    poll: Duration | None = None
    """How often."""


class FilesFrom(Settings):
    """What a route says about its files."""

    pattern: str = "*"
    """Names."""


class Rest(Settings):
    """A REST endpoint."""

    base: str
    """Its address."""

    retries: int = Field(default=1, ge=0)
    """How often."""

    verbose: bool = False
    """Whether it talks."""

    token: SecretRef | None = None
    """What opens it."""

    supplier_output: str = ""
    """Whether it sends orders to suppliers by itself."""


class X12(Settings):
    """A partner's X12 profile."""

    isa: tuple[str, ...] = ()
    """Qualifier and id."""

    version: str = "004010"
    """Version."""


class X12Settings(Settings):
    """A route's X12 settings."""

    strict: bool = False
    """Whether."""


CATALOGUE = Catalogue(
    kinds={
        "files": EndpointKind("files", "", Files, FilesFrom, ("name", "content"), True, True),
        "rest": EndpointKind("rest", "", Rest, None, (), False, True),
    },
    formats={
        "x12": FormatKind("x12", "", X12Settings, tells=frozenset({"facility", "supplier", "order_type"})),
        "flat": FormatKind("flat", "", None),
    },
    partners={"x12": X12},
)

GOOD = """\
version: 1
gateway:
  environment: test
  organisation: mercy
  journal: "memory:"
  listen: {http: 127.0.0.1:8080}
defaults:
  retry: {attempts: 4, backoff: 1s..30s}
endpoints:
  in: {kind: files, environment: test, folder: in}
  legacy: {kind: files, environment: test, folder: legacy}
  erp: {kind: rest, environment: test, base: "http://127.0.0.1:9"}
partners:
  acme:
    environment: test
    acknowledge: {type: "997", to: reply}
    x12: {isa: [ZZ, "01"]}
routes:
  - id: po
    from: {endpoint: in, format: x12, partner: acme, set: "850", identity: content}
    targets: {legacy: legacy, cloud: erp}
    stage: canary
    canary:
      select: {facility: "04"}
      share: 10%
    losing_side: nothing
    ownership: {receiving: {at: owner}, matching: {at: owner}, on_order: none}
  - id: ack
    follows: po
    from: {http: true, format: x12, partner: acme, set: "855"}
    targets: {legacy: legacy, cloud: erp}
  - id: json
    from: {http: true, document: purchase_order}
    targets: {cloud: erp}
    stage: cloud
"""


def configured(text: str = GOOD) -> Configuration:
    loaded = load_text(text, catalogue=CATALOGUE)
    assert isinstance(loaded, Configuration), "\n".join(map(str, loaded))
    return loaded


def refused(text: str) -> list[Finding]:
    loaded = load_text(text, catalogue=CATALOGUE)
    assert isinstance(loaded, list)
    return loaded


def changed(old: str, new: str, text: str = GOOD) -> str:
    assert text.count(old) == 1, f"'{old}' must stand in the text once"
    return text.replace(old, new)
