"""A simulated Oracle Fusion pod: procurement, receiving and payables over REST, as the connector needs."""

from simulators.cloud_erp.oracle_fusion.server import OracleFusion
from simulators.cloud_erp.oracle_fusion.settings import PodSettings

__all__ = ["OracleFusion", "PodSettings"]
