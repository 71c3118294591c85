"""Calls that ended unsent: their keys are free, and what was left out as their repeat is for a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from adapters.base import Verdict
from gateway.journal.findings import repeats_unsent
from gateway.journal.memory.keys_back import give_keys_back
from gateway.journal.memory.records import DocumentRecord, MessageRecord, Tables
from gateway.journal.sent import goes_on_in_bytes


def was_never_sent(tables: Tables, record: MessageRecord, now: datetime) -> None:
    """Note that nothing of a call was sent, and that its caller knows.

    What the caller sends anew is no repeat. A document of another message, acknowledged and left out as
    a repeat of the call, would go nowhere in silence: it is parked.
    """
    give_keys_back(tables, record)
    first = record.view.message_id
    for document in tables.documents_in_order:
        told, message_id = document.plan, document.message.view.message_id
        is_repeat = told.repeats == first and message_id != first
        if is_repeat and _goes_nowhere(tables, document):
            findings = (repeats_unsent(message_id, told.index, first), *told.findings)
            document.plan = replace(told, is_parked=True, findings=findings)
            document.planned_at = now


def _goes_nowhere(tables: Tables, document: DocumentRecord) -> bool:
    """Tell whether nobody closed a repeat, and nobody has its key: what was to bring it went nowhere."""
    told = document.plan
    is_open = document.is_current and not (
        told.is_parked or told.resolution or told.verdict is Verdict.REJECTED
    )
    return is_open and told.document_key not in tables.document_keys and not goes_on_in_bytes(told.passes_to)
