"""Made-up orders for comparisons, drawn from a seed, and what may and must not differ between two of them."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

Json = dict[str, Any]
Change = Callable[[Json, random.Random], bool]  # changes an order in place; False where it has no such part

UNITS = ("EA", "CA", "BX", "PK", "CT", "RL")
FACTORS = {"CA": 12, "BX": 6}  # known of every item here; of other units nothing is known


def order(rng: random.Random) -> Json:
    """Draw an order with everything that a hospital's order says."""
    number = f"PO-{rng.randrange(10**6):06}"
    return {
        "document_type": "purchase_order",
        "schema_version": "1.0",
        "number": number,
        "order_type": rng.choice(("stand_alone", "new", "rush")),
        "urgency": rng.choice(("normal", "rush")),
        "currency": "USD",
        "release": str(rng.randrange(1, 9)),
        "contract": f"C-{rng.randrange(1000, 9999)}",
        "department": f"D{rng.randrange(10, 99)}",
        "facility": rng.choice(("04", "05", "11")),
        "inventory_location": f"LOC{rng.randrange(1, 9)}",
        "order_date": {"date": f"2026-{rng.randrange(1, 12):02}-{rng.randrange(1, 28):02}"},
        "requested": {"date": f"2026-{rng.randrange(1, 12):02}-{rng.randrange(1, 28):02}"},
        "buyer": _party("HOSP", rng),
        "seller": _party("SUPP", rng),
        "ship_to": _party("DOCK", rng),
        "bill_to": _party("AP", rng),
        "payment_terms": [
            {"net_days": rng.choice((30, 45, 60)), "discount_percent": "2", "discount_days": 10}
        ],
        "shipping": [{"carrier_code": "UPSN", "freight_terms": "prepaid"}],
        "references": [{"kind": "quote", "number": f"Q{rng.randrange(10**5)}"}],
        "notes": [{"text": f"leave at dock {rng.randrange(9)}", "kind": "delivery"}],
        "lines": [_line(number, rng) for number in range(1, rng.randrange(2, 7))],
        "totals": {"line_count": 3, "amount": {"amount": f"{rng.randrange(100, 9_999)}.50"}},
    }


def _party(kind: str, rng: random.Random) -> Json:
    return {
        "name": f"{kind} {rng.randrange(100)}",
        "identifiers": [{"scheme": "assigned_by_buyer", "value": f"{kind}{rng.randrange(10**4)}"},
                        {"scheme": "gln", "value": f"{rng.randrange(10**13):013}"}],
        "address": {"lines": [f"{rng.randrange(999)} Main St"], "city": "Springfield", "region": "IL",
                    "postal_code": f"{rng.randrange(10**5):05}"},
    }  # fmt: skip


def _line(number: int, rng: random.Random) -> Json:
    return {
        "sequence": number,
        "line_id": str(number),
        "item_ids": [{"scheme": "vendor", "value": f"V{number}{rng.randrange(10**5):05}"},
                     {"scheme": "buyer", "value": f"B{number}{rng.randrange(10**5):05}"}],
        "description": f"GLOVE NITRILE {rng.choice('SML')} {rng.randrange(100)}",
        "quantity": {"value": str(rng.randrange(12, 120, 12)), "unit": rng.choice(UNITS)},
        "price": {"amount": f"{rng.randrange(1, 99)}.{rng.randrange(1, 99):02}"},
        "amount": f"{rng.randrange(1, 9_999)}.{rng.randrange(100):02}",
        "category": str(rng.randrange(42_000_000, 42_999_999)),
        "line_class": rng.choice(("supply", "implant", "pharmacy")),
        "stock": rng.choice(("stock", "non_stock")),
        "requested": {"date": f"2026-12-{rng.randrange(1, 28):02}"},
        "contract": f"L-{rng.randrange(1000, 9999)}",
        "distributions": [
            {
                "account": f"6{rng.randrange(1000, 9999)}",
                "cost_center": f"CC{rng.randrange(99)}",
                "percent": "100",
            }
        ],
        "schedules": [{"schedule_id": "1", "quantity": {"value": "4", "unit": "EA"},
                       "requested": {"date": "2026-12-28"}}],
        "taxes": [{"kind": "state", "percent": "6.25"}],
        "allowances_charges": [{"indicator": "charge", "kind": "freight", "amount": "12.50"}],
        "lots": [{"lot": f"LOT{rng.randrange(999)}", "expires": "2028-01-31"}],
    }  # fmt: skip


def copied(document: Json) -> Json:
    """Give a copy that may be changed."""
    return copy.deepcopy(document)


def _line_of(document: Json, rng: random.Random) -> Json:
    return rng.choice(document["lines"])


def _other(choices: tuple[str, ...], than: str, rng: random.Random) -> str:
    return rng.choice([each for each in choices if each != than])


# --- what must be seen ------------------------------------------------------------------------------------


def wrong_unit(document: Json, rng: random.Random) -> bool:
    quantity = _line_of(document, rng)["quantity"]
    quantity["unit"] = _other(UNITS, quantity["unit"], rng)
    return True


def dropped_unit(document: Json, rng: random.Random) -> bool:
    del _line_of(document, rng)["quantity"]["unit"]
    return True


def wrong_quantity(document: Json, rng: random.Random) -> bool:
    quantity = _line_of(document, rng)["quantity"]
    quantity["value"] = str(Decimal(quantity["value"]) + rng.choice((-1, 1)))
    return True


def quantity_by_ten(document: Json, rng: random.Random) -> bool:
    quantity = _line_of(document, rng)["quantity"]
    quantity["value"] = str(Decimal(quantity["value"]) * 10)
    return True


def swapped_quantities(document: Json, rng: random.Random) -> bool:
    if len(document["lines"]) < 2:
        return False
    first, second = document["lines"][:2]
    if first["quantity"] == second["quantity"]:
        return False
    first["quantity"], second["quantity"] = second["quantity"], first["quantity"]
    return True


def wrong_basis_quantity(document: Json, rng: random.Random) -> bool:
    price = _line_of(document, rng)["price"]
    price["base_quantity"] = str(100 * int(price.get("base_quantity", 1)))
    return True


def wrong_basis(document: Json, rng: random.Random) -> bool:
    line = _line_of(document, rng)
    line["price"]["base_unit"] = _other(("RL", "CT", "PK"), line["quantity"]["unit"], rng)
    return True


def rounded_price(document: Json, rng: random.Random) -> bool:
    price = _line_of(document, rng)["price"]
    rounded = str(round(Decimal(price["amount"])))
    if Decimal(rounded) == Decimal(price["amount"]):
        return False
    price["amount"] = rounded
    return True


def price_off_by_a_cent(document: Json, rng: random.Random) -> bool:
    price = _line_of(document, rng)["price"]
    price["amount"] = str(Decimal(price["amount"]) + Decimal("0.01"))
    return True


def misplaced_point(document: Json, rng: random.Random) -> bool:
    price = _line_of(document, rng)["price"]
    price["amount"] = str(Decimal(price["amount"]) * 100)
    return True


def dropped_price(document: Json, rng: random.Random) -> bool:
    del _line_of(document, rng)["price"]
    return True


def wrong_line_currency(document: Json, rng: random.Random) -> bool:
    _line_of(document, rng)["price"]["currency"] = "CAD"
    return True


def wrong_currency(document: Json, rng: random.Random) -> bool:
    document["currency"] = "CAD"
    return True


def dropped_line(document: Json, rng: random.Random) -> bool:
    document["lines"].pop(rng.randrange(len(document["lines"])))
    return True


def doubled_line(document: Json, rng: random.Random) -> bool:
    line = copied(_line_of(document, rng))
    document["lines"].append(line | {"sequence": len(document["lines"]) + 1})
    return True


def added_line(document: Json, rng: random.Random) -> bool:
    number = len(document["lines"]) + 1
    document["lines"].append(_line(number, rng))
    return True


def wrong_item(document: Json, rng: random.Random) -> bool:
    rng.choice(_line_of(document, rng)["item_ids"])["value"] += "X"
    return True


def swapped_item_schemes(document: Json, rng: random.Random) -> bool:
    first, second = _line_of(document, rng)["item_ids"]
    first["value"], second["value"] = second["value"], first["value"]
    return True


def dropped_item_id(document: Json, rng: random.Random) -> bool:
    _line_of(document, rng)["item_ids"].pop()
    return True


def swapped_parties(document: Json, rng: random.Random) -> bool:
    first, second = rng.sample(("buyer", "seller", "ship_to", "bill_to"), 2)
    document[first], document[second] = document[second], document[first]
    return True


def wrong_ship_to(document: Json, rng: random.Random) -> bool:
    rng.choice(document["ship_to"]["identifiers"])["value"] += "1"
    return True


def dropped_bill_to(document: Json, rng: random.Random) -> bool:
    del document["bill_to"]
    return True


def wrong_postal_code(document: Json, rng: random.Random) -> bool:
    address = document["ship_to"]["address"]
    address["postal_code"] = address["postal_code"][::-1] + "9"
    return True


def late_date(document: Json, rng: random.Random) -> bool:
    document["requested"]["date"] = "2027-01-15"
    return True


def swapped_day_and_month(document: Json, rng: random.Random) -> bool:
    year, month, day = document["order_date"]["date"].split("-")
    if int(day) > 12 or day == month:
        return False
    document["order_date"]["date"] = f"{year}-{day}-{month}"
    return True


def late_line_date(document: Json, rng: random.Random) -> bool:
    _line_of(document, rng)["requested"]["date"] = "2026-12-31"
    return True


def dropped_date(document: Json, rng: random.Random) -> bool:
    del document["requested"]
    return True


def wrong_order_number(document: Json, rng: random.Random) -> bool:
    document["number"] += "0"
    return True


def wrong_release(document: Json, rng: random.Random) -> bool:
    document["release"] = str(int(document["release"]) + 1)
    return True


def wrong_order_type(document: Json, rng: random.Random) -> bool:
    document["order_type"] = _other(("stand_alone", "blanket", "consignment"), document["order_type"], rng)
    return True


def lost_urgency(document: Json, rng: random.Random) -> bool:
    if document["urgency"] == "normal":
        return False
    document["urgency"] = "normal"
    return True


def wrong_account(document: Json, rng: random.Random) -> bool:
    _line_of(document, rng)["distributions"][0]["account"] += "1"
    return True


def wrong_split(document: Json, rng: random.Random) -> bool:
    _line_of(document, rng)["distributions"][0]["percent"] = "50"
    return True


def wrong_facility(document: Json, rng: random.Random) -> bool:
    document["facility"] = _other(("04", "05", "11"), document["facility"], rng)
    return True


def stripped_facility_zero(document: Json, rng: random.Random) -> bool:
    if not document["facility"].startswith("0"):
        return False
    document["facility"] = document["facility"].lstrip("0")
    return True


def lost_line_class(document: Json, rng: random.Random) -> bool:
    del _line_of(document, rng)["line_class"]
    return True


def wrong_contract(document: Json, rng: random.Random) -> bool:
    document["contract"] += "9"
    return True


def wrong_terms(document: Json, rng: random.Random) -> bool:
    document["payment_terms"][0]["net_days"] += 15
    return True


def lost_charge(document: Json, rng: random.Random) -> bool:
    del _line_of(document, rng)["allowances_charges"]
    return True


def charge_turned_allowance(document: Json, rng: random.Random) -> bool:
    _line_of(document, rng)["allowances_charges"][0]["indicator"] = "allowance"
    return True


def wrong_tax(document: Json, rng: random.Random) -> bool:
    _line_of(document, rng)["taxes"][0]["percent"] = "6"
    return True


def cut_note(document: Json, rng: random.Random) -> bool:
    document["notes"][0]["text"] = document["notes"][0]["text"][:-1]
    return True


def cut_description(document: Json, rng: random.Random) -> bool:
    line = _line_of(document, rng)
    line["description"] = line["description"][:10]
    return True


def wrong_schedule(document: Json, rng: random.Random) -> bool:
    _line_of(document, rng)["schedules"][0]["requested"]["date"] = "2026-12-29"
    return True


def wrong_lot(document: Json, rng: random.Random) -> bool:
    _line_of(document, rng)["lots"][0]["expires"] = "2028-02-28"
    return True


def wrong_total(document: Json, rng: random.Random) -> bool:
    document["totals"]["amount"]["amount"] += "1"
    return True


def wrong_carrier(document: Json, rng: random.Random) -> bool:
    document["shipping"][0]["carrier_code"] = "FDEN"
    return True


def wrong_line_id(document: Json, rng: random.Random) -> bool:
    if len(document["lines"]) < 3:
        return False
    document["lines"][-1]["line_id"] = "99"
    return True


def wrong_amount(document: Json, rng: random.Random) -> bool:
    _line_of(document, rng)["amount"] += "9"
    return True


DEFECTS: dict[Change, str] = {  # the change -> where it must be seen, at least
    wrong_unit: "lines[].quantity",
    dropped_unit: "lines[].quantity.unit",
    wrong_quantity: "lines[].quantity.value",
    quantity_by_ten: "lines[].quantity.value",
    swapped_quantities: "lines[].quantity",
    wrong_basis_quantity: "lines[].price.amount",
    wrong_basis: "lines[].price",
    rounded_price: "lines[].price.amount",
    price_off_by_a_cent: "lines[].price.amount",
    misplaced_point: "lines[].price.amount",
    dropped_price: "lines[].price",
    wrong_line_currency: "lines[].price.currency",
    wrong_currency: "currency",
    dropped_line: "lines",
    doubled_line: "lines[]",
    added_line: "lines[]",
    wrong_item: "lines[]",
    swapped_item_schemes: "lines[].item_ids[]",
    dropped_item_id: "lines[].item_ids[]",
    swapped_parties: "",
    wrong_ship_to: "ship_to.identifiers[]",
    dropped_bill_to: "bill_to",
    wrong_postal_code: "ship_to.address.postal_code",
    late_date: "requested",
    swapped_day_and_month: "order_date",
    late_line_date: "lines[].requested",
    dropped_date: "requested",
    wrong_order_number: "number",
    wrong_release: "release",
    wrong_order_type: "order_type",
    lost_urgency: "urgency",
    wrong_account: "lines[].distributions[]",
    wrong_split: "lines[].distributions[].percent",
    wrong_facility: "facility",
    stripped_facility_zero: "facility",
    lost_line_class: "lines[].line_class",
    wrong_contract: "contract",
    wrong_terms: "payment_terms[].net_days",
    lost_charge: "lines[].allowances_charges",
    charge_turned_allowance: "lines[].allowances_charges[]",
    wrong_tax: "lines[].taxes[].percent",
    cut_note: "notes[].text",
    cut_description: "lines[].description",
    wrong_schedule: "lines[].schedules[].requested",
    wrong_lot: "lines[].lots[].expires",
    wrong_total: "totals.amount.amount",
    wrong_carrier: "shipping[].carrier_code",
    wrong_line_id: "lines[]",
    wrong_amount: "lines[].amount",
}


# --- what must not be seen --------------------------------------------------------------------------------


def other_order_of_lines(document: Json, rng: random.Random) -> bool:
    rng.shuffle(document["lines"])
    for sequence, line in enumerate(document["lines"], 1):
        line["sequence"] = sequence
    return True


def zeros_after_the_point(document: Json, rng: random.Random) -> bool:
    for line in document["lines"]:
        line["price"]["amount"] += "00"
        line["quantity"]["value"] += ".0"
    return True


def zeros_before_line_ids(document: Json, rng: random.Random) -> bool:
    for line in document["lines"]:
        line["line_id"] = line["line_id"].zfill(5)
    return True


def price_per_hundred(document: Json, rng: random.Random) -> bool:
    for line in document["lines"]:
        price = line["price"]
        hundred = Decimal(100) * int(price.get("base_quantity", 1))
        price |= {"amount": str(Decimal(price["amount"]) * 100), "base_quantity": str(hundred)}
    return True


def smaller_units(document: Json, rng: random.Random) -> bool:
    """Say cases as pieces, with the price of a piece: legacy's item master knows how many they are."""
    for line in document["lines"]:
        factor = FACTORS.get(line["quantity"]["unit"])
        if factor:
            line["quantity"] = {"value": str(Decimal(line["quantity"]["value"]) * factor), "unit": "EA"}
            line["price"]["base_quantity"] = str(factor * int(line["price"].get("base_quantity", 1)))
    return True


def doubled_blanks(document: Json, rng: random.Random) -> bool:
    document["seller"]["name"] = f" {document['seller']['name'].replace(' ', '  ')} "
    return True


def other_codes_as_sent(document: Json, rng: random.Random) -> bool:
    document["raw_codes"] = {"BEG02": "SA"}
    document["lines"][0]["raw_codes"] = {"PO105": "HP"}
    document["extensions"] = {"x12": {"leftover": "REF*ZZ"}}
    document["references"][0]["qualifier"] = "PR"
    return True


def other_provenance(document: Json, rng: random.Random) -> bool:
    document["provenance"] = {"message_id": "m1", "partner": "mms"}
    return True


def currency_spelled_out(document: Json, rng: random.Random) -> bool:
    for line in document["lines"]:
        line["price"]["currency"] = "USD"
    return True


def lists_the_other_way_round(document: Json, rng: random.Random) -> bool:
    for line in document["lines"]:
        line["item_ids"].reverse()
    document["ship_to"]["identifiers"].reverse()
    return True


def dates_as_sent(document: Json, rng: random.Random) -> bool:
    document["order_date"] |= {"zone": "America/Chicago", "text": "20261201"}
    return True


HARMLESS: tuple[Change, ...] = (
    other_order_of_lines, zeros_after_the_point, zeros_before_line_ids, price_per_hundred, smaller_units,
    doubled_blanks, other_codes_as_sent, other_provenance, currency_spelled_out, lists_the_other_way_round,
    dates_as_sent,
)  # fmt: skip


def draws(seed: int, count: int) -> Iterator[tuple[random.Random, Json]]:
    """Give orders, each with the chance that drew it."""
    for number in range(count):
        rng = random.Random(f"{seed}/{number}")
        yield rng, order(rng)
