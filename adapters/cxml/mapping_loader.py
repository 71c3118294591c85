"""The mappings that ship with the adapter, compiled once per process. Reads nothing else."""

from __future__ import annotations

from functools import cache
from importlib import resources

from adapters.mapping import Mapping

_MAPPINGS = resources.files("adapters.cxml").joinpath("mappings")
REQUESTS = {
    "OrderRequest": "order_request",
    "ConfirmationRequest": "confirmation_request",
    "InvoiceDetailRequest": "invoice_detail_request",
}


@cache
def mapping_for(request: str) -> Mapping:
    """Give the mapping of one kind of request."""
    name = f"{REQUESTS[request]}.yaml"
    return Mapping.load(_MAPPINGS.joinpath(name).read_text("utf-8"), name)
