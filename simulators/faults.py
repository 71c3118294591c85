"""The fault script that all HTTP simulators share: which request goes wrong, and how.

A script is a list of rules. Each rule counts the requests that it matches; the first rule that
fires decides. A script is given at start (a JSON file) or changed while running (`POST /_faults`).
Nothing here does I/O: `simulators.misbehaviour` acts the faults out.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

SECONDS_MAX = 3_600.0


class Action(StrEnum):
    """What can go wrong. "Commit" is what the simulator does with a good request: it writes its ledger."""

    DELAY = "delay"  # wait `seconds`, then do the work, even where the client has gone by then
    HANG_BEFORE_COMMIT = "hang_before_commit"  # keep the connection open, do nothing, say nothing
    RESET_BEFORE_COMMIT = "reset_before_commit"  # do nothing, send RST
    COMMIT_THEN_HANG = "commit_then_hang"  # commit, then reply after `seconds` (0: never)
    COMMIT_THEN_RESET = "commit_then_reset"
    STATUS = "status"  # answer `status` with a short body; `commits` says whether the work was done
    THROTTLE = "throttle"  # 429
    UNAVAILABLE = "unavailable"  # 503 with the HTML of a load balancer
    UNAUTHORIZED = "unauthorized"  # 401
    REJECT = "reject"  # 422 with problem details, one entry for each of `fields`
    LOGIN_PAGE = "login_page"  # 200 and HTML: a session ran out in front of the API
    SORRY_PAGE = "sorry_page"  # 200 and HTML: down for maintenance
    REDIRECT = "redirect"  # `status` (302) to `location`
    GARBAGE = "garbage"  # 200, JSON promised, bytes of no meaning
    TRUNCATED = "truncated"  # 200, a JSON text that stops in the middle, lengths agree
    HALF_REPLY = "half_reply"  # headers promise more bytes than come, then the connection ends
    TRICKLE = "trickle"  # a good reply, one byte at a time, `seconds` between two
    OVERSIZED = "oversized"  # a good status and `size_bytes` of body
    BUSINESS_ERROR = "business_error"  # a refusal in the ERP's own words; `error` says which


COMMITS = frozenset(
    {
        Action.DELAY,
        Action.COMMIT_THEN_HANG,
        Action.COMMIT_THEN_RESET,
        Action.GARBAGE,
        Action.TRUNCATED,
        Action.HALF_REPLY,
        Action.TRICKLE,
        Action.OVERSIZED,
    }
)


class FaultScriptError(ValueError):
    """A fault script that cannot be understood; the text says which rule and why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule: when it fires, and what happens then.

    A request matches where `method`, `path` and `key` (regular expressions, searched) all do. Of the
    matching ones it fires on those numbered in `nth` (from 1), or on every one; at most `times` times;
    each time with the chance `share`. `commits` overrides what the action does by itself.
    """

    action: Action
    method: str = ""
    path: str = ""
    key: str = ""  # searched in the reference, the document key and the order key
    nth: tuple[int, ...] = ()
    times: int | None = None
    share: float = 1.0
    seconds: float = 0.0
    status: int = 500
    retry_after: str | None = None  # "3" seconds, "date:3" an HTTP-date 3 s from now, None: no header
    commits: bool | None = None
    fields: tuple[str, ...] = ("lines[0].quantity",)
    location: str = "/login"
    size_bytes: int = 32 * 1024 * 1024
    error: str = ""  # for business_error: the simulator's own word

    @property
    def does_commit(self) -> bool:
        """Tell whether the request's work is done before the fault shows."""
        return self.action in COMMITS if self.commits is None else self.commits

    def matches(self, method: str, path: str, keys: tuple[str, ...]) -> bool:
        """Tell whether this rule speaks of a request."""
        return (
            (not self.method or re.fullmatch(self.method, method, re.IGNORECASE) is not None)
            and (not self.path or re.search(self.path, path) is not None)
            and (not self.key or any(re.search(self.key, key) for key in keys))
        )

    @classmethod
    def from_json(cls, entry: object) -> Fault:
        """Read one rule. Errors: FaultScriptError."""
        if not isinstance(entry, dict):
            raise FaultScriptError(f"a rule is a JSON object; found {entry!r}")
        unknown = set(entry) - {each.name for each in fields(cls)}
        if unknown:
            known = ", ".join(each.name for each in fields(cls))
            raise FaultScriptError(
                f"unknown words in a rule: {', '.join(sorted(unknown))}; there are: {known}"
            )
        try:
            return cls._checked(dict(entry))
        except (KeyError, TypeError, ValueError, re.error) as error:
            raise FaultScriptError(f"rule {json.dumps(entry)}: {error}") from error

    @classmethod
    def _checked(cls, entry: dict[str, Any]) -> Fault:
        if entry.get("action") not in tuple(Action):
            raise ValueError(f"action is {entry.get('action')!r}; there are: {', '.join(Action)}")
        entry["action"] = Action(entry["action"])
        nth = entry.get("nth", ())
        entry["nth"] = (nth,) if isinstance(nth, int) else tuple(int(each) for each in nth)
        if "fields" in entry:
            entry["fields"] = tuple(str(each) for each in entry["fields"])
        fault = cls(**entry)
        if not 0 <= fault.seconds <= SECONDS_MAX:
            raise ValueError(f"seconds is {fault.seconds}; expected 0 to {SECONDS_MAX:g}")
        for pattern in (fault.method, fault.path, fault.key):
            re.compile(pattern)
        return fault


@dataclass(slots=True)
class _Counter:
    matched: int = 0
    fired: int = 0


@dataclass(slots=True)
class FaultScript:
    """Rules with their counts. The same script, seed and requests give the same faults."""

    faults: tuple[Fault, ...] = ()
    seed: int = 0
    errors: frozenset[str] | None = None  # what `error` may say; None: nobody has told
    _counters: list[_Counter] = field(init=False, repr=False)
    _chance: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.replace(self.faults, self.seed)

    @classmethod
    def from_json(cls, text: str | bytes) -> FaultScript:
        """Read `[rule, ...]` or `{"seed": n, "faults": [rule, ...]}`. Errors: FaultScriptError."""
        try:
            script = json.loads(text)
        except ValueError as error:
            raise FaultScriptError(f"the fault script is not JSON: {error}") from error
        script = script if isinstance(script, dict) else {"faults": script}
        entries, seed = script.get("faults"), script.get("seed", 0)
        if not isinstance(entries, list) or not isinstance(seed, int):
            raise FaultScriptError('expected [rule, ...] or {"seed": n, "faults": [rule, ...]}')
        return cls(tuple(Fault.from_json(entry) for entry in entries), seed)

    def knows(self, errors: frozenset[str]) -> None:
        """Let a simulator tell its words for `error`. Errors: FaultScriptError where a rule has another."""
        self.errors = errors
        self.replace(self.faults, self.seed)

    def replace(self, faults: tuple[Fault, ...], seed: int = 0) -> None:
        """Take other rules; all counts begin again. Errors: FaultScriptError, the old ones then stay."""
        for fault in faults:
            if self.errors is not None and fault.error and fault.error not in self.errors:
                known = ", ".join(sorted(self.errors)) or "none"
                raise FaultScriptError(f"error '{fault.error}' is not known here; there are: {known}")
        self.faults, self.seed = faults, seed
        self._counters = [_Counter() for _ in faults]
        self._chance = random.Random(seed)

    def next(self, method: str, path: str, *keys: str) -> Fault | None:
        """Count one request and give the fault that befalls it."""
        chosen: Fault | None = None
        for fault, counter in zip(self.faults, self._counters, strict=True):
            if not fault.matches(method, path, keys):
                continue
            counter.matched += 1
            if chosen is None and self._fires(fault, counter):
                counter.fired += 1
                chosen = fault
        return chosen

    def _fires(self, fault: Fault, counter: _Counter) -> bool:
        if fault.times is not None and counter.fired >= fault.times:
            return False
        if fault.nth and counter.matched not in fault.nth:
            return False
        return fault.share >= 1.0 or self._chance.random() < fault.share
