"""`python -m simulators.cloud_erp.oracle_fusion`: the simulated pod as a process of its own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date

from simulators.arguments import seconds
from simulators.cloud_erp.base.command import parser, run
from simulators.cloud_erp.base.erp import Behaviour
from simulators.cloud_erp.base.routes_lines import Pointer
from simulators.cloud_erp.oracle_fusion.server import OracleFusion
from simulators.cloud_erp.oracle_fusion.settings import PodSettings
from simulators.faults import FaultScript
from simulators.serving import Tls

DESCRIPTION = """An Oracle Fusion pod to rehearse with: draft orders, requisitions, receipts,
invoices, acknowledgments and suppliers below /fscmRestApi. It keeps a ledger of
what it committed (GET /_ledger). POST /_faults changes what goes wrong."""


def main(argv: Sequence[str] | None = None, prog: str = "simulators.cloud_erp.oracle_fusion") -> None:
    """Serve until SIGINT or SIGTERM; print the address once it listens."""
    options = parser(prog, DESCRIPTION)
    options.add_argument("--budget", default="50000", help="what checkFunds has")
    options.add_argument(
        "--closed-before", type=date.fromisoformat, help="accounting dates before it are refused"
    )
    options.add_argument("--processing", type=seconds, default=0.0, metavar="SECONDS", help="of a receipt")
    defaults = "{procurement_bu: Mercy Health BU, currency: USD}"
    codes = '{units: {BX: Box, CA: Case}, suppliers: {ACME: "1013"}}'
    pointer = Pointer("fusion", "oracle_fusion", "FUSION_SECRET", "oauth2", defaults, codes)
    run(options.parse_args(argv), _made, pointer)


def _made(
    arguments: argparse.Namespace, behaviour: Behaviour, faults: FaultScript, tls: Tls | None
) -> OracleFusion:
    settings = PodSettings(
        budget=arguments.budget,
        closed_before=arguments.closed_before,
        processing_s=arguments.processing,
    )
    return OracleFusion(behaviour, faults, tls, settings=settings)


if __name__ == "__main__":
    main()
