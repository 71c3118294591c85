"""The admin REST API on the HTTP application: who asks, may they, and what the verbs say.

It decides nothing about the gateway: each path is a verb of ``gateway.operations``, as on the control
socket. Who changes something is the token's subject, whatever the request says.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Protocol

from aiohttp import web

from adapters.base import Finding, Position
from gateway.api import access
from gateway.api.arguments import ArgumentError, in_body, in_path, in_query
from gateway.api.contract import LIFECYCLE, WHO, Resource, resources
from gateway.api.openapi import PATH, openapi
from gateway.http_app import HttpApp
from gateway.inlets.answers import PROBLEM, json_response, problem_body
from gateway.inlets.body import BoundedBody
from gateway.inlets.http_inlet import HttpInlet, RefusedError, refused, shown
from gateway.operations import CHANGES, OperationError
from gateway.security.bearer import TokenRefusedError
from gateway.security.issuers import Issuers, KeysAwayError
from gateway.security.roles import Principal

log = logging.getLogger("legacy_bridge.admin")

BODY_BYTES_MAX = 16 * 1024 * 1024
CALLS_MAX = 32  # at the same time; more are told to come back
JSON = "application/json"

_FAILURES = {
    "unknown": (404, "ADMIN-UNKNOWN"),
    "refused": (409, "ADMIN-REFUSED"),
    "stale": (409, "ADMIN-STALE"),
    "stopped": (409, "ADMIN-STOPPED"),
    "bad_request": (400, "ADMIN-BAD-REQUEST"),
    "forbidden": (403, "ADMIN-FORBIDDEN"),
    "failed": (500, "ADMIN-FAILED"),
}


class Operator(Protocol):
    """Whoever carries out what callers ask for."""

    async def perform(self, verb: str, arguments: Mapping[str, Any]) -> Any:
        """Do it and give a JSON-able result. Errors: OperationError."""
        ...

    async def routes_of(self, subject: str, *, by_any_name: bool = False) -> set[str]:
        """Give the routes that a message, an exception or an order belongs to."""
        ...


class AdminApi:
    """Mounts the API. ``issuers`` None: it is not served, whatever token comes."""

    def __init__(
        self,
        app: HttpApp,
        operations: Operator,
        issuers: Issuers | None,
        version: str,
        lifecycle: tuple[tuple[str, str], ...] = LIFECYCLE,
    ) -> None:
        self._lifecycle = lifecycle
        self._app = app
        self._operations = operations
        self._issuers = issuers
        self._document = openapi(version)
        self._inlet = HttpInlet("admin", content_types=(JSON,), size_bytes_max=BODY_BYTES_MAX)
        self._slots = asyncio.Semaphore(CALLS_MAX)
        app.mount("GET", PATH, self._describe)
        for each in resources():
            if (each.method, each.path) != ("GET", "/v1/messages/{message}"):  # shared with senders
                app.mount(each.method, each.path, self.handler(each))

    def set_issuers(self, issuers: Issuers | None) -> None:
        """Believe other issuers from now on."""
        self._issuers = issuers

    def handler(self, resource: Resource) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Give what answers a resource."""

        async def handle(request: web.Request) -> web.StreamResponse:
            response = await self._gated(request, resource)
            for name, value in self._lifecycle:
                response.headers.add(name, value)
            return response

        return handle

    async def _gated(self, request: web.Request, resource: Resource) -> web.StreamResponse:
        principal = await self._principal(request)
        if self._slots.locked():
            text = "too many administrative requests at the same time; send it again"
            raise RefusedError(refused(503, "HTTP-BUSY", shown(request.path), text, Retry_After="1"))
        async with self._slots:
            return await self._answered(request, resource, principal)

    async def _answered(
        self, request: web.Request, resource: Resource, principal: Principal
    ) -> web.StreamResponse:
        try:
            arguments = await self._arguments(request, resource)
            # For one verb alone: going through the messages for each of many keys would take long.
            routes_of = partial(self._operations.routes_of, by_any_name=resource.verb == "explain")
            await access.check(
                principal, resource.role, resource.verb, arguments, routes_of,
                gives_list=resource.gives_list,
            )  # fmt: skip
            named = arguments | ({WHO: principal.name} if resource.verb in CHANGES else {})
            result = await self._operations.perform(resource.verb, named)
        except ArgumentError as error:
            raise RefusedError(refused(400, "ADMIN-ARGUMENT", shown(request.path), str(error))) from error
        except OperationError as error:
            return _failure(request, error)
        return json_response(200, access.visible(result, principal, resource.role, arguments))

    async def _arguments(self, request: web.Request, resource: Resource) -> dict[str, Any]:
        named = in_path(resource, request.match_info)
        if not resource.has_body:
            return named | in_query(resource, request.query.items())
        if request.query:
            raise ArgumentError("arguments of a change stand in its body, not in the query")
        given = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if given != JSON or request.headers.get("Content-Encoding", "identity").lower() != "identity":
            text = f"Content-Type '{shown(given)}' found; expected {JSON}, as it is"
            raise RefusedError(refused(415, "HTTP-CONTENT-TYPE", shown(request.path), text, Accept=JSON))
        body = BoundedBody(request, self._inlet, self._app.limits.read)
        return named | in_body(resource, await body.whole())

    async def _principal(self, request: web.Request) -> Principal:
        """Give who holds the request's token. Errors: RefusedError (RFC 6750, section 3)."""
        at, issuers = shown(request.path), self._issuers
        if issuers is None:
            raise RefusedError(refused(404, "HTTP-PATH", at, "there is nothing under this path"))
        given = request.headers.getall("Authorization", [])
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        if scheme.lower() != "bearer" or not token.strip():
            text = "a bearer token of an issuer in gateway.admin.issuers is needed"
            raise RefusedError(refused(401, "ADMIN-TOKEN", at, text, WWW_Authenticate="Bearer"))
        try:
            return await issuers.principal(token.strip())
        except TokenRefusedError as error:
            log.info("admin.token_refused reason=%s peer=%s", error, request.remote)
            text = f"the token is not believed: {error}; get a new one"
            header = 'Bearer error="invalid_token"'
            raise RefusedError(refused(401, "ADMIN-TOKEN", at, text, WWW_Authenticate=header)) from error
        except KeysAwayError as error:
            text = "the keys of the token's issuer cannot be had now; send it again later"
            raise RefusedError(refused(503, "ADMIN-KEYS", at, text, Retry_After="10")) from error

    async def _describe(self, request: web.Request) -> web.StreamResponse:
        """Give the OpenAPI document: it holds no secret, and a client needs it before it has a token."""
        if self._issuers is None:
            raise RefusedError(
                refused(404, "HTTP-PATH", shown(request.path), "there is nothing under this path")
            )
        return json_response(200, self._document)


def _failure(request: web.Request, error: OperationError) -> web.Response:
    status, code = _FAILURES.get(error.code, _FAILURES["failed"])
    finding = Finding(code, Position(shown(request.path)), str(error))
    body = problem_body(status, finding)
    if error.findings:
        body["findings"] = [dict(each) for each in error.findings]
    return json_response(status, body, PROBLEM)
