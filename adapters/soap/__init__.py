"""SOAP: legacy WSDLs served in legacy's place, legacy services called, WS-Security both ways."""

from adapters.base.registry import Adapter


def adapter() -> Adapter:
    """Give the adapter's entry for the registry."""
    from adapters.soap.config import SoapEndpoint, SoapRoute
    from adapters.soap.facade import SoapFacade
    from adapters.soap.format import NAME, SoapFormat

    return Adapter(
        name=NAME,
        summary="SOAP 1.1 and 1.2: a WSDL's operations as routes",
        endpoint=SoapEndpoint,
        format_settings=SoapRoute,
        format=SoapFormat,
        facade=SoapFacade,
        identities=("message_id",),
        content_types=("text/xml", "application/soap+xml", "multipart/related"),
        commands={"soap": "read a WSDL: what can be served, and how a route begins"},
    )
