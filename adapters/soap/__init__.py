"""SOAP: legacy WSDLs served in legacy's place, legacy services called, WS-Security both ways."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from pydantic import BaseModel

from adapters.base.facade import Facade
from adapters.base.findings import Finding
from adapters.base.formats import Format
from adapters.base.library import Library
from adapters.base.registry import Adapter, EndpointSetup, FacadeSetup, Reread
from adapters.base.targets import Target
from adapters.base.transport import Sink


def adapter() -> Adapter:
    """Give the adapter's entry for the registry."""
    from adapters.soap.config import SoapEndpoint, SoapRoute

    return Adapter(
        name="soap",
        summary="SOAP 1.1 and 1.2: a WSDL's operations as routes",
        endpoint=SoapEndpoint,
        format_settings=SoapRoute,
        holds=b"Envelope",
        format=_format,
        facade=_facade,
        target=_target,
        sink=_sink,
        writes_documents=_writes_documents,
        prepare=_prepare,
        version=_version,
        reread=_reread,
        judge_endpoint=_judge_endpoint,
        check=_check,
        answers_queries=True,
        identities=("message_id",),
        content_types=("text/xml", "application/soap+xml", "multipart/related"),
        commands={"soap": "read a WSDL: what can be served, and how a route begins"},
    )


# zeep and xmlsec take a while to import; a command that has nothing to do with SOAP must not wait for them.
def _format() -> Format:
    from adapters.soap.format import SoapFormat

    return SoapFormat()


def _facade(setup: FacadeSetup) -> Facade:
    from adapters.soap.facade import SoapFacade

    return SoapFacade(setup)


def _target(setup: EndpointSetup) -> Target | None:
    from adapters.soap.calling import soap_target

    return soap_target(setup)


def _sink(setup: EndpointSetup) -> Sink:
    from adapters.soap.calling import soap_sink

    return soap_sink(setup)


def _writes_documents(settings: BaseModel) -> bool:
    from adapters.soap.config import SoapEndpoint

    return isinstance(settings, SoapEndpoint) and settings.call is not None and bool(settings.call.operations)


def _prepare(settings: BaseModel) -> None:
    from adapters.soap.calling import prepare

    prepare(settings)


def _version(settings: BaseModel) -> str:
    from adapters.soap.calling import version

    return version(settings)


def _reread(settings: Sequence[BaseModel]) -> Reread:
    from adapters.soap.calling import reread

    return reread(settings)


def _judge_endpoint(name: str, settings: BaseModel, library: Library) -> list[Finding]:
    from adapters.soap.calling import judge_call

    return judge_call(name, settings, library)


def _check(settings: BaseModel) -> Awaitable[list[str]] | list[str]:
    from adapters.soap.calling import check_live

    return check_live(settings)
