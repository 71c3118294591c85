"""The REST face of the simulated ERP: create, look up, put; faults on request.

An independent witness: it shares no code with the gateway. What it committed stands in its ledger,
synced before the reply, so that a test can count what really happened. By default it enforces no
unique reference, as real ERPs do not: a document sent twice is there twice, and shows.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from aiohttp import web

from simulators.faults import FaultScript
from simulators.ledger import LineFile
from simulators.misbehaviour import answer, faults_handler
from simulators.serving import Served, Serving, Tls

BODY_BYTES_MAX = 64 * 1024 * 1024
REQUESTS_KEPT = 100_000
HEADERS_OF_INTEREST = ("Idempotency-Key", "Content-Type", "User-Agent", "X-Correlation-Id")


@dataclass(frozen=True, slots=True)
class Settings:
    """How this ERP behaves apart from faults.

    `lag_s`: how long a committed document stays invisible to look-ups (read-after-write lag).
    `enforce_unique`: a second POST with a known reference is refused with 409.
    """

    ledger: Path | None = None
    enforce_unique: bool = False
    lag_s: float = 0.0
    ignores_filter: bool = False  # a look-up gives everything, as APIs do that skip unknown parameters
    token: str | None = None  # requests must carry it as a bearer token
    number_prefix: str = "PO"
    budget: str = "50000.00"  # what is available in every period, for questions about it
    encumbered: str = "12000.00"
    commits_twice: bool = False  # a broken import: each document is committed again under a second number


@dataclass(frozen=True, slots=True)
class Committed:
    """One document that this ERP has committed. `sequence` counts commits from 1."""

    sequence: int
    number: str
    document_type: str
    reference: str
    document_key: str
    order_key: str
    content_hash: str
    sha256: str  # of the request body as received
    line_ids: dict[str, str]  # line sequence as sent -> line id of this ERP
    at: float
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived, faulty or not. `fault` names what befell it."""

    method: str
    path: str
    reference: str
    document_key: str
    fault: str
    at: float
    headers: dict[str, str] = field(default_factory=dict)


class CloudErp(Served):
    """The simulator. `async with CloudErp(...) as erp: ... erp.url, erp.committed`."""

    def __init__(
        self, settings: Settings | None = None, faults: FaultScript | None = None, tls: Tls | None = None
    ) -> None:
        self.settings = settings or Settings()
        self.faults = faults or FaultScript()
        self.token = self.settings.token
        self.requests: deque[Seen] = deque(maxlen=REQUESTS_KEPT)
        self._ledger = LineFile(self.settings.ledger)
        self._by_reference: dict[tuple[str, str], list[Committed]] = {}
        self._visible_from: dict[int, float] = {}
        for entry in self._ledger.entries:
            self._index(Committed(**entry))
        self._serving = Serving(self._application(), tls)

    @property
    def committed(self) -> list[Committed]:
        """Give all committed documents in the order of their commits."""
        return self.committed_after(0)

    def committed_after(self, sequence: int) -> list[Committed]:
        """Give the documents that were committed after the one of that number, in order."""
        return [Committed(**entry) for entry in self._ledger.entries[sequence:]]

    def close(self) -> None:
        """Close the ledger; it stays on disk."""
        self._ledger.close()

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_post("/documents/{type}", self._create)
        app.router.add_put("/documents/{type}/{reference}", self._put)
        app.router.add_get("/documents/{type}", self._look_up)
        app.router.add_post("/budget_checks", self._budget)
        app.router.add_get("/_ledger", self._show_ledger)
        app.router.add_get("/_requests", self._show_requests)
        app.router.add_post("/_faults", faults_handler(self.faults))
        return app

    async def _create(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        fields = _object(body)
        reference = _text(fields, "reference") or request.headers.get("Idempotency-Key", "")
        return await self._answer(request, body, fields, reference, is_put=False)

    async def _budget(self, request: web.Request) -> web.StreamResponse:
        """Answer whether there is money; nothing is committed."""
        fields = _object(await request.read())

        async def work() -> web.Response:
            asked = _document(fields).get("requested") or {}
            amount = Decimal(str(asked.get("amount", "0")))
            available, encumbered = Decimal(self.settings.budget), Decimal(self.settings.encumbered)
            is_enough = amount <= available - encumbered
            answer = {
                "decision": "PASS" if is_enough else "FAIL",
                "available": str(available - encumbered),
                "encumbered": str(encumbered),
                "currency": asked.get("currency", "USD"),
            }
            return web.json_response(answer)

        return await self._serve(request, (_text(fields, "reference"), ""), work)

    async def _put(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        return await self._answer(request, body, _object(body), request.match_info["reference"], is_put=True)

    async def _answer(
        self, request: web.Request, body: bytes, fields: dict[str, Any], reference: str, *, is_put: bool
    ) -> web.StreamResponse:
        keys = (reference, _text(fields, "document_key"), _text(fields, "order_key"))

        async def work() -> web.Response:
            return self._commit(request, body, fields, reference, is_put=is_put)

        return await self._serve(request, keys, work)

    async def _serve(self, request: web.Request, keys: tuple[str, ...], work: Any) -> web.StreamResponse:
        fault = self.faults.next(request.method, request.path_qs, *keys)
        name = fault.action.value if fault else ""
        self.requests.append(
            Seen(request.method, request.path_qs, keys[0], keys[1], name, time.time(), _headers(request))
        )
        if (fault is None or fault.does_commit) and not self._is_authorized(request):
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            return web.json_response({"title": "unauthorized"}, status=401, headers=challenge)
        return await answer(request, fault, work)

    def _commit(
        self, request: web.Request, body: bytes, fields: dict[str, Any], reference: str, *, is_put: bool
    ) -> web.Response:
        problems = _problems(fields, reference)
        if problems:
            return _problem_response(422, "the document is not acceptable", problems)
        document_type = request.match_info["type"]
        known = self._by_reference.get((document_type, reference), [])
        if known and is_put:
            return web.json_response(_shown(known[0]), status=200)
        if known and self.settings.enforce_unique:
            problem = ("reference", "is used by another document")
            return _problem_response(409, "the reference exists", [problem])
        committed = self._write(document_type, reference, body, fields, request)
        if self.settings.commits_twice:
            self._write(document_type, reference, body, fields, request)
        return web.json_response(_shown(committed), status=201)

    def _write(
        self, document_type: str, reference: str, body: bytes, fields: dict[str, Any], request: web.Request
    ) -> Committed:
        committed = self._numbered(document_type, reference, body, fields, request)
        self._ledger.append(asdict(committed))  # synced: from here on it happened
        self._visible_from[committed.sequence] = time.monotonic() + self.settings.lag_s
        self._index(committed)
        return committed

    def _numbered(
        self, document_type: str, reference: str, body: bytes, fields: dict[str, Any], request: web.Request
    ) -> Committed:
        sequence = len(self._ledger.entries) + 1
        number = f"{self.settings.number_prefix}-{sequence:06d}"
        lines = _document(fields).get("lines") or []
        return Committed(
            sequence=sequence,
            number=number,
            document_type=document_type,
            reference=reference,
            document_key=_text(fields, "document_key"),
            order_key=_text(fields, "order_key"),
            content_hash=_text(fields, "content_hash"),
            sha256=hashlib.sha256(body).hexdigest(),
            line_ids={
                str(line.get("sequence", at)): f"{number}-{at * 10}" for at, line in enumerate(lines, start=1)
            },
            at=time.time(),
            headers=_headers(request),
        )

    def _index(self, committed: Committed) -> None:
        key = (committed.document_type, committed.reference)
        self._by_reference.setdefault(key, []).append(committed)

    async def _look_up(self, request: web.Request) -> web.StreamResponse:
        reference = request.query.get("reference", "")
        document_type = request.match_info["type"]

        async def work() -> web.Response:
            found = self._found(document_type, reference)
            return web.json_response({"items": [_shown(each) for each in found]})

        return await self._serve(request, (reference, "", ""), work)

    def _found(self, document_type: str, reference: str) -> list[Committed]:
        now = time.monotonic()
        if self.settings.ignores_filter:
            known = [each for each in self.committed if each.document_type == document_type]
        else:
            known = self._by_reference.get((document_type, reference), [])
        return [each for each in known if self._visible_from.get(each.sequence, 0.0) <= now]

    def _is_authorized(self, request: web.Request) -> bool:
        return self.token is None or request.headers.get("Authorization") == f"Bearer {self.token}"

    async def _show_ledger(self, request: web.Request) -> web.Response:
        return web.json_response(self._ledger.entries)

    async def _show_requests(self, request: web.Request) -> web.Response:
        return web.json_response([asdict(each) for each in self.requests])


def _object(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _document(fields: dict[str, Any]) -> dict[str, Any]:
    document = fields.get("document", fields)
    return document if isinstance(document, dict) else {}


def _is_named(document: dict[str, Any]) -> bool:
    """Tell whether a document has a number, or, as an acknowledgment, that of its order."""
    order = document.get("order")
    return bool(document.get("number") or (isinstance(order, dict) and order.get("number")))


def _problems(fields: dict[str, Any], reference: str) -> list[tuple[str, str]]:
    problems: list[tuple[str, str]] = []
    if not fields:
        problems.append(("", "expected a JSON object"))
    if not reference:
        problems.append(("reference", "is missing"))
    document = _document(fields)
    if fields and not _is_named(document):
        problems.append(("document.number", "is missing"))
    lines = document.get("lines", [])
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        problems.append(("document.lines", "expected a list of objects"))
    return problems


def _problem_response(status: int, title: str, problems: list[tuple[str, str]]) -> web.Response:
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "errors": [{"field": field, "message": message} for field, message in problems],
    }
    return web.Response(status=status, text=json.dumps(body), content_type="application/problem+json")


def _shown(committed: Committed) -> dict[str, Any]:
    return {
        "number": committed.number,
        "reference": committed.reference,
        "document_key": committed.document_key,
        "content_hash": committed.content_hash,
        "lines": [{"sequence": sequence, "id": line_id} for sequence, line_id in committed.line_ids.items()],
    }


def _headers(request: web.Request) -> dict[str, str]:
    return {name: request.headers[name] for name in HEADERS_OF_INTEREST if name in request.headers}


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""
