"""`$batch`: several operations in one request; a changeset is done whole or not at all.

Source: OData 4.01, part 1, section 11.7 (multipart batch); the bound is Microsoft's: 5,000 operations.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from simulators.cloud_erp.dynamics365.answers import error

if TYPE_CHECKING:
    from simulators.cloud_erp.dynamics365.erp import Dynamics365

OPERATIONS_MAX = 5_000
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')


def run_batch(erp: Dynamics365, content_type: str, body: bytes) -> web.Response:
    """Do a batch."""
    boundary = _boundary(content_type)
    if not boundary:
        return error(400, "The batch request needs a multipart/mixed boundary.")
    parts = _parts(body, boundary)
    if sum(_operations(each) for each in parts) > OPERATIONS_MAX:
        return error(400, f"The batch exceeds the limit of {OPERATIONS_MAX} operations.")
    answers = [_changeset(erp, each) if _inner(each) else _single(erp, each) for each in parts]
    made = "batchresponse_1"
    whole = (
        b"".join(b"--%s\r\n%s\r\n" % (made.encode(), each) for each in answers)
        + b"--%s--\r\n" % made.encode()
    )
    return web.Response(body=whole, headers={"Content-Type": f"multipart/mixed; boundary={made}"})


def _changeset(erp: Dynamics365, part: bytes) -> bytes:
    """Do all, or undo all by the ledger: what was created is removed, what changed is put back."""
    documents, done = erp.documents, []
    mark = documents.count()
    for each in _parts(part.partition(b"\r\n\r\n")[2], _inner(part)):
        response = _response(erp, each)
        done.append(_told(response, _content_id(each)))
        if response.status >= 400:
            _undo(erp, mark)
            return _told(response, "")
    joined = b"".join(b"--changesetresponse_1\r\n%s\r\n" % each for each in done)
    return (
        b"Content-Type: multipart/mixed; boundary=changesetresponse_1\r\n\r\n"
        + joined
        + b"--changesetresponse_1--\r\n"
    )


def _undo(erp: Dynamics365, mark: int) -> None:
    documents = erp.documents
    entries = documents.entries()
    for entry in reversed(entries[mark:]):
        before = [
            each for each in entries[: entry.sequence - 1] if (each.kind, each.key) == (entry.kind, entry.key)
        ]
        match entry.event:
            case "created":
                documents.remove(entry.kind, entry.key)
            case "changed":
                documents.change(entry.kind, entry.key, before[-1].document())
            case _:
                documents.create(
                    entry.kind, entry.key, entry.document(), number=entry.number, reference=entry.reference
                )


def _single(erp: Dynamics365, part: bytes) -> bytes:
    return _told(_response(erp, part), _content_id(part))


def _response(erp: Dynamics365, part: bytes) -> web.Response:
    head, _, rest = part.partition(b"\r\n\r\n")[2].partition(b"\r\n")
    method, _, target = head.decode().rpartition(" HTTP/")[0].partition(" ")
    headers, _, body = rest.partition(b"\r\n\r\n")
    if_match = re.search(rb"(?im)^If-Match:\s*(.+?)\s*$", headers)
    path, _, query = target.partition("?")
    name = unquote(path.rpartition("/data/")[2].removeprefix("/"))
    options = dict(parse_qsl(query, keep_blank_values=True))
    return erp.do(method, name, options, if_match[1].decode() if if_match else "", body.strip())


def _told(response: web.Response, content_id: str) -> bytes:
    body = response.body if isinstance(response.body, bytes) else b""
    named = b"Content-ID: %s\r\n" % content_id.encode() if content_id else b""
    return (
        b"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n%s\r\n"
        b"HTTP/1.1 %d %s\r\nContent-Type: application/json; charset=utf-8\r\n\r\n%s\r\n"
        % (named, response.status, response.reason.encode(), body)
    )


def _parts(body: bytes, boundary: str) -> list[bytes]:
    pieces = body.split(b"--" + boundary.encode())
    return [each.strip(b"\r\n") for each in pieces[1:-1]]


def _operations(part: bytes) -> int:
    inner = _inner(part)
    return len(_parts(part.partition(b"\r\n\r\n")[2], inner)) if inner else 1


def _inner(part: bytes) -> str:
    """Give a changeset's own boundary; empty for a single operation."""
    head = part.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    found = re.search(r"(?im)^Content-Type:\s*(multipart/mixed.*)$", head)
    return _boundary(found[1]) if found else ""


def _boundary(content_type: str) -> str:
    found = _BOUNDARY.search(content_type)
    return found[1].strip() if found else ""


def _content_id(part: bytes) -> str:
    found = re.search(rb"(?im)^Content-ID:\s*(\S+)", part)
    return found[1].decode() if found else ""
