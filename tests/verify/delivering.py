"""I2, I3, I5 and I7: what became of each document, against what the targets committed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from adapters.base import Accepted, NoReply, Reply, Verdict
from gateway.journal.types import (
    DeliveryState,
    DeliveryView,
    DocumentPlan,
    DocumentView,
    Message,
    MessageState,
    Side,
    Transmitter,
)
from tests.verify.evidence import History, Violation
from tests.verify.records import ENDED, Commit, Records, body_hashes_sent

GIVEN_UP = frozenset({DeliveryState.VOID, DeliveryState.SUPERSEDED})
PASSED_ON = "passes the bytes on"  # how the decision ends about what legacy gets whatever we found
ORDER_UNKNOWN = "order unknown"  # how the decision about a document without a ledger entry begins


def violations(history: History, records: Records) -> Iterator[Violation]:
    """Check each message and document, then each commit, then each order."""
    yield from _sets_found(history, records)
    acknowledged = frozenset(sent.message_id for sent in history if sent.told == "ok" and sent.message_id)
    for message in records.messages.values():
        if message.state in (MessageState.PLANNED, MessageState.PARKED):
            yield from _message(message, records, is_acknowledged=message.message_id in acknowledged)
    for delivery in records.deliveries:
        yield from _delivery(delivery, records)
    for commit in records.commits:
        yield from _commit(commit)
    yield from _doubles(records)
    yield from _orders(records)


# -- I2: everything ends once --------------------------------------------------------------


def _sets_found(history: History, records: Records) -> Iterator[Violation]:
    """Each set that a sender put in an acknowledged message is written down as one document."""
    for sent in history:
        message = records.messages.get(sent.message_id or "")
        if (
            sent.told != "ok"
            or sent.sets is None
            or message is None
            or message.state is not MessageState.PLANNED
        ):
            continue
        views = records.current_documents(message.message_id)
        if len(views) != sent.sets:
            text = f"{sent.sets} sets were sent, {len(views)} documents are written down"
            yield Violation("I2", message.message_id, text)
        known = {view.plan.document_key for view in views}
        unexplained = [view for view in views if view.plan.document_key is None]
        missing = [key for key in sent.document_keys if key not in known]
        if len(missing) > len(unexplained):
            yield Violation("I2", message.message_id, f"no document has key {missing[0]}")


def _message(message: Message, records: Records, *, is_acknowledged: bool) -> Iterator[Violation]:
    is_visible = message.message_id in records.open_ids or message.message_id in records.people_moved
    if message.state is MessageState.PARKED and not is_visible:
        yield Violation("I2", message.message_id, "is parked, and no exception shows it")
    for view in records.current_documents(message.message_id):
        yield from _document(message, view, records, is_acknowledged=is_acknowledged)


def _document(
    message: Message, view: DocumentView, records: Records, *, is_acknowledged: bool
) -> Iterator[Violation]:
    told, subject = view.plan, f"{message.message_id}/{view.plan.index}"
    if told.is_parked and subject not in records.open_ids and subject not in records.people_moved:
        yield Violation("I2", subject, "is parked, and no exception shows it")
    if not told.decision:
        yield Violation("I5", subject, "no decision is written down")
    if told.repeats is not None and told.passes_to:
        yield from _goes_on(subject, message, told, records)
    elif told.repeats is not None:
        yield from _repeat(subject, told, records, is_acknowledged=is_acknowledged)
    elif (
        told.awaits is None
        and not told.resolution
        and told.verdict is not Verdict.REJECTED
        and not told.is_parked
    ):
        yield from _goes_on(subject, message, told, records)


def _repeat(
    subject: str, told: DocumentPlan, records: Records, *, is_acknowledged: bool
) -> Iterator[Violation]:
    """A repeat is of something that went somewhere; or its caller joined a call that ended unsent.

    Such a caller was told nothing, as the first one, and calls again.
    """
    first = records.documents.get(told.repeats or "", [])
    same = [
        v
        for v in first
        if (v.plan.document_key, v.plan.content_hash) == (told.document_key, told.content_hash)
    ]
    if not any(view.plan.repeats is None or _was_done_elsewhere(view) for view in same):
        yield Violation("I2", subject, f"is called a repeat of {told.repeats}, which has no such document")
    elif not any(_is_somewhere(view, records) for view in same) and (
        is_acknowledged or not any(_was_never_called(view, records) for view in same)
    ):
        yield Violation(
            "I2", subject, f"is called a repeat of {told.repeats}, of which nothing went anywhere"
        )


def _was_done_elsewhere(view: DocumentView) -> bool:
    """A repeat of what came to nothing is a first itself, once a person has said where it was done."""
    return (view.plan.resolution or "").startswith("done_elsewhere")


def _is_somewhere(view: DocumentView, records: Records) -> bool:
    """A document stands where people see it, or a delivery of its message is done, parked or was told no."""
    if (
        view.plan.is_parked
        or view.plan.verdict is Verdict.REJECTED
        or view.message_id in records.people_moved
    ):
        return True
    own = [
        each
        for each in records.of_message.get(view.message_id, ())
        if each.document_index == view.plan.index or set(view.plan.order_keys) <= set(each.lanes)
    ]
    return any(each.state not in GIVEN_UP or _was_told_no(each) or records.was_moved(each) for each in own)


def _was_never_called(view: DocumentView, records: Records) -> bool:
    """Tell whether a document came by a call that never left: nobody was told that it was taken."""
    own = records.of_message.get(view.message_id, ())
    return any(each.role == "pass_through" and not each.steps for each in own)


def _goes_on(subject: str, message: Message, told: DocumentPlan, records: Records) -> Iterator[Violation]:
    """A decided document is committed once on its side, or stands where people see it."""
    if told.side is None:
        yield Violation("I2", subject, "is neither parked nor decided")
        return
    own = [each for each in records.of_message.get(message.message_id, ()) if _carries(each, told, records)]
    if not own:
        yield Violation("I7", subject, f"belongs to {told.side.value}, and no delivery carries it")
        return
    is_given_up = all(each.state in GIVEN_UP for each in own)
    if is_given_up and not any(each.role == "pass_through" or records.was_moved(each) for each in own):
        yield Violation("I2", subject, "all its deliveries were given up, by nobody's command")


def _carries(delivery: DeliveryView, told: DocumentPlan, records: Records) -> bool:
    """Tell whether a delivery is the document itself on its way to its side."""
    if delivery.role not in ("live", "pass_through") or _side_of(delivery.target, records) != told.side:
        return False
    if delivery.document_index is not None:
        return delivery.document_index == told.index
    return any(target == delivery.target for target, _ in told.passes_to) and set(told.order_keys) <= set(
        delivery.lanes
    )


def _delivery(delivery: DeliveryView, records: Records) -> Iterator[Violation]:
    commits = records.by_delivery.get(delivery.delivery_id, [])
    is_watched = any(ledger.target == delivery.target for ledger in records.ledgers)
    if delivery.role == "shadow" and commits:
        yield Violation("I7", delivery.delivery_id, "is a shadow, and was committed")
    if delivery.state is DeliveryState.DONE:
        yield from _done(delivery, commits, is_watched=is_watched and delivery.role != "shadow")
    is_given_up = delivery.state is DeliveryState.VOID and not _was_told_no(delivery)
    if is_given_up and commits and not records.was_moved(delivery):
        yield Violation("I2", delivery.delivery_id, "was given up as never sent, and was committed")
    if delivery.state is DeliveryState.SUPERSEDED and delivery.steps:
        yield Violation("I2", delivery.delivery_id, "was attempted, and a replay put another in its place")
    if delivery.state is DeliveryState.PARKED and delivery.delivery_id not in records.open_ids:
        yield Violation("I2", delivery.delivery_id, "is parked, and no exception shows it")
    yield from _attempts(delivery)


def _done(delivery: DeliveryView, commits: list[Commit], *, is_watched: bool) -> Iterator[Violation]:
    if is_watched and not commits and not _was_told_no(delivery):
        yield Violation("I2", delivery.delivery_id, f"is done, and {delivery.target} committed nothing")
    numbers = {commit.entry.number for commit in commits if commit.entry.number}
    if numbers and delivery.target_reference and delivery.target_reference not in numbers:
        theirs = ", ".join(sorted(numbers))
        text = f"is done as {delivery.target_reference}; {delivery.target} committed {theirs}"
        yield Violation("I5", delivery.delivery_id, text)


def _was_told_no(delivery: DeliveryView) -> bool:
    """A passed-through call ends with whatever legacy replied, a refusal too: its caller has it."""
    reply = delivery.steps[-1].reply if delivery.steps else None
    return delivery.role == "pass_through" and isinstance(reply, Reply) and reply.status >= 300


# -- I5: every attempt is on record --------------------------------------------------------


def _attempts(delivery: DeliveryView) -> Iterator[Violation]:
    """Attempts are frozen: one step sends the same bytes each time; a finished delivery has an outcome."""
    bodies: dict[str, set[bytes]] = defaultdict(set)
    for step in delivery.steps:
        if step.request.body:
            bodies[step.step].add(step.request.body)
    for step_name, different in bodies.items():
        if len(different) > 1:
            yield Violation(
                "I5",
                delivery.delivery_id,
                f"step {step_name} was sent with {len(different)} different bodies",
            )
    if delivery.state is DeliveryState.DONE and not any(
        isinstance(s.outcome, Accepted) for s in delivery.steps
    ):
        is_answered = any(s.reply is not None and not isinstance(s.reply, NoReply) for s in delivery.steps)
        if not (delivery.role == "pass_through" and is_answered):
            yield Violation("I5", delivery.delivery_id, "is done, and no attempt succeeded")
    if delivery.state in ENDED and delivery.ended_at is None:
        yield Violation("I5", delivery.delivery_id, "ended, and nobody wrote down when")


def _commit(commit: Commit) -> Iterator[Violation]:
    """A committed thing was written down before it was sent, with the same bytes."""
    if not commit.deliveries:
        yield Violation("I5", commit.place, "was committed, and no delivery of the journal knows it")
        return
    digest = commit.entry.body_sha256
    if not any(digest in body_hashes_sent(each) for each in commit.deliveries):
        yield Violation("I5", commit.place, "was committed with bytes that no attempt was begun with")
    starts = [step.started_at for each in commit.deliveries for step in each.steps if step.request.body]
    if commit.entry.at is not None and starts and min(starts) > commit.entry.at:
        yield Violation(
            "I5", commit.place, f"was committed at {commit.entry.at}, before its first attempt {min(starts)}"
        )


# -- I3: nothing is doubled or split -------------------------------------------------------


def _doubles(records: Records) -> Iterator[Violation]:
    by_reference: dict[tuple[str, str], list[Commit]] = defaultdict(list)
    by_document: dict[tuple[str, str], list[Commit]] = defaultdict(list)
    for commit in records.commits:
        if commit.entry.reference:
            by_reference[commit.ledger.target, commit.entry.reference].append(commit)
        what = "transmitted" if commit.ledger.is_supplier else "live"
        if commit.ledger.is_supplier or (commit.ledger.side is not None and commit.is_live):
            for key in commit.entry.document_keys:
                if not _is_sent_again(commit, key, records):
                    by_document[what, key].append(commit)
    for (target, reference), commits in by_reference.items():
        if len(commits) > 1:
            yield Violation("I3", f"{target} {reference}", f"was committed {len(commits)} times")
    for (what, key), commits in by_document.items():
        if len(commits) > 1:
            places = ", ".join(commit.place for commit in commits)
            yield Violation("I3", key, f"is {what} {len(commits)} times: {places}")


def _is_sent_again(commit: Commit, document_key: str, records: Records) -> bool:
    """Legacy gets what a sender sends again as received, there; each once."""
    return commit.ledger.side == "legacy" and any(
        view.plan.decision.endswith(PASSED_ON)
        and not view.plan.decision.startswith("not translated")
        and view.plan.document_key in (document_key, None)
        for each in commit.deliveries
        for view in records.documents.get(each.message_id, ())
    )


# -- I7: one side for each order -----------------------------------------------------------


def _orders(records: Records) -> Iterator[Violation]:
    for commit in records.commits:
        keys = {key for each in commit.deliveries for key in each.lanes} | set(commit.entry.order_keys)
        for order_key in sorted(keys):
            entry = records.orders.get(order_key)
            if entry is None:
                continue
            if commit.ledger.is_supplier and entry.transmitter is not Transmitter.GATEWAY:
                told = f"its transmitter is {entry.transmitter.value}"
                text = f"was sent to the supplier at {commit.place}; {told}"
                yield Violation("I3", order_key, text)
            if commit.ledger.side in (None, entry.side.value) or not commit.is_live:
                continue
            if not _is_explained(commit, order_key, records):
                yield Violation(
                    "I7", order_key, f"belongs to {entry.side.value}, and was committed at {commit.place}"
                )


def _is_explained(commit: Commit, order_key: str, records: Records) -> bool:
    """A follow-on that was decided while nobody knew its order went to the declared side, as written down.

    So did bytes that went on as received while legacy was live.
    """
    about = [
        view.plan
        for each in commit.deliveries
        for view in records.documents.get(each.message_id, ())
        if order_key in view.plan.order_keys and not view.plan.awaits and view.generation == each.generation
    ]
    # Not those of no side: repeats, and what still waited for its order when a replay planned it anew.
    about = [plan for plan in about if plan.side is not None or plan.decision.endswith(PASSED_ON)]
    return bool(about) and all(
        plan.decision.startswith(ORDER_UNKNOWN) or plan.decision.endswith(PASSED_ON) for plan in about
    )


def _side_of(target: str, records: Records) -> Side | None:
    side = next((ledger.side for ledger in records.ledgers if ledger.target == target), None)
    return Side(side) if side is not None else None
