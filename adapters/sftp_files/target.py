"""Delivering a file: stage it under a temporary name, publish it by one rename, mark it done. Pure.

The temporary file is the witness. While it is there the file was not published; once it is gone it
was, even where the receiver has already taken the file away. So an unknown publish is cleared up by one
look, and never repeated blindly. A write that nobody answered may still end later, in a dead share: what
is staged after it has another temporary name, which nobody else writes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from adapters.base import (
    Accepted,
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
    TransientKind,
    Wait,
)
from adapters.sftp_files.config import FilesEndpoint
from adapters.sftp_files.pickup import marker_name, split_name

NAME_CHARACTERS_MAX = 180  # of 255: room for the dot, the reference and ".tmp" around it
_DEVICE_NAME = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")


@dataclass(slots=True)
class _Progress:
    """What the steps so far have come to."""

    staged: str | None = None  # the temporary name under which the file lies
    unanswered: int = 0  # writes that may still be under way
    doubtful: Request | None = None  # a publish that may have happened
    was_doubtful: bool = False  # and had not when it was looked for; it may be under way still
    is_vanished: bool = False  # after that the temporary file was gone
    published: str | None = None
    is_marked: bool = False
    taken: set[str] = field(default_factory=set)  # final names that another file has


class FileTarget:
    """The pure half of a folder that receives files. ``delivery.body`` is what is written."""

    def __init__(self, settings: FilesEndpoint) -> None:
        self._settings = settings

    def next_request(
        self, delivery: Delivery, done: Sequence[StepResult], now: datetime
    ) -> Request | Wait | Finished | Stuck:
        """Stage, publish, mark; probe after a publish that nobody answered."""
        names = final_names(self._settings.name, delivery)
        progress = _progress(done)
        if progress.published is not None:
            return self._after_publishing(progress, progress.published)
        if progress.doubtful is not None:
            request = progress.doubtful
            return self._request("probe", Effect.READ, request.address, to=dict(request.headers)["to"])
        if progress.is_vanished:
            return Stuck((_vanished(names[0]),))
        if progress.staged is None:
            again = f".{progress.unanswered}" if progress.unanswered else ""
            temporary = f".{names[0]}.{delivery.reference}{again}.tmp"
            return self._request("stage", Effect.REPEATABLE, temporary, body=delivery.body)
        free = next((name for name in names if name not in progress.taken), None)
        if free is None:
            return Stuck((_all_taken(names),))
        sha256 = hashlib.sha256(delivery.body).hexdigest()
        return self._request("publish", Effect.WRITE, progress.staged, to=free, sha256=sha256)

    def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
        """Say what a reply means."""
        if isinstance(reply, NoReply):
            if reply.written == "maybe" and request.effect is Effect.WRITE:
                return InDoubt(reply.reason)
            kind = TransientKind.CREDENTIAL if reply.kind == "credential" else TransientKind.OUTAGE
            return Transient(reply.reason, kind)
        if reply.status == 200:
            return Accepted(dict(request.headers).get("to", ""))
        if request.step == "probe" and reply.status == 404:
            return Accepted()  # it was not published, for sure
        if request.step == "probe" and reply.status == 409:
            return Rejected((_vanished(dict(request.headers).get("to", "")),))
        return _failure(request, reply)

    def _after_publishing(self, progress: _Progress, name: str) -> Request | Finished:
        template = self._settings.done_marker
        if template is None or progress.is_marked:
            return Finished(name)
        return self._request("mark", Effect.REPEATABLE, marker_name(template, name))

    def _request(self, step: str, effect: Effect, address: str, body: bytes = b"", **headers: str) -> Request:
        timeout_s = self._settings.timeout.total_seconds()
        return Request(step, effect, step, address, body, tuple(headers.items()), timeout_s)


def final_names(template: str, delivery: Delivery) -> tuple[str, ...]:
    """Give the names to try, plainest first; only the delivery decides, so that a replay gives the same.

    What comes from a sender is cut down to letters, digits, dot, dash and underscore: nothing in it can
    lead to another folder, hide the file, or be a command or a device to the receiver.
    """
    stem, suffix = split_name(_sanitised(delivery.origin.name.rpartition("/")[2]) or delivery.reference)
    words = {
        "name": stem + suffix,
        "stem": stem,
        "suffix": suffix,
        "reference": delivery.reference,
        "message_id": delivery.message_id,
        "role": delivery.role,
        "accepted": f"{delivery.accepted_at.astimezone(UTC):%Y%m%dT%H%M%S}",
    }
    filled = re.sub(r"\{(\w+)\}", lambda found: words[found[1]], template)
    stem, suffix = split_name(_sanitised(filled) or delivery.reference)
    suffix = suffix[:20]
    stem = stem[: NAME_CHARACTERS_MAX - len(suffix) - 60]
    uniques = (
        "",
        f"-{delivery.reference[:8]}",
        f"-{delivery.reference}",
        f"-{_sanitised(delivery.delivery_id)[:50]}",
    )
    return tuple(f"{stem}{unique}{suffix}" for unique in uniques)


def _sanitised(text: str) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]", "_", text).lstrip(".-").rstrip(".")
    return f"_{name}" if _DEVICE_NAME.fullmatch(name) else name


def _progress(done: Sequence[StepResult]) -> _Progress:
    progress = _Progress()
    for result in done:
        to = dict(result.request.headers).get("to", "")
        status = result.reply.status if isinstance(result.reply, Reply) else 0
        match result.step, result.outcome:
            case "stage", Accepted():
                progress.staged = result.request.address
            case "stage", _ if not isinstance(result.reply, Reply):
                progress.unanswered += 1  # by the other side, or by a process that was killed meanwhile
            case "mark", Accepted():
                progress.is_marked = True
            case "publish", Accepted():
                progress.published = to
            case "probe", Accepted():
                progress.published = to if status == 200 else None
                progress.doubtful, progress.was_doubtful = None, True
            case "publish", _ if result.is_in_doubt:
                progress.doubtful = result.request
            case "publish", _ if status == 409:
                progress.taken.add(to)
            case "publish", _ if status == 404:
                # Somebody removed the temporary file: write it again. Unless it may have been ourselves,
                # by a publish that came to its end after we had looked for it.
                progress.staged, progress.is_vanished = None, progress.was_doubtful
    return progress


def _failure(request: Request, reply: Reply) -> Outcome:
    reason = f"{request.step} {request.address}: {reply.body.decode(errors='replace') or reply.status}"
    match reply.status:
        case 409:
            return Transient(f"the name {dict(request.headers).get('to', '')} is taken; another one is tried")
        case 401:
            return Transient(reason, TransientKind.CREDENTIAL)
        case 403:
            return Transient(f"{reason}; the folder's owner must allow this", TransientKind.CREDENTIAL)
        case 404 if request.step == "publish":
            return Transient(f"{reason}; the staged file is gone and is written again")
        case 404 | 503 | 507:
            return Transient(reason, TransientKind.OUTAGE)
        case 400 | 405:
            return Rejected((Finding("FILE-NAME", Position(request.address), reason),))
    return Transient(reason)


def _vanished(name: str) -> Finding:
    return Finding(
        code="FILE-IN-DOUBT",
        at=Position(name),
        text=f"a rename of {name} got no answer, then the file had neither name: the receiver may have "
        "taken it; ask there. If it has it, resolve this; if not, replay the message with --resend",
    )


def _all_taken(names: Sequence[str]) -> Finding:
    return Finding(
        code="FILE-NAME-TAKEN",
        at=Position(names[0]),
        text=f"other files have all of the names {', '.join(names)}; clear the folder, then retry",
    )
