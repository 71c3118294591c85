"""`python -m simulators.cloud_erp`: the simulated ERP as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

from simulators.arguments import port, seconds
from simulators.cloud_erp.server import CloudErp, Settings
from simulators.fault_files import fault_file
from simulators.faults import FaultScript
from simulators.serving import until_signalled
from simulators.tls_options import add_tls, check_tls, tls_of

DESCRIPTION = """A cloud ERP to rehearse with. It takes documents over REST (POST or PUT below
/documents/TYPE, GET with ?reference= looks one up), numbers them itself, and
keeps a ledger of what it committed (GET /_ledger). POST /_faults changes what
goes wrong."""


def main(argv: Sequence[str] | None = None, prog: str = "simulators.cloud_erp") -> None:
    """Serve until SIGINT or SIGTERM; print the address once it listens."""
    parser = argparse.ArgumentParser(prog=prog, description=DESCRIPTION)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=port, default=0, help="0 takes a free one")
    parser.add_argument("--ledger", type=Path, help="where committed documents are written (JSON lines)")
    parser.add_argument("--faults", type=fault_file, help="a fault script (JSON)")
    parser.add_argument("--enforce-unique", action="store_true", help="refuse a reference that is known")
    parser.add_argument(
        "--commit-twice", action="store_true", help="as a broken import: each document two times"
    )
    parser.add_argument(
        "--lag", type=seconds, default=0.0, metavar="SECONDS", help="look-ups see commits this late"
    )
    add_tls(parser)
    arguments = parser.parse_args(argv)
    check_tls(parser, arguments)
    asyncio.run(_serve(arguments))


async def _serve(arguments: argparse.Namespace) -> None:
    tls = tls_of(arguments)
    faults = arguments.faults or FaultScript()
    settings = Settings(
        arguments.ledger,
        enforce_unique=arguments.enforce_unique,
        lag_s=arguments.lag,
        commits_twice=arguments.commit_twice,
    )
    erp = CloudErp(settings, faults, tls)
    await erp.start(arguments.host, arguments.port)
    print(f"cloud_erp listens on {erp.url}", flush=True)
    await until_signalled()
    await erp.stop()


if __name__ == "__main__":
    main()
