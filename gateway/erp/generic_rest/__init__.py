"""A REST ERP of declared shape."""

from gateway.erp.generic_rest.target import GenericRest

__all__ = ["GenericRest"]
