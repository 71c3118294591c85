"""`python -m simulators.sftp_partner`: a partner's SFTP server as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from simulators.arguments import port
from simulators.serving import until_signalled
from simulators.sftp_partner.server import PartnerServer, PartnerServerError, Settings

DESCRIPTION = """A real OpenSSH server on this machine to rehearse with. It makes its host key
and one key that may log in, and prints what routes.yaml must say."""


def main(argv: Sequence[str] | None = None, prog: str = "simulators.sftp_partner") -> None:
    """Serve until SIGINT or SIGTERM; print the settings once it listens."""
    parser = argparse.ArgumentParser(prog=prog, description=DESCRIPTION)
    parser.add_argument("--port", type=port, default=0, help="0 takes a free one")
    parser.add_argument("--keys", type=Path, help="where its keys are kept; else they are made up anew")
    parser.add_argument("--folders", default="out,in", help="folders that it offers (default: %(default)s)")
    parser.add_argument(
        "--refuse", default="", help="requests that it refuses: rename, remove, posix-rename, mkdir ..."
    )
    parser.add_argument("--read-only", action="store_true", help="refuse all that changes something")
    arguments = parser.parse_args(argv)
    try:
        asyncio.run(_serve(arguments))
    except PartnerServerError as error:
        sys.stderr.write(f"{prog}: {error}\n")
        sys.exit(2)


async def _serve(arguments: argparse.Namespace) -> None:
    refused = tuple(word for word in arguments.refuse.split(",") if word)
    settings = Settings(port=arguments.port, refused=refused, is_read_only=arguments.read_only)
    with tempfile.TemporaryDirectory() as temporary:
        server = PartnerServer(arguments.keys or Path(temporary), settings)
        try:
            # Before it is up: who reads that it listens may end it at once.
            told_to_end = asyncio.create_task(until_signalled())
            await asyncio.sleep(0)
            server.start()
            folders = [name for name in arguments.folders.split(",") if name]
            for name in folders:
                server.make_folder(name)
            print(f"sftp_partner listens on 127.0.0.1:{server.port}; its files are in {server.files}")
            print("sftp:")
            print(f"  {{host: 127.0.0.1, port: {server.port}, user: {server.user}, folder: {folders[0]},")
            print(f'   key: "file:{server.client_key.path}",')
            print(f"   host_key: {server.host_key.public}}}", flush=True)
            await told_to_end
        finally:
            server.stop()


if __name__ == "__main__":
    main()
