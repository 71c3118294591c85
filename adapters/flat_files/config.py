"""What the configuration may say about flat files: by which layout and mapping, and what bad records cost.

A route's ``from.settings`` (or a ``write`` entry's ``settings``) stand over the partner's ``flat_files``.
"""

from __future__ import annotations

from typing import Literal

from adapters.base.settings import LayoutName, MappingName, Settings

BadRecords = Literal["refuse", "leave_out"]


class FlatSettings(Settings):
    """By which layout and mapping a route's files are read or written."""

    layout: LayoutName | None = None
    """Layout, by its name under `layouts`."""

    mapping: MappingName | None = None
    """Mapping between the layout's fields and the canonical document, by its name under `mappings`."""

    bad_records: BadRecords | None = None
    """What a bad record costs: `refuse` its whole document, or `leave_out` itself and what is below it.
    Whole files are refused by the partner's `accept_by: file`."""


class FlatPartner(Settings):
    """The same for all of a partner's routes, where they do not say otherwise."""

    layout: LayoutName | None = None
    """Layout, by its name under `layouts`."""

    mapping: MappingName | None = None
    """Mapping, by its name under `mappings`."""

    bad_records: BadRecords = "refuse"
    """What a bad record costs: `refuse` its whole document, or `leave_out` itself and what is below it."""
