"""The command line of a simulated ERP: what all of them can be told, and running one until it is stopped."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from simulators.arguments import count, port, seconds
from simulators.cloud_erp.base.access import AccessRules
from simulators.cloud_erp.base.erp import Behaviour, SimulatedErp
from simulators.cloud_erp.base.routes_lines import Pointer, routes_lines
from simulators.fault_files import fault_file
from simulators.faults import FaultScript, FaultScriptError
from simulators.serving import Tls, until_signalled
from simulators.tls_options import add_tls, tls_of

Make = Callable[[argparse.Namespace, Behaviour, FaultScript, Tls | None], SimulatedErp]


def parser(prog: str, description: str) -> argparse.ArgumentParser:
    """Give a parser with the options that every simulated ERP has."""
    made = argparse.ArgumentParser(
        prog=prog, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--host", default="127.0.0.1")
    made.add_argument("--port", type=port, default=0, help="0 takes a free one")
    made.add_argument("--ledger", type=Path, help="where commits are written (JSON lines)")
    made.add_argument("--faults", type=fault_file, help="a fault script (JSON)")
    made.add_argument("--seed", type=count, default=0, help="of ids that look like chance")
    made.add_argument(
        "--lag", type=seconds, default=0.0, metavar="SECONDS", help="queries see commits this late"
    )
    made.add_argument(
        "--client", action="append", default=[], metavar="ID:SECRET", help="OAuth2 client; repeatable"
    )
    made.add_argument(
        "--user", action="append", default=[], metavar="NAME:PASSWORD", help="Basic user; repeatable"
    )
    made.add_argument("--token-life", type=seconds, default=3_600.0, metavar="SECONDS")
    made.add_argument("--requests-per-second", type=count, help="refuse more with 429")
    add_tls(made)
    return made


def run(arguments: argparse.Namespace, make: Make, pointer: Pointer) -> None:
    """Serve until SIGINT or SIGTERM; print the address, and what routes.yaml says of it, once it listens."""
    asyncio.run(_serve(arguments, make, pointer))


async def _serve(arguments: argparse.Namespace, make: Make, pointer: Pointer) -> None:
    tls = tls_of(arguments)
    faults = arguments.faults or FaultScript()
    behaviour = Behaviour(
        arguments.ledger,
        arguments.lag,
        AccessRules(
            clients=_pairs(arguments.client),
            users=_pairs(arguments.user),
            token_life_s=arguments.token_life,
        ),
        arguments.requests_per_second,
        arguments.seed,
    )
    try:
        erp = make(arguments, behaviour, faults, tls)
    except FaultScriptError as error:
        raise SystemExit(f"--faults: {error}") from error
    await erp.start(arguments.host, arguments.port)
    signalled = asyncio.create_task(until_signalled())
    await asyncio.sleep(0)  # it listens for signals before anyone is told that it is there
    lines = routes_lines(
        pointer,
        erp.url,
        erp.behaviour.token_path,
        client=next(iter(behaviour.access.clients or ()), ""),
        user=next(iter(behaviour.access.users or ()), ""),
        is_mutual=arguments.client_ca is not None,
    )
    # In one write: whoever reads the address only, and goes, breaks no pipe.
    print(f"{erp.title} listens on {erp.url}\n\n{lines}\n", end="", flush=True)
    await signalled
    await erp.stop()


def _pairs(texts: Sequence[str]) -> dict[str, str] | None:
    return {name: secret for name, _, secret in (each.partition(":") for each in texts)} or None
