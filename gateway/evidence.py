"""Legacy's versions of a document: what an evidence route brought of its order, or the answer to the call."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from adapters.base import Finding, Reply, StepResult
from canonical.document import CanonicalDocument
from canonical.registry import parse_document
from gateway.compared_case import ComparedCase
from gateway.config.coexistence import REPLY
from gateway.evidence_replies import read_reply
from gateway.journal.base import Journal
from gateway.journal.types import DocumentView
from gateway.program import Programs

log = logging.getLogger("legacy_bridge.comparing")

EVIDENCE_MAX = 500  # documents of one order that are looked at


@dataclass(frozen=True, slots=True)
class Evidence:
    """Legacy's version of a document, and where it was read."""

    document: CanonicalDocument
    name: str
    message_id: str
    document_index: int


async def readings(
    journal: Journal, programs: Programs, case: ComparedCase, ours: CanonicalDocument
) -> list[Evidence]:
    """Give legacy's versions of a document, the one that was read first before all others."""
    if case.compare.evidence == REPLY:
        return _from_reply(case, ours)
    found = []
    for order_key in case.view.plan.order_keys[:1]:
        for view in await journal.documents(order_key=order_key, limit=EVIDENCE_MAX):
            evidence = await _evidence(journal, programs, case, view, ours)
            if evidence is not None:
                found.append(evidence)
    return found


async def _evidence(
    journal: Journal, programs: Programs, case: ComparedCase, view: DocumentView, ours: CanonicalDocument
) -> Evidence | None:
    if view.message_id == case.message.message_id or view.plan.canonical is None:
        return None
    message = await journal.message(view.message_id)
    program = programs.of_set(message.route, view.plan.set_type)
    if program is None or program.route != case.compare.evidence or view.generation != message.generation:
        return None
    document = parse_document(view.plan.canonical)
    if document.document_type != ours.document_type or not _is_same_release(document, ours):
        return None
    name = f"{program.route} {view.message_id} set {view.plan.index + 1}"
    return Evidence(document, name, view.message_id, view.plan.index)


def _from_reply(case: ComparedCase, ours: CanonicalDocument) -> list[Evidence]:
    """Read legacy's answer, where the call carried this one document and was answered well."""
    live = case.live
    step = _answered(live.steps) if live is not None else None
    if (
        live is None
        or step is None
        or not isinstance(step.reply, Reply)
        or not 200 <= step.reply.status < 300
    ):
        return []
    document = read_reply(step.reply.body, case.compare.reads, ours, case.message.origin.name)
    if isinstance(document, Finding):
        log.warning("comparing.reply_unread message=%s code=%s", case.message.message_id, document.code)
        return []
    return [Evidence(document, f"reply of {live.target}", case.message.message_id, case.view.plan.index)]


def _answered(steps: Iterable[StepResult]) -> StepResult | None:
    return next((step for step in reversed(tuple(steps)) if isinstance(step.reply, Reply)), None)


def _is_same_release(one: CanonicalDocument, other: CanonicalDocument) -> bool:
    return all(getattr(one, name, None) == getattr(other, name, None) for name in ("release", "revision"))
