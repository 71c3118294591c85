"""``translate``: files to canonical JSON or from it, offline, without a gateway or a journal."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from adapters.base import EncodeError
from adapters.base.arguments import whole_number
from gateway.commands.errors import CommandError
from gateway.commands.options import Subparsers, add_command, add_configuration, add_json
from gateway.commands.progress import Progress, Watched, size_of
from gateway.commands.terminal import print_findings, say
from gateway.commands.translating import (
    FORMATS_HELP,
    Input,
    Profile,
    Written,
    format_named,
    profile_of,
    translated,
    without_profile,
)

STDIN = "-"

DETAIL = """\
The format of each input is recognised by its content. Documents go to stdout,
one a line; findings go to stderr, as file:line:col path: text [code]. A note,
and what is accepted with errors, says so; any other one rejects its set. With
several files each document tells its source. It works without any
configuration; --partner takes a partner's rules from one."""

EXAMPLE = """\
legacy-bridge translate order.edi
legacy-bridge translate inbox/*.edi > orders.jsonl
legacy-bridge translate order.edi --ack order.997 --control-number 12
legacy-bridge translate --partner acme -c routes.yaml order.edi
legacy-bridge translate --to edi_x12 --partner acme order.json > order.edi
cat order.edi | legacy-bridge translate -"""


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "translate",
        "translate files offline, to canonical JSON or from it",
        run,
        example=EXAMPLE,
        detail=DETAIL,
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="input files; - is standard input")
    parser.add_argument(
        "--from", dest="from_format", metavar="FORMAT", help=f"read as this format: {FORMATS_HELP}"
    )
    parser.add_argument("--to", dest="to_format", metavar="FORMAT", default="canonical",
                        help="write this format (default: canonical)")  # fmt: skip
    number = whole_number(1, 999_999_999, "control number")
    parser.add_argument("--control-number", metavar="N", type=number, default=1,
                        help="control number of the first envelope written (default: 1)")  # fmt: skip
    parser.add_argument("--at", metavar="TIME", type=_instant,
                        help="time of envelopes, as 2026-01-31T08:00Z (default: now)")  # fmt: skip
    parser.add_argument("--partner", metavar="NAME", help="a partner of the configuration, whose rules hold")
    parser.add_argument("--ack", metavar="FILE", help="write the acknowledgment to this file")
    parser.add_argument("--ack-type", metavar="TYPE", choices=("997", "999"),
                        help="997 or 999 (default: the partner's, else 997)")  # fmt: skip
    add_configuration(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Translate all files; the worst of them gives the exit code."""
    profile = _profile(arguments)
    if arguments.ack_type is not None:
        profile = replace(profile, acknowledgment=arguments.ack_type)
    at = arguments.at or datetime.now(UTC)
    if at.tzinfo is None:
        at = profile.in_zone(at)
    output = sys.stdout.buffer
    format_named(arguments.to_format)  # a wrong word is told before any file is read
    written = Written(arguments.to_format, arguments.control_number, at, profile)
    worst = 0
    for name in arguments.files:
        worst = max(worst, _translate(name, arguments, written, output))
    try:
        output.write(written.encoded())
        print_findings(written.left_out(), as_json=arguments.json)
    except EncodeError as error:
        print_findings(error.findings, as_json=arguments.json)
        worst = max(worst, 1)
    output.flush()
    if arguments.ack is not None:
        _write_acknowledgment(arguments.ack, written.acknowledgments, output)
    return worst


def _translate(name: str, arguments: argparse.Namespace, written: Written, output: BinaryIO) -> int:
    """Translate one file; give its exit code."""
    source = "stdin" if name == STDIN else name
    tells_source = len(arguments.files) > 1
    findings_as_json = arguments.json
    is_bad = False
    with _opened(name) as file:
        if file is None:
            return 2
        progress = Progress(source, size_of(file))
        given = Input(source, Watched(file, progress), arguments.from_format)
        for line, findings in translated(given, written, tells_source=tells_source):
            if findings or (line and output.isatty()):
                progress.clear()
            is_bad = print_findings(findings, as_json=findings_as_json, with_level=True) or is_bad
            output.write(line)
        progress.clear()
    if not given.is_readable:
        return 2
    return 1 if is_bad else 0


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO | None]:
    if name == STDIN:
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - closed below; only opening it may fail here
    except (OSError, ValueError) as error:
        say(f"{name}: cannot be read ({getattr(error, 'strerror', None) or error})")
        yield None
        return
    with file:
        yield file


def _profile(arguments: argparse.Namespace) -> Profile:
    if arguments.partner is None:
        return without_profile()
    from gateway.commands.configuration import loaded

    return profile_of(loaded(arguments.config), arguments.partner)


def _write_acknowledgment(name: str, acknowledgments: list[bytes], output: BinaryIO) -> None:
    if not acknowledgments:
        say("no acknowledgment was written: nothing in the input asks for one, or its format has none")
        return
    body = b"".join(acknowledgments)
    if name == STDIN:
        output.write(body)
        output.flush()
        return
    try:
        Path(name).write_bytes(body)
    except OSError as error:
        raise CommandError(f"{name}: cannot be written ({error.strerror or error})") from error


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no time; expected one such as 2026-01-31T08:00Z"
        ) from None
