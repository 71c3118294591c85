"""Says, for ``check --live``, what keeps an endpoint's database from being used. Changes nothing. I/O."""

from __future__ import annotations

from typing import cast

from sqlalchemy.exc import SQLAlchemyError

from adapters.base.registry import EndpointSetup
from adapters.db_triggers.config import DbEndpoint
from adapters.db_triggers.ddl import DdlError
from adapters.db_triggers.driver_catalog import live
from adapters.db_triggers.driver_engine import engine_of
from adapters.db_triggers.faults import fault_of
from adapters.db_triggers.verify import UNSEEN, compared


async def unusable(setup: EndpointSetup) -> list[str]:
    """Give what ``db verify`` would tell, or why the database does not answer.

    That we may not see triggers hinders nothing here: only a DBA can compare them.
    """
    settings = cast(DbEndpoint, setup.settings)
    engine = engine_of(settings, setup.secret)
    try:
        async with engine.connect() as connection:
            found = compared(setup.name, await live(connection, settings))
    except DdlError as error:
        return [line for line in str(error).splitlines() if line]
    except (SQLAlchemyError, OSError, EOFError) as error:
        fault = fault_of(settings.dialect, error)
        return [f"the database does not answer: {fault.told} [{fault.code}]"]
    finally:
        await engine.dispose()
    return [f"{finding.text} [{finding.code}]" for finding in found if finding.code != UNSEEN]
