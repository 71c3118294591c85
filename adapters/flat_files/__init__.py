"""Flat files: fixed width, delimited and COBOL records, by layouts, in and out. A format, no transport."""

from adapters.base.registry import Adapter


def adapter() -> Adapter:
    """Give the adapter's entry for the registry."""
    from adapters.flat_files.config import FlatPartner, FlatSettings
    from adapters.flat_files.format import FlatFormat
    from adapters.flat_files.prepared import judged

    return Adapter(
        name="flat_files",
        summary="flat files: fixed width, delimited, COBOL copybooks, by a layout and a mapping",
        partner=FlatPartner,
        format_settings=FlatSettings,
        format=FlatFormat,
        judge=judged,
        needs=("layout", "mapping"),
        content_types=("text/plain", "text/csv", "application/octet-stream"),
        commands={"flat": "propose a layout from a file, check a file against a layout"},
    )
