"""`$batch`: several operations in one request, changesets atomic, as multipart (V2, V4) or JSON (V4). Pure.

The boundary is the caller's: a frozen request must be the same bytes each time it is made. A changeset
that fails comes back as one reply instead of several: none of its parts was done. Sources: OData V2
"Batch processing"; OData V4.01 protocol, section 11.7; OData JSON Format 4.01, section 19; RFC 2046
section 5.1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.erp.odata.bodies import ODataBodyError, json_of
from gateway.erp.odata.v4 import write as write_body

OPERATIONS_MAX = 1_000  # ours; Dynamics takes 5,000 a batch
HEADER_LINES_MAX = 100

Headers = tuple[tuple[str, str], ...]
_BOUNDARY = re.compile(r'boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;,"]{1,70}))', re.IGNORECASE)
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: [^\r\n]{0,200})?")
_BOUNDARY_FORM = re.compile(r"[A-Za-z0-9'()+_,./:=?-]{1,60}")


@dataclass(frozen=True, slots=True)
class Operation:
    """One request within a batch; `address` is relative to the service, `content_id` its name in there."""

    method: str
    address: str
    body: bytes = b""
    headers: Headers = ()
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Changeset:
    """Writes that are done all or not at all, in this order."""

    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class OperationReply:
    """What one operation was answered."""

    status: int
    body: bytes = b""
    headers: Headers = ()
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class ChangesetReply:
    """The replies of a changeset that was done; one that failed comes as a plain OperationReply."""

    replies: tuple[OperationReply, ...]


Part = Operation | Changeset
PartReply = OperationReply | ChangesetReply


def multipart_content_type(boundary: str) -> str:
    """Give the batch request's content type."""
    return f"multipart/mixed;boundary={boundary}"


def write_multipart(parts: Sequence[Part], boundary: str) -> bytes:
    """Write a batch as multipart/mixed; changeset n gets the boundary `<boundary>-n`.

    Errors: ValueError for a boundary that RFC 2046 refuses or that stands in a body, and for a line break
    in an address or a header: it would be another operation.
    """
    _checked(parts, boundary)
    written = [_part(each, f"{boundary}-{at}") for at, each in enumerate(parts, start=1)]
    return _joined(written, boundary)


def read_multipart(body: bytes, content_type: str) -> tuple[PartReply, ...]:
    """Read the replies of a batch, in order. Errors: ODataBodyError.

    The part's own `Content-Length` is believed only as far as the bytes go.
    """
    return tuple(_part_reply(each) for each in _split(body, _boundary_of(content_type)))


def write_json(parts: Sequence[Part]) -> bytes:
    """Write a V4 batch as JSON: a changeset's operations share an `atomicityGroup`. Bodies must be JSON.

    Numbers keep their digits: a body stands in the batch as it was written.
    """
    _checked(parts, "json")
    entries: list[bytes] = []
    for at, part in enumerate(parts, start=1):
        group = f"g{at}" if isinstance(part, Changeset) else ""
        for number, each in enumerate(_operations(part), start=1):
            entries.append(_json_entry(each, f"{at}.{number}", group))
    return b'{"requests":[' + b",".join(entries) + b"]}"


def read_json(body: bytes, parts: Sequence[Part]) -> tuple[PartReply, ...]:
    """Read the replies of a JSON batch, in the order of what was asked. Errors: ODataBodyError.

    A service may answer in any order, and a failed group with one reply for all: each operation is found
    by its id, and a changeset of which any part failed gives that part's reply.
    """
    outer = json_of(body)
    entries = outer.get("responses") if isinstance(outer, dict) else None
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise ODataBodyError("expected a list under 'responses'")
    replies = {str(each.get("id", "")): _json_reply(each) for each in entries}
    groups = {
        str(each["atomicityGroup"]): _json_reply(each)
        for each in entries
        if each.get("atomicityGroup") and _status(each) >= 400
    }
    return tuple(_json_part(part, at, replies, groups) for at, part in enumerate(parts, start=1))


# --- multipart out ------------------------------------------------------------------------------------


def _checked(parts: Sequence[Part], boundary: str) -> None:
    if _BOUNDARY_FORM.fullmatch(boundary) is None:
        raise ValueError("a boundary has 1 to 60 characters of RFC 2046's set")
    operations = [each for part in parts for each in _operations(part)]
    if len(operations) > OPERATIONS_MAX:
        raise ValueError(f"a batch holds at most {OPERATIONS_MAX} operations; found {len(operations)}")
    for each in operations:
        texts = (
            each.method,
            each.address,
            each.content_id,
            *(text for pair in each.headers for text in pair),
        )
        if any(not text.isprintable() or not text.isascii() for text in texts):
            raise ValueError("addresses and headers in a batch are printable ASCII")
        if f"--{boundary}".encode() in each.body:
            raise ValueError("the boundary stands in a body; choose another")


def _operations(part: Part) -> tuple[Operation, ...]:
    return part.operations if isinstance(part, Changeset) else (part,)


def _part(part: Part, inner_boundary: str) -> bytes:
    match part:
        case Operation():
            return _http_part(part)
        case Changeset(operations):
            inner = _joined([_http_part(each) for each in operations], inner_boundary)
            head = f"Content-Type: {multipart_content_type(inner_boundary)}\r\nContent-Length: {len(inner)}"
            return head.encode() + b"\r\n\r\n" + inner


def _http_part(operation: Operation) -> bytes:
    outer = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
    if operation.content_id:
        outer += f"Content-ID: {operation.content_id}\r\n"
    headers = list(operation.headers)
    if operation.body:
        headers.append(("Content-Length", str(len(operation.body))))
    lines = "".join(f"{name}: {text}\r\n" for name, text in headers)
    head = f"{outer}\r\n{operation.method} {operation.address} HTTP/1.1\r\n{lines}\r\n"
    return head.encode() + operation.body


def _joined(parts: Sequence[bytes], boundary: str) -> bytes:
    delimiter = f"--{boundary}".encode()
    return b"".join(b"%s\r\n%s\r\n" % (delimiter, each) for each in parts) + delimiter + b"--\r\n"


# --- multipart in -------------------------------------------------------------------------------------


def _boundary_of(content_type: str) -> str:
    found = _BOUNDARY.search(content_type)
    if found is None or "multipart/" not in content_type.lower():
        raise ODataBodyError(f"expected multipart/mixed with a boundary; found '{content_type[:100]}'")
    return found[1] or found[2]


def _split(body: bytes, boundary: str) -> list[bytes]:
    """Give the parts between the delimiters; what stands before the first and after the last is dropped."""
    delimiter = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    parts: list[bytes] = []
    start: int | None = None
    for found in delimiter.finditer(body):
        if start is not None:
            parts.append(_after_line_end(body[start : found.start()]))
        if len(parts) > OPERATIONS_MAX:
            raise ODataBodyError(f"expected at most {OPERATIONS_MAX} parts")
        if found[1]:
            return parts
        start = found.end()
    raise ODataBodyError("the batch's reply ends before its last delimiter")


def _after_line_end(part: bytes) -> bytes:
    return part[2:] if part.startswith(b"\r\n") else part[1:]


def _part_reply(part: bytes) -> PartReply:
    headers, content = _head(part)
    content_type = _header(headers, "Content-Type")
    if content_type.lower().startswith("multipart/"):
        inner = _split(content, _boundary_of(content_type))
        return ChangesetReply(tuple(_http_reply(*_head(each)) for each in inner))
    return _http_reply(headers, content)


def _http_reply(outer: Headers, content: bytes) -> OperationReply:
    line, _, rest = content.partition(b"\n")
    found = _STATUS_LINE.fullmatch(line.rstrip(b"\r"))
    if found is None:
        raise ODataBodyError("a part of the batch's reply has no HTTP status line")
    headers, body = _head(rest)
    length = _header(headers, "Content-Length")
    if length.isdecimal():
        body = body[: int(length)]
    content_id = _header(outer, "Content-ID") or _header(headers, "Content-ID")
    return OperationReply(int(found[1]), body, headers, content_id)


def _head(part: bytes) -> tuple[Headers, bytes]:
    """Divide a part at its first empty line; a part may have no headers, or no body."""
    headers: list[tuple[str, str]] = []
    rest = part
    for _ in range(HEADER_LINES_MAX):
        line, separator, rest = rest.partition(b"\n")
        text = line.rstrip(b"\r").decode("latin-1")
        if not text:
            return tuple(headers), rest
        name, _, value = text.partition(":")
        headers.append((name.strip(), value.strip()))
        if not separator:
            return tuple(headers), b""
    raise ODataBodyError(f"a part of the batch's reply has more than {HEADER_LINES_MAX} header lines")


def _header(headers: Headers, name: str) -> str:
    return next((text for each, text in headers if each.lower() == name.lower()), "")


# --- JSON ---------------------------------------------------------------------------------------------


def _json_entry(operation: Operation, default_id: str, group: str) -> bytes:
    fields: dict[str, Any] = {
        "id": operation.content_id or default_id,
        "method": operation.method.lower(),
        "url": operation.address,
    }
    if group:
        fields["atomicityGroup"] = group
    if operation.headers:
        fields["headers"] = {name.lower(): text for name, text in operation.headers}
    head = json.dumps(fields, separators=(",", ":")).encode()
    return head[:-1] + b',"body":' + operation.body + b"}" if operation.body else head


def _json_part(
    part: Part, at: int, replies: dict[str, OperationReply], groups: dict[str, OperationReply]
) -> PartReply:
    found: list[OperationReply] = []
    for number, each in enumerate(_operations(part), start=1):
        reply = replies.get(each.content_id or f"{at}.{number}")
        failed = groups.get(f"g{at}") if isinstance(part, Changeset) else None
        if failed is not None:
            return failed
        if reply is None:
            raise ODataBodyError(f"no reply to operation {at}.{number} of the batch")
        found.append(reply)
    if isinstance(part, Operation):
        return found[0]
    refused = next((each for each in found if each.status >= 400), None)
    return refused or ChangesetReply(tuple(found))


def _json_reply(entry: dict[str, Any]) -> OperationReply:
    body = entry.get("body")
    headers = entry.get("headers")
    pairs = (
        tuple((str(name), str(text)) for name, text in headers.items()) if isinstance(headers, dict) else ()
    )
    rendered = b"" if body is None else body.encode() if isinstance(body, str) else write_body(body)
    return OperationReply(_status(entry), rendered, pairs, str(entry.get("id", "")))


def _status(entry: dict[str, Any]) -> int:
    status = entry.get("status")
    if not isinstance(status, int) or isinstance(status, bool):
        raise ODataBodyError("a reply in the batch has no status")
    return status
