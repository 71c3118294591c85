"""A cloud ERP to test against: takes documents over REST, numbers them itself, remembers all it was told."""

from simulators.cloud_erp.server import CloudErp, Committed, Settings
from simulators.serving import Tls

__all__ = ["CloudErp", "Committed", "Settings", "Tls"]
