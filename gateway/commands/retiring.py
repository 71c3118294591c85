"""``routes revoke`` and ``routes dossier``: writing down what ends, and the evidence that nothing is left."""

from __future__ import annotations

import argparse
from pathlib import Path

from gateway.commands.connection import ask
from gateway.commands.options import Subparsers, add_change, add_command, add_connection
from gateway.commands.terminal import print_json, print_text, print_wrapped

DOSSIER_DETAIL = """\
Evidence that nothing depends on a retired route any more: silence across a
month's and a quarter's end, no open order, no unacknowledged interchange,
credentials revoked, approvals of two people. It is written as a chain of
hashes, whatever it says; its head goes into the audit log. Check it anywhere
with: legacy-bridge dossier verify FILE. Ends with 1 where something is missing."""

DOSSIER_EXAMPLE = """\
legacy-bridge routes dossier po.acme --out po.acme.dossier --why "end of MMS\""""
REVOKE_EXAMPLE = """\
legacy-bridge routes revoke po.acme "endpoint mms-out" --why "closed, CHG-81\""""


def add(group: Subparsers) -> None:
    """Add the commands below ``routes``."""
    revoke = add_command(
        group,
        "revoke",
        "write down that a credential was revoked",
        run_revoke,
        example=REVOKE_EXAMPLE,
        detail="The gateway cannot close an account elsewhere: a person does, and says so here.\n"
        "routes dossier names the credentials of a route.",
    )
    revoke.add_argument("route", metavar="ROUTE", help="the route's id")
    revoke.add_argument("credential", metavar="CREDENTIAL", help="its name, as routes dossier shows it")
    add_change(revoke)
    add_connection(revoke)
    dossier = add_command(
        group,
        "dossier",
        "export the evidence that a route can be gone",
        run_dossier,
        example=DOSSIER_EXAMPLE,
        detail=DOSSIER_DETAIL,
    )
    dossier.add_argument("route", metavar="ROUTE", help="the route's id")
    dossier.add_argument(
        "--out", metavar="FILE", type=Path, required=True, help="where to write it; an existing file is kept"
    )
    add_change(dossier)
    add_connection(dossier)


def run_revoke(arguments: argparse.Namespace) -> int:
    """Write it down."""
    entry = ask(
        arguments,
        "routes.revoke",
        route=arguments.route,
        credential=arguments.credential,
        who=arguments.who,
        why=arguments.why,
    )
    if arguments.json:
        print_json(entry)
    else:
        print_text(f"{arguments.route}: {arguments.credential} is revoked (audit entry {entry['number']})")
    return 0


def run_dossier(arguments: argparse.Namespace) -> int:
    """Export it."""
    with arguments.out.open("xb") as file:  # before it is asked for: a dossier is in the audit log for good
        try:
            made = ask(
                arguments, "routes.dossier", route=arguments.route, who=arguments.who, why=arguments.why
            )
        except BaseException:
            arguments.out.unlink()
            raise
        file.write(made["content"].encode())
    if arguments.json:
        print_json({name: value for name, value in made.items() if name != "content"})
    else:
        print_checks(made["checks"])
        state = "complete" if made["complete"] else "NOT COMPLETE"
        print_wrapped(f"{arguments.out}: {state}; head {made['head']}")
    return 0 if made["complete"] else 1


def print_checks(checks: list[dict[str, object]]) -> None:
    """Print what holds and what does not."""
    for each in checks:
        word = "ok" if each["holds"] else "MISSING"
        print_wrapped(f"{word:<8}{each['name']}: {each['text']}", hanging=" " * 8)
