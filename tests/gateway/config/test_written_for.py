"""What `check` says of a route that writes for a partner whose profile lets nothing be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.base import Finding
from gateway.config import Configuration, load_text

ROUTES = """\
version: 1
gateway: {environment: test, organisation: mercy, listen: {http: "127.0.0.1:8080"}}
endpoints:
  old: {kind: sftp_files, environment: test, folder: old}
partners:
  mms: {environment: test, edi_x12: {isa: [{qualifier: ZZ, id: MMS}], us: {qualifier: ZZ, id: HUB}}}
routes:
  - id: po
    from: {http: true, document: purchase_order, partner: mms}
    targets: {legacy: old}
    write: {old: {format: edi_x12, partner: mms}}
    stage: legacy
    acknowledge: {type: none}
"""
IDS = ", edi_x12: {isa: [{qualifier: ZZ, id: MMS}], us: {qualifier: ZZ, id: HUB}}"


def findings(text: str) -> list[Finding]:
    found = load_text(text, folder=Path())
    return [] if isinstance(found, Configuration) else list(found)


def test_a_partner_with_both_interchange_ids_is_good() -> None:
    assert findings(ROUTES) == []


@pytest.mark.parametrize(
    ("profile", "lacks", "has"),
    [
        ("", ("us:", "isa:"), ()),
        (", edi_x12: {isa: [{qualifier: ZZ, id: MMS}]}", ("us:",), ("isa:",)),
        (", edi_x12: {us: {qualifier: ZZ, id: HUB}}", ("isa:",), ("us:",)),
    ],
)
def test_a_partner_without_interchange_ids_is_an_error_at_the_line_that_writes_for_it(
    profile: str, lacks: tuple[str, ...], has: tuple[str, ...]
) -> None:
    (found,) = findings(ROUTES.replace(IDS, profile))

    assert (found.code, found.at.path, found.at.line) == ("X12-PARTIES", "routes[0].write.old", 11)
    assert ":11:13 " in str(found)  # line and column
    assert all(word in found.text for word in ("partner 'mms'", "partners.NAME.edi_x12", *lacks))
    assert not any(word in found.text for word in has)


def test_without_a_partner_that_is_named_there_is_nobody_to_write_for() -> None:
    text = ROUTES.replace(", partner: mms", "")
    (found,) = findings(text)

    assert found.code == "X12-PARTIES"
    assert found.text.startswith("no partner is named")


@pytest.mark.parametrize("section", ["", ", cxml: {us: {identity: HUB}}", ", cxml: {them: {identity: ACME}}"])
def test_a_cxml_partner_that_does_not_say_who_speaks_to_whom_is_an_error_there_too(section: str) -> None:
    text = ROUTES.replace("format: edi_x12", "format: cxml")
    (found,) = findings(text.replace(IDS, section))

    assert (found.code, found.at.path, found.at.line) == ("CXML-SETTINGS", "routes[0].write.old", 11)
    assert findings(text.replace(IDS, ", cxml: {us: {identity: HUB}, them: {identity: ACME}}")) == []
