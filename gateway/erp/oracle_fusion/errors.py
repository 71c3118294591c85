"""Oracle's error bodies: JSON details from framework version 4, plain text below it. Pure.

Source: Oracle REST framework, version 4: `{"title", "status", "o:errorDetails": [{"detail", "o:errorCode",
"o:errorPath"}]}`; the status is a text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from adapters.base import Reply
from canonical.registry import DocumentError
from gateway.erp.connector.engine import reply_fields
from gateway.erp.connector.errors import ErpError, ErrorClass
from gateway.erp.json_paths import text_at
from gateway.erp.replies import is_html

ERRORS_MAX = 100

# What Oracle's codes mean for us. Source: ADF business components messages; the rest is known by its text.
_CODES: Mapping[str, ErrorClass] = {
    "JBO-25014": ErrorClass.LOCKED,  # another user changed the row meanwhile
    "JBO-26030": ErrorClass.LOCKED,  # the row is locked by another user
    "JBO-25013": ErrorClass.DUPLICATE,  # too many objects match the primary key
}
_TEXTS = (
    (
        re.compile(r"period\b.{0,60}\b(closed|not open|never opened)|isn't in an open", re.I),
        ErrorClass.CLOSED_PERIOD,
    ),
    (re.compile(r"already (exists|been used)|duplicate invoice", re.I), ErrorClass.DUPLICATE),
    (re.compile(r"locked by|being (updated|modified) by another|try again later", re.I), ErrorClass.LOCKED),
)


def oracle_errors(reply: Reply) -> list[ErpError]:
    """Read an error body; nothing for a web page or an empty body, which are not Oracle's application."""
    if is_html(reply) or not reply.body.strip():
        return []
    try:
        fields = reply_fields(reply.body)
    except DocumentError:
        return _plain(reply)
    details = fields.get("o:errorDetails") if isinstance(fields, dict) else None
    if isinstance(details, list) and details:
        found = (_detail(each) for each in details[:ERRORS_MAX] if isinstance(each, dict))
        return [each for each in found if each.text or each.code]
    title = text_at(fields, "detail") or text_at(fields, "title")
    return [ErpError("", title, kind=_kind("", title))] if title else []


def _detail(entry: Mapping[str, object]) -> ErpError:
    code, text = text_at(entry, "o:errorCode"), text_at(entry, "detail")
    path = text_at(entry, "o:errorPath")
    return ErpError(code, text, path, _kind(code, text))


def _plain(reply: Reply) -> list[ErpError]:
    text = reply.body[:2_000].decode("utf-8", "replace").strip()
    code = re.match(r"([A-Z]{2,5}-\d+):?\s*", text)
    return [ErpError(code[1] if code else "", text, kind=_kind(code[1] if code else "", text))]


def _kind(code: str, text: str) -> ErrorClass:
    known = _CODES.get(code)
    if known is not None:
        return known
    return next((kind for pattern, kind in _TEXTS if pattern.search(text)), ErrorClass.REFUSED)
