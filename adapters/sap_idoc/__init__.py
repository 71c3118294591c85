"""SAP IDocs: ORDERS05, flat and XML, in and out. A format, no transport."""

from adapters.base.registry import Adapter


def adapter() -> Adapter:
    """Give the adapter's entry for the registry."""
    from adapters.sap_idoc.config import IdocPartner, IdocSettings
    from adapters.sap_idoc.format import IdocFormat

    return Adapter(
        name="sap_idoc",
        summary="SAP IDoc: ORDERS05 orders, flat files and XML",
        partner=IdocPartner,
        format_settings=IdocSettings,
        format=IdocFormat,
        content_types=("text/xml", "application/xml", "text/plain", "application/octet-stream"),
    )
