"""The two other ends of the end-to-end benchmark, each a process of its own: an ERP and a proxy without work.

``python -m benchmarks.mtls_peers erp|proxy CERTS PORT [UPSTREAM]``. The ERP answers every create with a
number and counts; the proxy sends each body on over mTLS and gives the answer back: the floor that any
gateway written on aiohttp stands on.
"""

from __future__ import annotations

import json
import ssl
import sys
from pathlib import Path

import aiohttp
from aiohttp import web


def server_context(certs: Path) -> ssl.SSLContext:
    """Give the context of a listener that asks for client certificates."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certs / "ca.pem"))
    context.load_cert_chain(certs / "gateway.pem", certs / "gateway.key")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(certs: Path, name: str = "client") -> ssl.SSLContext:
    """Give the context of a client with a certificate."""
    context = ssl.create_default_context(cafile=str(certs / "ca.pem"))
    context.load_cert_chain(certs / f"{name}.pem", certs / f"{name}.key")
    return context


def erp() -> web.Application:
    """Make an ERP that takes everything."""
    count = 0

    async def create(request: web.Request) -> web.Response:
        nonlocal count
        await request.read()
        count += 1
        body = {"number": f"PO-{count}", "reference": request.headers.get("Idempotency-Key", ""), "lines": []}
        return web.Response(status=201, body=json.dumps(body).encode(), content_type="application/json")

    async def counted(request: web.Request) -> web.Response:
        return web.json_response({"count": count})

    app = web.Application()
    app.router.add_get("/count", counted)
    app.router.add_post("/{path:.*}", create)
    return app


def proxy(certs: Path, upstream: str) -> web.Application:
    """Make a proxy that only carries bytes."""

    async def forward(request: web.Request) -> web.Response:
        body = await request.read()
        session: aiohttp.ClientSession = request.app[SESSION]
        async with session.post(f"{upstream}/documents/purchase_order", data=body, ssl=context) as reply:
            answer = await reply.read()
            return web.Response(status=reply.status, body=answer, content_type="application/json")

    async def started(app: web.Application) -> None:
        app[SESSION] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64))

    async def ended(app: web.Application) -> None:
        await app[SESSION].close()

    context = client_context(certs)
    app = web.Application()
    app.on_startup.append(started)
    app.on_cleanup.append(ended)
    app.router.add_post("/{path:.*}", forward)
    return app


SESSION = web.AppKey("session", aiohttp.ClientSession)


def main() -> None:
    """Serve one of the two until killed."""
    kind, certs, port = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    app = erp() if kind == "erp" else proxy(certs, sys.argv[4])
    web.run_app(
        app, host="127.0.0.1", port=port, ssl_context=server_context(certs), print=None, access_log=None
    )


if __name__ == "__main__":
    main()
