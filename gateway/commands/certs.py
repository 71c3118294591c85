"""``certs``: a certification authority, a server's and clients' certificates, for development."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.base.arguments import whole_number
from gateway.commands.options import Subparsers, add_command, add_json
from gateway.commands.terminal import print_json, print_text, print_wrapped

EXAMPLE = """\
legacy-bridge certs
legacy-bridge certs --folder certs --client acme --client portal
legacy-bridge certs --server gateway.test --server 127.0.0.1 --days 7"""

DETAIL = """\
Writes ca, gateway and one pair for each client, as NAME.pem and NAME.key. A
certification authority that is there already is kept. Never for production."""


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers, "certs", "make certificates for development", run, example=EXAMPLE, detail=DETAIL
    )
    parser.add_argument("--folder", type=Path, default=Path("certs"), help="where to (default: certs)")
    parser.add_argument("--client", metavar="NAME", action="append", help="a client (default: client)")
    parser.add_argument("--server", metavar="NAME", action="append",
                        help="a name or address of the server (default: this machine)")  # fmt: skip
    parser.add_argument(
        "--days",
        metavar="N",
        type=whole_number(1, 3_650, "number of days"),
        default=90,
        help="how long they hold (default: 90)",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the certificates."""
    from gateway.security.certificates import LOCAL_NAMES, write_development_certificates

    written = write_development_certificates(
        arguments.folder,
        datetime.now(UTC),
        clients=arguments.client or ("client",),
        server_names=arguments.server or LOCAL_NAMES,
        duration=timedelta(days=arguments.days),
    )
    if arguments.json:
        print_json([str(path) for path in written])
        return 0
    print_text(*(str(path) for path in written))
    print_wrapped(f"They hold {arguments.days} days and are for development: their keys are not protected.")
    return 0
