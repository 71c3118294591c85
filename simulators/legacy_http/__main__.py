"""`python -m simulators.legacy_http`: the simulated legacy endpoint as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

from simulators.arguments import count, port
from simulators.fault_files import fault_file
from simulators.faults import FaultScript
from simulators.legacy_http.server import LegacyHttp, Settings
from simulators.serving import until_signalled
from simulators.tls_options import add_tls, check_tls, tls_of

DESCRIPTION = """A legacy system behind HTTP to rehearse with. It takes any POST, keeps the bytes
as they came, and gives one fixed answer. POST /_faults changes what goes wrong."""


def main(argv: Sequence[str] | None = None, prog: str = "simulators.legacy_http") -> None:
    """Serve until SIGINT or SIGTERM; print the address once it listens."""
    parser = argparse.ArgumentParser(prog=prog, description=DESCRIPTION)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=port, default=0, help="0 takes a free one")
    parser.add_argument("--folder", type=Path, help="where requests are kept as received")
    parser.add_argument("--faults", type=fault_file, help="a fault script (JSON)")
    parser.add_argument("--status", type=count, default=200)
    parser.add_argument("--reply", type=Path, help="a file whose bytes are the answer")
    parser.add_argument("--content-type", default="text/plain")
    add_tls(parser)
    arguments = parser.parse_args(argv)
    check_tls(parser, arguments)
    asyncio.run(_serve(arguments))


async def _serve(arguments: argparse.Namespace) -> None:
    tls = tls_of(arguments)
    faults = arguments.faults or FaultScript()
    body = arguments.reply.read_bytes() if arguments.reply else b"OK"
    settings = Settings(arguments.folder, arguments.status, body, arguments.content_type)
    legacy = LegacyHttp(settings, faults, tls)
    await legacy.start(arguments.host, arguments.port)
    print(f"legacy_http listens on {legacy.url}", flush=True)
    await until_signalled()
    await legacy.stop()


if __name__ == "__main__":
    main()
