"""Calls that ended unsent: their keys are free, and what was left out as their repeat is for a person."""

from __future__ import annotations

from gateway.journal.findings import repeats_unsent
from gateway.journal.sent import goes_on_in_bytes
from gateway.journal.sqlite.database import Database
from gateway.journal.sqlite.json_columns import dump_findings, load_findings, load_pairs
from gateway.journal.sqlite.keys_back import give_keys_back


def was_never_sent(db: Database, message: int, now: int) -> None:
    """Note that nothing of a call was sent, and that its caller knows.

    What the caller sends anew is no repeat. A document of another message, acknowledged and left out as
    a repeat of the call, would go nowhere in silence: it is parked.
    """
    give_keys_back(db, message)
    _, first = db.row("message.route_and_id", (message,)) or ("", "")
    for document_id, message_id, index, passes_to, findings in db.rows("document.repeating", (first,)):
        if not goes_on_in_bytes(load_pairs(passes_to)):
            told = (repeats_unsent(message_id, index, first), *load_findings(findings))
            db.run("document.park", (now, dump_findings(told), document_id))
