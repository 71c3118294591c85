"""A REST ERP of declared shape, as a pure Target: look up, create, and what to do when in doubt.

The steps are `look_up` and `create`. A document is created only after a look-up found none, unless
the ERP itself refuses doubles; a create of unknown outcome is looked up with growing waits, adopted
if found, and sent again only after the quiet period. Every request carries our reference, document
key and content hash in headers, so that `interpret` can compare what a look-up finds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from adapters.base import (
    Accepted,
    Alias,
    AliasKind,
    Delivery,
    Effect,
    Finding,
    Finished,
    InDoubt,
    NoReply,
    Outcome,
    Position,
    Rejected,
    Reply,
    Request,
    StepResult,
    Stuck,
    Transient,
    Wait,
)
from adapters.base.orders import OrderAt, OrderThere
from adapters.base.transport import QUERY
from canonical.order_change import OrderChange, closing_of
from canonical.purchase_order import PurchaseOrder
from canonical.registry import DocumentError, read_json, to_json, without_provenance
from gateway.erp.json_paths import MISSING, dig, text_at, write_json
from gateway.erp.orders_there import CLOSE, READ_BACK, filled, order_shown, read_back
from gateway.erp.replies import StatusRules, classify, problem_findings, unknown
from gateway.erp.settings import GenericRestSettings

LOOK_UP = "look_up"
CREATE = "create"

REFERENCE_HEADER = "X-Bridge-Reference"
DOCUMENT_KEY_HEADER = "X-Bridge-Document-Key"
CONTENT_HASH_HEADER = "X-Bridge-Content-Hash"
CORRELATION_HEADER = "X-Correlation-Id"

QUIET_PERIOD_MAX_S = 900.0
FRESH_S = 60.0  # a look-up this young was made for the present decision


class GenericRest:
    """The target. `name` is the endpoint's, for findings."""

    def __init__(self, name: str, settings: GenericRestSettings) -> None:
        self.name = name
        self.settings = settings
        self._create_effect = Effect.REPEATABLE if settings.idempotent_create else Effect.WRITE
        self._rules = StatusRules(name, settings.success_statuses, settings.unprocessed_statuses)

    def next_request(
        self, delivery: Delivery, done: Sequence[StepResult], now: datetime
    ) -> Request | Wait | Finished | Stuck:
        """Say what to send next. The journal's record of every step begun is all the state there is."""
        if delivery.canonical is None:
            return self._stuck(
                "ERP-NO-DOCUMENT", "this target takes canonical documents; the delivery holds bytes"
            )
        if delivery.role == "close":
            return self._closing(delivery, done)
        if delivery.document_type in self.settings.queries:
            return self._question(delivery, done)
        kind = _kind(delivery)
        if "." in kind and kind not in self.settings.paths:
            return self._stuck("ERP-PURPOSE", _never_created(kind))
        created = next((step for step in reversed(done) if _has_document(step)), None)
        if created is not None:
            return self._after_success(delivery, done, created, now)
        creates = [at for at, step in enumerate(done) if step.step == CREATE]
        if creates and done[creates[-1]].is_in_doubt and self._create_effect is Effect.WRITE:
            return self._after_doubt(delivery, done, creates[-1], now)
        if self.settings.look_up == "before_create" and not any(_found_nothing(step) for step in done):
            return self._look_up(delivery)
        return self._create(delivery)

    def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
        """Say what a reply means. A look-up that finds nothing is Accepted without a reference."""
        settings = self.settings
        if request.step == QUERY:
            return classify(request, reply, self._rules) or Accepted()
        if request.step == READ_BACK and settings.orders is not None:
            outcome = classify(request, reply, self._rules)
            return outcome if outcome is not None else read_back(self.name, settings.orders, reply)
        if request.step == CLOSE:
            return classify(request, reply, self._rules) or Accepted()
        if request.step == LOOK_UP:
            if isinstance(reply, Reply) and reply.status in settings.missing_statuses:
                return Accepted()
            outcome = classify(request, reply, self._rules)
            return (
                self._found(request, reply)
                if outcome is None and isinstance(reply, Reply)
                else _sure(outcome)
            )
        if (
            isinstance(reply, Reply)
            and settings.unique_reference
            and reply.status in settings.duplicate_statuses
        ):
            return InDoubt(f"status {reply.status}: the ERP says that the reference exists")
        outcome = classify(request, reply, self._rules)
        return (
            self._created(request, reply) if outcome is None and isinstance(reply, Reply) else _sure(outcome)
        )

    # -- what next ---------------------------------------------------------------------------------

    def _after_success(
        self,
        delivery: Delivery,
        done: Sequence[StepResult],
        created: StepResult,
        now: datetime,
    ) -> Request | Wait | Finished:
        """Finish; but where a create was sent again and the ERP knows no doubles, look once more, later.

        A node that was paused while writing may wake up after the quiet period. That double cannot be
        prevented on such an ERP, only found: the look-up then gives two documents (ERP-DOUBLE).
        """
        accepted = created.outcome
        assert isinstance(accepted, Accepted)  # noqa: S101 - _has_document said so
        # A receipt's or an invoice's number names no order, though it is about one.
        names = accepted.aliases if _kind(delivery) in ("purchase_order", "requisition") else ()
        finished = Finished(accepted.reference, names)
        if created.step != CREATE or self.settings.unique_reference or self.settings.idempotent_create:
            return finished
        at = list(done).index(created)
        was_in_doubt = any(step.step == CREATE and step.is_in_doubt for step in done[:at])
        if not was_in_doubt or any(_found_nothing(step) for step in done[at + 1 :]):
            return finished
        due = (created.ended_at or created.started_at) + timedelta(seconds=self.settings.quiet_period_s)
        if now < due:
            return Wait(due, "created again after an unknown outcome: a last look-up for doubles")
        return self._look_up(delivery)

    def _after_doubt(
        self,
        delivery: Delivery,
        done: Sequence[StepResult],
        doubt_at: int,
        now: datetime,
    ) -> Request | Wait | Stuck:
        settings = self.settings
        doubt = done[doubt_at]
        clean = [step for step in done[doubt_at + 1 :] if _found_nothing(step)]
        doubts = sum(1 for step in done if step.step == CREATE and step.is_in_doubt)
        quiet_until = _over_at(doubt) + timedelta(seconds=_quiet_period_s(settings, doubts))
        final = [step for step in clean if step.started_at >= quiet_until]
        if not final:
            begun = doubt.ended_at or doubt.started_at
            waits = settings.look_up_waits_s
            due = begun + timedelta(seconds=waits[len(clean)]) if len(clean) < len(waits) else quiet_until
            due = min(due, quiet_until)
            if now < due:
                return Wait(due, "the outcome is unknown; looked up again then")
            return self._look_up(delivery)
        return self._after_quiet_period(delivery, doubt, final, doubts, now)

    def _after_quiet_period(
        self,
        delivery: Delivery,
        doubt: StepResult,
        final: Sequence[StepResult],
        doubts: int,
        now: datetime,
    ) -> Request | Stuck:
        """Create again; at a limit only once a person has asked for it, which shows as an old look-up."""
        is_duplicate = (
            isinstance(doubt.reply, Reply) and doubt.reply.status in self.settings.duplicate_statuses
        )
        is_at_limit = doubts % self.settings.doubts_max == 0
        if len(final) > 1 or not (is_duplicate or is_at_limit):
            return self._create(delivery)
        last = final[-1]
        if now - (last.ended_at or last.started_at) > timedelta(seconds=FRESH_S):
            return self._look_up(delivery)
        if is_duplicate and isinstance(doubt.reply, Reply):
            return Stuck(problem_findings(doubt.reply, self.name))
        return self._stuck(
            "ERP-IN-DOUBT",
            f"{doubts} creates had an unknown outcome, and no look-up finds reference {delivery.reference};"
            " ask the ERP team why, then retry",
        )

    # -- orders that are there ---------------------------------------------------------------------

    @property
    def closes_orders(self) -> bool:
        """Tell whether orders are closed here by a request."""
        return self.settings.closes_orders

    def read_order(self, order: OrderAt) -> Request | None:
        """Give the request that reads an order."""
        settings = self.settings.orders
        if settings is None:
            return None
        return self._reading(filled(settings.read_path, order.number, order.reference))

    def order_read(self, reply: Reply | NoReply) -> OrderThere | Finding | None:
        """Say what a reply shows of an order."""
        settings = self.settings.orders
        return order_shown(self.name, settings, reply) if settings is not None else None

    def _closing(self, delivery: Delivery, done: Sequence[StepResult]) -> Request | Finished | Stuck:
        """Close an order, then read it back; sent again where nobody knows, for it subtracts nothing."""
        settings, change = self.settings.orders, delivery.document
        if isinstance(change, PurchaseOrder):  # losing_side: close
            change = closing_of(change)
        if settings is None or not settings.close_path or not isinstance(change, OrderChange):
            return self._stuck("MOVE-CLOSE-BY-HAND", f"{self.name} closes no orders by itself")
        if any(_has_document(step) for step in done if step.step == READ_BACK):
            return Finished(next(_reference(step) for step in reversed(done) if _has_document(step)))
        number = change.order.erp_number or change.order.number or ""
        if any(step.step == CLOSE and isinstance(step.outcome, Accepted) for step in done):
            return self._reading(filled(settings.read_path, number, delivery.reference))
        rendered, digest = self._rendered(replace(delivery, canonical=to_json(change)))
        return Request(
            step=CLOSE,
            effect=Effect.REPEATABLE,
            method="POST",
            address=filled(settings.close_path, number, delivery.reference),
            body=self._body(delivery, rendered, digest),
            headers=(
                ("Content-Type", "application/json"),
                ("Accept", "application/json"),
                *_identity(delivery, digest),
            ),
            timeout_s=self.settings.timeout_s,
        )

    def _reading(self, address: str) -> Request:
        return Request(
            step=READ_BACK,
            effect=Effect.READ,
            method="GET",
            address=address,
            headers=(("Accept", "application/json"),),
            timeout_s=self.settings.timeout_s,
        )

    # -- requests ----------------------------------------------------------------------------------

    def _question(self, delivery: Delivery, done: Sequence[StepResult]) -> Request | Finished:
        """Ask; the answer stays in the step, for the caller that waits for it."""
        if any(step.step == QUERY and isinstance(step.outcome, Accepted) for step in done):
            return Finished("")
        rendered, digest = self._rendered(delivery)
        return Request(
            step=QUERY,
            effect=Effect.READ,
            method="POST",
            address=_filled(self.settings.queries[delivery.document_type or ""], delivery),
            body=self._body(delivery, rendered, digest),
            headers=(
                ("Content-Type", "application/json"),
                ("Accept", "application/json"),
                *_identity(delivery, digest),
            ),
            timeout_s=self.settings.timeout_s,
        )

    def _look_up(self, delivery: Delivery) -> Request:
        settings = self.settings
        path = _path(settings.look_up_paths, _kind(delivery), settings.look_up_path)
        _, digest = self._rendered(delivery)
        return Request(
            step=LOOK_UP,
            effect=Effect.READ,
            method="GET",
            address=_filled(path, delivery),
            headers=(("Accept", "application/json"), *_identity(delivery, digest)),
            timeout_s=settings.timeout_s,
        )

    def _create(self, delivery: Delivery) -> Request:
        settings = self.settings
        path = _path(settings.paths, _kind(delivery), settings.path)
        rendered, digest = self._rendered(delivery)
        headers = [("Content-Type", "application/json"), ("Accept", "application/json")]
        if settings.reference_header:
            headers.append((settings.reference_header, delivery.reference))
        return Request(
            step=CREATE,
            effect=self._create_effect,
            method=settings.method,
            address=_filled(path, delivery),
            body=self._body(delivery, rendered, digest),
            headers=(*headers, *_identity(delivery, digest)),
            timeout_s=settings.timeout_s,
        )

    def _rendered(self, delivery: Delivery) -> tuple[bytes, str]:
        """Give the document as JSON, without provenance so that a replay says the same, and its hash."""
        if self.settings.decimals == "text":
            rendered = without_provenance(delivery.canonical or b"")
        else:
            rendered = self._with_numbers(delivery)
        return rendered, hashlib.sha256(rendered).hexdigest()

    def _with_numbers(self, delivery: Delivery) -> bytes:
        if delivery.document is None:
            raise ValueError("the delivery holds bytes")
        document = delivery.document.model_copy(update={"provenance": None})
        fields = document.__pydantic_serializer__.to_python(
            document, exclude_none=True, exclude_defaults=True
        )
        head = {"document_type": document.document_type, "schema_version": document.schema_version}
        return write_json(head | fields).encode()

    def _body(self, delivery: Delivery, rendered: bytes, digest: str) -> bytes:
        names = self.settings.body
        parts = (
            (names.reference, delivery.reference),
            (names.document_key, delivery.document_key),
            (names.order_key, delivery.order_key),
            (names.content_hash, digest),
            (names.transmitter, delivery.transmitter),
            (names.origin, "copy" if delivery.role == "copy" else ""),
        )
        head = json.dumps(
            {name: text for name, text in parts if name and text}, separators=(",", ":")
        ).encode()
        if names.document:
            tail = b"%s:%s}" % (json.dumps(names.document).encode(), rendered)
        else:
            tail = rendered[1:]
        return head[:-1] + (b"," if head != b"{}" else b"") + tail

    # -- replies -----------------------------------------------------------------------------------

    def _created(self, request: Request, reply: Reply) -> Outcome:
        paths = self.settings.reply
        try:
            body = read_json(reply.body) if reply.body else None
        except DocumentError as error:
            return unknown(request.effect, f"status {reply.status}, but the reply cannot be read: {error}")
        number = text_at(body, paths.number)
        if not number and paths.number:
            return unknown(
                request.effect, f"status {reply.status}, but no number at '{paths.number}' in the reply"
            )
        return Accepted(number or _header(request, REFERENCE_HEADER), self._aliases(body, number))

    def _found(self, request: Request, reply: Reply) -> Outcome:
        paths = self.settings.reply
        try:
            items = dig(read_json(reply.body), paths.items)
        except DocumentError as error:
            return Transient(f"the look-up's reply cannot be read: {error}")
        found = _as_list(items)
        if found is None:
            return Transient(f"the look-up's reply has no list at '{paths.items}'")
        reference = _header(request, REFERENCE_HEADER)
        ours = [each for each in found if not paths.reference or text_at(each, paths.reference) == reference]
        if found and not ours:
            return self._rejected(
                "ERP-LOOKUP-FILTER",
                f"the look-up for {reference} gave {len(found)} documents, none with that reference at"
                f" '{paths.reference}': the ERP ignores the filter, or the path is wrong",
            )
        return self._adopted(request, ours) if ours else Accepted()

    def _adopted(self, request: Request, ours: list[Any]) -> Outcome:
        paths = self.settings.reply
        reference = _header(request, REFERENCE_HEADER)
        numbers = list(dict.fromkeys(text_at(each, paths.number) for each in ours))
        if "" in numbers and paths.number:
            return self._rejected("ERP-REPLY-NUMBER", f"the document found has no number at '{paths.number}'")
        if len(numbers) > 1:
            return self._rejected(
                "ERP-DOUBLE",
                f"the ERP holds {len(numbers)} documents with reference {reference}: {', '.join(numbers)};"
                " cancel all but one there, then resolve this",
            )
        for header, path in (
            (DOCUMENT_KEY_HEADER, paths.document_key),
            (CONTENT_HASH_HEADER, paths.content_hash),
        ):
            theirs, expected = text_at(ours[0], path), _header(request, header)
            if theirs and expected and theirs != expected:
                return self._rejected(
                    "ERP-REF-MISMATCH",
                    f"{numbers[0]} carries reference {reference}, but its '{path}' is {theirs};"
                    f" expected {expected}:"
                    " another document has this reference, or an older version of this one is there",
                )
        return Accepted(numbers[0] or reference, self._aliases(ours[0], numbers[0]))

    def _aliases(self, body: Any, number: str) -> tuple[Alias, ...]:
        paths = self.settings.reply
        if not number:
            return ()
        lines = dig(body, paths.lines) if paths.lines else ()
        named = [
            Alias(AliasKind.ERP, number, line=sequence, line_number=line_id)
            for each in (lines if isinstance(lines, list) else ())
            if (sequence := text_at(each, paths.line_sequence))
            and (line_id := text_at(each, paths.line_number))
        ]
        return (Alias(AliasKind.ERP, number), *named)

    def _rejected(self, code: str, text: str) -> Rejected:
        return Rejected((Finding(code, Position(self.name), text),))

    def _stuck(self, code: str, text: str) -> Stuck:
        return Stuck((Finding(code, Position(self.name), text),))


def _kind(delivery: Delivery) -> str:
    """Give what a document is to the ERP: its type, and its purpose where it is about an order that is there.

    A cancellation, change or confirmation has the type and number of its order. Posted where orders are
    created, it would be a second one on any ERP that does not know the word.
    """
    name = delivery.document_type or ""
    if name not in ("purchase_order", "requisition") or b'"purpose":' not in (delivery.canonical or b""):
        return name  # an original does not say so
    document = delivery.document
    purpose = getattr(document, "purpose", None)
    return name if purpose is None or getattr(document, "opens_order", True) else f"{name}.{purpose}"


def _path(paths: Mapping[str, str], kind: str, otherwise: str) -> str:
    return paths.get(kind) or paths.get(kind.partition(".")[0], otherwise)


def _never_created(kind: str) -> str:
    name, _, purpose = kind.partition(".")
    return (
        f"a {name} of purpose '{purpose}' is about an order that is there, and is never sent where orders "
        f"are created; name its place in settings.paths ('{kind}: ...'), or do it in the ERP by hand and "
        "resolve this"
    )


def _has_document(step: StepResult) -> bool:
    return isinstance(step.outcome, Accepted) and bool(step.outcome.reference)


def _reference(step: StepResult) -> str:
    return step.outcome.reference if isinstance(step.outcome, Accepted) else ""


def _found_nothing(step: StepResult) -> bool:
    return step.step == LOOK_UP and isinstance(step.outcome, Accepted) and not step.outcome.reference


def _over_at(doubt: StepResult) -> datetime:
    """Give the time after which the request can no longer be on its way from us."""
    return doubt.ended_at or doubt.started_at + timedelta(seconds=doubt.request.timeout_s)


def _quiet_period_s(settings: GenericRestSettings, doubts: int) -> float:
    longest = max(QUIET_PERIOD_MAX_S, settings.quiet_period_s)
    return min(settings.quiet_period_s * 2.0 ** min(doubts - 1, 20), longest)


def _identity(delivery: Delivery, digest: str) -> tuple[tuple[str, str], ...]:
    headers = (
        (REFERENCE_HEADER, delivery.reference),
        (DOCUMENT_KEY_HEADER, delivery.document_key or ""),
        (CONTENT_HASH_HEADER, digest),
        (CORRELATION_HEADER, delivery.correlation_id),
    )
    return tuple((name, text) for name, text in headers if text and text.isascii() and text.isprintable())


def _filled(path: str, delivery: Delivery) -> str:
    return path.format_map(
        {
            "document_type": quote(delivery.document_type or "", safe=""),
            "reference": quote(delivery.reference, safe=""),
        }
    )


def _header(request: Request, name: str) -> str:
    return next((text for header, text in request.headers if header == name), "")


def _as_list(items: Any) -> list[Any] | None:
    """Give what was found as a list: one object is a list of one, null is an empty one; else None."""
    if items is MISSING:
        return None
    if items is None:
        return []
    return [items] if isinstance(items, dict) else items if isinstance(items, list) else None


def _sure(outcome: Outcome | None) -> Outcome:
    if outcome is None:
        raise AssertionError("a missing reply is always classified")
    return outcome
