"""A Dynamics 365 Finance to rehearse with: its OData entities for purchasing, their rules and their moods."""

from simulators.cloud_erp.dynamics365.erp import Dynamics365
from simulators.cloud_erp.dynamics365.rules import Tenant

__all__ = ["Dynamics365", "Tenant"]
