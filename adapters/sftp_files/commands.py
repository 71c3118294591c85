"""``legacy-bridge sftp check``: try out a partner's server before it matters."""

from __future__ import annotations

import argparse
import stat
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from adapters.base.commands import CommandError, Desk, Subparsers
from adapters.base.registry import EndpointSetup
from adapters.base.settings import Address

if TYPE_CHECKING:
    from adapters.sftp_files.driver_preflight import Entries, Found, Told
    from adapters.sftp_files.preflight import Step

NAME_WIDTH = 13
LOOK_S = 15.0

EXAMPLE = """\
legacy-bridge sftp check acme
legacy-bridge sftp check acme-in -c routes.yaml --read-only
legacy-bridge sftp check --server sftp.acme.example:22"""

DETAIL = """\
It connects as the gateway would and tells, step by step: the algorithms of both
sides, the host key, the log-in, what lies in the folder, whether we may write,
rename and delete there (by an empty file of its own, gone afterwards), and what
to ask the partner for. With --server it needs no configuration and logs in
nowhere: for the host key that a new partner's entry needs.

Exit code 1: something is missing. 2: the configuration cannot be read."""


def add(subparsers: Subparsers, desk: Desk) -> None:
    """Add the commands."""
    commands = desk.group(
        subparsers, "sftp", "try out a partner's SFTP server before it matters",
        example="legacy-bridge sftp check acme",
    )  # fmt: skip
    parser = desk.command(
        commands, "check", "connect to a partner's server and tell what is missing", check,
        example=EXAMPLE, detail=DETAIL,
    )  # fmt: skip
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="an endpoint of kind sftp_files, or a partner"
    )
    parser.add_argument("--server", metavar="HOST:PORT", help="look at a server that no entry names yet")
    parser.add_argument("--read-only", action="store_true", help="write nothing: do not try the rights")
    parser.add_argument("--brief", action="store_true", help="leave out both sides' lists of algorithms")
    desk.add_configuration(parser)
    desk.add_json(parser)


def check(arguments: argparse.Namespace, desk: Desk) -> int:
    """Run the check."""
    from adapters.sftp_files import driver_preflight

    if (arguments.name is None) == (arguments.server is None):
        raise CommandError("expected NAME (an endpoint or a partner of routes.yaml) or --server HOST:PORT")
    if arguments.server is not None:
        address = _address(arguments.server)
        looked = driver_preflight.look(address.host, address.port, LOOK_S)
        return _tell(arguments, desk, [(str(address), looked)])
    return _tell(arguments, desk, _endpoints(arguments, desk))


def _address(text: str) -> Address:
    try:
        return Address.parse(text if text.rpartition(":")[2].isdigit() else f"{text}:22")
    except ValueError as error:
        raise CommandError(f"'{text}' is no host or host:port, such as sftp.acme.example:22") from error


def _endpoints(arguments: argparse.Namespace, desk: Desk) -> Iterator[tuple[str, Iterator[Told]]]:
    from adapters.sftp_files import driver_preflight
    from adapters.sftp_files.config import FilesEndpoint

    found: list[EndpointSetup] = desk.endpoints(arguments.config, arguments.name, "sftp_files")
    remote = [each for each in found if cast(FilesEndpoint, each.settings).sftp is not None]
    if not remote:
        raise CommandError(
            f"'{arguments.name}' works on folders of this machine; there is no server to check"
        )
    for setup in remote:
        server = cast(FilesEndpoint, setup.settings).sftp
        if server is not None:
            title = f"{setup.name}: {server.user} at {server.host}:{server.port}, folder {server.folder}"
            token = setup.rng.token()
            writes = not arguments.read_only
            yield title, driver_preflight.check(server, setup.secret, token, writes=writes)


def _tell(arguments: argparse.Namespace, desk: Desk, checks: Iterable[tuple[str, Iterator[Told]]]) -> int:
    from adapters.sftp_files.preflight import Verdict

    code, told_json = 0, []
    for title, told in checks:
        if not arguments.json:
            desk.print_wrapped(title)
        steps = _steps(arguments, desk, told)
        asks = list(dict.fromkeys(step.ask for step in steps if step.ask))
        if any(step.verdict is Verdict.BAD for step in steps):
            code = 1
        if arguments.json:
            shown = [{"step": step.name, "verdict": step.verdict.value, "text": step.text} for step in steps]
            told_json.append({"checked": title, "steps": shown, "ask": asks})
            continue
        if asks:
            desk.print_text("", "ask the partner for")
            for ask in asks:
                desk.print_wrapped(ask, "  - ", "    ")
        desk.print_text("")
    if arguments.json:
        desk.print_json(told_json)
    return code


def _steps(arguments: argparse.Namespace, desk: Desk, told: Iterator[Told]) -> list[Step]:
    """Print what is told as it comes, so that a server that hangs shows where; give the steps."""
    from adapters.sftp_files.driver_preflight import Entries, Found
    from adapters.sftp_files.preflight import Step

    steps = []
    for each in told:
        if isinstance(each, Step):
            steps.append(each)
        match each:
            case _ if arguments.json:
                continue
            case Step():
                head = f"  {each.verdict:<4}  {each.name:<{NAME_WIDTH}} "
                desk.print_wrapped(each.text, head, " " * len(head))
                sys.stdout.flush()
            case Found() if not arguments.brief:
                _print_algorithms(desk, each)
            case Entries():
                _print_entries(desk, each)
    return steps


def _print_algorithms(desk: Desk, found: Found) -> None:
    for agreement in found.agreements:
        for side, names in (("ours", agreement.ours), ("theirs", agreement.theirs)):
            head = f"        {agreement.sort:<{NAME_WIDTH}} {side:<7}"
            desk.print_wrapped(", ".join(names), head, " " * len(head))


def _print_entries(desk: Desk, entries: Entries) -> None:
    for name, attributes in entries.first:
        is_folder = stat.S_ISDIR(attributes.mode or 0)
        size = "folder" if is_folder else f"{attributes.size_bytes or 0:,} bytes"
        at = datetime.fromtimestamp(attributes.modified_s or 0, UTC)
        desk.print_text(f"        {at:%Y-%m-%d %H:%M}Z {size:>18}  {name[:32]}")
    if entries.count > len(entries.first):
        desk.print_text(f"        ... and {entries.count - len(entries.first)} more")
