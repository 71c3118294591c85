"""What senders send: X12 interchanges and canonical orders of our own making, and their keys."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.base import DecodeContext, Summary
from adapters.edi_x12.config import X12Partner
from canonical.keys import KeyRules, document_key
from canonical.registry import parse_document
from gateway.app import format_by_name
from tests.verify.evidence import Submission, Told, keys_in

ORGANISATION = "mercy"
RULES = KeyRules(organisation=ORGANISATION)
CLOUD, LEGACY = "04", "01"  # facilities: the canary takes the first
CONTEXT = DecodeContext("sender", "test", partner="mms", partner_settings=X12Partner())


@dataclass(frozen=True, slots=True)
class Sending:
    """One thing a sender wants to get across, under the identity that it would use again."""

    route: str
    body: bytes
    key: str  # Idempotency-Key, or the file's name
    arrival_key: str | None  # what the gateway makes of it
    sets: int
    document_keys: tuple[str, ...]
    path: str = ""  # of the HTTP inlet; a file has none
    content_type: str = "application/edi-x12"

    def submission(self, told: Told, message_id: str | None = None) -> Submission:
        """Describe one time of sending it."""
        digest = hashlib.sha256(self.body).hexdigest()
        return Submission(
            self.route, self.arrival_key, digest, told, message_id, self.sets, self.document_keys
        )


def x12_orders(
    route: str, control: int, orders: Sequence[tuple[int, str]], *, purpose: str = "00"
) -> Sending:
    """Give an interchange of (order number, facility), to be posted."""
    body = interchange(control, orders, purpose)
    key = f"{route}-{control}"
    return Sending(route, body, key, f"mms/{key}", len(orders), x12_keys(body), f"/v1/inbound/{route}")


def x12_file(route: str, control: int, orders: Sequence[tuple[int, str]]) -> Sending:
    """Give an interchange as a file: its control number is its identity."""
    body = interchange(control, orders, "00")
    key = f"ZZ/MERCYMMS/ZZ/BRIDGE/{control:09}"
    return Sending(route, body, f"{control:06}.850", key, len(orders), x12_keys(body))


def json_order(route: str, number: str, revision: int = 0, lines: int = 2) -> Sending:
    """Give a canonical order, to be posted; revisions share an order key."""
    document = {
        "document_type": "purchase_order",
        "number": number,
        **({"revision": str(revision), "purpose": "change"} if revision else {}),
        "lines": [
            {
                "sequence": each,
                "line_id": f"{each}",
                "quantity": {"value": "10.5", "unit": "EA"},
                "price": {"amount": "12.3400"},
            }
            for each in range(1, lines + 1)
        ],
    }
    body = json.dumps(document).encode()
    key = f"{route}-{number}-{revision}"
    path = f"/v1/documents/purchase_order?route={route}"
    keys = (document_key(parse_document(body), RULES),)
    return Sending(route, body, key, key, 1, keys, path, "application/json")


def interchange(control: int, orders: Sequence[tuple[int, str]], purpose: str) -> bytes:
    """Write an 850 interchange with one set for each order."""
    ids = "*00*          *00*          *ZZ*MERCYMMS       *ZZ*BRIDGE         "
    sets = [segment for at, order in enumerate(orders) for segment in _set(at + 1, *order, purpose)]
    segments = [
        f"ISA{ids}*260115*0830*U*00401*{control:09}*0*T*>",
        f"GS*PO*MERCYMMS*BRIDGE*20260115*0830*{control}*X*004010",
        *sets,
        f"GE*{len(orders)}*{control}",
        f"IEA*1*{control:09}",
    ]
    return ("~\n".join(segments) + "~\n").encode()


def _set(position: int, number: int, facility: str, purpose: str) -> list[str]:
    segments = [
        f"ST*850*{position:04}",
        f"BEG*{purpose}*NE*{number}**20260115",
        f"N1*ST*FACILITY {facility}*92*{facility}",
        "PO1*1*12*EA*18.40**VC*A-1",
        "CTT*1",
    ]
    return [*segments, f"SE*{len(segments) + 1}*{position:04}"]


def x12_keys(body: bytes) -> tuple[str, ...]:
    """Give the document keys of the orders in an interchange, in the order of its bytes."""
    return _keys_of(body)[0]


def keys_of(body: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give document keys and order keys of whatever a target was sent as bytes."""
    return _keys_of(body) if body.startswith(b"ISA") else keys_in(body, RULES)


def _keys_of(body: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    decoder = format_by_name("edi_x12").decoder(CONTEXT)
    sets = list(decoder.feed(body))
    rest, summary = decoder.finish()
    assert isinstance(summary, Summary)
    documents = [each.document for each in (*sets, *rest) if each.document is not None]
    orders = [f"order:1|{ORGANISATION}|{getattr(document, 'number', '')}" for document in documents]
    return tuple(document_key(document, RULES) for document in documents), tuple(dict.fromkeys(orders))
