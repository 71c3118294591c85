"""What callers are told, as HTTP responses: problems (RFC 9457), our reference, another system's answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from adapters.base import Answered, Finding
from gateway.inlets.http_inlet import Refusal

PROBLEM = "application/problem+json"
# Source: RFC 9110, 7.6.1: these belong to one connection, not to the answer. The length is our own.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "content-length",
        "content-type",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def problem(refusal: Refusal, refusal_id: str | None = None) -> web.Response:
    """Say what was wrong, where, and what to do."""
    body = problem_body(refusal.status, refusal.finding)
    if refusal.problems:
        body["errors"] = [{"path": path, "text": text} for path, text in refusal.problems]
    if refusal_id is not None:
        body["refusal_id"] = refusal_id
    response = json_response(refusal.status, body, PROBLEM)
    for name, value in refusal.headers:
        response.headers[name] = value
    return response


def problem_body(status: int, finding: Finding) -> dict[str, Any]:
    """Give the members of a problem. Source: RFC 9457, 3; code, at and text are ours."""
    entry = finding.to_json()
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": finding.code,
        "status": status,
        "detail": finding.text,
        "code": finding.code,
        "text": finding.text,
        "at": entry["at"],
    }
    if finding.facts:
        body["facts"] = dict(finding.facts)
        if "message_id" in finding.facts:
            body["message_id"] = finding.facts["message_id"]
    return body


def answer(answered: Answered) -> web.Response:
    """Give an answer byte for byte, as the other system's status, type and headers say."""
    response = web.Response(status=answered.status, body=answered.body)
    response.headers["Content-Type"] = answered.content_type
    named = {
        part.strip().lower()
        for name, value in answered.headers
        if name.lower() == "connection"
        for part in value.split(",")
    }
    for name, value in answered.headers:
        if name.lower() not in HOP_BY_HOP | named and not set("\r\n\0") & set(name + value):
            response.headers.add(name, value)
    return response


def json_response(
    status: int,
    body: Mapping[str, Any] | Sequence[Any],
    content_type: str = "application/json",
    **headers: str,
) -> web.Response:
    """Give a JSON answer of our own."""
    named = {"Content-Type": content_type, "Cache-Control": "no-store"}
    for name, value in headers.items():
        named[name.replace("_", "-")] = value
    return web.Response(status=status, body=json.dumps(body).encode(), headers=named)
