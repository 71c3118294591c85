"""What a plan calls a change, in which words, and what it never shows."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from lxml import html

from canonical.registry import parse_document, to_json
from gateway.forecast.changes import Kind, changes
from gateway.forecast.model import DeliveryForecast, DocumentForecast, MessageForecast, RequestForecast
from gateway.forecast.report_html import plan_page
from gateway.forecast.report_text import plan_lines
from gateway.forecast.result import Plan, plan_of_view, plan_view, planned

AT = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
PRICE = "1234.5678"
NOTE = "Jane Doe, bed 12"
HOSTILE = "\"><script>alert(1)</script><img src=x onerror='x'>"


def order(unit: str = "CA", price: str = PRICE, lines: int = 2, **fields: Any) -> bytes:
    document = {
        "document_type": "purchase_order",
        "number": "PO-1",
        "notes": [{"text": NOTE}],
        "lines": [
            {"sequence": n, "quantity": {"value": "5", "unit": unit}, "price": {"amount": price}}
            for n in range(1, lines + 1)
        ],
        **fields,
    }
    return to_json(parse_document(document))


def delivered(target: str, body: bytes = b"", role: str = "live", **changed: Any) -> DeliveryForecast:
    requests = (RequestForecast.of("create", "POST", "documents", body),)
    return replace(DeliveryForecast("0", target, role, "REF", "sent", requests=requests), **changed)


def message(
    canonical: bytes | None = None, *deliveries: DeliveryForecast, message_id: str = "m1", **changed: Any
) -> MessageForecast:
    document = DocumentForecast(
        0, "850", "purchase_order", "k", ("o",), "legacy", "accepted", "", False, False, (), canonical
    )
    made = MessageForecast(message_id, "po", "in.edi", "acme", AT, "planned", (), (document,), deliveries)
    return replace(made, **changed)


def kinds(before: MessageForecast, after: MessageForecast) -> list[tuple[Kind, str]]:
    return [(each.kind, each.what) for each in changes(before, after)]


def plan_of(*pairs: tuple[MessageForecast, MessageForecast]) -> Plan:
    before, after = zip(*pairs, strict=True)
    return planned(before, after, since=AT, until=AT, names=("revision 1", HOSTILE), notes=(HOSTILE,))


def test_the_same_forecast_twice_is_no_change() -> None:
    made = message(order(), delivered("mms", b"x"))

    assert changes(made, made) == []


def test_another_target_is_told_with_both() -> None:
    before, after = message(order(), delivered("mms")), message(order(), delivered("erp"))

    assert kinds(before, after) == [(Kind.TARGET, "mms -> erp")]


def test_a_copy_that_is_added_is_another_target() -> None:
    before = message(order(), delivered("erp"))
    after = message(order(), delivered("erp"), delivered("mms", role="copy"))

    assert kinds(before, after) == [(Kind.TARGET, "erp -> erp, mms (copy)")]


def test_a_unit_in_every_line_is_one_kind_of_change_with_a_place_for_each() -> None:
    found = changes(message(order("CA", lines=3)), message(order("CS", lines=3)))

    assert {each.what for each in found} == {"lines[].quantity.unit: CA -> CS"}
    assert [each.at for each in found] == [f"lines[{n}].quantity.unit" for n in range(3)]


def test_a_changed_price_is_told_and_not_shown() -> None:
    request = [json.dumps({"unit_price": each, "po": "PO-1"}).encode() for each in (PRICE, "99.5")]
    before = message(order(), delivered("erp", request[0]))
    after = message(order(price="99.5"), delivered("erp", request[1]))
    told = json.dumps(plan_view(plan_of((before, after))))

    assert [each.kind for each in changes(before, after)] == [Kind.CANONICAL, Kind.CANONICAL, Kind.REQUEST]
    assert PRICE not in told
    assert "99.5" not in told


def test_free_text_is_in_no_report() -> None:
    before, after = message(order()), message(order(notes=[{"text": f"{NOTE} 3"}]))
    plan = plan_of((before, after))

    assert plan.count(Kind.CANONICAL) == 1
    for told in (json.dumps(plan_view(plan)), plan_page(plan), "\n".join(plan_lines(plan))):
        assert "Jane" not in told


def test_a_request_shows_a_word_that_the_document_shows_and_hides_the_rest() -> None:
    before = message(order("CA"), delivered("erp", b'{"uom":"CA","secret":"alpha"}'))
    after = message(order("CS"), delivered("erp", b'{"uom":"CS","secret":"beta"}'))
    found = [each.what for each in changes(before, after) if each.kind is Kind.REQUEST]

    assert found == ["erp create uom: CA -> CS", "erp create secret: [hidden] -> [hidden]"]


def test_a_step_of_files_which_is_its_own_method_is_said_once() -> None:
    was, will = (
        (RequestForecast.of("publish", "publish", f".{name}.tmp", b""),) for name in ("a.850", "b.850")
    )
    created = delivered("erp")
    other = replace(created, requests=(RequestForecast.of("create", "PUT", "documents", b""),))

    assert kinds(
        message(order(), replace(created, requests=was)), message(order(), replace(created, requests=will))
    ) == [(Kind.REQUEST, "erp: publish .a.850.tmp -> publish .b.850.tmp")]
    assert kinds(message(order(), created), message(order(), other)) == [
        (Kind.REQUEST, "erp: create POST documents -> create PUT documents")
    ]


def test_a_document_that_would_be_parked_is_another_outcome_with_its_code() -> None:
    before = message(order())
    parked = replace(before.documents[0], is_parked=True, codes=("X12-REQ",))

    assert kinds(before, replace(before, documents=(parked,))) == [
        (Kind.OUTCOME, "accepted -> parked [X12-REQ]")
    ]


def test_a_delivery_that_its_target_would_refuse_is_another_outcome() -> None:
    before = message(order(), delivered("erp"))
    stuck = delivered("erp", state="parked", codes=("ERP-PURPOSE",))

    assert kinds(before, message(order(), stuck)) == [
        (Kind.OUTCOME, "delivery to erp: not parked -> parked [ERP-PURPOSE]")
    ]


def test_alike_changes_of_many_messages_are_one_group() -> None:
    pairs = [
        (message(order("CA"), message_id=f"m{n}"), message(order("CS"), message_id=f"m{n}"))
        for n in range(37)
    ]
    plan = plan_of(*pairs)

    (group,) = plan.groups
    assert (group.messages, group.places, group.what) == (37, 74, "lines[].quantity.unit: CA -> CS")


def test_the_page_loads_nothing_runs_nothing_and_shows_hostile_names_as_text() -> None:
    before = message(order(facility="F1"), delivered("mms"), route=HOSTILE, name=HOSTILE)
    after = message(order(facility="F<2>"), delivered(HOSTILE), route=HOSTILE, name=HOSTILE)
    page = plan_page(plan_of((before, after)))
    tree: Any = html.fromstring(page)

    assert not tree.xpath("//script | //img | //link | //iframe | //object | //@src | //@href")
    assert not [each for each in tree.xpath("//@*") if each.attrname.startswith("on")]
    assert "url(" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert HOSTILE in tree.text_content()
    (policy,) = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy.startswith("default-src 'none'")


def test_the_page_has_a_picture_of_each_route_before_and_after() -> None:
    before, after = message(order(), delivered("mms")), message(order(), delivered("erp"))
    moved = replace(after, documents=(replace(after.documents[0], side="cloud"),))
    tree: Any = html.fromstring(plan_page(plan_of((before, moved))))

    tips = [each.text for each in tree.xpath("//svg//rect/title")]
    assert "po now: 1 legacy" in tips
    assert "po then: 1 cloud" in tips


def test_a_result_that_came_as_json_reads_the_same() -> None:
    before, after = message(order("CA"), delivered("mms")), message(order("CS"), delivered("erp"))
    plan = plan_of((before, after))
    again = plan_of_view(json.loads(json.dumps(plan_view(plan))))

    assert again == plan
    assert plan_page(again) == plan_page(plan)


def test_no_traffic_is_not_told_as_no_change() -> None:
    plan = planned([], [], since=AT, until=AT, names=("a", "b"))

    assert any("nothing was compared" in line for line in plan_lines(plan))
    assert "nothing was compared" in plan_page(plan)
