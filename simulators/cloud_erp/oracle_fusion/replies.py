"""How Oracle words its answers, by framework version: errors, links, children, pages.

Source: Oracle REST framework: details as JSON from version 4, plain text below; nested children are
collections from version 3, arrays below; the status in an error body is a text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from simulators.cloud_erp.base import exact_json

ITEM_TYPE = "application/vnd.oracle.adf.resourceitem+json"
COLLECTION_TYPE = "application/vnd.oracle.adf.resourcecollection+json"
ERROR_TYPE = "application/vnd.oracle.adf.error+json"
TITLES = {400: "Bad Request", 404: "Not Found", 412: "Precondition Failed", 415: "Unsupported Media Type"}
LIMIT_DEFAULT, LIMIT_MAX = 25, 500


@dataclass(frozen=True, slots=True)
class Detail:
    """One thing wrong."""

    text: str
    code: str = "27014"
    path: str = ""


# `business_error` of a fault script: what Oracle says, by `error`.
BUSINESS_ERRORS: Mapping[str, Detail] = {
    "item": Detail("The item isn't valid.", "PO-2055", "/lines/0/Item"),
    "quantity": Detail("The quantity must be greater than zero.", "27014", "/lines/0/Quantity"),
    "locked": Detail("The record is locked by another user. Try again later.", "JBO-26030"),
    "validation": Detail(
        "The charge account isn't valid for the line.", "PO-3301", "/lines/0/POChargeAccount"
    ),
    "submit": Detail("The document can't be submitted: the buyer has no authority.", "PO-4712"),
    "close": Detail("The document can't be closed: an invoice that is matched to it is on hold.", "PO-5011"),
    "funds": Detail("The budget period isn't open for the control budget.", "XCC-3001"),
    "period": Detail(
        "The accounting date isn't in an open or future-enterable period.", "AP-10144", "/AccountingDate"
    ),
}


def framework_version(request: web.Request) -> int:
    """Give the framework version that a request asks for: 1 without a header."""
    text = request.headers.get("REST-Framework-Version", "1")
    return int(text) if text.isdecimal() and 1 <= int(text) <= 9 else 1


def error(
    version: int, status: int, details: Sequence[Detail], headers: dict[str, str] | None = None
) -> web.Response:
    """Give an error as the version words it."""
    if version < 4:
        text = "\n".join(f"JBO-{each.code}: {each.text}" for each in details)
        return web.Response(status=status, text=text, content_type="text/plain", headers=headers)
    body = {
        "title": TITLES.get(status, "Error"),
        "status": str(status),
        "o:errorDetails": [
            {
                "detail": each.text,
                "o:errorCode": each.code,
                **({"o:errorPath": each.path} if each.path else {}),
            }
            for each in details
        ],
    }
    return web.Response(status=status, text=exact_json.write(body), content_type=ERROR_TYPE, headers=headers)


def item(status: int, fields: dict[str, Any], tag: str = "") -> web.Response:
    """Give one member."""
    headers = {"ETag": f'"{tag}"'} if tag else None
    return web.Response(status=status, text=exact_json.write(fields), content_type=ITEM_TYPE, headers=headers)


def etag(fields: dict[str, Any]) -> str:
    """Give the tag of a member as it is now."""
    return hashlib.sha256(exact_json.write(fields).encode()).hexdigest()[:16]


def collection(members: Sequence[dict[str, Any]], limit: int, offset: int, href: str) -> web.Response:
    """Give a page of members."""
    page = list(members[offset : offset + limit])
    body = {
        "items": page,
        "count": len(page),
        "hasMore": offset + limit < len(members),
        "limit": limit,
        "offset": offset,
        "links": [{"rel": "self", "href": href, "name": "self", "kind": "collection"}],
    }
    return web.Response(text=exact_json.write(body), content_type=COLLECTION_TYPE)


def shown(
    fields: dict[str, Any],
    children: dict[str, Any],
    expand: set[str],
    version: int,
    href: str,
    *,
    only_data: bool,
) -> dict[str, Any]:
    """Give a member as it is shown: children only where asked for, links unless only data is wanted.

    `children`: the names of child collections, each with its own (`{"lines": {"schedules": {}}}`).
    """
    given = {
        name: value for name, value in fields.items() if name not in children and not name.startswith("_")
    }
    for name, below in children.items():
        if name not in expand and name not in fields.get("_posted", ()):
            continue
        inner = {each.partition(".")[2] for each in expand if each.startswith(f"{name}.")}
        rows = [
            shown(
                row,
                below,
                inner | set(below if name in fields.get("_posted", ()) else ()),
                version,
                "",
                only_data=True,
            )
            for row in fields.get(name) or []
        ]
        given[name] = {"items": rows, "count": len(rows), "hasMore": False} if version >= 3 else rows
    if not only_data:
        given["links"] = [{"rel": "self", "href": href, "name": "item", "kind": "item"}]
    return given
