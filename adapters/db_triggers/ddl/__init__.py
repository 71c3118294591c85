"""The DDL of a feed and of write-back, for a DBA to read and to apply; nothing here applies it."""

from adapters.db_triggers.ddl.model import DdlError, DdlSetup, FedTable, Made
from adapters.db_triggers.ddl.readings import readings
from adapters.db_triggers.ddl.render import objects, script, setup_of

__all__ = ["DdlError", "DdlSetup", "FedTable", "Made", "objects", "readings", "script", "setup_of"]
