"""A corpus of made-up traffic, by seed: orders, answers, invoices, files, and what goes wrong with them.

Each message is what a sender would post: a route, an idempotency key, and bytes. The same seed and size give
the same corpus. Two configurations belong to it: the one in force, and a changed one that moves much at once.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from simulators.flat_files.scenario import clinics_file
from tests.adapters.edi_x12.rig import numbered

FLAT = Path(__file__).resolve().parents[3] / "fixtures" / "demo" / "flat"
UNKNOWN_AFTER_S = 2

ROUTES = """\
version: 1
gateway:
  environment: test
  organisation: mercy
  journal: sqlite:var/journal.db
  workers: 0
  listen: {{http: 127.0.0.1:0}}
endpoints:
  mms:  {{kind: sftp_files, environment: test, folder: mms, name: "{{stem}}-{{reference}}.{{role}}"}}
  acks: {{kind: sftp_files, environment: test, folder: acks, name: "{{reference}}.997"}}
  hub:  {{kind: sftp_files, environment: test, folder: hub, name: "{{reference}}.edi"}}
  erp:  {{kind: generic_rest, environment: test, base: "{erp}", plaintext: true{erp_settings}}}
partners:
  mms:
    environment: test
    resend: {{same_content: acknowledge, window: 30d}}
    number_rules: {{order: {{strip_leading_zeros: {strip}}}}}
    acknowledge: {{type: "997", by: auto, to: acks}}
    control_numbers: {{lowest: 700000000, highest: 799999999}}
    edi_x12: {{isa: [{{qualifier: ZZ, id: MERCYMMS}}], version: "004010"{mms_x12}}}
  acme:
    environment: test
    edi_x12: {{isa: [{{qualifier: ZZ, id: ACME}}]}}
  clinics:
    environment: test
    flat_files: {{layout: clinics, mapping: clinics}}
crosswalks: {{suppliers: supplier}}
layouts: {{clinics: clinics.layout.yaml}}
mappings: {{clinics: {mapping}}}
routes:
  - id: po
    from: {{http: true, format: edi_x12, partner: mms, set: "850", identity: idempotency_key}}
    targets: {{legacy: mms, cloud: erp, supplier: hub}}
    transmitter: {{cloud: {transmitter}}}
    stage: canary
    canary:
      {{select: {{facility: ["04", "05"]}}, share: {share}, pin_legacy: {{order_type: [blanket]}}}}
    losing_side: {losing}
    ownership: {{receiving: {{at: owner}}, matching: {{at: owner}}, on_order: none}}
    unknown_order: {{to: {unknown}, after: 2s}}
  - id: ack
    follows: po
    from: {{http: true, format: edi_x12, partner: acme, set: "855", identity: idempotency_key}}
    targets: {{legacy: mms, cloud: erp}}
    unknown_order: {{to: {unknown}, after: 2s}}
  - id: inv
    follows: po
    from: {{http: true, format: edi_x12, partner: acme, set: "810", identity: idempotency_key}}
    targets: {{legacy: mms, cloud: erp}}
    unknown_order: {{to: {unknown}, after: 2s}}
  - id: portal
    from: {{http: true, document: purchase_order, identity: idempotency_key}}
    targets: {{legacy: mms, cloud: erp}}
    stage: {portal}
  - id: clinics
    from: {{http: true, format: flat_files, partner: clinics, identity: idempotency_key}}
    targets: {{legacy: mms, cloud: erp}}
    stage: {clinics}
"""

IN_FORCE = {
    "erp_settings": "",
    "strip": "false",
    "mms_x12": "",
    "mapping": "clinics.mapping.yaml",
    "transmitter": "erp",
    "share": "30%",
    "losing": "nothing",
    "unknown": "legacy",
    "portal": "legacy",
    "clinics": "shadow",
}
STRICT_PER = "M366 O93 M365 M364 X365 X364 X365 X364 O443 | P0506 P0708"  # a number is mandatory
# More of the share, a copy for legacy, another transmitter, zeros stripped, a stricter guide and a mapping,
# another path at the ERP, unknown orders parked, two routes in another stage.
CHANGED = {
    "erp_settings": ", paths: {invoice: documents/supplier}, look_up: after_doubt, unique_reference: true",
    "strip": "true",
    "mms_x12": f", guides: {{'850': {{segments: {{PER: '{STRICT_PER}'}}}}}}",
    "mapping": "changed.mapping.yaml",
    "transmitter": "gateway",
    "share": "75%",
    "losing": "copy_not_transmitted",
    "unknown": "park",
    "portal": "cloud",
    "clinics": "cloud",
}
CROSSWALK = (("V00417", "SUP-30041"), ("V00500", "SUP-30042"))


@dataclass(frozen=True)
class Sent:
    """One message of a sender."""

    route: str
    key: str
    body: bytes

    @property
    def path(self) -> str:
        return (
            "/v1/documents/purchase_order?route=portal"
            if self.route == "portal"
            else f"/v1/inbound/{self.route}"
        )

    @property
    def content_type(self) -> str:
        kinds = {"portal": "application/json", "clinics": "text/plain"}
        return kinds.get(self.route, "application/edi-x12")


def write_site(folder: Path, name: str, erp: str, words: dict[str, str]) -> Path:
    """Write a routes.yaml with all that it names; give its path."""
    mapping = (FLAT / "mms_orders.mapping.yaml").read_text()
    (folder / "clinics.layout.yaml").write_text((FLAT / "mms_orders.layout.yaml").read_text())
    (folder / "clinics.mapping.yaml").write_text(mapping)
    changed = mapping.replace("CS: CA", "CS: CS")
    assert changed != mapping
    (folder / "changed.mapping.yaml").write_text(changed)
    for each in ("mms", "acks", "hub", "var"):
        (folder / each).mkdir(exist_ok=True)
    path = folder / name
    path.write_text(ROUTES.format(erp=erp, **words))
    return path


def corpus(size: int, seed: int = 20261127) -> list[Sent]:
    """Give so many messages, in the order of their arrival."""
    chance = random.Random(seed)
    found: list[Sent] = []
    for number in _counted():
        found += _story(chance, number)
        if len(found) >= size:
            return found[:size]
    raise AssertionError


def _counted() -> Iterator[int]:
    number = 0
    while True:
        number += 1
        yield number


def _story(chance: random.Random, number: int) -> list[Sent]:  # noqa: C901  one story a case
    """Give one order and what follows it, or something else that arrives."""
    kind = chance.choices(
        ("order", "answered", "early", "many", "portal", "clinics", "broken", "stranger", "again", "changed"),
        (20, 30, 6, 8, 10, 8, 6, 5, 5, 6),
    )[0]
    name = f"{chance.choice(('', '00'))}47{number:05}"
    po = _order(chance, name)
    match kind:
        case "order":
            return [_x12("po", number, po, "PO")]
        case "answered":
            answers = [_x12("po", number, po, "PO"), _x12("ack", number, _answer(chance, name), "PR", "855")]
            if chance.random() < 0.7:
                answers.append(_x12("inv", number, _invoice(chance, name), "IN", "810"))
            return answers
        case "early":
            return [_x12("ack", number, _answer(chance, name), "PR", "855"), _x12("po", number, po, "PO")]
        case "many":
            orders = [_order(chance, f"{name}{part}") for part in range(chance.randint(2, 5))]
            return [_x12("po", number, orders, "PO")]
        case "portal":
            return [_portal(chance, number, name)]
        case "clinics":
            vendors = chance.choices(("V00417", "V00500", "V99999"), (6, 3, 1), k=chance.randint(1, 3))
            file = clinics_file([(f"{name}{n}", vendor) for n, vendor in enumerate(vendors)])
            return [Sent("clinics", f"clinics-{number}", file)]
        case "broken":
            return [_broken(chance, number, po)]
        case "stranger":
            route, gs, set_type, text = chance.choice(
                (
                    ("ack", "PR", "855", _answer(chance, f"99{number:05}")),
                    ("inv", "IN", "810", _invoice(chance, f"99{number:05}")),
                )
            )
            return [_x12(route, number, text, gs, set_type)]
        case "again":
            first = _x12("po", number, po, "PO")
            return [first, _x12("po", number + 500_000, po, "PO")]
        case _:
            first = _x12("po", number, po, "PO")
            return [first, _x12("po", number + 600_000, po.replace("*EA*", "*BX*"), "PO")]


def _order(chance: random.Random, name: str) -> str:
    kind = chance.choices(("SA", "NE", "BK"), (6, 6, 1))[0]
    lines = "|".join(
        f"PO1*{n}*{chance.randint(1, 40)}*{chance.choice(('EA', 'CA', 'BX'))}*{chance.randint(1, 9)}.{n:02}"
        f"**VN*A-{chance.randint(1, 30)}"
        for n in range(1, chance.randint(2, 5))
    )
    person = chance.choice(("", "|PER*BD*J DOE*TE*5550100", "|PER*BD"))
    facility = chance.choice(("01", "04", "05"))
    return f"BEG*00*{kind}*{name}**20260304{person}|N1*ST*FACILITY*92*{facility}|{lines}"


def _answer(chance: random.Random, name: str) -> str:
    said = chance.choice(("ACK*IA*5*EA", "ACK*IB*5*EA", "ACK*IR*5*EA"))
    return f"BAK*00*AC*{name}*20260305*****20260306|PO1*1*5*EA*9.99**VN*A-1|{said}|CTT*1"


def _invoice(chance: random.Random, name: str) -> str:
    total = chance.choice((4995, 4995, 4995, 5000))
    line = f"IT1*1*5*EA*9.99**VN*A-1*PO*{name}"
    return f"BIG*20260310*INV{name}*20260304*{name}|{line}|TDS*{total}|CTT*1"


def _x12(route: str, number: int, texts: str | list[str], gs: str, set_type: str = "850") -> Sent:
    sets = [texts] if isinstance(texts, str) else texts
    sender = "MERCYMMS" if route == "po" else "ACME"
    control = number * 10 + {"po": 1, "ack": 2, "inv": 3}[route]
    body = "".join(numbered(n, text, set_type) for n, text in enumerate(sets, 1))
    whole = (
        f"ISA*00*          *00*          *ZZ*{sender:<15}*ZZ*{'BRIDGE':<15}*260304*0930*U*00401"
        f"*{control:09}*0*T*>~GS*{gs}*{sender}*BRIDGE*20260304*0930*{control}*X*004010~{body}"
        f"GE*{len(sets)}*{control}~IEA*1*{control:09}~"
    )
    return Sent(route, f"{route}-{number}", whole.encode())


def _portal(chance: random.Random, number: int, name: str) -> Sent:
    document = {
        "document_type": "purchase_order", "schema_version": "1.0", "number": name, "facility": "04",
        "lines": [{"sequence": 1, "line_id": "1", "quantity": {"value": "3", "unit": "EA"},
                   "price": {"amount": f"{chance.randint(1, 90)}.25"}}],
        "notes": [{"text": "for <b>bed</b> & 12"}],
    }  # fmt: skip
    if chance.random() < 0.15:
        document["lines"] = [{"sequence": 1, "quantity": {"value": "many", "unit": "EA"}}]
    return Sent("portal", f"portal-{number}", json.dumps(document).encode())


def _broken(chance: random.Random, number: int, po: str) -> Sent:
    whole = _x12("po", number, po, "PO")
    body = chance.choice(
        (
            whole.body[: len(whole.body) // 2],
            whole.body.replace(b"BEG*00*", b"BEG**", 1),
            whole.body.replace(b"*T*>", b"*P*>", 1),
            whole.body.replace(b"**VN*", b"*XX*VN*", 1).replace(b"PO1*1*", b"PO1*1*x", 1),
            b"no interchange at all",
        )
    )
    return Sent("po", f"broken-{number}", body)
