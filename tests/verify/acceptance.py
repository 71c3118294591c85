"""I1 and I6: what senders were told against what the journal holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from gateway.journal.types import Message, MessageState
from tests.verify.evidence import History, Submission, Violation
from tests.verify.records import Records

Identity = tuple[str, str | None, str]  # route, arrival key, sha256


def violations(history: History, records: Records) -> Iterator[Violation]:
    """Check each submission, and that the journal invented none."""
    for sent in history:
        if sent.told == "ok":
            yield from _acknowledged(sent, records)
    yield from _counted(history, records)


def _acknowledged(sent: Submission, records: Records) -> Iterator[Violation]:
    message = records.messages.get(sent.message_id or "")
    if message is None:
        yield Violation(
            "I6", sent.message_id or sent.sha256, "was acknowledged, and the journal has no such message"
        )
        return
    if message.state is MessageState.REFUSED:
        yield Violation(
            "I6", message.message_id, "was acknowledged, and the journal says that it was refused"
        )
        return
    if (message.route, message.sha256) != (sent.route, sent.sha256):
        held_as = f"{message.route} {message.sha256[:12]}"
        text = f"was acknowledged for {sent.route} {sent.sha256[:12]}; the journal has {held_as}"
        yield Violation("I1", message.message_id, text)
    held = records.body_hashes.get(message.message_id)
    if held is not None and held != sent.sha256:
        yield Violation(
            "I1",
            message.message_id,
            f"the journal's bytes have SHA-256 {held[:12]}; sent were {sent.sha256[:12]}",
        )


def _counted(history: History, records: Records) -> Iterator[Violation]:
    """One message for each identity: by its key, or one for each submission where it has none."""
    submitted: dict[Identity, list[Submission]] = defaultdict(list)
    for sent in history:
        submitted[sent.route, sent.arrival_key, sent.sha256].append(sent)
    found: dict[Identity, list[Message]] = defaultdict(list)
    for message in records.messages.values():
        if message.state is not MessageState.REFUSED:
            found[message.route, message.arrival_key, message.sha256].append(message)
    for identity, messages in found.items():
        those = submitted.get(identity, [])
        most = min(len(those), 1) if identity[1] is not None else len(those)
        if len(messages) > most:
            names = ", ".join(message.message_id for message in messages)
            text = f"{len(messages)} messages where senders gave cause for {most}: {names}"
            yield Violation("I1", f"{identity[0]}/{identity[1]}", text)
        if (
            those
            and all(sent.told == "fail" for sent in those)
            and not all(_is_conflict(each, records) for each in messages)
        ):
            text = "every sender of these bytes was refused, and the journal works on them"
            yield Violation("I1", messages[0].message_id, text)


def _is_conflict(message: Message, records: Records) -> bool:
    """A refused conflict is kept, as the sender was told; a person may take it up."""
    if message.message_id in records.people_moved:
        return True
    return any(finding.code == "ARRIVAL-CONFLICT" for finding in message.findings)
