"""Document keys that are free again: of documents that came nowhere, and will not."""

from __future__ import annotations

from gateway.journal.sent import Carrier, Carriers, DocumentPlace, is_spent
from gateway.journal.sqlite.database import Database, Row
from gateway.journal.sqlite.exchanges import read_steps
from gateway.journal.sqlite.json_columns import load_pairs, load_strings
from gateway.journal.types import DeliveryState


def give_keys_back(db: Database, message: int) -> None:
    """Free the keys of documents that came nowhere: what is sent in their place is no repeat."""
    carriers = Carriers(_carrier(db, row) for row in db.rows("delivery.live_of_message", (message,)))
    _, message_id = db.row("message.route_and_id", (message,)) or ("", "")
    places: dict[str, list[DocumentPlace]] = {}
    for index, key, order_keys, passes_to in db.rows("document.with_keys", (message,)):
        place = DocumentPlace(index, load_strings(order_keys), load_pairs(passes_to))
        places.setdefault(key, []).append(place)
    for key, of_key in places.items():
        if carriers.are_spent(of_key):
            db.run("document.forget_key", (key, message_id))


def _carrier(db: Database, row: Row) -> Carrier:
    number, delivery_id, index, target, state, lanes, resolution = row
    steps = read_steps(db, number, delivery_id) if state == DeliveryState.VOID else ()
    over = is_spent(DeliveryState(state), steps, resolution or "")
    return Carrier(index, target, load_strings(lanes), over)
