import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.document import SAME_AS_ORIGINAL, CanonicalDocument, OrderNumber, Provenance
from canonical.goods_receipt import GoodsReceipt
from canonical.key_rules import identifier_text, trimmed
from canonical.keys import (
    KeyRules,
    NumberRule,
    document_key,
    order_key,
    order_key_of,
    order_keys,
    own_order_keys,
    receipt_line_keys,
)
from canonical.purchase_order import PurchaseOrder
from canonical.registry import DOCUMENT_TYPES, parse_document, to_json
from canonical.values import Party
from tests.canonical.strategies import any_document, codes, documents, key_rules, numbers

RULES = KeyRules(
    organisation="st-mary",
    suppliers={"assigned_by_buyer:44": "acme"},
    order_number=NumberRule(strip_prefixes=("PO-",), strip_leading_zeros=True),
    invoice_number=NumberRule(upper_case=True),
)
SELLER = {"identifiers": [{"scheme": "duns", "value": "999"}, {"scheme": "assigned_by_buyer", "value": "44"}]}
SUBJECT = {"document_type": "purchase_order", "number": "PO-0042", "release": "3"}

# (document, document key, order keys). Keys outlive releases: no line here is ever edited, only added.
GOLDEN: list[tuple[dict[str, Any], str, tuple[str, ...]]] = [
    (
        {"document_type": "purchase_order", "number": "PO-0042"},
        "purchase_order:1|st-mary|42||",
        ("order:1|st-mary|42",),
    ),
    (
        {"document_type": "purchase_order", "number": "042", "release": "7", "revision": "2"},
        "purchase_order:1|st-mary|42|7|2",
        ("order:1|st-mary|42",),
    ),
    (
        {"document_type": "purchase_order", "number": "42", "purpose": "cancellation", "revision": "1"},
        "purchase_order:1|st-mary|42||1|cancellation|",
        ("order:1|st-mary|42",),
    ),
    (
        {"document_type": "purchase_order", "number": "42", "purpose": "replace"},
        "purchase_order:1|st-mary|42|||replace|15d0ed12c81c6e480807f8fad3676683",
        ("order:1|st-mary|42",),
    ),
    (
        {"document_type": "purchase_order", "number": "A|B 50%é"},
        "purchase_order:1|st-mary|A%7CB%2050%25%C3%A9||",
        ("order:1|st-mary|A%7CB%2050%25%C3%A9",),
    ),
    (
        {
            "document_type": "acknowledgment", "number": "ACK9", "response": "accepted", "seller": SELLER,
            "order": {"number": "0042", "release": "7", "seller_number": "S-1"},
            "acknowledged": {"date": "2026-11-20"},
        },
        "acknowledgment:1|st-mary|42|7|acme|ACK9|2026-11-20|75824d5cf0ddc1057c4cc3704690c934",
        ("order:1|st-mary|42",),
    ),
    (
        {"document_type": "order_change", "order": {"number": "0042"}, "number": "C1", "initiator": "seller"},
        "order_change:1|st-mary|42||seller|C1||change|",
        ("order:1|st-mary|42",),
    ),
    (
        {
            "document_type": "invoice", "number": "inv-7", "seller": SELLER, "debit_credit": "credit",
            "invoiced": {"date": "2026-11-20"}, "remit_to": {"name": " Acme  Bank "},
            "orders": [{"number": "42"}], "lines": [{"sequence": 1, "order": {"number": "PO-43"}}],
        },
        "invoice:1|acme|name:ACME%20BANK|INV-7|2026-11-20|credit|",
        ("order:1|st-mary|42", "order:1|st-mary|43"),
    ),
    (
        {"document_type": "requisition", "number": "R-1", "revision": "0"},
        "requisition:1|st-mary|R-1|",
        ("requisition_order:1|st-mary|R-1",),
    ),
    (
        {
            "document_type": "goods_receipt", "number": "GR1", "facility": "04",
            "orders": [{"number": "42"}], "lines": [{"sequence": 1, "line_id": "00010"}],
        },
        "goods_receipt:1|st-mary|04|GR1|receipt|00010",
        ("order:1|st-mary|42",),
    ),
    (
        {
            "document_type": "goods_receipt", "number": "GR1", "kind": "reversal",
            "receiver": {"identifiers": [{"scheme": "gln", "value": "0614141000012"}]},
            "lines": [{"sequence": 1}, {"sequence": 2}],
        },
        "goods_receipt:1|st-mary|gln:0614141000012|GR1|reversal|2-lines-217f14828ed44e78bbd9e02d66a60f2c",
        (),
    ),
    (
        {
            "document_type": "ship_notice", "number": "SH5", "seller": SELLER,
            "shipped": {"date": "2026-11-21"}, "orders": [{"number": "42"}, {"number": "0042"}],
        },
        "ship_notice:1|acme|SH5|2026-11-21|",
        ("order:1|st-mary|42",),
    ),
    (
        {"document_type": "supplier", "number": "44", "name": "Acme", "revision": "3"},
        "supplier:1|st-mary|44|3",
        (),
    ),
    (
        {"document_type": "item", "number": "4711", "description": "Glove"},
        "item:1|st-mary|4711|77256c8972121f7f1749cd50d23a031d",
        (),
    ),
    (
        {
            "document_type": "inventory_movement", "number": "M1", "kind": "issue", "facility": "04",
            "lines": [{"sequence": 1, "order": {"number": "42"}}],
        },
        "inventory_movement:1|st-mary|04|M1|issue|#1",
        ("order:1|st-mary|42",),
    ),
    (
        {
            "document_type": "approval_decision", "subject": SUBJECT, "decision": "approved",
            "step": "2", "number": "D1",
        },
        "approval_decision:1|st-mary|purchase_order|42|3|||2|D1",
        ("order:1|st-mary|42",),
    ),
    (
        {"document_type": "budget_check", "subject": SUBJECT, "result": "pass", "number": "B1"},
        "budget_check:1|st-mary|purchase_order|42|3|||B1",
        ("order:1|st-mary|42",),
    ),
    (
        {
            "document_type": "status_event", "status": "shipped", "number": "E1",
            "subject": {"document_type": "invoice", "number": "inv-7", "line_id": "1"},
            "order": {"erp_number": "4500000001"},
        },
        "status_event:1|st-mary|invoice|INV-7|||1|shipped|E1",
        (),
    ),
]  # fmt: skip


@pytest.mark.parametrize("fields, expected_document_key, expected_order_keys", GOLDEN)
def test_keys_stay_what_they_were_when_they_were_stored(
    fields: dict[str, Any], expected_document_key: str, expected_order_keys: tuple[str, ...]
) -> None:
    document = parse_document(fields)

    assert document_key(document, RULES) == expected_document_key
    assert order_keys(document, RULES) == expected_order_keys
    assert order_key(document, RULES) == (expected_order_keys[0] if expected_order_keys else None)


def test_the_golden_table_has_every_document_type_and_each_docstring_says_its_key() -> None:
    assert {fields["document_type"] for fields, _, _ in GOLDEN} == set(DOCUMENT_TYPES)
    for model in DOCUMENT_TYPES.values():
        assert "Document key:" in (model.__doc__ or "")
        assert "Order key:" in (model.__doc__ or "")


@given(any_document(), key_rules())
def test_keys_are_printable_and_survive_writing_and_reading(
    document: CanonicalDocument, rules: KeyRules
) -> None:
    key = document_key(document, rules)

    assert re.fullmatch(r"[!-~]+", key)
    assert document_key(parse_document(to_json(document)), rules) == key
    assert all(re.fullmatch(r"[!-~]+", each) for each in order_keys(document, rules))


@given(any_document(), key_rules())
def test_an_order_key_is_a_named_order_s_or_the_document_s_own(
    document: CanonicalDocument, rules: KeyRules
) -> None:
    buyer = getattr(document, "buyer", None)
    named = [order_key_of(each.number, rules, buyer) for each in document.named_orders if each.number]
    own = own_order_keys(document, rules)

    assert own == () or document.document_type == "requisition"
    assert set(order_keys(document, rules)) == {*named, *own}
    assert not {*own} & {*named}


@given(any_document(), key_rules(), st.text("abc", min_size=1))
def test_where_a_document_came_from_is_no_part_of_its_keys(
    document: CanonicalDocument, rules: KeyRules, message_id: str
) -> None:
    arrived = document.model_copy(update={"provenance": Provenance(message_id=message_id)})

    assert document_key(arrived, rules) == document_key(document, rules)


@given(numbers(), codes(), numbers(), codes())
def test_two_orders_share_a_key_only_if_number_and_release_are_the_same(
    number: str, release: str, other_number: str, other_release: str
) -> None:
    rules = KeyRules(organisation="h")
    one = PurchaseOrder(number=number, release=release)
    other = PurchaseOrder(number=other_number, release=other_release)
    sent, others = (number, release), (other_number, other_release)
    same = tuple(map(trimmed, sent)) == tuple(map(trimmed, others))

    assert (document_key(one, rules) == document_key(other, rules)) == same


@given(documents("purchase_order"), key_rules())
def test_all_releases_of_a_blanket_share_the_order_key_but_no_document_key(
    order: PurchaseOrder, rules: KeyRules
) -> None:
    releases = [order.model_copy(update={"release": str(number)}) for number in (1, 2)]

    assert len({order_key(each, rules) for each in releases}) == 1
    assert len({document_key(each, rules) for each in releases}) == 2


@given(documents("purchase_order"), key_rules())
def test_a_cancel_or_replace_has_the_order_key_of_its_original_and_a_key_of_its_own(
    order: PurchaseOrder, rules: KeyRules
) -> None:
    original = order.model_copy(update={"purpose": "original"})
    for purpose in ("cancellation", "replace", "change", "confirmation", "information_copy"):
        later = order.model_copy(update={"purpose": purpose})

        assert order_key(later, rules) == order_key(original, rules)
        assert document_key(later, rules) != document_key(original, rules)
        assert later.opens_order == (purpose == "confirmation")  # it may be about an order by telephone


@given(documents("purchase_order"), key_rules())
def test_an_order_sent_again_has_the_key_of_the_first(order: PurchaseOrder, rules: KeyRules) -> None:
    sendings = [order.model_copy(update={"purpose": purpose}) for purpose in SAME_AS_ORIGINAL]

    assert len({document_key(each, rules) for each in sendings}) == 1
    assert all(each.opens_order for each in sendings)


@pytest.mark.parametrize("blank", [" ", "\r", "\u00a0", "\x1f "])
def test_a_number_of_blanks_names_no_order(blank: str) -> None:
    order = PurchaseOrder(number="PO1", seller_number=blank, erp_number=blank)

    assert [each.numbers for each in order.named_orders] == [(OrderNumber("buyer", "PO1"),)]


def test_two_replaces_without_a_revision_differ_by_what_they_say() -> None:
    first = PurchaseOrder(number="1", purpose="replace", department="OR")
    second = PurchaseOrder(number="1", purpose="replace", department="ICU")

    assert document_key(first, RULES) != document_key(second, RULES)
    assert document_key(first, RULES) == document_key(first.model_copy(), RULES)


def test_a_new_revision_of_an_original_is_another_document_of_the_same_order() -> None:
    first, second = PurchaseOrder(number="1"), PurchaseOrder(number="1", revision="1")

    assert document_key(first, RULES) != document_key(second, RULES)
    assert order_key(first, RULES) == order_key(second, RULES)


@pytest.mark.parametrize(
    "rule, number, expected",
    [
        (NumberRule(), " 0042 ", "0042"),
        (NumberRule(strip_leading_zeros=True), "0042", "42"),
        (NumberRule(strip_leading_zeros=True), "000", "0"),
        (NumberRule(upper_case=True), "ab-ß", "AB-ß"),
        (NumberRule(upper_case=True, strip_prefixes=("po-",)), "Po-7", "7"),
        (NumberRule(strip_prefixes=("PO", "PO-")), "PO-7", "-7"),
        (
            NumberRule(strip_prefixes=("PO-",), strip_suffixes=("-00",), strip_leading_zeros=True),
            "PO-07-00",
            "7",
        ),
        (NumberRule(strip_prefixes=("PO-",)), "PO-", "PO-"),
        (NumberRule(strip_prefixes=("A",), strip_suffixes=("B",)), "AB", "AB"),
        (NumberRule(), "   ", ""),
    ],
)
def test_numbers_are_normalised_by_the_declared_rules_only(
    rule: NumberRule, number: str, expected: str
) -> None:
    assert rule.apply(number) == expected


@given(numbers(), key_rules())
def test_the_document_keeps_the_number_as_sent(number: str, rules: KeyRules) -> None:
    order = PurchaseOrder(number=number)
    document_key(order, rules)
    order_key(order, rules)

    assert order.number == number
    assert order_key(order, rules) == order_key_of(number, rules)


def test_buyers_that_number_their_orders_apart_never_share_a_key() -> None:
    rules = KeyRules(organisation="system", organisations={"gln:1": "east", "gln:2": "west"})

    def order_of(gln: str) -> PurchaseOrder:
        buyer = Party.model_validate({"identifiers": [{"scheme": "gln", "value": gln}]})
        return PurchaseOrder(number="7", buyer=buyer)

    assert order_key(order_of("1"), rules) == "order:1|east|7"
    assert order_key(order_of("2"), rules) == "order:1|west|7"
    assert order_key(order_of("3"), rules) == "order:1|system|7"


def test_an_order_named_only_by_the_seller_has_no_order_key_until_its_alias_is_resolved() -> None:
    acknowledgment = parse_document(
        {"document_type": "acknowledgment", "response": "accepted", "order": {"seller_number": "S-1"}}
    )

    assert order_key(acknowledgment, RULES) is None
    assert acknowledgment.order_references == (OrderNumber("seller", "S-1", None),)
    assert "|seller:S-1|" in document_key(acknowledgment, RULES)


def test_the_numbers_of_one_order_are_typed_by_who_issued_them() -> None:
    order = PurchaseOrder(number="1", release="2", seller_number="S", erp_number="E")

    assert order.order_references == (
        OrderNumber("buyer", "1", "2"),
        OrderNumber("seller", "S", "2"),
        OrderNumber("erp", "E", "2"),
    )


def test_a_receipt_line_has_one_key_whether_it_comes_alone_or_with_others() -> None:
    def receipt(*line_ids: str) -> GoodsReceipt:
        lines = [{"sequence": n, "line_id": each} for n, each in enumerate(line_ids, 1)]
        return GoodsReceipt.model_validate({"number": "GR1", "facility": "04", "lines": lines})

    together = receipt_line_keys(receipt("10", "20"), RULES)

    assert receipt_line_keys(receipt("10"), RULES) + receipt_line_keys(receipt("20"), RULES) == together
    assert document_key(receipt("10"), RULES) != document_key(receipt("20"), RULES)
    assert document_key(receipt("10", "20"), RULES) == document_key(receipt("20", "10"), RULES)


def test_a_line_received_in_two_lots_has_two_keys() -> None:
    lines = [{"sequence": 1, "line_id": "10"}, {"sequence": 2, "line_id": "10"}]
    receipt = GoodsReceipt.model_validate({"number": "GR1", "lines": lines})

    assert len(set(receipt_line_keys(receipt, RULES))) == 2


@given(st.permutations(SELLER["identifiers"]))
def test_a_party_is_known_by_its_most_lasting_identifier_in_whatever_order_they_come(
    identifiers: list[dict[str, str]],
) -> None:
    rules = KeyRules(organisation="h")
    invoice = parse_document(
        {"document_type": "invoice", "number": "1", "seller": {"identifiers": identifiers}}
    )

    assert document_key(invoice, rules).startswith("invoice:1|duns:999|")


def test_an_identifier_is_written_as_configuration_names_it() -> None:
    party = Party.model_validate(SELLER)

    assert [identifier_text(each) for each in party.identifiers] == ["duns:999", "assigned_by_buyer:44"]


@given(st.text() | st.characters(max_codepoint=127))
def test_any_text_is_encoded_in_a_key_as_percent_encoding_says(number: str) -> None:
    encoded = quote(trimmed(number), safe="/#+=,:;@!$&*()") if number else ""

    assert order_key_of(number, KeyRules(organisation="st-mary")) == f"order:1|st-mary|{encoded}"
