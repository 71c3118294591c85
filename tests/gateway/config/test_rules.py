from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.base import Level
from gateway.config import Configuration, acknowledging_side, judge, load_text, stage_findings_of
from gateway.config.draft import draft_of
from gateway.config.partners import Acknowledge
from gateway.stage import Stage
from tests.gateway.config.sample import CATALOGUE, GOOD, changed, configured, refused

PO = 'from: {endpoint: in, format: x12, partner: acme, set: "850", identity: content}'
ACK = 'from: {http: true, format: x12, partner: acme, set: "855"}'
JSON = "from: {http: true, document: purchase_order}"

MISTAKES = [
    # what is written instead of what, the code, and where it is found
    ("endpoint: in,", "endpoint: out,", "CONFIG-REFERENCE", "routes[0].from.endpoint"),
    (PO, PO.replace("acme", "acne"), "CONFIG-REFERENCE", "routes[0].from.partner"),
    ("targets: {cloud: erp}\n", "targets: {cloud: erq}\n", "CONFIG-REFERENCE", "routes[2].targets.cloud"),
    ("follows: po", "follows: pi", "CONFIG-REFERENCE", "routes[1].follows"),
    ("endpoint: in,", "endpoint: erp,", "CONFIG-KIND", "routes[0].from.endpoint"),
    ("endpoint: in,", "endpoint: in, http: true,", "CONFIG-SOURCE", "routes[0].from"),
    (JSON, "from: {http: true}", "CONFIG-SOURCE", "routes[2].from"),
    (JSON, "from: {http: true, document: invoic}", "CONFIG-KIND", "routes[2].from.document"),
    (ACK, ACK.replace("x12", "x13"), "CONFIG-KIND", "routes[1].from.format"),
    (ACK, ACK.replace("x12,", "flat, settings: {a: b},"), "CONFIG-UNKNOWN-KEY", "routes[1].from.settings"),
    (
        ACK,
        ACK.replace("x12,", "x12, settings: {strickt: true},"),
        "CONFIG-UNKNOWN-KEY",
        "routes[1].from.settings.strickt",
    ),
    ("endpoint: in,", "endpoint: in, patern: a,", "CONFIG-UNKNOWN-KEY", "routes[0].from.patern"),
    ("identity: content", "identity: contents", "CONFIG-IDENTITY", "routes[0].from.identity"),
    (
        JSON,
        JSON.replace("order}", "order, identity: control_numbers}"),
        "CONFIG-IDENTITY",
        "routes[2].from.identity",
    ),
    ("follows: po\n", "follows: po\n    stage: cloud\n", "CONFIG-FOLLOWS", "routes[1].stage"),
    ("follows: po\n", "follows: po\n    canary: {}\n", "CONFIG-FOLLOWS", "routes[1].canary"),
    (
        "follows: po\n",
        "follows: po\n    transmitter: {cloud: erp}\n",
        "CONFIG-FOLLOWS",
        "routes[1].transmitter",
    ),
    ("follows: po\n", "follows: ack\n", "CONFIG-FOLLOWS", "routes[1].follows"),
    (
        'set: "855"}\n    targets: {legacy: legacy, cloud: erp}',
        'set: "855"}\n    targets: {legacy: legacy, cloud: erp, supplier: legacy}',
        "CONFIG-FOLLOWS",
        "routes[1].targets.supplier",
    ),
    ("    stage: cloud\n", "", "CONFIG-STAGE", "routes[2].stage"),
    ("stage: cloud", "stage: shadow", "CONFIG-STAGE", "routes[2].targets.legacy"),
    (
        "stage: cloud",
        "stage: cloud\n    losing_side: copy_not_transmitted",
        "CONFIG-STAGE",
        "routes[2].losing_side",
    ),
    (
        "stage: cloud",
        "stage: cloud\n    transmitter: {cloud: legacy}",
        "CONFIG-TRANSMITTER",
        "routes[2].transmitter.cloud",
    ),
    (
        "stage: cloud",
        "stage: cloud\n    transmitter: {cloud: gateway}",
        "CONFIG-TRANSMITTER",
        "routes[2].transmitter.cloud",
    ),
    (
        "stage: canary",
        "stage: canary\n    transmitter: {legacy: erp}",
        "CONFIG-TRANSMITTER",
        "routes[0].transmitter.legacy",
    ),
    (
        '"http://127.0.0.1:9"}',
        '"http://127.0.0.1:9", supplier_output: off}',
        "CONFIG-TRANSMITTER",
        "routes[2].transmitter.cloud",
    ),
    ('      select: {facility: "04"}\n', "", "CONFIG-CANARY", "routes[0].canary.select"),
    ("stage: cloud", "stage: cloud\n    canary: {share: 5%}", "CONFIG-CANARY", "routes[2].canary.share"),
    (
        "share: 10%",
        "pin_legacy: {order_type: [blankett]}",
        "CONFIG-CANARY",
        "routes[0].canary.pin_legacy.order_type[0]",
    ),
    ("share: 10%", "share: 110%", "CONFIG-VALUE", "routes[0].canary.share"),
    ("stage: cloud", "stage: cloud\n    reply: wait", "CONFIG-REPLY", "routes[2].reply"),
    ("stage: cloud", "stage: cloud\n    reply: {mode: wait, within: 5s}", "CONFIG-REPLY", "routes[2].reply"),
    (
        "stage: cloud",
        "stage: cloud\n    reply: {mode: accepted, pending: reference}",
        "CONFIG-REPLY",
        "routes[2].reply.pending",
    ),
    ("stage: cloud", "stage: cloud\n    reply: pass_through", "CONFIG-REPLY", "routes[2].reply"),
    ("stage: cloud", "stage: cloud\n    reply: {mode: query, within: 5s}", "CONFIG-REPLY", "routes[2].reply"),
    (
        "stage: cloud",
        "stage: cloud\n    contract: {canonical: purchase_order@9}",
        "CONFIG-KIND",
        "routes[2].contract.canonical",
    ),
    (
        "stage: cloud",
        "stage: cloud\n    contract: {canonical: order@1}",
        "CONFIG-KIND",
        "routes[2].contract.canonical",
    ),
    ('{type: "997", to: reply}', '{type: "997"}', "CONFIG-ACKNOWLEDGE", "partners.acme.acknowledge"),
    (
        '{type: "997", to: reply}',
        '{type: "997", to: nowhere}',
        "CONFIG-REFERENCE",
        "partners.acme.acknowledge.to",
    ),
    ('{type: "997", to: reply}', '{type: "997", by: legacy}', "CONFIG-ACKNOWLEDGE", "routes[0].from"),
    (
        "stage: cloud",
        'stage: cloud\n    acknowledge: {type: "997"}',
        "CONFIG-ACKNOWLEDGE",
        "routes[2].acknowledge",
    ),
    (
        "    x12: {isa",
        "    control_numbers: {lowest: 9, highest: 1}\n    x12: {isa",
        "CONFIG-VALUE",
        "partners.acme.control_numbers",
    ),
    (
        "    x12: {isa",
        "    resend: {window: 900d}\n    x12: {isa",
        "CONFIG-RETENTION",
        "partners.acme.resend.window",
    ),
    (
        "  acme:\n    environment: test",
        "  acme:\n    environment: production",
        "CONFIG-ENVIRONMENT",
        "partners.acme.environment",
    ),
    (
        "  legacy: {kind: files, environment: test",
        "  legacy: {kind: files, environment: production",
        "CONFIG-ENVIRONMENT",
        "routes[0].targets.legacy",
    ),
    ("  listen: {http: 127.0.0.1:8080}\n", "", "CONFIG-LISTEN", "routes[1].from.http"),
    ("{http: 127.0.0.1:8080}", "{https: 127.0.0.1:8080}", "CONFIG-LISTEN", "gateway.listen.https"),
    (
        "organisation: mercy",
        "organisation: mercy\n  limits: {body_bytes_max: 1kB}",
        "CONFIG-LIMITS",
        "gateway.limits.set_bytes_max",
    ),
    (
        "share: 10%",
        "pin_legacy: {line_class: [implant]}",
        "CONFIG-CANARY",
        "routes[0].canary.pin_legacy.line_class",
    ),
    ('{facility: "04"}', "{category: [office]}", "CONFIG-CANARY", "routes[0].canary.select.category"),
    (
        "targets: {legacy: legacy, cloud: erp}\n    stage",
        "targets: {legacy: in, cloud: erp}\n    stage",
        "CONFIG-LOOP",
        "routes[0].targets.legacy",
    ),
    (
        "share: 10%",
        "share: 10%\n    reply: {mode: wait, within: 5s, pending: reference}",
        "CONFIG-REPLY",
        "routes[0].reply.mode",
    ),
    ("- id: json", "- id: ack", "CONFIG-TWICE", "routes[2].id"),
    ("  erp: {kind", "  ERP 1: {kind", "CONFIG-NAME", "endpoints.ERP 1"),
]


@pytest.mark.parametrize(
    ("old", "new", "code", "path"), MISTAKES, ids=[f"{each[2]}-{each[3]}" for each in MISTAKES]
)
def test_what_does_not_fit_is_found_where_it_stands(old: str, new: str, code: str, path: str) -> None:
    text = changed(old, new)

    assert (code, path) in [(each.code, each.at.path) for each in refused(text)]
    assert all(each.at.line and each.at.column for each in refused(text))


def test_an_erp_whose_output_is_undeclared_is_refused_where_another_sends_its_orders() -> None:
    text = changed('"http://127.0.0.1:9"}', '"http://127.0.0.1:9", supplier_output: undeclared}')
    assert configured(text)  # the ERP sends them itself

    others = changed("stage: cloud", "stage: cloud\n    transmitter: {cloud: none}", text)
    assert [(each.code, each.at.path) for each in refused(others)] == [
        ("CONFIG-TRANSMITTER", "routes[2].transmitter.cloud")
    ]
    assert configured(
        others.replace("undeclared", "off").replace("- id: po", "- id: po\n    transmitter: {cloud: none}")
    )


def test_the_sample_itself_has_nothing_but_notes() -> None:
    found = judge(draft_of(configured(), CATALOGUE))

    assert {each.level for each in found} == {Level.NOTE}


def test_a_finding_about_what_a_format_does_not_tell_says_what_it_tells() -> None:
    (found,) = refused(changed("share: 10%", "pin_legacy: {line_class: [implant]}"))

    assert "tells no line_class" in found.text
    assert "facility, order_type, supplier" in found.text
    assert configured(changed("share: 10%", "pin_legacy: {order_type: [blanket]}")).routes


@pytest.mark.parametrize(
    ("environment", "stage", "declared", "level"),
    [
        ("test", "canary", "", Level.NOTE),
        ("production", "canary", "", Level.REJECTED),
        ("production", "shadow", "", None),
        ("production", "canary", "    control_numbers: {lowest: 5, highest: 9}\n", None),
    ],
)
def test_where_the_gateway_writes_envelopes_a_partner_needs_a_range_of_control_numbers(
    environment: str, stage: str, declared: str, level: Level | None
) -> None:
    enveloped = replace(CATALOGUE.formats["x12"], is_enveloped=True)
    catalogue = replace(CATALOGUE, formats={**CATALOGUE.formats, "x12": enveloped})
    text = GOOD[: GOOD.index("  - id: ack")].replace("environment: test", f"environment: {environment}")
    text = changed("stage: canary", f"stage: {stage}", text).replace('"memory:"', "sqlite:j.db")
    text = changed("    x12: {isa", f"{declared}    x12: {{isa", text).replace(
        "listen: {http: 127.0.0.1:8080}", ""
    )
    loaded = load_text(text, catalogue=catalogue)
    found = loaded if isinstance(loaded, list) else judge(draft_of(loaded, catalogue))

    numbering = [(each.level, each.at.path) for each in found if each.code == "CONFIG-CONTROL-NUMBERS"]
    assert numbering == ([(level, "partners.acme")] if level is not None else [])


def test_two_routes_of_one_source_and_set_are_refused() -> None:
    second = f"  - id: po2\n    {PO}\n    targets: {{legacy: legacy}}\n    stage: legacy\n"

    assert [(each.code, each.at.line) for each in refused(GOOD + second)] == [("CONFIG-CLAIM", 37)]
    assert configured(GOOD + second.replace("850", "860")).routes["po2"].source.set == "860"
    assert configured(GOOD + second.replace("endpoint: in,", "endpoint: in, pattern: b,")).routes.keys() >= {
        "po2"
    }


def test_a_production_gateway_refuses_a_test_endpoint_except_as_a_shadow() -> None:
    text = GOOD.replace("environment: test", "environment: production").replace('"memory:"', "sqlite:j.db")
    text = changed(
        "  erp: {kind: rest, environment: production", "  erp: {kind: rest, environment: test", text
    )
    text = text[: text.index("  - id: ack")]
    owners = "{suppliers: {legacy: legacy}, budgets: {legacy: legacy}, approvals: {legacy: legacy}, "
    owners += "order_status: {legacy: order}}"
    text = changed("organisation: mercy", f"organisation: mercy\n  owners: {owners}", text)

    assert [(each.code, each.at.path) for each in refused(text)] == [
        ("CONFIG-ENVIRONMENT", "routes[0].targets.cloud")
    ]
    rehearsed = configured(changed("stage: canary", "stage: shadow", text))
    assert [each.code for each in stage_findings_of(rehearsed, "po", Stage.CANARY, CATALOGUE)] == [
        "CONFIG-ENVIRONMENT"
    ]


def test_a_test_gateway_never_reaches_production_not_even_as_a_shadow() -> None:
    text = changed("erp: {kind: rest, environment: test", "erp: {kind: rest, environment: production")
    text = changed("stage: canary", "stage: shadow", text)

    assert "routes[0].targets.cloud" in [
        each.at.path for each in refused(text) if each.code == "CONFIG-ENVIRONMENT"
    ]


def test_a_production_journal_is_on_disk() -> None:
    text = changed("gateway:\n  environment: test", "gateway:\n  environment: production")

    assert "CONFIG-JOURNAL" in [each.code for each in refused(text)]


def test_a_move_to_a_stage_is_judged_before_it_is_made() -> None:
    configuration = configured()

    assert stage_findings_of(configuration, "po", Stage.CLOUD, CATALOGUE) == []
    found = stage_findings_of(configuration, "json", Stage.LEGACY, CATALOGUE)
    assert [(each.code, each.at.path) for each in found] == [("CONFIG-STAGE", "routes[2].targets.legacy")]


@pytest.mark.parametrize(
    ("by", "stage", "side"),
    [
        ("auto", Stage.LEGACY, "legacy"),
        ("auto", Stage.SHADOW, "legacy"),
        ("auto", Stage.CANARY, "gateway"),
        ("auto", Stage.RETIRED, "gateway"),
        ("auto", None, "gateway"),
        ("gateway", Stage.LEGACY, "gateway"),
        ("legacy", Stage.LEGACY, "legacy"),
    ],
)
def test_exactly_one_side_acknowledges(by: str, stage: Stage | None, side: str) -> None:
    rule = Acknowledge.model_validate({"type": "997", "by": by, "to": "reply"})

    assert acknowledging_side(rule, stage) == side
    assert acknowledging_side(rule.model_copy(update={"type": "none"}), stage) is None
    assert acknowledging_side(None, stage) is None


def test_a_question_may_be_asked_of_a_kind_that_declares_its_questions() -> None:
    kinds = {name: replace(kind, answers_queries=True) for name, kind in CATALOGUE.kinds.items()}
    asks = changed("stage: cloud", "stage: cloud\n    reply: {mode: query, within: 5s}")
    loaded = load_text(asks, catalogue=replace(CATALOGUE, kinds=kinds))

    assert not isinstance(loaded, list)


COPIES = """\
version: 1
gateway: {environment: test, organisation: mercy, journal: "memory:", listen: {http: 127.0.0.1:8080}}
endpoints:
  erp: {kind: sftp_files, environment: test, folder: erp}
  mms: {kind: sftp_files, environment: test, folder: mms, name: "{stem}.{role}{suffix}"}
routes:
  - id: po
    from: {http: true, document: purchase_order, identity: idempotency_key}
    targets: {legacy: mms, cloud: erp}
    stage: canary
    canary: {select: {facility: ["04"]}, share: 10%}
    losing_side: copy_not_transmitted
    ownership: {receiving: {at: owner}, matching: {at: owner}, on_order: none}
"""


def test_a_folder_gets_copies_only_where_the_name_of_a_file_tells_them_from_orders() -> None:
    loaded = load_text(COPIES)
    assert isinstance(loaded, Configuration), [str(each) for each in loaded]

    found = load_text(COPIES.replace("{stem}.{role}{suffix}", "{stem}{suffix}"))

    assert isinstance(found, list)
    assert [each.at.path for each in found] == ["routes[0].losing_side"]
    assert "cannot tell a copy from an order of its own" in found[0].text
    assert "{role}" in found[0].text
