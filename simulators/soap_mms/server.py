"""The SOAP face of the simulated system: eight operations, typed faults, and misfortunes on request.

An independent witness: it shares no code with the gateway. What it committed stands in its ledger, synced
before the reply, so that a test can count what really happened.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from lxml import etree

from simulators.faults import FaultScript
from simulators.ledger import LineFile
from simulators.misbehaviour import answer, faults_handler
from simulators.serving import Served, Serving, Tls
from simulators.soap_mms.business import Business, Outcome, Refusal
from simulators.soap_mms.envelope import CONTENT_TYPES, SOAP11, Call, EnvelopeError, fault, read_call, reply
from simulators.soap_mms.tokens import is_token_right

BODY_BYTES_MAX = 16 * 1024 * 1024
REQUESTS_KEPT = 100_000
PATHS = ("/services/MaterialsManagement", "/services/MaterialsManagement12", "/services/Budget")


@dataclass(frozen=True, slots=True)
class Settings:
    """How this system behaves apart from faults.

    `wsdl`: the folder whose schemas requests must obey, and that `?wsdl` is answered from.
    """

    ledger: Path | None = None
    wsdl: Path | None = None
    detects_duplicates: bool = True
    user: str | None = None  # requests must carry its UsernameToken
    password: str = ""


@dataclass(frozen=True, slots=True)
class Committed:
    """One change that this system has made. `sequence` counts from 1; `number` is the document's own."""

    sequence: int
    operation: str
    number: str
    message_id: str
    sender: str
    sha256: str  # of the request as received
    at: float
    content: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived, of any fate. `fault` names what befell it."""

    operation: str
    message_id: str
    action: str
    content_type: str
    fault: str
    body: bytes


class SoapMms(Served):
    """The simulator. `async with SoapMms(...) as mms: ... mms.url, mms.committed`."""

    def __init__(
        self, settings: Settings | None = None, faults: FaultScript | None = None, tls: Tls | None = None
    ) -> None:
        self.settings = settings or Settings()
        self.faults = faults or FaultScript()
        self.requests: deque[Seen] = deque(maxlen=REQUESTS_KEPT)
        self.invalid: list[str] = []  # what arrived and broke the schema
        self._ledger = LineFile(self.settings.ledger)
        self._business = Business(detects_duplicates=self.settings.detects_duplicates)
        for entry in self._ledger.entries:
            self._remember(Committed(**entry))
        self._nonces: set[str] = set()
        self._schema = _schema(self.settings.wsdl) if self.settings.wsdl is not None else None
        self._serving = Serving(self._application(), tls)

    @property
    def committed(self) -> list[Committed]:
        """Give all changes in the order in which they were made."""
        return [Committed(**entry) for entry in self._ledger.entries]

    def close(self) -> None:
        """Close the ledger; it stays on disk."""
        self._ledger.close()

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        for path in PATHS:
            app.router.add_post(path, self._serve)
            app.router.add_get(path, self._show_wsdl)
        app.router.add_get("/_ledger", self._show_ledger)
        app.router.add_post("/_faults", faults_handler(self.faults))
        return app

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        try:
            call = read_call(body)
        except EnvelopeError as error:
            return _soap(SOAP11, 500, fault(SOAP11, str(error), is_senders=True))
        message_id = call.in_header("MessageId")
        misfortune = self.faults.next("POST", request.path_qs, call.operation, message_id, *_numbers(call))
        self.requests.append(
            Seen(
                call.operation,
                message_id,
                request.headers.get("SOAPAction", ""),
                request.headers.get("Content-Type", ""),
                misfortune.action.value if misfortune else "",
                body,
            )
        )

        async def work() -> web.Response:
            return self._work(call, body, message_id)

        return await answer(request, misfortune, work)

    def _work(self, call: Call, body: bytes, message_id: str) -> web.Response:
        settings = self.settings
        if settings.user is not None and not is_token_right(
            call, settings.user, settings.password, self._nonces
        ):
            told = "the security token could not be authenticated or authorized"
            return _soap(call.version, 500, fault(call.version, told, code="FailedAuthentication"))
        if (problem := self._schema_problem(call)) is not None:
            self.invalid.append(problem)
            told = f"the request does not obey the schema: {problem}"
            return _soap(call.version, 500, fault(call.version, told, is_senders=True))
        try:
            outcome = self._business.run(call)
        except Refusal as refusal:
            return _soap(call.version, 500, fault(call.version, refusal.told, refusal.detail()))
        self._commit(call, outcome, message_id, body)
        return _soap(call.version, 200, reply(call.version, outcome.answer))

    def _schema_problem(self, call: Call) -> str | None:
        if self._schema is None or call.operation[0].islower():  # the RPC service has no schema to obey
            return None
        payload = etree.fromstring(etree.tostring(call.payload, with_tail=False))
        try:
            self._schema.assertValid(payload)
        except etree.DocumentInvalid as error:
            return str(error)
        return None

    def _commit(self, call: Call, outcome: Outcome, message_id: str, body: bytes) -> None:
        if outcome.entry is None:
            return
        committed = Committed(
            sequence=len(self._ledger.entries) + 1,
            operation=call.operation,
            number=outcome.number,
            message_id=message_id,
            sender=call.in_header("SenderId"),
            sha256=hashlib.sha256(body).hexdigest(),
            at=time.time(),
            content=outcome.entry,
        )
        self._ledger.append(asdict(committed))  # synced: from here on it happened
        self._remember(committed)

    def _remember(self, committed: Committed) -> None:
        facts = {"operation": committed.operation, "number": committed.number}
        self._business.entries.append(facts | committed.content)

    async def _show_wsdl(self, request: web.Request) -> web.Response:
        folder = self.settings.wsdl
        name = "budget_rpc.wsdl" if request.path.endswith("Budget") else "materials_management.wsdl"
        if folder is None or "wsdl" not in {key.lower() for key in request.query}:
            return web.Response(status=404, text="POST SOAP requests here")
        return web.Response(body=(folder / name).read_bytes(), content_type="text/xml")

    async def _show_ledger(self, request: web.Request) -> web.Response:
        return web.json_response(self._ledger.entries)


def _soap(version: str, status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, content_type=CONTENT_TYPES[version], charset="utf-8")


def _numbers(call: Call) -> list[str]:
    """Give what identifies the document, for the fault script."""
    names = ("PONumber", "InvoiceNumber", "RequisitionNumber")
    return [
        each.text.strip()
        for each in call.payload.iter("{*}PONumber", "{*}InvoiceNumber", "{*}RequisitionNumber")
        if each.text and etree.QName(each).localname in names
    ]


def _schema(folder: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(folder / "purchasing.xsd"))
