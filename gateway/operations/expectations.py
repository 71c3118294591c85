"""What a route test expected against what came of it, in lines that a person can act on. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff
from typing import Any

from canonical.document import CanonicalDocument
from canonical.registry import DocumentError, parse_document, read_json, to_json
from gateway.config import Expect
from gateway.operations.route_tests import Observed

DIFFERENCES_MAX = 50
_ABSENT = object()


def differences(
    expect: Expect, observed: Observed, document: bytes | None, acknowledgment: bytes | None
) -> list[str]:
    """Give every difference, none for a test that passed.

    ``document`` and ``acknowledgment`` are the bytes of the files that ``expect`` names.
    """
    found = [
        *_side(expect, observed),
        *_target(expect, observed),
        *_deliveries(expect, observed),
        *_finding(expect, observed),
    ]
    if document is not None:
        found += _document(document, observed)
    if acknowledgment is not None:
        found += _acknowledgment(acknowledgment, observed)
    if found:
        found += [f"what was found: {each}" for each in observed.findings]
    return found[:DIFFERENCES_MAX]


def _side(expect: Expect, observed: Observed) -> Iterator[str]:
    if expect.side is None:
        return
    for view in observed.documents:
        if view.plan.side is not expect.side:
            side = view.plan.side.value if view.plan.side is not None else "nobody"
            yield (
                f"side: expected {expect.side.value}, but set {view.plan.index + 1} goes to {side} "
                f"({view.plan.decision or 'not decided'})"
            )
    if not observed.documents:
        yield f"side: expected {expect.side.value}, but nothing was translated"


def _target(expect: Expect, observed: Observed) -> Iterator[str]:
    targets = list(dict.fromkeys(each.target for each in observed.live))
    if expect.target is not None and expect.target not in targets:
        yield f"target: expected {expect.target}, but live deliveries go to {', '.join(targets) or 'nobody'}"


def _deliveries(expect: Expect, observed: Observed) -> Iterator[str]:
    count = len(observed.live)
    if expect.deliveries is not None and expect.deliveries != count:
        told = ", ".join(f"{each.target} ({each.state.value})" for each in observed.live)
        yield f"deliveries: expected {expect.deliveries}, but there are {count}" + (
            f": {told}" if told else ""
        )


def _finding(expect: Expect, observed: Observed) -> Iterator[str]:
    codes = list(dict.fromkeys(each.code for each in observed.findings))
    if expect.finding is not None and expect.finding not in codes:
        yield f"finding: expected {expect.finding}, but there is {', '.join(codes) or 'none'}"


def _document(expected: bytes, observed: Observed) -> Iterator[str]:
    bodies = [each.plan.canonical for each in observed.documents if each.plan.canonical is not None]
    if len(bodies) != 1:
        yield f"document: expected one, but there are {len(bodies)}"
        return
    try:
        wanted = parse_document(expected)
    except DocumentError as error:
        yield f"document: the expected one is not canonical: {error}"
        return
    yield from _compared("", _content(wanted), _content(parse_document(bodies[0])))


def _content(document: CanonicalDocument) -> dict[str, Any]:
    fields: dict[str, Any] = read_json(to_json(document))
    fields.pop("provenance", None)  # where it came from is no part of what it says
    return fields


def _compared(path: str, wanted: Any, got: Any) -> Iterator[str]:
    if isinstance(wanted, dict) and isinstance(got, dict):
        for name in dict.fromkeys((*wanted, *got)):
            below = f"{path}.{name}" if path else name
            yield from _compared(below, wanted.get(name, _ABSENT), got.get(name, _ABSENT))
    elif isinstance(wanted, list) and isinstance(got, list):
        for index in range(max(len(wanted), len(got))):
            pair = (each[index] if index < len(each) else _ABSENT for each in (wanted, got))
            yield from _compared(f"{path}[{index}]", *pair)
    elif wanted != got:
        yield f"document: {path}: expected {_told(wanted)}, got {_told(got)}"


def _told(value: Any) -> str:
    return "nothing" if value is _ABSENT else repr(value)


def _acknowledgment(expected: bytes, observed: Observed) -> Iterator[str]:
    written = b"".join(observed.acknowledgments)
    wanted, got = _segments(expected), _segments(written)
    if wanted == got:
        return
    if not written:
        yield "acknowledgment: expected one, but the gateway writes none in this stage"
        return
    lines = unified_diff(wanted, got, "expected", "written", lineterm="", n=1)
    yield from (f"acknowledgment: {line}" for line in list(lines)[2:] if not line.startswith("@@"))


def _segments(body: bytes) -> list[str]:
    """Split so that segments stand one a line, however the file breaks its lines."""
    pieces = body.decode("latin-1").replace("~", "~\n").splitlines()
    return [piece.strip() for piece in pieces if piece.strip()]
