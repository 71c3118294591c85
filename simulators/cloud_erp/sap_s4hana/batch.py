"""`$batch` as the simulated gateway reads and writes it: multipart/mixed, changesets all or nothing. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl, unquote, urlsplit

from simulators.cloud_erp.sap_s4hana.schema import Problem
from simulators.cloud_erp.sap_s4hana.wire import ODataError, Operation, Result

BOUNDARY = "sim_batch"
Part = Operation | list[Operation]


def read(body: bytes, content_type: str) -> list[Part]:
    """Give the operations of a batch; a changeset is a list. Errors: ODataError 400."""
    whole = b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body
    message = BytesParser(policy=HTTP).parsebytes(whole)
    if not message.is_multipart() or message.defects:
        raise ODataError(400, Problem("/IWFND/CM_MGW/501", "The batch request is malformed", ""))
    return [_part(each) for each in message.iter_parts()]


def write(results: list[Result | list[Result]]) -> tuple[bytes, str]:
    """Give the batch's reply and its content type. A changeset that failed is one Result."""
    parts = [_written(each, f"{BOUNDARY}_{at}") for at, each in enumerate(results, start=1)]
    return _joined(parts, BOUNDARY), f"multipart/mixed; boundary={BOUNDARY}"


def _part(part: Message) -> Part:
    if part.is_multipart():
        return [_operation(each) for each in part.iter_parts()]  # type: ignore[attr-defined]
    return _operation(part)


def _operation(part: Message) -> Operation:
    content = part.get_payload(decode=True)
    head, _, rest = (content if isinstance(content, bytes) else b"").partition(b"\r\n")
    words = head.decode().split(" ")
    if part.get_content_type() != "application/http" or len(words) != 3:
        raise ODataError(400, Problem("/IWFND/CM_MGW/502", "A part of the batch is malformed", ""))
    lines, _, body = rest.partition(b"\r\n\r\n")
    headers = dict(_header(line) for line in lines.decode().split("\r\n") if line)
    length = headers.get("content-length")
    content_id = str(part.get("Content-ID") or headers.get("content-id", ""))
    return operation(words[0], words[1], headers, body[: int(length)] if length else b"", content_id)


def operation(
    method: str, address: str, headers: Mapping[str, str], body: bytes, content_id: str = ""
) -> Operation:
    """Give an operation of its address, which is below the service root and percent-encoded."""
    parts = urlsplit(address)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Operation(method.upper(), unquote(parts.path).strip("/"), query, headers, body, content_id)


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


def _written(result: Result | list[Result], boundary: str) -> bytes:
    if isinstance(result, Result):
        return _http(result)
    inner = _joined([_http(each) for each in result], boundary)
    head = f"Content-Type: multipart/mixed; boundary={boundary}\r\nContent-Length: {len(inner)}\r\n\r\n"
    return head.encode() + inner


def _http(result: Result) -> bytes:
    lines = "".join(f"{name}: {text}\r\n" for name, text in result.headers.items())
    head = f"HTTP/1.1 {result.status} -\r\n{lines}Content-Length: {len(result.body)}\r\n\r\n"
    outer = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    return (outer + head).encode() + result.body + b"\r\n"


def _joined(parts: list[bytes], boundary: str) -> bytes:
    return b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), each) for each in parts) + (
        f"--{boundary}--\r\n".encode()
    )
