"""``GET /v1/messages/{id}``: where a message stands, for whoever sent it.

States and references only: no content, no price, no name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from gateway.http_app import Handler, HttpApp
from gateway.inlets.answers import json_response
from gateway.inlets.http_inlet import Caller, HttpInlet, RefusedError, refused, shown
from gateway.journal.base import Journal, UnknownError
from gateway.journal.types import DeliveryView, DocumentView, Message

DOCUMENTS_MAX = 1_000


def mount_messages(
    app: HttpApp,
    journal: Journal,
    inlet: Callable[[str], HttpInlet | None],
    administrator: Handler | None = None,
) -> None:
    """Serve the path. ``inlet`` gives a route's inlet: who may send on it may ask about it.

    ``administrator``: answers who comes with a token instead; that is the admin API's, and says more.
    """
    sender = _handler(app, journal, inlet)

    async def show(request: web.Request) -> web.StreamResponse:
        is_admin = administrator is not None and "Authorization" in request.headers
        return await (administrator if is_admin and administrator is not None else sender)(request)

    app.mount("GET", "/v1/messages/{message}", show)


def may_read(message: Message, inlet: HttpInlet | None, caller: Caller | None) -> bool:
    """Tell whether a caller may see a message: its own, or one of a route that is open to everybody."""
    if caller is not None and message.origin.identity == caller.identity:
        return True
    if caller is not None and caller.partner is not None and message.partner == caller.partner:
        return True
    is_open = inlet is not None and not (inlet.needs_certificate or inlet.partners or inlet.fingerprints)
    return is_open and not message.origin.identity


def status(
    message: Message, documents: list[DocumentView], deliveries: list[DeliveryView]
) -> Mapping[str, Any]:
    """Give what a sender is told of its message."""
    return {
        "message_id": message.message_id,
        "route": message.route,
        "state": message.state.value,
        "accepted_at": message.accepted_at.isoformat(),
        "repeat_of": message.repeat_of,
        "findings": [finding.code for finding in message.findings],
        "documents": [_document(each) for each in documents if each.generation == message.generation],
        "deliveries": [_delivery(each) for each in deliveries],
    }


def _document(view: DocumentView) -> dict[str, Any]:
    plan = view.plan
    return {
        "index": plan.index,
        "type": plan.document_type or plan.set_type,
        "verdict": plan.verdict.value,
        "findings": [finding.code for finding in plan.findings],
        "parked": plan.is_parked,
    }


def _delivery(view: DeliveryView) -> dict[str, Any]:
    return {
        "document": view.document_index,
        "target": view.target,
        "role": view.role,
        "state": view.state.value,
        "reference": view.target_reference,
    }


def _handler(
    app: HttpApp, journal: Journal, inlet: Callable[[str], HttpInlet | None]
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def show(request: web.Request) -> web.StreamResponse:
        caller = app.caller(request)
        message_id = request.match_info["message"]
        message = await _message(journal, message_id)
        if message is None or not may_read(message, inlet(message.route), caller):
            text = f"there is no message '{shown(message_id)}' of yours"
            raise RefusedError(refused(404, "MESSAGE-UNKNOWN", shown(request.path), text))
        documents = await journal.documents(message_id=message_id, limit=DOCUMENTS_MAX)
        deliveries = await journal.deliveries(message_id=message_id, limit=DOCUMENTS_MAX)
        return json_response(200, status(message, documents, deliveries))

    return show


async def _message(journal: Journal, message_id: str) -> Message | None:
    try:
        return await journal.message(message_id)
    except UnknownError:
        return None
