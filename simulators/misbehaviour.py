"""Acting faults out on a real connection: `simulators.faults` says which, this file does it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from aiohttp import web

from simulators.faults import Action, Fault, FaultScript, FaultScriptError

Work = Callable[[], Awaitable[web.Response]]
FOREVER_S = 3_600.0

_SORRY = "<html><head><title>503 Service Unavailable</title></head><body><h1>We are sorry</h1></body></html>"
_LOGIN = (
    "<!DOCTYPE html><html><head><title>Sign in</title></head><body>"
    '<form action="/login" method="post"><input name="username"><input type="password" name="password">'
    "</form></body></html>"
)


async def answer(request: web.Request, fault: Fault | None, work: Work) -> web.StreamResponse:
    """Do the request's work, or not, and reply as the fault says; without a fault, plainly."""
    if fault is None:
        return await work()
    if fault.action is Action.DELAY:
        await asyncio.sleep(fault.seconds)
        return await work()
    done = await work() if fault.does_commit else None
    if done is not None and done.status >= 400:
        return done  # the simulator itself refuses it: there is nothing to spoil
    match fault.action:
        case Action.COMMIT_THEN_HANG | Action.HANG_BEFORE_COMMIT:
            await asyncio.sleep(fault.seconds or FOREVER_S)
            return done if done is not None else web.Response(status=504)
        case Action.COMMIT_THEN_RESET | Action.RESET_BEFORE_COMMIT:
            return _reset(request)
        case Action.HALF_REPLY:
            return await _half(request, done or _json(201, {"number": "half"}))
        case Action.TRICKLE:
            return await _trickle(request, done or _json(201, {}), fault.seconds)
        case _:
            return _spoiled(fault, done)


def _spoiled(fault: Fault, done: web.Response | None) -> web.StreamResponse:
    match fault.action:
        case Action.THROTTLE:
            return _json(429, {"title": "too many requests"}, _retry_after(fault))
        case Action.UNAVAILABLE:
            headers = _retry_after(fault)
            return web.Response(status=503, text=_SORRY, content_type="text/html", headers=headers)
        case Action.UNAUTHORIZED:
            return _json(401, {"title": "unauthorized"}, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        case Action.REJECT:
            return _problem(fault)
        case Action.LOGIN_PAGE | Action.SORRY_PAGE:
            page = _LOGIN if fault.action is Action.LOGIN_PAGE else _SORRY
            return web.Response(text=page, content_type="text/html")
        case Action.REDIRECT:
            status = fault.status if 300 <= fault.status < 400 else 302
            return web.Response(status=status, headers={"Location": fault.location})
        case Action.GARBAGE:
            return web.Response(status=200, body=b"\x00\xff\xfe}{not json", content_type="application/json")
        case Action.TRUNCATED:
            whole = done.body if done is not None and isinstance(done.body, bytes) else b'{"number": "PO-1"}'
            return web.Response(status=201, body=whole[: len(whole) // 2], content_type="application/json")
        case Action.OVERSIZED:
            return web.Response(status=200, body=b" " * fault.size_bytes, content_type="application/json")
        case _:
            return _json(fault.status, {"title": f"status {fault.status}"}, _retry_after(fault))


def faults_handler(script: FaultScript) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Give the handler of `POST /_faults`: another script takes over, counts begin again."""

    async def change(request: web.Request) -> web.Response:
        try:
            other = FaultScript.from_json(await request.read())
            script.replace(other.faults, other.seed)
        except FaultScriptError as error:
            return _json(400, {"title": str(error)})
        return _json(200, {"faults": len(other.faults)})

    return change


def _retry_after(fault: Fault) -> dict[str, str]:
    if fault.retry_after is None:
        return {}
    seconds = fault.retry_after.removeprefix("date:")
    if seconds == fault.retry_after:
        return {"Retry-After": seconds}
    at = datetime.now(UTC) + timedelta(seconds=float(seconds))
    return {"Retry-After": format_datetime(at, usegmt=True)}


def _problem(fault: Fault) -> web.Response:
    body = {
        "type": "about:blank",
        "title": "the document is not acceptable",
        "status": 422,
        "errors": [{"field": field, "message": "value is not accepted"} for field in fault.fields],
    }
    return web.Response(status=422, text=json.dumps(body), content_type="application/problem+json")


def _json(status: int, body: dict[str, object], headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(body, status=status, headers=headers)


def _reset(request: web.Request) -> web.StreamResponse:
    """Cut the connection with RST, so that the client sees a reset and not an orderly end."""
    transport = request.transport
    if transport is not None:
        sock = transport.get_extra_info("socket")
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=500)


async def _half(request: web.Request, whole: web.Response) -> web.StreamResponse:
    body = whole.body if isinstance(whole.body, bytes) else b"{}"
    stream = web.StreamResponse(status=whole.status, headers={"Content-Type": "application/json"})
    stream.content_length = len(body) + 100
    await stream.prepare(request)
    with contextlib.suppress(ConnectionError):
        await stream.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return stream


async def _trickle(request: web.Request, whole: web.Response, pause_s: float) -> web.StreamResponse:
    body = whole.body if isinstance(whole.body, bytes) else b"{}"
    stream = web.StreamResponse(status=whole.status, headers={"Content-Type": "application/json"})
    stream.content_length = len(body)
    await stream.prepare(request)
    with contextlib.suppress(ConnectionError):
        for byte in body:
            await stream.write(bytes((byte,)))
            await asyncio.sleep(pause_s)
    return stream
