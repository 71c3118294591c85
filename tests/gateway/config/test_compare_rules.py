"""What a route may say of comparison, shadow and gates."""

from __future__ import annotations

import pytest

from gateway.config import Configuration, load_text
from gateway.config.coexistence import Span

GOOD = """\
version: 1
gateway: {environment: test, organisation: mercy, listen: {http: "127.0.0.1:0"}}
endpoints:
  erp: {kind: generic_rest, environment: test, base: "http://127.0.0.1:9", plaintext: true}
  dev: {kind: generic_rest, environment: test, base: "http://127.0.0.1:8", plaintext: true}
  legacy: {kind: sftp_files, environment: test, folder: var/legacy}
routes:
  - id: po
    from: {http: true, format: edi_x12, set: "850"}
    targets: {legacy: legacy, cloud: erp}
    stage: shadow
    compare:
      with: rows
      ignore: [{path: "lines[].description", until: "2027-01-31", why: legacy cuts it at 30}]
    shadow: {mode: validate, to: dev, allow: [{host: 127.0.0.1, methods: [GET]}]}
    canary: {select: {facility: ["04"]}, share: 5%, ramp: {step: 5%, every: 1bd}}
    gates:
      to_canary: {clean: 299, soak: 10bd}
      roll_back: {error_rate: 2%, open_exceptions: 5}
  - id: rows
    follows: po
    evidence: true
    from: {http: true, format: edi_x12, set: "850"}
"""

DEV = "dev: {kind: generic_rest, environment: test"
SHADOW = "{mode: validate, to: dev, allow: [{host: 127.0.0.1, methods: [GET]}]}"
IGNORE = '[{path: "lines[].description", until: "2027-01-31", why: legacy cuts it at 30}]'


def test_a_route_that_says_everything_loads() -> None:
    loaded = load_text(GOOD)

    assert isinstance(loaded, Configuration), [str(each) for each in loaded]
    po = loaded.routes["po"]
    assert po.gates.to_canary is not None
    assert po.gates.to_canary.soak == Span(10, "bd")
    assert loaded.rule(po).shadow_target == "dev"
    assert set(loaded.shadow_endpoints()) == {"dev"}


@pytest.mark.parametrize(
    "old, new, code, told",
    [
        ("with: rows", "with: raws", "CONFIG-REFERENCE", "there is no route 'raws'"),
        (
            "    evidence: true\n",
            "    targets: {legacy: legacy}\n",
            "CONFIG-COMPARE",
            "does not bring legacy's versions",
        ),
        (
            "evidence: true",
            "evidence: true\n    targets: {legacy: legacy}",
            "CONFIG-EVIDENCE",
            "delivered nowhere",
        ),
        (
            "    follows: po\n",
            "    stage: legacy\n    targets: {legacy: legacy}\n",
            "CONFIG-EVIDENCE",
            "say which one it follows",
        ),
        ("with: rows", "with: reply", "CONFIG-COMPARE", "expected reads"),
        (
            "with: rows",
            "with: rows\n      reads: {number: N}",
            "CONFIG-COMPARE",
            "reads belongs to with: reply",
        ),
        (IGNORE, IGNORE.replace("}]", ", legacy: CA}]"), "CONFIG-COMPARE", "a pair needs both words"),
        ('"2027-01-31"', '"soon"', "CONFIG-VALUE", "expected a day"),
        (", why: legacy cuts it at 30", "", "CONFIG-MISSING", "why"),
        ("soak: 10bd", "soak: 10w", "CONFIG-VALUE", "expected 10bd"),
        (
            "    compare:\n      with: rows\n      ignore: " + IGNORE + "\n",
            "",
            "CONFIG-GATES",
            "no legacy evidence",
        ),
        (
            "      roll_back: {error_rate: 2%, open_exceptions: 5}\n",
            "",
            "CONFIG-GATES",
            "needs limits that send it back",
        ),
        ("{error_rate: 2%, open_exceptions: 5}", "{to: legacy}", "CONFIG-GATES", "declares no limit"),
        ("evidence: true", "evidence: true\n    gates: {}", "CONFIG-FOLLOWS", "'gates' belongs to the route"),
        ("to: dev", "to: erp", "CONFIG-SHADOW", "is a live target of route 'po'"),
        ("to: dev", "to: legacy", "CONFIG-SHADOW", "only what is asked over HTTP"),
        ("to: dev, ", "", "CONFIG-SHADOW", "needs a non-production tenant"),
        (", allow: [{host: 127.0.0.1, methods: [GET]}]", "", "CONFIG-SHADOW", "nothing is allowed"),
        ("methods: [GET]", "methods: [GET, POST]", "CONFIG-SHADOW", "mode validate changes nothing"),
        ("host: 127.0.0.1", 'host: "*"', "CONFIG-SHADOW", "any host is no allow-list"),
        ("mode: validate", "mode: render", "CONFIG-SHADOW", "mode render sends nothing"),
        (DEV, DEV.replace("test", "production"), "CONFIG-SHADOW", "sends to a test tenant only"),
        (
            "gateway: {environment: test",
            "gateway: {environment: production",
            "CONFIG-SHADOW",
            "a production gateway renders only",
        ),
    ],
)
def test_what_cannot_be_kept_is_refused_in_its_place(old: str, new: str, code: str, told: str) -> None:
    assert old in GOOD
    loaded = load_text(GOOD.replace(old, new))

    assert not isinstance(loaded, Configuration)
    assert [each for each in loaded if each.code == code and told in each.text], [
        str(each) for each in loaded
    ]


def test_two_routes_may_share_a_tenant_only_by_the_same_rules() -> None:
    other = """\
  - id: po.two
    from: {http: true, format: edi_x12, set: "850"}
    targets: {legacy: legacy, cloud: erp}
    stage: shadow
    shadow: {mode: sandbox, to: dev, allow: [{host: 127.0.0.1, methods: [POST]}]}
"""
    loaded = load_text(GOOD + other)

    assert not isinstance(loaded, Configuration)
    assert "declares other rules for 'dev'" in " ".join(str(each) for each in loaded)
    assert isinstance(
        load_text(GOOD + other.replace(other.splitlines()[4].strip(), f"shadow: {SHADOW}")), Configuration
    )
