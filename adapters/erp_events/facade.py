"""Where events arrive: proven first, then taken; the journal has them before the ERP is told. Pure.

An event is only a notice. What it is about is read from the ERP's API afterwards, as a delivery with all
that deliveries have (retries, limits, the exception queue), so an ERP that is down loses nothing.
"""

from __future__ import annotations

import json
from typing import Any

from adapters.base.facade import (
    Admitted,
    CallOutcome,
    Denied,
    FacadeAnswer,
    FacadeCall,
    WasAccepted,
    WasRefused,
    WasUnavailable,
)
from adapters.base.findings import Finding, Level, Position
from adapters.base.registry import FacadeSetup
from adapters.base.transport import Reply
from adapters.erp_events.config import ErpEventsEndpoint
from adapters.erp_events.notice import (
    NoticeError,
    event_key,
    read_notices,
    read_types,
    structured,
    validation_code,
)
from adapters.erp_events.proof import unproven

EVENT_SET = "event"
SIZE_BYTES_MAX = 1024 * 1024  # an event is a notice; a larger one is none
JSON = "application/json"


class EventSetupError(Exception):
    """A facade cannot be built; the text says why, for whoever wrote the configuration."""


class ErpEventsFacade:
    """One endpoint's events, under one path."""

    takes_options = True  # CloudEvents' handshake comes by OPTIONS

    def __init__(self, setup: FacadeSetup) -> None:
        settings = setup.endpoint.settings
        if not isinstance(settings, ErpEventsEndpoint):
            raise EventSetupError(f"endpoint '{setup.endpoint.name}' is not of kind erp_events")
        self._settings = settings
        self._secret = setup.endpoint.secret
        self.paths: tuple[str, ...] = (settings.path,)
        self.size_bytes_max = min(SIZE_BYTES_MAX, setup.size_bytes_max)
        by_set = {each.set_type: each for each in setup.routes}
        if EVENT_SET not in by_set:
            text = (
                f"endpoint '{setup.endpoint.name}' needs a route with `set: event`, which reads the documents"
            )
            raise EventSetupError(text)
        self._route = by_set[EVENT_SET]
        if settings.verify.certificate and self._route.partner is None:
            name = setup.endpoint.name
            raise EventSetupError(
                f"endpoint '{name}' is proven by certificate: its event route needs a partner"
            )
        wanted = {meaning.document for meaning in settings.events.values()}
        if lacking := sorted(wanted - set(by_set)):
            name, needed = setup.endpoint.name, lacking[0]
            raise EventSetupError(
                f"endpoint '{name}' needs a route with `set: {needed}`: its events tell of one"
            )
        self._hand_over = {each: by_set[each].route for each in wanted}

    def look(self, call: FacadeCall) -> FacadeAnswer | Denied:
        """Answer a GET with what is served, and CloudEvents' OPTIONS with whom we let send.

        Source: CloudEvents 1.0.2, HTTP 1.1 Web Hooks for Event Delivery, section 4. Consent is no trust:
        each event is proven by itself.
        """
        if call.method == "OPTIONS":
            origin = call.header("WebHook-Request-Origin") or ""
            allowed = (("WebHook-Allowed-Origin", origin), ("WebHook-Allowed-Rate", "*")) if origin else ()
            return FacadeAnswer(200, b"", JSON, (("Allow", "OPTIONS, GET, POST"), *allowed))
        return _answer(200, {"takes": f"events of {self._settings.erp}", "by": "POST"})

    def admit(self, call: FacadeCall) -> Admitted | Denied:
        """Judge one delivery of events: proof, form, and whether we know what each one means."""
        settings, at = self._settings, Position(call.path)
        why = unproven(settings.verify, call, self._route.partner, self._secret)
        if why:
            return self._denied(401, Finding("ERP-EVENT-UNPROVEN", at, f"{why}; the event is not believed"))
        code = validation_code(call.body, call.path)
        if code is not None:
            finding = Finding("ERP-EVENT-HANDSHAKE", at, "the sender asked whether this is us", Level.NOTE)
            return Denied(finding, _answer(200, {"validationResponse": code}), self._route.route)
        body = structured(call.body, call.headers)
        try:
            if self._is_ignored(body, call.path):
                finding = Finding("ERP-EVENT-IGNORED", at, "routes.yaml says to ignore it", Level.NOTE)
                return Denied(finding, _answer(200, {"ignored": True}), self._route.route)
            notices = read_notices(body, settings.erp, settings.fields, call.path)
        except NoticeError as error:
            return self._denied(400, error.finding)
        for each in notices:
            if each.type not in settings.events and each.type not in settings.ignore:
                known = ", ".join(settings.events)
                text = (
                    f"event type '{each.type}' means nothing here; declared are {known}; add it to one list"
                )
                return self._denied(422, Finding("ERP-EVENT-TYPE", at, text))
        return Admitted(
            route=self._route.route,
            arrival_key=f"{settings.erp}/{event_key(notices)}",
            state=None,
            identity=call.identity or settings.erp,
            is_proven=True,
            body=None if body is call.body else body,
            facts={f"hand_over.{name}": route for name, route in self._hand_over.items()}
            | {"erp": settings.erp},
        )

    def answer(self, admitted: Admitted, outcome: CallOutcome) -> FacadeAnswer:
        """Word what became of an event: taken is all that a sender needs to know."""
        match outcome:
            case WasAccepted(message_id, is_repeat):
                return _answer(200, {"message_id": message_id, "repeat": is_repeat})
            case WasRefused(_, findings):
                return _answer(409, {"error": findings[0].code, "text": findings[0].text})
            case WasUnavailable(finding, status):
                return _answer(status, {"error": finding.code, "text": finding.text})
            case _:
                return _answer(200, {"taken": True})

    def compare(self, route: str, legacy: Reply, cloud: Reply) -> tuple[Finding, ...]:
        """Compare nothing: events are no questions."""
        return ()

    def refusal(self, call: FacadeCall, finding: Finding, status: int) -> FacadeAnswer:
        """Word why the gateway refuses a request by its head."""
        return _answer(status, {"error": finding.code, "text": finding.text})

    def _is_ignored(self, body: bytes, path: str) -> bool:
        types = read_types(body, self._settings.erp, self._settings.fields, path)
        return bool(self._settings.ignore) and all(each in self._settings.ignore for each in types)

    def _denied(self, status: int, finding: Finding) -> Denied:
        answer = _answer(status, {"error": finding.code, "text": finding.text})
        if status == 401:
            answer = FacadeAnswer(401, answer.body, JSON, (("WWW-Authenticate", "Signature"),))
        return Denied(finding, answer, self._route.route)


def _answer(status: int, body: dict[str, Any]) -> FacadeAnswer:
    return FacadeAnswer(status, json.dumps(body).encode(), JSON, (("Cache-Control", "no-store"),))
