"""Who may do what over the admin API, what of it is audited, and which tokens are not believed."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from gateway.api.contract import resources
from tests.gateway.api.admin_rig import ISSUER, OTHER, AdminSite, Issuer
from tests.gateway.http_rig import post
from tests.gateway.test_x12_through import interchange

CLOUD = {"stage": "legacy", "why": "ERP slow"}


@pytest.fixture
async def site(tmp_path: Path):
    running = await AdminSite(tmp_path).start()
    yield running
    await running.app.close(1.0)


async def parked(site: AdminSite) -> tuple[str, str]:
    """Let an order that cannot be read arrive; give its message and its exception."""
    message = await site.bench.arrive(interchange(["04"]).replace(b"*12*EA*", b"*x*EA*"))
    (item,) = await site.journal.exceptions()
    return message, item.exception_id


# -- roles and routes --------------------------------------------------------------------------


async def test_a_change_is_in_the_audit_log_under_the_tokens_subject(site: AdminSite) -> None:
    answer = await site.ask("PUT", "/v1/routes/po.one/stage", "movers", body=CLOUD)

    assert (answer.status, answer.json["to"]["stage"]) == (200, "legacy")
    entry = (await site.journal.audit())[-1]
    assert (entry.who, entry.action, entry.why) == (f"ann at {ISSUER}", "routes.set", "ERP slow")
    assert (await site.ask("GET", "/v1/audit/verification", "readers")).json["is_whole"] is True


async def test_nobody_names_another_as_the_one_who_changes_something(site: AdminSite) -> None:
    answer = await site.ask("PUT", "/v1/routes/po.one/stage", "movers", body={**CLOUD, "who": "bob"})

    assert answer.status == 400
    assert [each.action for each in await site.journal.audit()] == ["config.load"]


@pytest.mark.parametrize(
    "role, may",
    [
        ("readers", {"viewer"}),
        ("desk", {"viewer", "operator"}),
        ("movers", {"viewer", "operator", "migrator"}),
        ("admins", {"viewer", "operator", "migrator", "admin"}),
        ("strangers", set()),
    ],
)
async def test_a_role_may_what_those_before_it_may_and_no_more(
    site: AdminSite, role: str, may: set[str]
) -> None:
    for each in resources():
        if each.verb == "routes.approve":
            continue  # by what a grant lets approve, see below
        path = each.path.replace("{", "").replace("}", "")
        body = {name: _filler(name) for name in (one.name for one in each.others if one.is_required)}
        answer = await site.ask(each.method, path, role, body=body if each.has_body else None)
        assert (answer.status == 403) is (each.role.value not in may), (each.verb, answer.body)


def _filler(name: str) -> object:
    return [] if name in ("rows", "orders") else "x"


async def test_a_grant_for_one_route_sees_and_does_nothing_of_another(site: AdminSite) -> None:
    message, exception = await parked(site)
    path = f"/v1/exceptions/{exception.replace('/', '%2F')}"

    mine = await site.ask("GET", f"/v1/messages/{message}", "one-desk")
    foreign = await site.ask("GET", f"/v1/messages/{message}", "two-movers")
    closed = await site.ask(
        "POST", f"{path}/resolve", "two-movers", body={"resolution": "dismissed", "why": "x"}
    )

    assert (mine.status, foreign.status, closed.status) == (200, 404, 404)
    assert len(await site.journal.exceptions()) == 1
    assert (await site.ask("POST", f"{path}/retry", "one-desk", body={"why": "x"})).status == 200


async def test_a_grant_for_one_route_is_told_a_story_by_any_name_and_none_of_another_route(
    site: AdminSite,
) -> None:
    message = await site.bench.arrive(interchange(["04"]), "june.850")
    await site.bench.arrive(interchange(["04"], control=43), "po.two")  # a file that is called like a route

    mine = await site.ask("GET", "/v1/explain/june.850", "one-desk")
    foreign = [await site.ask("GET", f"/v1/explain/{name}", "two-movers") for name in ("june.850", "po.two")]

    assert [each["message_id"] for each in mine.json["messages"]] == [message]
    assert [each.status for each in foreign] == [404, 404]


async def test_a_list_holds_the_granted_routes_only(site: AdminSite) -> None:
    await parked(site)

    async def routes(path: str, role: str) -> set[str]:
        return {each["route"] for each in (await site.ask("GET", path, role)).json}

    assert await routes("/v1/routes", "readers") == {"po.one", "po.two", "ack.one"}
    assert await routes("/v1/routes", "one-desk") == {"po.one", "ack.one"}
    assert await routes("/v1/messages", "two-movers") == set()
    assert await routes("/v1/exceptions", "one-desk") == {"po.one"}
    assert await routes("/v1/exceptions", "two-movers") == set()


async def test_what_is_about_no_one_route_needs_a_grant_for_all(site: AdminSite) -> None:
    for method, path, body in (
        ("GET", "/v1/status", None),
        ("GET", "/v1/audit", None),
        ("GET", "/v1/audit/verification", None),
        ("POST", "/v1/verbs/crosswalk.load", {"table": "supplier", "rows": [], "why": "x"}),
        ("POST", "/v1/plan", {}),
    ):
        assert (await site.ask(method, path, "two-movers", body=body)).status == 403, path


async def test_nobody_approves_as_what_the_token_does_not_say(site: AdminSite) -> None:
    path, body = "/v1/verbs/routes.approve", {"route": "po.one", "stage": "retired", "why": "looked"}

    own = await site.ask("POST", path, "owners", body={**body, "role": "supply-chain"})
    other = await site.ask("POST", path, "owners", body={**body, "role": "audit"})
    anybody = await site.ask("POST", path, "admins", body={**body, "role": "supply-chain"})

    assert (own.status, other.status, anybody.status) == (200, 403, 403)
    assert [each.who for each in await site.journal.audit() if each.action == "routes.approve"] == [
        f"ann at {ISSUER}"
    ]


async def test_an_order_is_found_by_its_number_only_by_who_may_see_its_route(site: AdminSite) -> None:
    await site.bench.arrive(interchange(["04"]))

    seen = await site.ask("GET", "/v1/orders/4700", "one-desk")
    hidden = await site.ask("GET", "/v1/orders/4700", "two-movers")
    foreign = await site.ask("GET", "/v1/orders/4700/exceptions", "two-movers")

    assert (seen.status, hidden.status, foreign.status) == (200, 404, 404)
    assert (await site.ask("GET", "/v1/orders/4700/exceptions", "one-desk")).status == 200
    assert seen.json[0]["ledger"]["route"] == "po.one"


# -- tokens ------------------------------------------------------------------------------------


async def status_of(site: AdminSite, token: str) -> int:
    return (await site.ask("GET", "/v1/routes", token=token)).status


async def test_a_token_of_each_issuer_is_believed(site: AdminSite) -> None:
    for issuer in (site.issuer, site.other):
        assert await status_of(site, issuer.token("readers", at=site.clock)) == 200


async def test_an_issuer_signs_for_itself_only(site: AdminSite) -> None:
    forged = site.issuer.token("admins", at=site.clock, iss=OTHER)

    assert await status_of(site, forged) == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another-api"},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"nbf": 4_000_000_000},
        {"iat": 4_000_000_000},
        {"iss": "https://evil.example/"},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "a\nb"},
        {"header": {"typ": "logout+jwt"}},
        {"header": {"kid": "nobody"}},
    ],
    ids=str,
)
async def test_a_token_with_a_wrong_claim_is_refused(site: AdminSite, changes: dict) -> None:
    assert await status_of(site, site.issuer.token("admins", at=site.clock, **changes)) == 401


async def test_no_token_of_none_algorithm_or_shared_secret_is_believed(site: AdminSite) -> None:
    good = site.issuer.token("admins", at=site.clock)
    _, claims, signature = good.split(".")
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": "key-1"}).encode()).decode().rstrip("=")
    public = OctKey.import_key(json.dumps(site.issuer.key.as_dict(private=False)).encode())
    content = json.loads(base64.urlsafe_b64decode(claims + "=="))
    confused = jwt.encode({"alg": "HS256", "kid": "key-1"}, content, public, algorithms=["HS256"])

    for forged in (f"{none}.{claims}.", f"{none}.{claims}.{signature}", confused, f"{good}x", "a.b.c", "x"):
        assert await status_of(site, forged) == 401, forged


async def test_a_key_that_is_new_counts_at_once_and_one_that_is_gone_no_more(site: AdminSite) -> None:
    old = site.issuer.token("readers", at=site.clock)
    assert await status_of(site, old) == 200

    site.issuer.new_key()
    site.clock.elapsed_s += 11  # looks for unknown keys are no more often than every ten seconds
    new = site.issuer.token("readers", at=site.clock)

    assert await status_of(site, new) == 200
    assert await status_of(site, old) == 401


async def test_an_issuer_that_is_away_is_our_trouble_not_the_callers(site: AdminSite) -> None:
    site.issuer.file.unlink()

    answer = await site.ask("GET", "/v1/routes", "readers")

    assert (answer.status, answer.json["code"]) == (503, "ADMIN-KEYS")


async def test_without_a_token_the_answer_says_how_to_come(site: AdminSite) -> None:
    answer = await site.ask("GET", "/v1/routes", token=" ")

    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")


async def test_without_an_admin_section_there_is_no_api(site: AdminSite) -> None:
    site.api.set_issuers(None)

    for path in ("/v1/routes", "/v1/openapi.json"):
        assert (await site.ask("GET", path, "admins")).status == 404


async def test_no_refusal_repeats_the_token(site: AdminSite) -> None:
    token = Issuer(site.issuer.file.parent, "https://evil.example/").token("admins", at=site.clock)

    answer = await site.ask("GET", "/v1/routes", token=token)

    assert answer.status == 401
    assert token[:20].encode() not in answer.body


async def test_a_key_of_another_issuer_does_not_sign(site: AdminSite) -> None:
    stranger = ECKey.generate_key("P-256", {"kid": "key-1", "use": "sig"})

    assert await status_of(site, site.issuer.token("admins", at=site.clock, key=stranger)) == 401


# -- requests ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method, path, body",
    [
        ("GET", "/v1/messages?limit=ten", None),
        ("GET", "/v1/messages?rout=po.one", None),
        ("GET", "/v1/messages?limit=1&limit=2", None),
        ("PUT", "/v1/routes/po.one/stage", {"stage": "cloud"}),
        ("PUT", "/v1/routes/po.one/stage", {"stage": "cloud", "why": "x", "forced": True}),
        ("PUT", "/v1/routes/po.one/stage", ["stage"]),
        ("PUT", "/v1/routes/po.one/stage?why=x", {"stage": "cloud", "why": "x"}),
    ],
)
async def test_what_the_contract_does_not_say_is_refused(
    site: AdminSite, method: str, path: str, body: object
) -> None:
    answer = await site.ask(method, path, "admins", body=body)

    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_senders_own_look_at_a_message_stays_as_it_was(site: AdminSite) -> None:
    """Without a token the path is the senders'; nothing of this site takes messages over HTTP."""
    message, _ = await parked(site)

    sender = await post(site.port, f"/v1/messages/{message}", b"", method="GET")

    assert (sender.status, sender.json["code"]) == (404, "MESSAGE-UNKNOWN")
    assert (await site.ask("GET", f"/v1/messages/{message}", "readers")).json["documents"]
