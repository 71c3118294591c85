"""Dynamics 365 Finance: purchase orders, responses, invoices, receipts, vendors over OData V4."""

from gateway.erp.dynamics365.target import Dynamics365

__all__ = ["Dynamics365"]
