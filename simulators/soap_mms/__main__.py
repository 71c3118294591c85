"""`python -m simulators.soap_mms`: the system as a process, or one call of its client."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from simulators.arguments import port
from simulators.fault_files import fault_file
from simulators.faults import FaultScript
from simulators.serving import until_signalled
from simulators.soap_mms.client import LegacyClient, Token, client_tls
from simulators.soap_mms.envelope import SOAP11, SOAP12
from simulators.soap_mms.server import Settings, SoapMms
from simulators.tls_options import add_tls, check_tls, tls_of

DESCRIPTION = """A materials-management system that speaks SOAP, to rehearse with. It serves
eight operations (and an older RPC/encoded budget service), answers typed faults, and
keeps a ledger of what it committed (GET /_ledger). POST /_faults changes what
goes wrong. With --call it is the client instead: it sends the XML of a file as
one request and prints the answer."""


def main(argv: Sequence[str] | None = None, prog: str = "simulators.soap_mms") -> None:
    """Serve until SIGINT or SIGTERM, or call once."""
    parser = argparse.ArgumentParser(
        prog=prog, description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=port, default=0, help="0 takes a free one")
    parser.add_argument("--ledger", type=Path, help="where changes are written (JSON lines)")
    parser.add_argument("--faults", type=fault_file, help="a fault script (JSON)")
    parser.add_argument("--wsdl", type=Path, help="folder whose schemas requests must obey")
    parser.add_argument("--allow-duplicates", action="store_true", help="take a number that is known")
    parser.add_argument("--user", help="whose UsernameToken is asked for, or shown with --call")
    parser.add_argument("--password-env", metavar="NAME", help="environment variable with its password")
    add_tls(parser, "PEM; serves TLS, or is shown with --call")
    parser.add_argument("--call", metavar="URL", help="be the client: send one request there")
    parser.add_argument("--operation", default="", help="with --call: its SOAPAction")
    parser.add_argument("--body", type=Path, help="with --call: the envelope to send, byte for byte")
    parser.add_argument("--ca", type=Path, help="with --call: who may sign the server's certificate")
    parser.add_argument("--soap12", action="store_true", help="with --call: SOAP 1.2")
    arguments = parser.parse_args(argv)
    check_tls(parser, arguments)
    if arguments.user is not None and not os.environ.get(arguments.password_env or ""):
        parser.error("--user needs --password-env NAME, and that variable must be set")
    if arguments.call is None:
        asyncio.run(_serve(arguments))
    elif arguments.body is None or not arguments.body.is_file():
        parser.error("--call needs --body FILE, and that file must be there")
    else:
        sys.exit(asyncio.run(_call(arguments)))


async def _serve(arguments: argparse.Namespace) -> None:
    tls = tls_of(arguments)
    faults = arguments.faults or FaultScript()
    settings = Settings(
        arguments.ledger,
        arguments.wsdl,
        detects_duplicates=not arguments.allow_duplicates,
        user=arguments.user,
        password=os.environ.get(arguments.password_env or "", ""),
    )
    mms = SoapMms(settings, faults, tls)
    await mms.start(arguments.host, arguments.port)
    print(f"soap_mms listens on {mms.url}", flush=True)
    await until_signalled()
    await mms.stop()


async def _call(arguments: argparse.Namespace) -> int:
    token = Token(arguments.user, os.environ[arguments.password_env]) if arguments.user else None
    tls = client_tls(arguments.ca, arguments.certificate, arguments.key) if arguments.ca else None
    version = SOAP12 if arguments.soap12 else SOAP11
    client = LegacyClient(arguments.call, version=version, token=token, tls=tls)
    try:
        answer = await client.send(arguments.operation, arguments.body.read_bytes())
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        print(f"no answer from {arguments.call}: {str(error) or type(error).__name__}", file=sys.stderr)
        return 2
    print(answer.body.decode("utf-8", "replace"))
    return 1 if answer.is_fault else 0


if __name__ == "__main__":
    main()
