"""``endpoints:`` in routes.yaml: the systems around the gateway, each of one kind.

What all kinds share stands here. The rest of an endpoint's keys belong to its kind - an adapter's
folder or a cloud ERP - and are validated by that kind's own model into ``Endpoint.settings``.
"""

from __future__ import annotations

from pydantic import BaseModel, Field, SerializeAsAny

from adapters.base import Environment
from adapters.base.settings import Name, Settings
from gateway.erp.settings import LimitSettings


class Endpoint(Settings):
    """One system around the gateway."""

    kind: Name
    """Which adapter or cloud ERP speaks with it; its own settings stand beside these."""

    environment: Environment
    """Whether it is a test or a production system; must agree with `gateway.environment`."""

    limits: LimitSettings = LimitSettings()
    """How much it is asked at once, and when it is left alone."""

    settings: SerializeAsAny[BaseModel] | None = Field(default=None, validation_alias="(kind)")
    """The kind's own settings, of the kind's own model; None where the kind has none."""
