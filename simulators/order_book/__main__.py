"""`python -m simulators.order_book`: a system that keeps orders, as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence

from simulators.arguments import port
from simulators.order_book.book import Book
from simulators.order_book.server import OrderBook
from simulators.serving import until_signalled

DESCRIPTION = """A system that keeps orders, to rehearse moves with. It takes documents over
REST (POST below /documents/TYPE, GET with ?reference= looks one up), shows an
order at /orders/NUMBER, and closes it by POST to /orders/NUMBER/close. All of
them stand at /_orders. It forgets everything when it ends. It
prints the lines of routes.yaml that point a gateway at it."""


def main(argv: Sequence[str] | None = None, prog: str = "simulators.order_book") -> None:
    """Serve until SIGINT or SIGTERM; print the address once it listens."""
    parser = argparse.ArgumentParser(prog=prog, description=DESCRIPTION)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=port, default=0, help="0 takes a free one")
    parser.add_argument("--word", default="erp", help="its own name where a transmitter is named")
    parser.add_argument("--prefix", default="PO-", help="of the numbers that it gives")
    arguments = parser.parse_args(argv)
    asyncio.run(_serve(arguments))


async def _serve(arguments: argparse.Namespace) -> None:
    served = OrderBook(Book(arguments.word, arguments.prefix))
    await served.start(arguments.host, arguments.port)
    # In one write: whoever reads the address only, and goes, breaks no pipe.
    text = f"order_book listens on {served.url}\n\n{routes_lines(arguments.word, served.url)}\n"
    print(text, end="", flush=True)
    await until_signalled()
    await served.stop()


def routes_lines(word: str, url: str) -> str:
    """Give the lines of a routes.yaml that point a gateway at it."""
    return f"""In routes.yaml, its endpoint is:

endpoints:
  {word}:
    kind: generic_rest
    environment: test
    base: {url}
    plaintext: true
    orders:
      read_path: "orders/{{number}}"
      close_path: "orders/{{number}}/close"
      transmits_word: {word}
      closed: [closed, cancelled]"""


if __name__ == "__main__":
    main()
