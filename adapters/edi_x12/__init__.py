"""X12: orders, their acknowledgments and invoices both ways, envelopes. A format, no transport."""

from adapters.base.registry import Adapter


def adapter() -> Adapter:
    """Give the adapter's entry for the registry."""
    from adapters.edi_x12.config import X12Partner
    from adapters.edi_x12.format import X12Format
    from adapters.edi_x12.guide import judged, warm
    from adapters.edi_x12.parties import judged_writing

    return Adapter(
        name="edi_x12",
        summary="X12 EDI: 850, 855 and 810 both ways, acknowledgments, envelopes",
        partner=X12Partner,
        format=X12Format,
        # What order_places and parts_in fill of what a stage may look at (gateway/order_facts.py).
        tells=frozenset({"facility", "supplier", "order_type"}),
        is_enveloped=True,
        # Source: RFC 1767; the last two are what senders say that know no better.
        content_types=(
            "application/edi-x12",
            "application/edi-consent",
            "text/plain",
            "application/octet-stream",
        ),
        warm=warm,
        judge=judged,
        judge_writing=judged_writing,
        commands={"x12": "show and check guides of X12 sets"},
    )
