"""``dossier``: checking a retired route's evidence, anywhere, with nothing but the file."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from gateway.commands.errors import CommandError
from gateway.commands.options import Subparsers, add_command, add_group, add_json
from gateway.commands.retiring import print_checks
from gateway.commands.terminal import print_json, print_wrapped

EXAMPLE = """\
legacy-bridge dossier verify po.acme.dossier
legacy-bridge dossier verify po.acme.dossier --head HASH"""

DETAIL = """\
Needs no gateway, no journal and no network. Every record's hash is computed
again, and every conclusion is drawn again from the records. --head is the hash
that routes dossier printed and the audit log holds: with it, a file that was
written anew as a whole is found, too. Ends with 1 where it does not verify, or
where the evidence was not complete."""

HASH = re.compile("[0-9a-f]{64}")
SIZE_BYTES_MAX = 256 * 1024 * 1024


def add(subparsers: Subparsers) -> None:
    """Add the commands."""
    group = add_group(subparsers, "dossier", "check the evidence about a retired route", example=EXAMPLE)
    verify = add_command(
        group, "verify", "check a dossier offline", run_verify, example=EXAMPLE, detail=DETAIL
    )
    verify.add_argument("file", metavar="FILE", type=Path, help="the dossier")
    verify.add_argument("--head", metavar="HASH", help="the whole hash that its seal must have")
    add_json(verify)


def run_verify(arguments: argparse.Namespace) -> int:
    """Check one file."""
    from gateway.dossier import fault, records_of

    if arguments.head is not None and not HASH.fullmatch(arguments.head):
        raise CommandError(
            f"--head {arguments.head}: expected the whole hash as routes dossier printed it, 64 characters "
            "of 0-9 and a-f"
        )
    with arguments.file.open("rb") as file:
        content = file.read(SIZE_BYTES_MAX)
    wrong = fault(content, arguments.head)
    if wrong is not None:
        if arguments.json:
            print_json({"is_whole": False, "fault": wrong})
        else:
            print_wrapped(f"{arguments.file}: NOT WHOLE: {wrong}")
        return 1
    records = records_of(content)
    seal, first = records[-1].data, records[0].data
    if arguments.json:
        checks = {"complete": seal["complete"], "checks": seal["checks"]}
        print_json({"is_whole": True, "fault": None, "head": records[-1].hash, **checks})
    else:
        print_wrapped(f"{arguments.file}: whole, {len(records)} records about route {first['route']}")
        print_checks(seal["checks"])
        print_wrapped(f"head {records[-1].hash}")
    return 0 if seal["complete"] else 1
