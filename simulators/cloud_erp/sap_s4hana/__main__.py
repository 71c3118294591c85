"""`python -m simulators.cloud_erp.sap_s4hana`: the simulated SAP as a process of its own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date

from simulators.arguments import seconds
from simulators.cloud_erp.base.command import parser, run
from simulators.cloud_erp.base.erp import Behaviour
from simulators.cloud_erp.base.routes_lines import Pointer
from simulators.cloud_erp.sap_s4hana.server import SapS4Hana
from simulators.cloud_erp.sap_s4hana.tenant import Tenant
from simulators.faults import FaultScript
from simulators.serving import Tls

DESCRIPTION = """SAP S/4HANA to rehearse with: purchase orders over OData V4, requisitions, supplier
invoices, goods movements and suppliers over V2, order confirmations over SOAP.
It keeps a ledger of what it committed (GET /_ledger). POST /_faults changes
what goes wrong."""


def main(argv: Sequence[str] | None = None, prog: str = "simulators.cloud_erp.sap_s4hana") -> None:
    """Serve until SIGINT or SIGTERM; print the address once it listens."""
    made = parser(prog, DESCRIPTION)
    made.add_argument("--csrf-life", type=seconds, default=1_800.0, metavar="SECONDS")
    made.add_argument(
        "--open-from",
        type=date.fromisoformat,
        default=date(2026, 1, 1),
        metavar="DAY",
        help="first day of the oldest open posting period",
    )
    made.add_argument("--pad-items", action="store_true", help="answers say 00010 where 10 was sent")
    made.add_argument("--warn", action="store_true", help="each create succeeds with a warning")
    defaults = (
        '{company_code: "1010", purchasing_organization: "1010", purchasing_group: "001", plant: "1010", '
        "currency: USD}"
    )
    codes = '{units: {CA: CS}, suppliers: {ACME: "10300001"}, locations: {"04": "1010", "05": "1020"}}'
    run(made.parse_args(argv), _made, Pointer("s4", "sap_s4hana", "S4_PASSWORD", "basic", defaults, codes))


def _made(
    arguments: argparse.Namespace, behaviour: Behaviour, faults: FaultScript, tls: Tls | None
) -> SapS4Hana:
    tenant = Tenant(
        csrf_life_s=arguments.csrf_life,
        open_from=arguments.open_from,
        pads_items=arguments.pad_items,
        warns=arguments.warn,
        confirmation_key="0001",
    )
    return SapS4Hana(behaviour, faults, tls, tenant=tenant)


if __name__ == "__main__":
    main()
