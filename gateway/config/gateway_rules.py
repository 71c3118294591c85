"""Settings of the process that must agree with each other: listeners, journal, the admin API. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.base import Finding, Level
from gateway.config.draft import Draft
from gateway.config.stage_rules import is_served


def listeners(draft: Draft) -> Iterator[Finding]:
    """What arrives over HTTP needs a listener, and TLS needs a certificate."""
    if draft.gateway is None:
        return
    listen = draft.gateway.listen
    if listen.https is not None and listen.tls is None:
        text = "https needs listen.tls with a certificate and its key"
        yield draft.finding("CONFIG-LISTEN", ("gateway", "", "listen", "https"), text)
    if listen.tls is not None and listen.https is None:
        text = "tls is declared, and nothing listens with it; expected listen.https: HOST:PORT"
        yield draft.finding("CONFIG-LISTEN", ("gateway", "", "listen", "tls"), text)
    if listen.http is not None and not listen.http.is_loopback:
        text = f"{listen.http} takes messages without TLS from other machines; expected a loopback address"
        yield draft.finding("CONFIG-LISTEN", ("gateway", "", "listen", "http"), text, Level.NOTE)
    if listen.http is None and listen.https is None:
        for route in draft.routes.values():
            if route.source.http or is_served(draft, route):
                text = "this route takes messages over HTTP, and gateway.listen declares no address"
                yield draft.finding("CONFIG-LISTEN", ("routes", route.id, "from", "http"), text)


def gateway_fits(draft: Draft) -> Iterator[Finding]:
    """Settings of the process that must agree with each other and with the partners'."""
    gateway = draft.gateway
    if gateway is None:
        return
    if gateway.environment == "production" and gateway.journal.path is None:
        text = "a journal in memory forgets acknowledged orders; expected sqlite:PATH in production"
        yield draft.finding("CONFIG-JOURNAL", ("gateway", "", "journal"), text)
    if gateway.limits.set_bytes_max > gateway.limits.body_bytes_max:
        text = "a set may be larger than the message it stands in; expected at most body_bytes_max"
        yield draft.finding("CONFIG-LIMITS", ("gateway", "", "limits", "set_bytes_max"), text)
    for name, partner in draft.partners.items():
        if partner.resend.window > gateway.retention.keys:
            text = (
                "repeats are recognised no longer than gateway.retention.keys; shorten this or lengthen that"
            )
            yield draft.finding("CONFIG-RETENTION", ("partners", name, "resend", "window"), text)
    if gateway.alarms.webhook is None and gateway.alarms.email is None:
        text = "no alarms are declared: nobody hears of an order that is past its deadline"
        yield draft.finding("CONFIG-ALARMS", ("gateway", "", "alarms"), text, Level.NOTE)


def admin_fits(draft: Draft) -> Iterator[Finding]:
    """The admin API has a listener, and each issuer is told once, with its keys in one place."""
    if draft.gateway is None or draft.gateway.admin is None:
        return
    if draft.gateway.listen.http is None and draft.gateway.listen.https is None:
        text = "the admin API is served by the gateway's listeners, and gateway.listen declares no address"
        yield draft.finding("CONFIG-LISTEN", ("gateway", "", "admin"), text)
    known: set[str] = set()
    for number, each in enumerate(draft.gateway.admin.issuers):
        here = ("gateway", "", "admin", "issuers", number)
        if (each.jwks is None) is (each.jwks_file is None):
            text = "an issuer has its keys in one place; expected jwks: ADDRESS or jwks_file: PATH"
            yield draft.finding("CONFIG-ADMIN", here, text)
        if each.issuer in known:
            yield draft.finding("CONFIG-ADMIN", here, f"issuer {each.issuer} is declared twice; join the two")
        known.add(each.issuer)
        for grant in each.grants:
            for route in grant.routes:
                is_known = any(
                    name == route or (route.endswith("*") and name.startswith(route[:-1]))
                    for name in draft.routes
                )
                if not is_known and route != "*":
                    text = f"'{route}' is no route's id, nor the beginning of one with * behind it"
                    yield draft.finding("CONFIG-ADMIN", here, text, Level.NOTE)
