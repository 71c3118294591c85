"""`python -m simulators.cloud_erp.sap_s4hana`: the simulated SAP as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from simulators.cloud_erp.sap_s4hana.server import SapS4Hana
from simulators.cloud_erp.sap_s4hana.settings import Settings
from simulators.faults import FaultScript
from simulators.serving import Tls, until_signalled

DESCRIPTION = """SAP S/4HANA to rehearse with: purchase orders over OData V4, requisitions, supplier
invoices, goods movements and suppliers over V2, order confirmations over SOAP.
It keeps a ledger of what it committed (GET /_ledger). POST /_faults changes
what goes wrong."""


def main(argv: Sequence[str] | None = None, prog: str = "simulators.cloud_erp.sap_s4hana") -> None:
    """Serve until SIGINT or SIGTERM; print the address once it listens."""
    parser = argparse.ArgumentParser(prog=prog, description=DESCRIPTION)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--ledger", type=Path, help="where commits are written (JSON lines)")
    parser.add_argument("--faults", type=Path, help="a fault script (JSON)")
    parser.add_argument("--user", action="append", default=[], metavar="NAME:PASSWORD", help="Basic log-in")
    parser.add_argument("--token", help="a bearer token that is accepted")
    parser.add_argument(
        "--lag", type=float, default=0.0, metavar="SECONDS", help="queries see commits this late"
    )
    parser.add_argument("--csrf-life", type=float, default=1_800.0, metavar="SECONDS")
    parser.add_argument("--open-from", type=date.fromisoformat, default=date(2026, 1, 1), metavar="DAY",
                        help="first day of the oldest open posting period")  # fmt: skip
    parser.add_argument("--pad-items", action="store_true", help="answers say 00010 where 10 was sent")
    parser.add_argument("--warn", action="store_true", help="each create succeeds with a warning")
    parser.add_argument("--certificate", type=Path, help="PEM; serves TLS together with --key")
    parser.add_argument("--key", type=Path)
    parser.add_argument("--client-ca", type=Path, help="PEM; clients must show a certificate signed by it")
    arguments = parser.parse_args(argv)
    if (arguments.certificate is None) != (arguments.key is None):
        parser.error("--certificate and --key belong together")
    if any(":" not in each for each in arguments.user):
        parser.error("--user expects NAME:PASSWORD")
    asyncio.run(_serve(arguments))


async def _serve(arguments: argparse.Namespace) -> None:
    tls = Tls(arguments.certificate, arguments.key, arguments.client_ca) if arguments.certificate else None
    faults = FaultScript.from_json(arguments.faults.read_text()) if arguments.faults else FaultScript()
    settings = Settings(
        ledger=arguments.ledger,
        users=dict(each.split(":", 1) for each in arguments.user),
        token=arguments.token,
        lag_s=arguments.lag,
        csrf_life_s=arguments.csrf_life,
        open_from=arguments.open_from,
        pads_items=arguments.pad_items,
        warns=arguments.warn,
        confirmation_key="0001",
    )
    sap = SapS4Hana(settings, faults, tls)
    await sap.start(arguments.host, arguments.port)
    print(f"sap_s4hana listens on {sap.url}", flush=True)
    await until_signalled()
    await sap.stop()


if __name__ == "__main__":
    main()
