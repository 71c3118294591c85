"""`python -m simulators.cloud_erp.dynamics365`: the simulated Dynamics 365 as a process of its own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from simulators.cloud_erp.base.command import parser, run
from simulators.cloud_erp.base.erp import Behaviour
from simulators.cloud_erp.base.routes_lines import Pointer
from simulators.cloud_erp.dynamics365.erp import TOKEN_PATH, Dynamics365
from simulators.cloud_erp.dynamics365.rules import Tenant
from simulators.faults import FaultScript
from simulators.serving import Tls

DESCRIPTION = """A Dynamics 365 Finance to rehearse with: OData V4 below /data, tokens at
/{tenant}/oauth2/v2.0/token, GET /data/$metadata. It commits a header before its
lines, tells of errors by Infolog, and sees one company unless asked for all.
GET /_ledger shows what it committed; POST /_faults changes what goes wrong."""


def main(argv: Sequence[str] | None = None, prog: str = "simulators.cloud_erp.dynamics365") -> None:
    """Serve until SIGINT or SIGTERM; print the address once it listens."""
    made = parser(prog, DESCRIPTION.replace("{tenant}", TOKEN_PATH.split("/")[1]))
    made.add_argument("--company", default="usmf", help="the account's own company")
    made.add_argument(
        "--number-sequence",
        action="store_true",
        help="the ERP numbers orders; a number that is sent is refused",
    )
    made.add_argument("--blocked-item", action="append", default=[], metavar="ITEM")
    made.add_argument("--vendor", action="append", default=[], metavar="ACCOUNT", help="only these exist")
    made.add_argument("--held-vendor", action="append", default=[], metavar="ACCOUNT")
    made.add_argument(
        "--open-from", type=date.fromisoformat, metavar="DATE", help="earlier postings are refused"
    )
    arguments = made.parse_args(argv)
    defaults = f'{{company: {arguments.company}, site: "1", warehouse: "11"}}'
    run(arguments, _made, Pointer("d365", "dynamics365", "D365_SECRET", "oauth2", defaults))


def _made(
    arguments: argparse.Namespace, behaviour: Behaviour, faults: FaultScript, tls: Tls | None
) -> Dynamics365:
    tenant = Tenant(
        company=arguments.company,
        numbers_itself=arguments.number_sequence,
        blocked_items=frozenset(arguments.blocked_item),
        vendors=frozenset(arguments.vendor) | frozenset(arguments.held_vendor) if arguments.vendor else None,
        held_vendors=frozenset(arguments.held_vendor),
        open_from=arguments.open_from,
    )
    return Dynamics365(replace(behaviour, token_path=TOKEN_PATH), faults, tls, tenant=tenant)


if __name__ == "__main__":
    main()
