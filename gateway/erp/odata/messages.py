"""What an OData service says in words: messages beside a success, and the error body of a refusal. Pure.

One shape for three: V2 with `innererror.errordetails` (SAP), V4 with `details` (SAP), V4 with the useful
text in `innererror.message` (Dynamics). The outer code is often generic; the details are what counts.
Sources: OData V2 "JSON format" section 8, OData JSON Format 4.01 section 21; SAP Help "Exception handling".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from gateway.erp.odata.bodies import ODataBodyError, json_of, text_of

MESSAGES_MAX = 200
TEXT_MAX = 1_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


class Severity(Enum):
    """How bad one message is. V4 numbers them 1 to 4 (`numericSeverity`)."""

    SUCCESS = 1
    INFO = 2
    WARNING = 3
    ERROR = 4


_SEVERITIES = {each.value: each for each in Severity}


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that the service says. `target` is its own name of the field, as sent."""

    code: str
    text: str
    target: str = ""
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class Problem:
    """What a refusal says: the outer error, its details, and what a support desk asks for."""

    code: str
    text: str
    target: str = ""
    details: tuple[Message, ...] = ()
    inner_text: str = ""  # innererror.message: the Infolog of Dynamics
    transaction_id: str = ""
    component: str = ""  # SAP's application component, such as MM-PUR-PO
    note: str = ""  # SAP's own advice (Error_Resolution)

    @property
    def errors(self) -> tuple[Message, ...]:
        """Give the messages that say why; the outer one where no detail is an error."""
        found = tuple(each for each in self.details if each.severity is Severity.ERROR)
        return found or (Message(self.code, self.text, self.target),)


def problem_of(body: bytes) -> Problem | None:
    """Read an error body of either version; None where it is none."""
    try:
        outer = json_of(body)
    except ODataBodyError:
        return None
    error = outer.get("error") if isinstance(outer, dict) else None
    if not isinstance(error, dict):
        return None
    inner = _object(error, "innererror")
    application = _object(inner, "application")
    resolution = _object(inner, "Error_Resolution")
    return Problem(
        code=plain(error.get("code")),
        text=_message_text(error.get("message")),
        target=plain(error.get("target")),
        details=_details(error, inner),
        inner_text=text_of(inner.get("message"))[: 8 * TEXT_MAX],
        transaction_id=plain(inner.get("transactionid")),
        component=plain(application.get("component_id")),
        note=plain(resolution.get("SAP_Note")),
    )


def severity_of_number(number: object) -> Severity:
    """Read V4's `numericSeverity`; what is missing or unknown counts as information."""
    return _SEVERITIES.get(number, Severity.INFO) if isinstance(number, int) else Severity.INFO


def plain(value: object) -> str:
    """Give text in one line, bounded, without control characters."""
    return _CONTROL.sub(" ", text_of(value)).strip()[:TEXT_MAX]


def _details(error: dict[str, Any], inner: dict[str, Any]) -> tuple[Message, ...]:
    """Join V4 `details` and V2 `errordetails`, without the detail that only repeats the outer message."""
    entries = [*_objects(error, "details"), *_objects(inner, "errordetails")][:MESSAGES_MAX]
    found = [_detail(each) for each in entries]
    return tuple(dict.fromkeys(each for each in found if not each.code.startswith("/IWBEP/CX")))


def _detail(entry: dict[str, Any]) -> Message:
    target = plain(entry.get("target")) or plain(entry.get("propertyref"))
    return Message(plain(entry.get("code")), _message_text(entry.get("message")), target, _severity(entry))


def _severity(entry: dict[str, Any]) -> Severity:
    number = entry.get("@SAP__common.numericSeverity", entry.get("numericSeverity"))
    if isinstance(number, int):
        return severity_of_number(number)
    names = {"warning": Severity.WARNING, "info": Severity.INFO, "success": Severity.SUCCESS}
    return names.get(text_of(entry.get("severity")).lower(), Severity.ERROR)


def _message_text(value: object) -> str:
    """Read a message: text in V4, an object with `value` in V2."""
    return plain(value.get("value")) if isinstance(value, dict) else plain(value)


def _object(parent: dict[str, Any], name: str) -> dict[str, Any]:
    found = parent.get(name)
    return found if isinstance(found, dict) else {}


def _objects(parent: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = parent.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
