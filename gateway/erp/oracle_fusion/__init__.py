"""Oracle Fusion Cloud Procurement over REST: orders, requisitions, receipts, invoices, acknowledgments.

Every create needs our reference in a text field, since no resource knows an idempotency key. An order is
three calls: draft, validate, submit. A receipt is a row of an interface: accepted, then processed, then
perhaps refused.
"""

from gateway.erp.oracle_fusion.connector import OracleFusion

__all__ = ["OracleFusion"]
