"""Where deliveries go: for each endpoint its target, its sink and its health, built from the settings."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace

from adapters.base import Clock, Library, Rng
from adapters.base.http import HttpOutlet, MakeHttpSink
from adapters.base.registry import EndpointSetup, adapters
from gateway.compiling import retry_policies
from gateway.config import Configuration, Endpoint
from gateway.config.coexistence import Shadow
from gateway.config.named_texts import library_for
from gateway.destination import Destination
from gateway.erp.hand_over import HandingOver, Take
from gateway.erp.http import HttpSink
from gateway.erp.kinds import erp_kinds
from gateway.erp.limits import TargetHealth
from gateway.erp.readers import READERS
from gateway.erp.reading import ReadingTarget
from gateway.erp.settings import BasicSettings, HttpSettings
from gateway.erp.shadow_guard import Allowed, ShadowGuard
from gateway.outcome import RetryPolicy
from gateway.security.settings import TlsSettings
from gateway.shadowing import RENDERS, ShadowLeg

SHADOW_REPLY_BYTES_MAX = 1024 * 1024
# The library: the texts that its settings name; the shadow: where nothing else may be delivered; last, the
# version of files that only the adapter knows.
MadeFrom = tuple[Endpoint, RetryPolicy, Library, Shadow | None, str]
Prepared = dict[str, tuple[MadeFrom, Destination]]  # by name: made from, made


class Destinations:
    """All endpoints that can be delivered to; a reload keeps those that did not change."""

    def __init__(
        self, clock: Clock, rng: Rng, secret: Callable[[str], str], take: Take | None = None
    ) -> None:
        self._take = take  # what is read from an ERP is handed over to it
        self._clock = clock
        self._rng = rng
        self._secret = secret
        self._built: dict[str, Destination] = {}
        self._from: dict[str, MadeFrom] = {}
        self._left: list[Destination] = []  # replaced by a reload, perhaps still in use

    def __call__(self) -> Mapping[str, Destination]:
        """Give the destinations of now."""
        return self._built

    async def warm_up(self, configuration: Configuration) -> None:
        """Let adapters read what takes them long, in a thread; what cannot be read ``prepared`` tells of."""
        formats = {route.source.format for route in configuration.routes.values()}
        for name, found in adapters().items():
            if name in formats and found.warm is not None:
                await asyncio.to_thread(found.warm)
        for endpoint in configuration.endpoints.values():
            adapter = adapters().get(endpoint.kind)
            if adapter is not None and adapter.prepare is not None and endpoint.settings is not None:
                with contextlib.suppress(Exception):
                    await asyncio.to_thread(adapter.prepare, endpoint.settings)

    def prepared(self, configuration: Configuration) -> Prepared:
        """Build what a configuration needs and is not there yet; what did not change is kept as it is.

        Nothing is delivered otherwise before ``take_over``. Errors: those of the endpoints' own parts.
        """
        built: Prepared = {}
        retries, shadows = retry_policies(configuration), configuration.shadow_endpoints()
        for name, endpoint in configuration.endpoints.items():
            texts = library_for(configuration.library, endpoint.settings)
            version = _version(endpoint)
            made_from = (endpoint, retries.get(name, RetryPolicy()), texts, shadows.get(name), version)
            if self._from.get(name) == made_from and name in self._built:
                built[name] = (made_from, self._built[name])
                continue
            destination = self._build(name, *made_from[:-1])
            if destination is not None:
                built[name] = (made_from, destination)
        return built

    def take_over(self, prepared: Prepared) -> None:
        """Deliver by these from now on; what did not change keeps its connections, limits and breaker."""
        built = {name: destination for name, (_, destination) in prepared.items()}
        kept = {id(each) for each in built.values()}
        self._left += [each for each in self._built.values() if id(each) not in kept]
        self._from = {name: made_from for name, (made_from, _) in prepared.items()}
        self._built = built

    async def close(self) -> None:
        """Let go of all connections."""
        for destination in (*self._built.values(), *self._left):
            await destination.sink.close()

    def _build(
        self, name: str, endpoint: Endpoint, retry: RetryPolicy, texts: Library, shadow: Shadow | None
    ) -> Destination | None:
        """Build one; None for an endpoint that only things come from."""
        health = TargetHealth(endpoint.limits, self._clock.monotonic())
        erp = erp_kinds().get(endpoint.kind)
        if erp is not None and isinstance(endpoint.settings, HttpSettings):
            settings = endpoint.settings if shadow is None else for_shadows(endpoint.settings)
            sink = HttpSink(
                name,
                settings,
                clock=self._clock,
                rng=self._rng,
                secret=self._secret,
                guard=shadow_guard(shadow),
            )
            leg = ShadowLeg(shadow.mode, shadow.free_text == "send") if shadow is not None else RENDERS
            connector = erp.target(name, endpoint.settings)
            if endpoint.kind not in READERS or self._take is None:
                return Destination(name, connector, sink, health, retry, leg)
            reading = ReadingTarget(name, READERS[endpoint.kind](endpoint.settings), connector)
            handing = HandingOver(name, sink, self._take, self._clock)
            return Destination(name, reading, handing, health, retry, leg)
        adapter = adapters().get(endpoint.kind)
        if adapter is None or adapter.target is None or adapter.sink is None or endpoint.settings is None:
            return None
        setup = endpoint_setup(name, endpoint, self._clock, self._rng, self._secret)
        setup = replace(setup, library=texts, http=self._lend(name))
        target = adapter.target(setup)
        return Destination(name, target, adapter.sink(setup), health, retry) if target is not None else None

    def _lend(self, name: str) -> MakeHttpSink:
        """Give what lends an adapter the one HTTP sink, under its endpoint's name."""

        def lend(outlet: HttpOutlet) -> HttpSink:
            return HttpSink(
                name, http_settings(outlet), clock=self._clock, rng=self._rng, secret=self._secret
            )

        return lend


def _version(endpoint: Endpoint) -> str:
    adapter = adapters().get(endpoint.kind)
    if adapter is None or adapter.version is None or endpoint.settings is None:
        return ""
    return adapter.version(endpoint.settings)


def for_shadows(settings: HttpSettings) -> HttpSettings:
    """Give a shadow endpoint's settings: megabytes that it answers would be read beside what is live."""
    return settings.model_copy(
        update={"reply_bytes_max": min(settings.reply_bytes_max, SHADOW_REPLY_BYTES_MAX)}
    )


def shadow_guard(shadow: Shadow | None) -> ShadowGuard | None:
    """Give what the sink of a shadow's endpoint lets through."""
    if shadow is None or shadow.mode == "render":
        return None
    allowed = (
        Allowed(each.host, frozenset(method.upper() for method in each.methods), each.path)
        for each in shadow.allow
    )
    return ShadowGuard(shadow.mode, tuple(allowed), tuple(shadow.write_scopes))


def http_settings(outlet: HttpOutlet) -> HttpSettings:
    """Give an adapter's outlet as the sink's own settings."""
    is_basic = outlet.basic_user is not None and outlet.basic_password is not None
    return HttpSettings(
        base=outlet.base,
        plaintext=outlet.plaintext,
        tls=TlsSettings(certificate=outlet.certificate, key=outlet.key, ca=outlet.ca),
        basic=BasicSettings(user=outlet.basic_user or "", password=outlet.basic_password or "")
        if is_basic
        else None,
        connections=outlet.connections,
        connect_timeout_s=outlet.connect_timeout_s,
        read_timeout_s=outlet.read_timeout_s,
        timeout_s=outlet.timeout_s,
        reply_bytes_max=outlet.reply_bytes_max,
    )


def endpoint_setup(
    name: str, endpoint: Endpoint, clock: Clock, rng: Rng, secret: Callable[[str], str]
) -> EndpointSetup:
    """Give what an adapter's source, sink or target is built from."""
    if endpoint.settings is None:
        raise ValueError(f"endpoint '{name}' has no settings")
    return EndpointSetup(name, endpoint.environment, endpoint.settings, clock, rng, secret)
