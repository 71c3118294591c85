"""``legacy-bridge flat``: propose a layout from a sample, check a file against a layout."""

from __future__ import annotations

import argparse
from pathlib import Path

from adapters.base.arguments import whole_number
from adapters.base.commands import CommandError, Desk, Subparsers

SIZE_BYTES_MAX = 256 * 1024 * 1024
ROWS_SHOWN = 20
ROWS_MAX = 1_000_000


def add(subparsers: Subparsers, desk: Desk) -> None:
    """Add the commands."""
    group = desk.group(
        subparsers, "flat", "propose a layout from a file, check a file against a layout",
        example="legacy-bridge flat check orders.layout.yaml orders.txt",
    )  # fmt: skip
    infer = desk.command(
        group, "infer", "propose a layout from a sample", _infer,
        example="legacy-bridge flat infer orders.txt > orders.layout.yaml",
        detail="A sample shows where characters stand, not what they mean: correct names and\n"
        "types, then run flat check with the layout.",
    )  # fmt: skip
    infer.add_argument("file", metavar="FILE", help="a sample")
    infer.add_argument("--name", help="the layout's name; default: the file's")
    check = desk.command(
        group, "check", "show a file's records by a layout, and what is wrong with them", _check,
        example="legacy-bridge flat check orders.layout.yaml orders.txt",
        detail="A copybook that the layout names is looked for beside the layout. Findings\n"
        "stand under the columns where they are.",
    )  # fmt: skip
    check.add_argument("layout", metavar="LAYOUT", help="a layout file")
    check.add_argument("file", metavar="FILE", help="the file to check")
    rows = whole_number(0, ROWS_MAX)
    check.add_argument("--rows", type=rows, default=ROWS_SHOWN, help=f"records to show; default {ROWS_SHOWN}")
    check.add_argument(
        "--all", action="store_true", help="show every record, not only the first ones and bad ones"
    )
    desk.add_json(check)


def _infer(arguments: argparse.Namespace, desk: Desk) -> int:
    from adapters.flat_files.infer import InferError, infer

    path = Path(arguments.file)
    body = _read(path)
    name = (
        arguments.name or "".join(each if each.isalnum() else "_" for each in path.stem).lower() or "layout"
    )
    try:
        proposal = infer(body, name)
    except InferError as error:
        raise CommandError(f"{path}: {error}", 1) from error
    for note in proposal.notes:
        desk.say(f"{path}: {note}")
    desk.print_verbatim(*proposal.text.rstrip("\n").split("\n"))
    return 0


def _check(arguments: argparse.Namespace, desk: Desk) -> int:
    from adapters.flat_files.checking import check_file
    from adapters.layouts import LayoutError, compile_layout

    layout_path, path = Path(arguments.layout), Path(arguments.file)
    text = _read(layout_path)
    try:
        layout = compile_layout(text, str(layout_path), lambda name: _beside(layout_path, name))
    except LayoutError as error:
        desk.print_findings(error.findings, as_json=arguments.json)
        return 2
    except UnicodeDecodeError as error:
        raise CommandError(f"{layout_path}: is no text: {error}") from error
    checked = check_file(layout, _read(path), str(path))
    if arguments.json:
        desk.print_json(checked.to_json())
        desk.print_findings(checked.findings, as_json=True)
    else:
        desk.print_text(*checked.lines(arguments.rows, shows_all=arguments.all))
        desk.print_findings(checked.file_findings)
    return 1 if checked.is_bad else 0


def _beside(layout: Path, name: str) -> str | None:
    file = layout.parent / name
    if not file.is_file():
        return None
    return _read(file).decode("latin-1")


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > SIZE_BYTES_MAX:
            raise CommandError(f"{path}: has more than {SIZE_BYTES_MAX} bytes; give a part of it")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise CommandError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
