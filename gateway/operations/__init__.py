"""What people and programs can ask of a gateway, over the journal: one class, one table of verbs.

The control socket, the command line with the gateway stopped, and later the admin API call the same
methods. Results are plain values that JSON can hold; nothing here prints, and nothing decides what
``stage``, ``planning`` and the journal decide.
"""

from gateway.operations.base import Hooks
from gateway.operations.errors import OperationError
from gateway.operations.verbs import CHANGES, VERBS, Operations

__all__ = ["CHANGES", "VERBS", "Hooks", "OperationError", "Operations"]
