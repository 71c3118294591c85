"""What listens for a gateway: its inlets, its facades and its API on one application, and who may call.

A reload changes what is served and who is known; where it listens and with which certificates' files
stays as the start had it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ssl
from collections.abc import Callable

from gateway.api.admin import AdminApi
from gateway.api.contract import resource_of
from gateway.api.facades import FacadeApi
from gateway.api.inbound import InboundApi
from gateway.api.issuing import issuers_of
from gateway.api.messages import mount_messages
from gateway.app import Gateway
from gateway.config import Address, Configuration
from gateway.http_app import HttpApp, HttpLimits
from gateway.http_routes import http_inlets
from gateway.inlets.http_inlet import Caller
from gateway.operations import Operations
from gateway.parts import senders_of
from gateway.security.partners import PartnerCertificates
from gateway.security.secrets import SecretStore
from gateway.security.settings import TlsSettings
from gateway.security.tls import ServerTls
from gateway.start_errors import ServeError
from gateway.system import package_version

CALLERS_S = 5.0  # of the time to end in (DRAIN_S in all); who waits longer asks again after the start


async def listen(
    gateway: Gateway,
    secret: SecretStore,
    operations: Operations,
    stack: contextlib.AsyncExitStack,
    left_s: Callable[[], float],
) -> tuple[str, ...]:
    """Listen until the stack ends, within what is ``left_s`` by then; give the addresses."""
    configuration = gateway.configuration
    callers = _Callers(_known(configuration))
    limits = HttpLimits(requests_max=configuration.gateway.limits.requests_max)
    app = HttpApp(gateway.is_healthy, callers.identify, limits)
    await _mount(app, gateway, secret, operations, callers)
    stack.push_async_callback(lambda: app.close(min(CALLERS_S, left_s())))
    addresses = []
    where = configuration.gateway.listen
    if where.http is not None:
        addresses.append(f"http://{await _bound(app, where.http)}")
    if where.https is not None and where.tls is not None:
        tls = TlsSettings(certificate=where.tls.certificate, key=where.tls.key, ca=where.tls.client_ca)
        server = ServerTls(tls, secret, require_client=where.tls.client_ca is not None)
        addresses.append(f"https://{await _bound(app, where.https, server.context)}")
    return tuple(addresses)


async def _mount(
    app: HttpApp, gateway: Gateway, secret: SecretStore, operations: Operations, callers: _Callers
) -> None:
    """Mount everything that is served, and have each reload change it."""
    configuration = gateway.configuration
    inlets = InboundApi(
        app,
        http_inlets(configuration),
        take=gateway.take,
        wait_for=gateway.answer,
        pass_on=gateway.calls.pass_on,
        refuse=gateway.refuse,
        clock=gateway.clock,
    )
    admin = AdminApi(app, operations, issuers_of(configuration, gateway.clock, secret), package_version())
    administrator = admin.handler(resource_of("messages.show"))
    mount_messages(app, gateway.journal, inlets.inlet, administrator)
    facades = FacadeApi(
        app,
        take=gateway.take,
        outcome=gateway.outcome,
        passes_on=gateway.passing_on,
        refuse=gateway.refuse,
        memory=gateway.journal,
        clock=gateway.clock,
    )
    # A WSDL takes up to a second to read; nothing else must wait for it, and nobody is served before.
    gateway.facade_of = facades.facade_of
    facades.set_served(await asyncio.to_thread(gateway.facades, configuration))

    def prepare(changed: Configuration) -> Callable[[], None]:
        routes, known, senders = http_inlets(changed), _known(changed), senders_of(changed, secret)
        served, issuers = gateway.facades(changed), issuers_of(changed, gateway.clock, secret)

        def take_over() -> None:
            admin.set_issuers(issuers)
            inlets.set_inlets(routes)
            facades.set_served(served)
            callers.known = known
            gateway.alarm_by(senders)

        return take_over

    gateway.on_reload(prepare)


async def _bound(app: HttpApp, address: Address, tls: ssl.SSLContext | None = None) -> Address:
    """Listen, and give where. Errors: ServeError."""
    try:
        return Address(*await app.start(address.host, address.port, tls))
    except OSError as error:
        reason = "another program listens there" if error.errno == errno.EADDRINUSE else error.strerror
        raise ServeError(
            f"{address} cannot be listened on ({reason or error}); gateway.listen in routes.yaml moves it"
        ) from error


class _Callers:
    """Who holds a client certificate, by the partners of the configuration in force."""

    def __init__(self, known: PartnerCertificates) -> None:
        self.known = known

    def identify(self, der: bytes) -> Caller | None:
        """Give the holder of a certificate; None where it stands for no partner."""
        partner, certificate = self.known.identify(der)
        return Caller(certificate.subject, certificate.sha256, partner) if partner is not None else None


def _known(configuration: Configuration) -> PartnerCertificates:
    return PartnerCertificates(
        {name: partner.certificates for name, partner in configuration.partners.items()}
    )
