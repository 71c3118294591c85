"""Oracle's REST resources: addresses, headers, queries, and what their JSON looks like. Pure.

Source: Oracle Fusion Cloud REST API guides (Procurement, Financials, SCM), framework version 4: errors as
JSON details, child resources as collections, `q` conditions joined by `and`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from gateway.erp.connector.series import Answer, Call
from gateway.erp.json_paths import text_at, write_json

FRAMEWORK = ("REST-Framework-Version", "4")
ITEM_TYPE = "application/vnd.oracle.adf.resourceitem+json"
ACTION_TYPE = "application/vnd.oracle.adf.action+json"
ACCEPT = ("Accept", "application/json")


class Resources:
    """The resources of one pod."""

    def __init__(self, release: str) -> None:
        self._root = f"fscmRestApi/resources/{release}/"

    def query(self, resource: str, conditions: Mapping[str, str], expand: str = "", limit: int = 5) -> Call:
        """Ask for the members of a resource; a value that ends with `%` is a beginning.

        Links are asked for, too: a member's address is a hash of Oracle's and is never built by us.
        """
        address = _query(self._root, resource, tuple(conditions.items()), expand, limit)
        return Call("GET", address, headers=(ACCEPT, FRAMEWORK))

    def get(self, path: str, expand: str = "") -> Call:
        """Ask for one member by its path below the release."""
        asked = _expanded(expand).replace("&", "?", 1)
        return Call("GET", f"{self._root}{path}{asked}", headers=(ACCEPT, FRAMEWORK))

    def create(self, resource: str, body: Any, *, upsert: bool = False) -> Call:
        """Create a member; `body` gives its fields when asked."""
        mode = (("Upsert-Mode", "true"),) if upsert else ()
        headers = (("Content-Type", ITEM_TYPE), ACCEPT, FRAMEWORK, *mode)
        return Call("POST", f"{self._root}{resource}", lambda: write_json(body()).encode(), headers)

    def change(self, path: str, fields: Mapping[str, Any]) -> Call:
        """Set fields of a member."""
        headers = (("Content-Type", ITEM_TYPE), ACCEPT, FRAMEWORK)
        return Call("PATCH", f"{self._root}{path}", lambda: write_json(fields).encode(), headers)

    def delete(self, path: str) -> Call:
        """Remove a member."""
        return Call("DELETE", f"{self._root}{path}", headers=(ACCEPT, FRAMEWORK))

    def action(self, path: str, name: str, **parameters: str) -> Call:
        """Call an action of a member."""
        body = {"name": name, "parameters": [{key: value} for key, value in parameters.items()]}
        headers = (("Content-Type", ACTION_TYPE), ACCEPT, FRAMEWORK)
        return Call("POST", f"{self._root}{path}/action/{name}", lambda: write_json(body).encode(), headers)


def members(answer: Answer) -> list[dict[str, Any]] | None:
    """Give the members that a query's answer holds; None where it is no collection."""
    return items(answer.fields)


def items(value: Any) -> list[dict[str, Any]] | None:
    """Give a collection's members: `{"items": [...]}` from version 3, an array before it."""
    found = value.get("items") if isinstance(value, dict) else value
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else None


def children(member: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Give a member's children of one name; empty where they were not asked for."""
    return items(member.get(name)) or []


def own_path(member: Mapping[str, Any], resource: str) -> str:
    """Give a member's path below the release, off its link to itself; empty where it has none."""
    for link in member.get("links") or ():
        if isinstance(link, dict) and link.get("rel") in ("self", "canonical"):
            _, found, tail = text_at(link, "href").rpartition(f"/{resource}/")
            if found and tail and "/" not in tail:
                return f"{resource}/{tail}"
    return ""


@lru_cache(maxsize=1_024)
def _query(root: str, resource: str, conditions: tuple[tuple[str, str], ...], expand: str, limit: int) -> str:
    """Give a query's address; a series asks for it again each time that it is run anew."""
    q = " and ".join(_condition(name, value) for name, value in conditions)
    return f"{root}{resource}?q={quote(q, safe='')}&limit={limit}{_expanded(expand)}"


def _condition(name: str, value: str) -> str:
    quoted = value.replace("'", "''")
    return f"{name} LIKE '{quoted}'" if value.endswith("%") else f"{name}='{quoted}'"


def _expanded(names: str) -> str:
    return f"&expand={quote(names, safe=',.')}" if names else ""
