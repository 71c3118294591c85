"""What routes.yaml says about an endpoint of kind ``sftp_files`` and about a route fed by one.

Every field is declared here once; the configuration reference and ``check`` come from it.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from adapters.base.settings import Duration, Kind, LocalPath, Settings, Size, Zone
from adapters.sftp_files.schedule import Window, check_cron, read_window
from adapters.sftp_files.server import SftpServer

PICKED_UP_WORDS = frozenset({"name", "stem", "suffix"})
DELIVERED_WORDS = PICKED_UP_WORDS | {"reference", "message_id", "role", "accepted"}


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _ready(value: Any) -> Any:
    match value:
        case "stable":
            return {"stable": "10s"}
        case "rename":
            return {"rename": "true"}
        case "done_file":
            return {"done_file": "{name}.done"}
        case _:
            return value


Pattern = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Patterns = Annotated[
    tuple[Pattern, ...], BeforeValidator(_as_list), Kind("one name pattern or a list of them")
]
FolderName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$"),
    Kind("name of a folder inside the endpoint's folder"),
]


def _windows(value: Any) -> Any:
    return tuple(read_window(each) if isinstance(each, str) else each for each in _as_list(value))


Cron = Annotated[str, AfterValidator(check_cron), Kind("five fields of cron")]
Windows = Annotated[
    tuple[Window, ...], BeforeValidator(_windows), Kind("hours such as 06:00-18:30, or a list of them")
]


class Ready(Settings):
    """When a file is complete. `ready: rename` is short for `{rename: true}`, and so on."""

    stable: Duration | None = None
    """It has not changed for so long, by the server's clock, nor between `polls` looks."""

    polls: int = Field(default=2, ge=1, le=100)
    """How often in a row it must look the same."""

    rename: bool = False
    """The sender writes under a name that does not match and renames it when it is complete."""

    done_file: str | None = None
    """The sender writes this second file when the first is complete: `{name}.done`, `{stem}.ok`."""

    @model_validator(mode="after")
    def _one_policy(self) -> Ready:
        if sum((self.stable is not None, self.rename, self.done_file is not None)) != 1:
            raise ValueError("expected exactly one of stable, rename, done_file")
        if self.done_file is not None:
            _check_marker(self.done_file)
        return self


READY_WHEN_STABLE = Ready(stable=timedelta(seconds=10))


class FilesEndpoint(Settings):
    """A folder from which files are picked up, or into which they are delivered: here, or by SFTP."""

    folder: LocalPath | None = None
    """The folder on this machine. Either this or `sftp`."""

    sftp: SftpServer | None = None
    """The account on an SFTP server, and the folder there."""

    pattern: Patterns = ("*",)
    """Names to pick up (`*.850`); case counts. Names that begin with a dot never are."""

    temporary: Patterns = ("*.tmp", "*.part", "*.filepart", "*.partial", "*.writing")
    """Names that are never picked up, since senders use them while they write."""

    ready: Annotated[Ready, BeforeValidator(_ready), Kind("stable, rename, done_file, or their settings")] = (
        READY_WHEN_STABLE
    )
    """When a file is complete."""

    claim: Literal["rename", "in_place"] = "rename"
    """How a file is taken: renamed into the work folder, so that two gateways never take the same one;
    `in_place` where that is not allowed: then only one gateway may read this folder."""

    after: Literal["archive", "delete", "keep"] = "archive"
    """What becomes of a file that was taken: moved to the done folder, deleted, or left where it is. `keep`
    is for folders in which we may not move or delete, needs `claim: in_place`, and the sender clears up."""

    empty: Literal["refuse", "archive"] = "refuse"
    """What becomes of a file of zero bytes: refused with a reason, or put with those that are done."""

    work: FolderName = ".work"
    """Folder of files being taken."""

    done: FolderName = ".done"
    """Folder of files that were taken."""

    error: FolderName = ".error"
    """Folder of files that were refused, each with a `.reason.txt`."""

    reasons: bool = True
    """Tell the sender what translation finds later: a `.reason.txt` in the error folder for each file that
    was taken and cannot be used, or not all of it. Not in stages `legacy` and `shadow`, where it goes on."""

    poll: Annotated[Duration, Field(ge=timedelta(milliseconds=10))] = timedelta(seconds=5)
    """How often to look for files."""

    cron: Cron | None = None
    """When to look instead, as five fields of cron: `*/15 6-18 * * mon-fri`. Each time it looks every `poll`
    until nothing is left to wait for, at most for `cron_for`."""

    cron_for: Duration = timedelta(minutes=10)
    """How long a look by `cron` goes on while files are not complete yet."""

    windows: Windows = ()
    """Hours in which to look at all: `06:00-18:30`, `mon-fri 06:00-18:30`, `22:00-02:00`; none: always."""

    zone: Zone = "UTC"
    """Time zone of `cron` and `windows`."""

    pickers: int = Field(default=0, ge=0, le=16)
    """Processes that pick up side by side, for folders with thousands of files; 0 picks up in the gateway's
    own process. Several do not keep the order of files."""

    lease: Annotated[Duration, Field(ge=timedelta(seconds=1))] = timedelta(seconds=15)
    """How long a picker owns a file; another takes it over when the first died."""

    size_max: Annotated[Size, Field(ge=1)] | None = None
    """Larger files are refused; never above the gateway's own limit, which is the default."""

    name: str = "{stem}{suffix}"
    """Name of a delivered file. `{name}`, `{stem}`, `{suffix}` are those of the file it came from,
    `{reference}` is its key, `{message_id}`, `{role}` and `{accepted}` (UTC) come from the delivery. A name
    that is taken gets the reference's first characters."""

    done_marker: str | None = None
    """A second, empty file that is written after the delivered one: `{name}.done`, `{stem}.ok`."""

    timeout: Duration = timedelta(seconds=30)
    """How long one step of a delivery may take: enough for the largest file, less than `defaults.lease`."""

    @property
    def takes_copies(self) -> bool:
        """Tell whether who reads the folder can tell a copy from an order to send: by its name."""
        return "{role}" in self.name

    @model_validator(mode="after")
    def _one_place(self) -> FilesEndpoint:
        if (self.folder is None) == (self.sftp is None):
            raise ValueError("expected exactly one of folder (on this machine) and sftp (on a server)")
        if self.after == "keep" and self.claim != "in_place":
            raise ValueError("after: keep leaves files where they are; it needs claim: in_place")
        return self

    @model_validator(mode="after")
    def _names(self) -> FilesEndpoint:
        _check_template(self.name, DELIVERED_WORDS, must_have=("name", "stem", "reference", "message_id"))
        if self.done_marker is not None:
            _check_marker(self.done_marker)
        if len({self.work, self.done, self.error}) != 3 or {".", ".."} & {self.work, self.done, self.error}:
            raise ValueError("work, done and error must be three different folders inside the endpoint's own")
        return self


class FilesSource(Settings):
    """What a route's ``from`` may say about its files."""

    pattern: Patterns = ()
    """Names this route takes, where other than the endpoint's `pattern`."""


def _check_marker(template: str) -> None:
    """Check the name of a done file: made from the other file's name, and never equal to it."""
    _check_template(template, PICKED_UP_WORDS, must_have=("name", "stem"))
    if "{" + template.strip("{}") + "}" == template:
        raise ValueError(
            f"'{template}' may be the name of the file itself; expected more, such as {{name}}.done"
        )


def _check_template(template: str, words: frozenset[str], must_have: tuple[str, ...]) -> None:
    """Check a name template. Errors: ValueError (pydantic makes it a problem of that field)."""
    found = re.findall(r"\{([^{}]*)\}", template)
    rest = re.sub(r"\{[^{}]*\}", "", template)
    if unknown := [word for word in found if word not in words]:
        raise ValueError(f"'{{{unknown[0]}}}' is no word of this name; there are: {', '.join(sorted(words))}")
    if not re.fullmatch(r"[A-Za-z0-9._-]*", rest):
        raise ValueError(f"'{template}': expected letters, digits, dot, dash, underscore and {{words}}")
    if not set(found) & set(must_have):
        raise ValueError(f"'{template}' names every file alike; use one of {', '.join(must_have)}")
