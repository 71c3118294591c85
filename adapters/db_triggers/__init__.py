"""Legacy databases: changes fed by triggers or by what is there already, and documents written back."""

from __future__ import annotations

from typing import cast

from adapters.base import Source
from adapters.base.registry import Adapter, SourceSetup


def adapter() -> Adapter:
    """Give what this adapter offers."""
    from adapters.db_triggers.checks import judged_endpoint
    from adapters.db_triggers.config import DbEndpoint, DbPartner, DbSettings
    from adapters.db_triggers.decoder import judged
    from adapters.db_triggers.format import RowFormat

    return Adapter(
        name="db_triggers",
        summary="legacy databases: every committed change of a table once, in order, and documents back",
        endpoint=DbEndpoint,
        partner=DbPartner,
        format_settings=DbSettings,
        format=RowFormat,
        judge=judged,
        judge_endpoint=judged_endpoint,
        source=_source,
    )


def _source(setup: SourceSetup) -> Source:
    from adapters.db_triggers.config import DbEndpoint
    from adapters.db_triggers.driver_feed import source_of  # SQLAlchemy takes a while to import

    return source_of(setup, cast(DbEndpoint, setup.endpoint.settings))
