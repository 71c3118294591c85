"""The REST face of a book of orders, for a gateway that runs as a process of its own."""

from __future__ import annotations

import json

from aiohttp import web

from simulators.order_book.book import Book, shown
from simulators.serving import Served, Serving

BODY_BYTES_MAX = 16 * 1024 * 1024


class OrderBook(Served):
    """One listening book. `async with OrderBook(Book("erp", "E")) as served: ... served.url`."""

    def __init__(self, book: Book) -> None:
        self.book = book
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_get("/_orders", self._show)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._serving = Serving(app)

    async def _handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        status, answer = self.book.handle(request.method, request.path_qs.lstrip("/"), body)
        return web.Response(status=status, text=json.dumps(answer), content_type="application/json")

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response([shown(each) for each in self.book.orders.values()])
