"""A cloud ERP of no vendor: documents over REST by a declared shape, for `generic_rest` endpoints."""

from simulators.cloud_erp.server import CloudErp, Committed, Settings

__all__ = ["CloudErp", "Committed", "Settings"]
