"""What a first look at an SFTP server found, and what to ask the partner for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from adapters.sftp_files.protocol import FSYNC, POSIX_RENAME, STATVFS
from adapters.sftp_files.server import WEAK

# No algorithm: signals of the protocol that stand among the names (RFC 8308; CVE-2023-48795).
SIGNALS = ("ext-info-s", "ext-info-c", "kex-strict-s-v00@openssh.com", "kex-strict-c-v00@openssh.com")
ASIDE_S = 5.0  # clocks that differ by more are worth a word


class Verdict(StrEnum):
    """How a step of the look went."""

    GOOD = "ok"
    NOTE = "note"
    BAD = "BAD"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at. ``ask``: what to ask the partner for because of it."""

    name: str
    verdict: Verdict
    text: str
    ask: str = ""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Algorithms of one sort: what both sides offer, and the first of ours that the server knows."""

    sort: str
    ours: tuple[str, ...]
    theirs: tuple[str, ...]

    @property
    def agreed(self) -> str | None:
        """Give what would be used (RFC 4253 section 7.1: the client's order decides)."""
        return next((name for name in self.ours if name in self.theirs), None)


def agreements(ours: object, theirs: object) -> list[Agreement]:
    """Compare both sides' algorithms, sort by sort; ``ours`` and ``theirs`` have the same fields."""
    return [
        Agreement(
            each.name.replace("_", " "), _named(getattr(ours, each.name)), _named(getattr(theirs, each.name))
        )
        for each in fields(theirs)  # type: ignore[arg-type]
    ]


def _named(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name and name not in SIGNALS)


def algorithm_steps(found: Sequence[Agreement]) -> list[Step]:
    """Judge the algorithms."""
    steps = []
    for each in found:
        if each.agreed is None:
            allowed = [name for name in each.theirs if name in WEAK]
            remedy = (
                f"until then `allow: {allowed[0]}` in routes.yaml lets it in"
                if allowed
                else "no setting of ours lets it in"
            )
            ask = f"a current {each.sort}: one of {', '.join(each.ours[:4])}; {remedy}"
            steps.append(Step(each.sort, Verdict.BAD, "nothing that both sides know", ask))
        elif each.agreed in WEAK:
            better = next(name for name in each.ours if name not in WEAK)
            ask = f"a better {each.sort} than {each.agreed}, such as {better}"
            steps.append(Step(each.sort, Verdict.NOTE, f"{each.agreed}, which is weak", ask))
        else:
            steps.append(Step(each.sort, Verdict.GOOD, each.agreed))
    return steps


def extension_step(names: Sequence[bytes]) -> Step:
    """Say what the server offers beyond version 3."""
    missing = [
        word
        for name, word in (
            (POSIX_RENAME, "replacing a file in one step"),
            (FSYNC, "flushing to disk"),
            (STATVFS, "telling that the disk is full"),
        )
        if name not in names
    ]
    if not missing:
        return Step("extensions", Verdict.GOOD, "replaces in one step, flushes to disk, tells a full disk")
    return Step("extensions", Verdict.NOTE, f"does without: {', '.join(missing)}; that works")


def clock_step(ahead_s: float) -> Step:
    """Judge the server's clock."""
    if abs(ahead_s) < ASIDE_S:
        return Step("clock", Verdict.GOOD, "the server's agrees with ours")
    aside = "ahead of" if ahead_s > 0 else "behind"
    text = f"the server's is {abs(ahead_s):.0f} s {aside} ours; files are judged by the server's"
    return Step("clock", Verdict.NOTE, text)


def rights_step(failures: Sequence[tuple[str, str]]) -> Step:
    """Judge what we may do in the folder: (right, what the server said) for each that failed."""
    if not failures:
        return Step("rights", Verdict.GOOD, "write, rename, make folders, delete")
    words = "; ".join(f"{right}: {said}" for right, said in failures)
    names = [right for right, _ in failures]
    ask = (
        f"the right to {', '.join(names)} in this folder; a folder that is only picked up from works without "
        "it, with `claim: in_place` and `after: keep`"
    )
    return Step("rights", Verdict.BAD, words, ask)
