"""Picking up files: every decision, and no I/O.

Which entries of a listing are files for us, which of them are complete, what identifies one, and
what it is called while we work on it and afterwards. The protocol keeps this order: complete ->
leased -> claimed by rename -> read, unchanged before and after -> journaled -> moved away.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Literal

from adapters.base import Finding, Judged, Position
from adapters.sftp_files.config import FilesEndpoint, Ready
from adapters.sftp_files.port import Entry, EntryKind

IDENTITIES = ("path_size_mtime_hash", "content", "control_numbers", "none")
NAME_BYTES_MAX = 180  # of 255: room for the claim's prefix, and for a unique part afterwards
SHARP_AFTER = timedelta(seconds=2)  # a file older than that cannot change any more within its second
REASONS_MAX = 200  # findings that one file tells
REASON_SUFFIX = ".reason.txt"

_WORK_NAME = re.compile(r"([a-z2-7]{16})~([a-z2-7]{16})~(.+)", re.DOTALL)
_WORK_MARKER = re.compile(r"([a-z2-7]{16})~([a-z2-7]{16})\.marker")


@dataclass(frozen=True, slots=True)
class Rules:
    """What a source takes: the endpoint's settings with the route's over them."""

    patterns: tuple[str, ...]
    temporary: tuple[str, ...]
    ready: Ready
    size_bytes_max: int
    empty: Literal["refuse", "archive"]
    is_blurred: bool = False  # two versions within a second look alike there, and the name stays the sender's


@dataclass(frozen=True, slots=True)
class Seen:
    """What earlier looks at a folder found under a name."""

    entry: Entry
    looks: int  # in a row that showed this same entry
    since_s: float  # of our own monotonic clock, at the first of them


@dataclass(frozen=True, slots=True)
class WorkFile:
    """A claimed file: whose claim, which one, and the file's own name."""

    owner: str
    claim: str
    name: str


def rules_of(settings: FilesEndpoint, patterns: tuple[str, ...], size_bytes_max: int) -> Rules:
    """Put together what holds for one route."""
    bound = size_bytes_max if settings.size_max is None else min(settings.size_max, size_bytes_max)
    return Rules(
        patterns=patterns or settings.pattern,
        temporary=settings.temporary,
        ready=settings.ready,
        size_bytes_max=bound,
        empty=settings.empty,
        is_blurred=settings.sftp is not None and settings.claim == "in_place",
    )


# --- which entries ------------------------------------------------------------------------------------


def is_ours(name: str, rules: Rules) -> bool:
    """Tell whether a name is one that this source picks up."""
    if is_hostile(name) or name.startswith(".") or not _matches(name, rules.patterns):
        return False
    return not _matches(name, rules.temporary) and not is_marker(name, rules)


def is_hostile(name: str) -> bool:
    """Tell whether a server's listing holds a name that is none: it would lead out of the folder."""
    return name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name


def is_marker(name: str, rules: Rules) -> bool:
    """Tell whether a name is that of a done file, which is never picked up itself."""
    if rules.ready.done_file is None:
        return False
    pattern = "".join(
        "*" if part.startswith("{") else part for part in re.split(r"(\{\w+\})", rules.ready.done_file)
    )
    return fnmatchcase(name, pattern)


def odd_entry(entry: Entry) -> str | None:
    """Say why an entry is left alone although it stands among the files; None for files and folders."""
    if is_hostile(entry.name):
        return "its name would lead out of the folder"
    if entry.kind is EntryKind.LINK:
        return "it is a symbolic link; links are never followed"
    if entry.kind is EntryKind.OTHER:
        return "it is a pipe, socket or device"
    return None


def observed(before: Mapping[str, Seen], entries: Iterable[Entry], now_s: float) -> dict[str, Seen]:
    """Give what is known after another look; what is gone is forgotten, what changed starts again."""
    after: dict[str, Seen] = {}
    for entry in entries:
        seen = before.get(entry.name)
        is_same = seen is not None and seen.entry == entry
        after[entry.name] = (
            Seen(entry, seen.looks + 1, seen.since_s) if seen and is_same else Seen(entry, 1, now_s)
        )
    return after


def is_ready(seen: Seen, rules: Rules, markers: Mapping[str, Entry], *, server_ns: int, now_s: float) -> bool:
    """Tell whether a file is complete by the declared policy.

    ``stable``: the same in ``polls`` looks, and unchanged for ``stable`` by the server's clock, or by
    our own watching where that clock or the file's time is wrong (moved in with a future time).
    ``done_file``: a done file older than its data was written too early; then the data must also be
    stable, or half a file would be taken. Whole seconds and a name that stays the sender's: a file must
    be out of its second, or one that replaces it looks the same and is put away unread.
    """
    ready = rules.ready
    if rules.is_blurred and not _is_stable(seen, SHARP_AFTER, 1, server_ns, now_s):
        return False
    if ready.rename:
        return True
    if ready.done_file is None:
        return _is_stable(seen, ready.stable or timedelta(0), ready.polls, server_ns, now_s)
    marker = markers.get(marker_name(ready.done_file, seen.entry.name))
    if marker is None or marker.kind is not EntryKind.FILE:
        return False
    if marker.modified_ns >= seen.entry.modified_ns:
        return True
    return _is_stable(seen, timedelta(seconds=10), max(ready.polls, 2), server_ns, now_s)


def is_ready_again(seen: Seen, rules: Rules, *, server_ns: int, now_s: float) -> bool:
    """Tell whether a claimed file that we come back to is complete: by ``stable`` it must still be.

    Its sender may hold it open and write on under our name. The other policies are the sender's own word,
    given before the claim.
    """
    ready = rules.ready
    if ready.rename or ready.done_file is not None:
        return True
    return _is_stable(seen, ready.stable or timedelta(0), ready.polls, server_ns, now_s)


def _is_stable(seen: Seen, unchanged: timedelta, polls: int, server_ns: int, now_s: float) -> bool:
    wanted_s = unchanged.total_seconds()
    age_s = (server_ns - seen.entry.modified_ns) / 1e9
    return seen.looks >= polls and (age_s >= wanted_s or now_s - seen.since_s >= wanted_s)


def marker_name(template: str, name: str) -> str:
    """Give the name of the done file that belongs to a file."""
    stem, suffix = split_name(name)
    return template.replace("{name}", name).replace("{stem}", stem).replace("{suffix}", suffix)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


# --- what a file is refused for -----------------------------------------------------------------------


def refusal(entry: Entry, name: str, rules: Rules) -> Finding | None:
    """Give why a claimed file is not taken, before a byte of it is read."""
    at = Position(shown(name))
    if entry.kind is not EntryKind.FILE:
        return Finding(
            "FILE-KIND", at, f"found a {entry.kind}, expected a regular file; links are never followed"
        )
    if entry.size_bytes > rules.size_bytes_max:
        return Finding("FILE-TOO-LARGE", at, too_large(entry.size_bytes, rules))
    if entry.size_bytes == 0 and rules.empty == "refuse":
        advice = (
            "ask the sender for the file, or set `empty: archive` where an empty one means 'nothing today'"
        )
        return Finding("FILE-EMPTY", at, f"the file has zero bytes; {advice}")
    return None


def too_large(size_bytes: int, rules: Rules) -> str:
    """Say that a file is too large."""
    return (
        f"the file has {size_bytes} bytes, at most {rules.size_bytes_max} are taken; "
        "ask the sender to split it, or raise size_max and the gateway's body_bytes_max"
    )


def reason_text(name: str, finding: Finding, at: datetime) -> str:
    """Write the file that says why another one was refused."""
    return f"{shown(name)} was refused at {at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC.\n\n{finding}\n"


def late_reason_name(judged: Judged) -> str:
    """Give the name of the file that says what is wrong with one that was taken before."""
    return archived_names(judged.name, judged.message_id)[1] + REASON_SUFFIX


def late_reason_text(judged: Judged) -> str:
    """Write the file that says what translation found in one that was taken before."""
    shown_findings = judged.findings[:REASONS_MAX]
    lines = [
        f"{judged.name} was taken at {judged.taken_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC as message "
        f"{judged.message_id}, and is not used, or not all of it:",
        "",
        *map(str, shown_findings),
    ]
    if len(judged.findings) > len(shown_findings):
        lines.append(f"... and {len(judged.findings) - len(shown_findings)} more")
    return "\n".join([*lines, "", "Send what is missing again once it is mended.", ""])


# --- identity -----------------------------------------------------------------------------------------


def arrival_key(identity: str | None, name: str, entry: Entry, sha256: str, claim: str | None) -> str | None:
    """Give what makes this arrival the same one as an earlier.

    ``none``: every file is a new arrival; its claim, which is part of its name in the work folder,
    still recognises the same file after a crash. ``control_numbers``: the gateway reads them.
    """
    exact = f"{shown(name)}|{entry.size_bytes}|{entry.modified_ns}|{sha256}"
    match identity:
        case "control_numbers":
            return None
        case "content":
            return f"sha256:{sha256}"
        case "none" if claim is not None:
            return f"claim:{claim}"
        case _:
            return exact


def origin_facts(identity: str | None, entry: Entry, sha256: str, claim: str | None) -> dict[str, str]:
    """Give what is kept about a file's arrival."""
    facts = {
        "size": str(entry.size_bytes),
        "modified_at": modified_at(entry).isoformat(),
        "sha256": sha256,
        "identity": identity or "",
        "claim": claim or "",
    }
    return {name: value for name, value in facts.items() if value}


def modified_at(entry: Entry) -> datetime:
    """Give when the server says a file was changed; out of range counts as 1970."""
    try:
        return datetime.fromtimestamp(entry.modified_ns / 1e9, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


# --- names --------------------------------------------------------------------------------------------


def shown(name: str) -> str:
    """Give a name as text that can be stored, printed and logged: other bytes and controls escaped."""
    raw = name.encode("utf-8", "surrogateescape")
    text = raw.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def fitted(name: str) -> str:
    """Give a name that leaves room for what we add; a longer one is cut and gets part of its hash."""
    raw = name.encode("utf-8", "surrogateescape")
    if len(raw) <= NAME_BYTES_MAX:
        return name
    stem, suffix = split_name(name)
    tail = f"~{hashlib.sha256(raw).hexdigest()[:16]}" + (suffix if len(suffix) <= 20 else "")
    room = NAME_BYTES_MAX - len(tail.encode("utf-8", "surrogateescape"))
    return stem.encode("utf-8", "surrogateescape")[:room].decode("utf-8", "surrogateescape") + tail


def split_name(name: str) -> tuple[str, str]:
    """Give stem and suffix; the suffix begins with the last dot, and a leading dot begins none."""
    dot = name.rfind(".")
    return (name, "") if dot <= 0 else (name[:dot], name[dot:])


def work_name(owner: str, claim: str, name: str) -> str:
    """Give a claimed file's name in the work folder."""
    return f"{owner}~{claim}~{fitted(name)}"


def work_marker(owner: str, claim: str) -> str:
    """Give the name of a claimed file's done file in the work folder."""
    return f"{owner}~{claim}.marker"


def read_work_name(text: str) -> WorkFile | None:
    """Read a name in the work folder; None where it is no claimed file."""
    found = _WORK_NAME.fullmatch(text)
    return WorkFile(*found.groups()) if found else None


def orphan_markers(names: Iterable[str], owner: str) -> list[str]:
    """Give our done files in the work folder whose file is gone: their work is over."""
    listed = list(names)
    claims = {work.claim for work in map(read_work_name, listed) if work}
    found = [(name, _WORK_MARKER.fullmatch(name)) for name in listed]
    return [name for name, match in found if match and match[1] == owner and match[2] not in claims]


def archived_names(name: str, unique: str) -> tuple[str, str]:
    """Give the names to try in an archive folder, the plain one first."""
    stem, suffix = split_name(fitted(name))
    return fitted(name), f"{stem}~{unique}{suffix}"
