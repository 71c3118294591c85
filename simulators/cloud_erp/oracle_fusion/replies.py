"""How Oracle words its answers, by framework version: errors, links, children, pages.

Source: Oracle REST framework: details as JSON from version 4, plain text below; nested children are
collections from version 3, arrays below; the status in an error body is a text.
"""

from __future__ import annotations

from collections.abc import Sequence
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


def item(status: int, fields: dict[str, Any], etag: str = "") -> web.Response:
    """Give one member."""
    headers = {"ETag": f'"{etag}"'} if etag else None
    return web.Response(status=status, text=exact_json.write(fields), content_type=ITEM_TYPE, headers=headers)


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
