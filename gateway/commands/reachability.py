"""``check --live``: whether every endpoint can be reached. It connects, and changes nothing.

An ERP is asked for its own description, once: so tokens, certificates and passwords are tried, too.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from adapters.base import Effect, Finding, Level, NoReply, Request
from adapters.base.registry import adapters
from gateway.commands.tried_logins import AGAIN, TriedLogins
from gateway.config import Configuration, Endpoint
from gateway.destinations import endpoint_setup, shadow_guard
from gateway.erp.drift.questions import questions
from gateway.erp.http import HttpSink
from gateway.erp.settings import HttpSettings
from gateway.security.secrets import SecretError, SecretStore
from gateway.security.settings import OAuth2Settings
from gateway.shadow_rights import probed_rights
from gateway.system import SystemClock, SystemRng

_Check = tuple[tuple[str, ...], Coroutine[Any, Any, list[str]]]

CONNECT_S = 5.0
CHECK_S = 30.0


async def unreachable(configuration: Configuration) -> list[Finding]:
    """Give a finding for everything that cannot be reached: endpoints, their tokens, where alarms go."""
    secret = SecretStore(configuration.folder or Path())
    tried = TriedLogins(secret)
    checks: list[_Check] = [
        (("endpoints", name), _problems(name, endpoint, secret, tried))
        for name, endpoint in configuration.endpoints.items()
    ]
    checks += [
        (("endpoints", name, "oauth2", "token_url"), _connect(f"the token endpoint of '{name}'", url, secret))
        for name, endpoint in configuration.endpoints.items()
        if (url := _token_url(endpoint)) is not None
    ]
    checks += _of_alarms(configuration, secret)
    found = await asyncio.gather(*(check for _, check in checks))
    unreachable = [
        Finding("CHECK-UNREACHABLE", configuration.places.at(*place), text)
        for (place, _), problems in zip(checks, found, strict=True)
        for text in problems
    ]
    return [*unreachable, *await _shadow_rights(configuration, secret, tried)]


async def _shadow_rights(
    configuration: Configuration, secret: SecretStore, tried: TriedLogins
) -> list[Finding]:
    """Say of each shadow's credential what it may do: in mode validate it must not be able to write."""
    findings = []
    for name, shadow in configuration.shadow_endpoints().items():
        settings, guard = configuration.endpoints[name].settings, shadow_guard(shadow)
        if guard is None or not isinstance(settings, HttpSettings):
            continue
        if tried.is_refused(settings):
            continue  # told already, and never sent twice
        sink = HttpSink(name, settings, clock=SystemClock(), rng=SystemRng(), secret=secret, guard=guard)
        try:
            rights = await asyncio.wait_for(probed_rights(sink, guard), CHECK_S)
        except (TimeoutError, SecretError, ValueError):
            continue  # that it cannot be reached is a finding of its own
        finally:
            await sink.close()
        is_wrong = rights.may == "write" and shadow.mode == "validate"
        at = configuration.places.at("endpoints", name)
        text = f"shadow endpoint '{name}': {rights.text}"
        findings.append(Finding("CHECK-SHADOW", at, text, Level.REJECTED if is_wrong else Level.NOTE))
    return findings


def _of_alarms(configuration: Configuration, secret: SecretStore) -> list[_Check]:
    """What must work at night, and is used only then."""
    alarms = configuration.gateway.alarms
    checks: list[_Check] = []
    if alarms.webhook is not None:
        place = ("gateway", "", "alarms", "webhook", "url")
        checks.append((place, _connect("the alarms' webhook", alarms.webhook.url, secret)))
    if alarms.email is not None:
        place, smtp = ("gateway", "", "alarms", "email", "smtp"), alarms.email.smtp
        checks.append((place, _connect("the alarms' mail server", f"smtp://{smtp}", secret)))
    return checks


def _token_url(endpoint: Endpoint) -> str | None:
    oauth2 = getattr(endpoint.settings, "oauth2", None)
    return oauth2.token_url if isinstance(oauth2, OAuth2Settings) else None


async def _problems(name: str, endpoint: Endpoint, secret: SecretStore, tried: TriedLogins) -> list[str]:
    if isinstance(endpoint.settings, HttpSettings):
        problems = await _connect(f"endpoint '{name}'", endpoint.settings.base, secret)
        return problems or await _closed_to_us(name, endpoint.kind, endpoint.settings, secret, tried)
    adapter = adapters().get(endpoint.kind)
    if adapter is None or endpoint.settings is None:
        return []
    try:
        if adapter.check_endpoint is not None:
            setup = endpoint_setup(name, endpoint, SystemClock(), SystemRng(), secret)
            return await asyncio.wait_for(adapter.check_endpoint(setup), CHECK_S)
        made = adapter.check(endpoint.settings) if adapter.check is not None else []
        return await asyncio.wait_for(made, CHECK_S) if inspect.isawaitable(made) else made
    except TimeoutError:
        return [f"endpoint '{name}' gave no answer within {CHECK_S:.0f} s"]


async def _closed_to_us(
    name: str, kind: str, settings: HttpSettings, secret: SecretStore, tried: TriedLogins
) -> list[str]:
    """Ask an ERP for its own description: one read, which needs all that a delivery needs.

    Whether the description is good is `erp check`'s to say. A wrong password is sent once in a run.
    """
    asked = questions(kind, settings, ())
    if not asked:
        return []
    if settings.oauth2 is not None:
        once = settings.oauth2.model_copy(update={"attempts_max": 1})
        settings = settings.model_copy(update={"oauth2": once})
    request = Request("describe", Effect.READ, "GET", asked[0].address, timeout_s=CHECK_S)
    try:
        sink = HttpSink(name, settings, clock=SystemClock(), rng=SystemRng(), secret=secret)
    except (SecretError, ValueError):
        return []  # a finding of its own
    try:
        reply = await tried.send(sink, settings, request)
    finally:
        await sink.close()
    if isinstance(reply, NoReply):
        # "maybe": it answered, and only the answer was too long or too slow.
        return [f"endpoint '{name}': {reply.reason}"] if reply.written == "none" else []
    if reply.status in (401, 403):
        what = "our credentials" if reply.status == 401 else "our account the right to read"
        then = AGAIN if reply.status == 401 else f"see legacy-bridge erp check {name}"
        return [f"endpoint '{name}' refuses {what} (status {reply.status}); {then}"]
    return []


async def _connect(what: str, base: str, secret: SecretStore) -> list[str]:
    """Open a connection and close it again. A base that is a reference is looked up first."""
    try:
        address = secret(base) if base.startswith(("env:", "file:")) else base
        parts = urlsplit(address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except SecretError:
        return []  # that the reference leads nowhere is a finding of its own
    except ValueError:
        return [f"{what}: {base} holds no address"]
    if not parts.hostname:
        return [f"{what}: {base} holds no address"]
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(parts.hostname, port), CONNECT_S)
    except TimeoutError:
        return [f"{what}: no connection to {parts.hostname}:{port} within {CONNECT_S:.0f} s"]
    except OSError as error:
        return [f"{what}: no connection to {parts.hostname}:{port} ({error.strerror or error})"]
    writer.close()
    return []
