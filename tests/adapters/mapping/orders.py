"""A made-up order mapping with every converter in it, its source schema, and generated records."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

from adapters.mapping import Mapping, MappingContext, SourceField

CONTEXT = MappingContext(source="orders.txt", zone="America/Chicago")

ORDER = """\
mapping: mms_po
document: purchase_order
fields:
  number: PO_NO
  order_date: {from: PO_DATE, date: "%m/%d/%y", pivot: 70}
  requested: {from: NEED_BY, date: ["%Y%m%d %H%M", "%Y%m%d"]}
  currency: {const: USD}
  facility: FACILITY
  department: {from: DEPT, pad: {width: 6}}
  contract: {from: CONTRACT, absent: ["000000", "NONE"]}
  urgency: {from: PRIORITY, codes: {R: rush, "": normal}}
  order_type: {from: TYPE, codes: {S: stand_alone, B: blanket, R: release, E: rush, X: other}, other: other}
  backorders_allowed: {from: BACKORDER, codes: {Y: "true", N: "false"}}
  buyer.name: BUYER.NAME
  buyer.identifiers[scheme=assigned_by_buyer].value: BUYER.ID
  buyer.identifiers[scheme=gln].value: BUYER.GLN
  seller.identifiers[scheme=assigned_by_buyer].value: {from: [VENDOR, SITE], join: "|"}
  ship_to.address.lines: {from: [ADDR1, ADDR2, ADDR3]}
  ship_to.address.country: {from: COUNTRY, default: US}
  ship_to.contacts[0].phones: {from: PHONES, split: ";"}
  notes[kind=delivery].text: DELIVERY_NOTE
  dates[kind=cancel_after]: {from: CANCEL, date: "%Y%j"}
  references[kind=account].number: {from: ACCOUNT, part: {by: "-", at: 1}}
  references[kind=cost_center].number: {from: ACCOUNT, part: {by: "-", at: 2}}
  payment_terms[0].net_days: NET_DAYS
  extensions.initials: INITIALS
source:
  REC: {const: H}
  LINES: {count: lines}
  TOTAL_QTY: {sum: lines.quantity.value, decimal: {implied: 2}}
  FILLER: ignore
groups:
  lines:
    from: DETAIL
    when: {KIND: D}
    fields:
      line_id: LINE_NO
      quantity.value: {from: QTY, decimal: {implied: 2}, pad: {width: 9, char: "0", side: left}}
      quantity.unit: {from: UOM, codes: {EA: EA, CS: CA, BX: BX, CT: CA}}
      price.amount: {from: PRICE, decimal: {point: ",", group: "."}}
      price.base_quantity: {from: PER}
      description: DESCR
      item_ids[scheme=vendor].value: VENDOR_ITEM
      item_ids[scheme=buyer].value: ITEM
      requested: {from: NEED, date: "%C%y%m%d"}
    groups:
      distributions:
        from: SPLIT
        fields: {account: ACCT, percent: PCT}
    source:
      SPLITS: {count: distributions}
    rest: extensions
  notes:
    from: NOTE
    fields: {text: .}
"""


def text_fields(*names: str) -> tuple[SourceField, ...]:
    return tuple(SourceField(name) for name in names)


SCHEMA = (
    SourceField("REC", required=True),
    SourceField("PO_NO", required=True),
    *text_fields("PO_DATE", "NEED_BY", "FACILITY", "DEPT", "CONTRACT", "PRIORITY", "TYPE", "BACKORDER"),
    SourceField("BUYER", fields=text_fields("NAME", "ID", "GLN")),
    *text_fields("VENDOR", "SITE", "ADDR1", "ADDR2", "ADDR3", "COUNTRY", "PHONES", "DELIVERY_NOTE", "CANCEL"),
    *text_fields("ACCOUNT", "NET_DAYS", "INITIALS", "LINES", "TOTAL_QTY", "FILLER"),
    SourceField("NOTE", repeated=True),
    SourceField(
        "DETAIL",
        repeated=True,
        fields=(
            *text_fields(
                "KIND", "LINE_NO", "QTY", "UOM", "PRICE", "PER", "DESCR", "VENDOR_ITEM", "ITEM", "NEED"
            ),
            SourceField("SPLIT", repeated=True, fields=text_fields("ACCT", "PCT")),
            *text_fields("SPLITS", "COLOR"),
        ),
    ),
)


def order_mapping() -> Mapping:
    return Mapping.load(ORDER, "mms_po.yaml", SCHEMA)


LETTERS = "ABCXYZabc0123456789"


def record(seed: int) -> dict[str, Any]:
    """Give a record in the form that writing gives it: nothing blank, totals right, defaults written."""
    rng = Random(seed)
    lines = [_line(rng) for _ in range(rng.randrange(5))]
    made: dict[str, Any] = {
        "REC": "H",
        "PO_NO": _word(rng),
        "CONTRACT": rng.choice(["000000", _word(rng)]),
        "TYPE": rng.choice(["S", "B", "R", "E", "X", "Q9"]),
        "LINES": str(len(lines)),
        "TOTAL_QTY": str(sum(int(line["QTY"]) for line in lines)),
    }
    optional: dict[str, Any] = {
        "PO_DATE": f"{_day(rng):%m/%d/%y}",
        "NEED_BY": rng.choice([f"{_day(rng):%Y%m%d}", f"{_day(rng):%Y%m%d} 0830"]),
        "FACILITY": _word(rng),
        "DEPT": _word(rng)[:6].ljust(6),
        "PRIORITY": "R",
        "BACKORDER": rng.choice("YN"),
        "BUYER": {"ID": _word(rng)} | _some(rng, {"NAME": _word(rng), "GLN": _word(rng)}),
        "DELIVERY_NOTE": _word(rng),
        "CANCEL": f"{_day(rng):%Y%j}",
        "NET_DAYS": str(rng.randrange(1000)),
        "INITIALS": _word(rng),
        "PHONES": ";".join(_word(rng) for _ in range(rng.randint(1, 3))),
        "NOTE": [_word(rng) for _ in range(rng.randint(1, 3))],
        "ACCOUNT": f"{_word(rng)}-{_word(rng)}",
    }
    made |= _some(rng, optional)
    if rng.random() < 0.5:
        made |= {f"ADDR{number}": _word(rng) for number in range(1, rng.randint(2, 4))} | {"COUNTRY": "CA"}
    if rng.random() < 0.5:
        made |= {"VENDOR": _word(rng), "SITE": _word(rng)}
    return made | ({"DETAIL": lines} if lines else {})


def _line(rng: Random) -> dict[str, Any]:
    splits = [{"ACCT": _word(rng), "PCT": _number(rng)} for _ in range(rng.randrange(3))]
    made: dict[str, Any] = {"KIND": "D", "LINE_NO": _word(rng), "QTY": f"{rng.randrange(10_000_000):09d}"}
    day = _day(rng)
    optional = {
        "UOM": rng.choice(["EA", "CS", "BX", "CT"]),
        "PRICE": _number(rng).replace(".", ","),
        "DESCR": _word(rng),
        "VENDOR_ITEM": _word(rng),
        "ITEM": _word(rng),
        "NEED": f"{day.year // 100 - 19}{day:%y%m%d}",
        "COLOR": _word(rng),
    }
    return made | {"SPLITS": str(len(splits))} | _some(rng, optional) | ({"SPLIT": splits} if splits else {})


def _some(rng: Random, fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if rng.random() < 0.6}


def _word(rng: Random) -> str:
    return "".join(rng.choice(LETTERS) for _ in range(rng.randint(1, 8)))


def _day(rng: Random) -> date:
    return date(1970, 1, 1) + timedelta(days=rng.randrange(36_500))


def _number(rng: Random) -> str:
    return f"{rng.randrange(10_000_000) / 100:.2f}"
