"""From an endpoint's settings to its target and sink: where the client's parts meet. Opens the WSDL, once."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Protocol, cast

from pydantic import BaseModel

from adapters.base import Finding, Library, Position
from adapters.base.http import HttpOutlet
from adapters.base.registry import EndpointSetup, Reread
from adapters.base.transport import Sink
from adapters.soap.call_settings import Call
from adapters.soap.compiling import ClientError, compile_client
from adapters.soap.driver_wsdl import WsdlError
from adapters.soap.sink import SoapSink, unreachable
from adapters.soap.target import SoapTarget
from adapters.soap.wsdl_loader import read_again, version_of, wsdl_of
from adapters.xml import XmlBounds


class CalledEndpoint(Protocol):
    """What the settings of an endpoint that may be called have."""

    @property
    def wsdl(self) -> str:
        """The WSDL's file."""
        ...

    @property
    def call(self) -> Call | None:
        """How it is called."""
        ...


def soap_target(setup: EndpointSetup) -> SoapTarget | None:
    """Give the target of an endpoint; None where its settings do not say how to call it.

    The first time for a WSDL it blocks while that is read.
    Errors: ClientError.
    """
    settings = cast(CalledEndpoint, setup.settings)
    if settings.call is None:
        return None
    try:
        wsdl = wsdl_of(str(settings.wsdl))
    except WsdlError as error:
        raise ClientError((error.finding,)) from error
    client = compile_client(setup.name, settings.call, wsdl, setup.library)
    return SoapTarget(setup.name, client, is_test=setup.environment == "test")


def soap_sink(setup: EndpointSetup) -> Sink:
    """Give the sink of an endpoint that is called."""
    call = cast(CalledEndpoint, setup.settings).call
    if call is None:
        raise TypeError(f"endpoint '{setup.name}' has no call settings")
    inner = setup.http(
        HttpOutlet(
            base=call.address,
            plaintext=call.plaintext,
            certificate=call.tls.certificate,
            key=call.tls.key,
            ca=call.tls.ca,
            basic_user=call.basic.user if call.basic is not None else None,
            basic_password=call.basic.password if call.basic is not None else None,
            connections=call.connections,
            connect_timeout_s=call.connect_timeout.total_seconds(),
            read_timeout_s=call.read_timeout.total_seconds(),
            timeout_s=call.timeout.total_seconds(),
            reply_bytes_max=call.reply_bytes_max,
        )
    )
    return SoapSink(
        setup.name,
        inner,
        clock=setup.clock,
        rng=setup.rng,
        bounds=XmlBounds(size_bytes_max=call.reply_bytes_max),
        security=call.security,
        secret=setup.secret,
    )


def prepare(settings: BaseModel) -> None:
    """Read the WSDL, so that it is known when the target is built. It blocks. Errors: WsdlError."""
    wsdl_of(str(cast(CalledEndpoint, settings).wsdl))


def version(settings: BaseModel) -> str:
    """Tell the WSDL that is in force from any other. It blocks where it was not read yet."""
    return version_of(str(cast(CalledEndpoint, settings).wsdl))


def reread(settings: Sequence[BaseModel]) -> Reread:
    """Read the WSDLs anew that changed, of all endpoints there are. It blocks."""
    return read_again(str(cast(CalledEndpoint, each).wsdl) for each in settings)


def judge_call(name: str, settings: BaseModel, library: Library) -> list[Finding]:
    """Give what does not fit together of an endpoint that is called: its WSDL, operations and mappings."""
    called = cast(CalledEndpoint, settings)
    if called.call is None:
        return []
    try:
        compile_client(name, called.call, wsdl_of(str(called.wsdl)), library)
    except ClientError as error:
        return list(error.findings)
    except WsdlError as error:
        return [replace(error.finding, at=Position(f"{name}.wsdl"))]
    return []


def check_live(settings: BaseModel) -> Awaitable[list[str]] | list[str]:
    """Say whether the service can be reached, for ``check --live``."""
    call = cast(CalledEndpoint, settings).call
    return unreachable(call.address) if call is not None else []
