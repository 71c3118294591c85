"""cXML: orders, confirmations and invoices, in and out. A format, no transport."""

from adapters.base.registry import Adapter


def adapter() -> Adapter:
    """Give the adapter's entry for the registry."""
    from adapters.cxml.config import CxmlPartner
    from adapters.cxml.format import CxmlFormat, judged_writing

    return Adapter(
        name="cxml",
        summary="cXML: OrderRequest, ConfirmationRequest, InvoiceDetailRequest",
        partner=CxmlPartner,
        format=CxmlFormat,
        judge_writing=judged_writing,
        content_types=("text/xml", "application/xml"),
    )
