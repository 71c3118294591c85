"""What the demo plays: a scenario for each folder below here that has a `scenario.py`, found by that name.

A scenario starts the systems that its adapter speaks with, feeds traffic, says how each message must
end, and afterwards asks its own systems what really arrived. There is no list to edit: a new folder
with a `scenario.py` that defines `scenario()` is played by the next `legacy-bridge demo`.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import simulators


@dataclass(frozen=True, slots=True)
class Change:
    """One value that the demo's copy of routes.yaml has otherwise; a list is entered by `id`."""

    path: tuple[str, ...]
    value: str


@dataclass(frozen=True, slots=True)
class Ending:
    """How a message must end.

    `deliveries`: "TARGET ROLE STATE" for each delivery, in any order. `parked`: codes of what a person
    must look at. `erp_orders`: numbers of the orders that the cloud ERP must hold because of it, each once.
    """

    deliveries: tuple[str, ...] = ()
    parked: tuple[str, ...] = ()
    erp_orders: tuple[str, ...] = ()
    is_known: bool = False  # recognised as the very same message: nothing new may come of it
    status: int | None = None  # of the reply, for what was posted


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that a scenario fed. `label` tells a reader what it is; `reply` is what a caller got.

    `body` is empty for a row of a table: the feed makes the bytes, and the journal knows it by `name`.
    """

    label: str
    way: str  # "folder", "HTTP"
    route: str
    name: str  # of the file, or the path, or of a row: TABLE[KEY]
    body: bytes
    ending: Ending
    status: int | None = None
    reply: bytes = b""


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that a scenario found out from its own systems, not from the gateway."""

    text: str
    holds: bool
    found: str = ""  # what was there instead


class CannotPlayError(Exception):
    """A scenario needs something that this machine lacks; the text says what, and how to get it."""


class Ground(Protocol):
    """What a scenario plays on: the demo's folder (routes.yaml, certs/, fixtures/, var/) and its gateway."""

    folder: Path
    sent: list[Sent]

    def tell(self, text: str) -> None:
        """Show a line of progress."""
        ...

    async def file(
        self, folder: str, name: str, body: bytes, *, route: str, label: str, ending: Ending
    ) -> Sent:
        """Put a file into a folder below `var/`, under a temporary name first, as careful senders do."""
        ...

    async def post(
        self,
        path: str,
        body: bytes,
        *,
        client: str,
        headers: dict[str, str],
        route: str,
        label: str,
        ending: Ending,
    ) -> Sent:
        """Post a body over mTLS with the certificate of `client`; wait for the reply."""
        ...

    async def translated(self, *sent: Sent) -> None:
        """Wait until messages are decided; an order that a later message names must be known first."""
        ...

    async def load_crosswalk(self, table: str, words: Mapping[str, str], why: str) -> None:
        """Load a code table (legacy word: cloud word) into the running gateway, as a person would."""
        ...

    async def set_stage(self, route: str, stage: str, why: str) -> str:
        """Move a route of the running gateway as a person would, by its control socket; give a summary."""
        ...


class Scenario(Protocol):
    """One folder's part of the demo. Scenarios begin one after the other, lowest `rank` first."""

    rank: int

    async def start(self, ground: Ground) -> Sequence[Change]:
        """Start its systems, before the gateway; give what routes.yaml must say of them."""
        ...

    async def play(self, ground: Ground) -> None:
        """Feed its traffic."""
        ...

    async def awaits(self, ground: Ground) -> str:
        """Say what its own systems still wait for; empty where it is nothing."""
        ...

    async def check(self, ground: Ground) -> Sequence[Checked]:
        """Say what its own systems saw, when everything has ended."""
        ...

    async def told(self) -> Sequence[str]:
        """Give lines that a reader should see in the end: the addresses of what runs."""
        ...

    async def stop(self) -> None:
        """Stop its systems; called once for each `start` that was begun."""
        ...


def scenarios(*, is_spoiled: bool = False) -> list[Scenario]:
    """Give the scenarios of all folders. `is_spoiled` lets one of them misbehave on purpose."""
    found: list[Scenario] = []
    packages = pkgutil.walk_packages(simulators.__path__, "simulators.")
    for name in [f"{each.name}.scenario" for each in packages if each.ispkg]:
        if importlib.util.find_spec(name) is not None:
            found.append(importlib.import_module(name).scenario(is_spoiled=is_spoiled))
    return sorted(found, key=lambda each: each.rank)


def ends(target: str, role: str = "live", state: str = "done", count: int = 1) -> tuple[str, ...]:
    """Write one or more deliveries of an Ending."""
    return (f"{target} {role} {state}",) * count


def address(url: str) -> str:
    """Give a simulator's address by number: a machine need not know the name localhost."""
    return url.replace("//localhost:", "//127.0.0.1:")
