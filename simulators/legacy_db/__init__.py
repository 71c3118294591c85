"""A materials-management database as one finds them: codes, padding and blanks of thirty years."""

from simulators.legacy_db.schema import TABLES, Dialect, create_schema, drop_schema
from simulators.legacy_db.stock import PurchaseOrder, items, order_statements, reference_rows

__all__ = [
    "TABLES",
    "Dialect",
    "PurchaseOrder",
    "create_schema",
    "drop_schema",
    "items",
    "order_statements",
    "reference_rows",
]
