"""SAP S/4HANA as a rehearsal system: OData V4 and V2, CSRF, ETags, batches, one-way SOAP, a ledger."""

from simulators.cloud_erp.sap_s4hana.server import SapS4Hana
from simulators.cloud_erp.sap_s4hana.tenant import SupplierMaster, Tenant

__all__ = ["SapS4Hana", "SupplierMaster", "Tenant"]
