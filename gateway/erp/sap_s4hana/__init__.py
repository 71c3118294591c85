"""SAP S/4HANA Cloud: orders over OData V4, other documents over V2, confirmations over one-way SOAP."""

from gateway.erp.sap_s4hana.connector import SapS4Hana

__all__ = ["SapS4Hana"]
