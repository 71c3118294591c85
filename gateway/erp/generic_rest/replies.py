"""What a generic REST ERP's reply means: a document created, found, or somebody else's. Pure.

Our reference, document key and content hash are in the request's headers; what a look-up finds is
compared with them.
"""

from __future__ import annotations

from typing import Any

from adapters.base import (
    Accepted,
    Alias,
    AliasKind,
    Finding,
    InDoubt,
    NoReply,
    Outcome,
    Position,
    Rejected,
    Reply,
    Request,
    Transient,
)
from adapters.base.transport import QUERY
from canonical.registry import DocumentError, read_json
from gateway.erp.generic_rest.requests import (
    CONTENT_HASH_HEADER,
    DOCUMENT_KEY_HEADER,
    LOOK_UP,
    REFERENCE_HEADER,
    header,
)
from gateway.erp.generic_rest_settings import GenericRestSettings
from gateway.erp.json_paths import MISSING, dig, text_at
from gateway.erp.orders_there import CLOSE, READ_BACK, read_back
from gateway.erp.replies import StatusRules, classify, unknown


class Replies:
    """Reads what comes back, by the endpoint's settings. `name` is the endpoint's, for findings."""

    def __init__(self, name: str, settings: GenericRestSettings) -> None:
        self._name = name
        self._settings = settings
        self._rules = StatusRules(name, settings.success_statuses, settings.unprocessed_statuses)

    def meaning(self, request: Request, reply: Reply | NoReply) -> Outcome:
        """Say what a reply means. A look-up that finds nothing is Accepted without a reference."""
        if isinstance(reply, Reply):
            if request.step == LOOK_UP and reply.status in self._settings.missing_statuses:
                return Accepted()
            if request.step not in (LOOK_UP, QUERY, READ_BACK, CLOSE) and self._is_duplicate(reply):
                return InDoubt(f"status {reply.status}: the ERP says that the reference exists")
        outcome = classify(request, reply, self._rules)
        if outcome is not None:
            return outcome
        if not isinstance(reply, Reply):
            raise AssertionError("a missing reply is always classified")
        return self._understood(request, reply)

    def _is_duplicate(self, reply: Reply) -> bool:
        return self._settings.unique_reference and reply.status in self._settings.duplicate_statuses

    def _understood(self, request: Request, reply: Reply) -> Outcome:
        """Read a reply of success."""
        if request.step == READ_BACK and self._settings.orders is not None:
            return read_back(self._name, self._settings.orders, reply)
        if request.step in (QUERY, CLOSE):
            return Accepted()
        return self._found(request, reply) if request.step == LOOK_UP else self._created(request, reply)

    def _created(self, request: Request, reply: Reply) -> Outcome:
        paths = self._settings.reply
        try:
            body = read_json(reply.body) if reply.body else None
        except DocumentError as error:
            return unknown(request.effect, f"status {reply.status}, but the reply cannot be read: {error}")
        number = text_at(body, paths.number)
        if not number and paths.number:
            return unknown(
                request.effect, f"status {reply.status}, but no number at '{paths.number}' in the reply"
            )
        return Accepted(number or header(request, REFERENCE_HEADER), self._aliases(body, number))

    def _found(self, request: Request, reply: Reply) -> Outcome:
        paths = self._settings.reply
        try:
            items = dig(read_json(reply.body), paths.items)
        except DocumentError as error:
            return Transient(f"the look-up's reply cannot be read: {error}")
        found = _as_list(items)
        if found is None:
            return Transient(f"the look-up's reply has no list at '{paths.items}'")
        reference = header(request, REFERENCE_HEADER)
        ours = [each for each in found if not paths.reference or text_at(each, paths.reference) == reference]
        if found and not ours:
            return self._rejected(
                "ERP-LOOKUP-FILTER",
                f"the look-up for {reference} gave {len(found)} documents, none with that reference at"
                f" '{paths.reference}': the ERP ignores the filter, or the path is wrong",
            )
        return self._adopted(request, ours) if ours else Accepted()

    def _adopted(self, request: Request, ours: list[Any]) -> Outcome:
        paths = self._settings.reply
        reference = header(request, REFERENCE_HEADER)
        numbers = list(dict.fromkeys(text_at(each, paths.number) for each in ours))
        if "" in numbers and paths.number:
            return self._rejected("ERP-REPLY-NUMBER", f"the document found has no number at '{paths.number}'")
        if len(numbers) > 1:
            return self._rejected(
                "ERP-DOUBLE",
                f"the ERP holds {len(numbers)} documents with reference {reference}: {', '.join(numbers)};"
                " cancel all but one there, then resolve this",
            )
        for name, path in (
            (DOCUMENT_KEY_HEADER, paths.document_key),
            (CONTENT_HASH_HEADER, paths.content_hash),
        ):
            theirs, expected = text_at(ours[0], path), header(request, name)
            if theirs and expected and theirs != expected:
                return self._rejected(
                    "ERP-REF-MISMATCH",
                    f"{numbers[0]} carries reference {reference}, but its '{path}' is {theirs};"
                    f" expected {expected}:"
                    " another document has this reference, or an older version of this one is there",
                )
        return Accepted(numbers[0] or reference, self._aliases(ours[0], numbers[0]))

    def _aliases(self, body: Any, number: str) -> tuple[Alias, ...]:
        paths = self._settings.reply
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
        return Rejected((Finding(code, Position(self._name), text),))


def _as_list(items: Any) -> list[Any] | None:
    """Give what was found as a list: one object is a list of one, null is an empty one; else None."""
    if items is MISSING:
        return None
    if items is None:
        return []
    return [items] if isinstance(items, dict) else items if isinstance(items, list) else None
