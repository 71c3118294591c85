"""What the pod insists on in a request: media types, JSON, known fields, actions by their name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from simulators.cloud_erp.base import exact_json
from simulators.cloud_erp.oracle_fusion import replies
from simulators.cloud_erp.oracle_fusion.replies import Detail, framework_version
from simulators.cloud_erp.oracle_fusion.resources import RULES
from simulators.cloud_erp.oracle_fusion.schedules import ActionRefusedError
from simulators.cloud_erp.oracle_fusion.store import Store

ACTION_TYPE = "application/vnd.oracle.adf.action+json"


def taken(
    request: web.Request, body: bytes, entity: str, *, is_create: bool = True
) -> tuple[dict[str, Any] | None, web.Response]:
    """Judge a body: give its fields, or what is wrong with it."""
    version = framework_version(request)
    if request.content_type not in (replies.ITEM_TYPE, "application/json"):
        return None, replies.error(
            version, 415, [Detail(f"{request.content_type} isn't supported.", "27502")]
        )
    try:
        fields = exact_json.read(body)
    except ValueError:
        return None, replies.error(version, 400, [Detail("The payload isn't valid JSON.", "27511")])
    problems = RULES.problems(entity, fields, is_create=is_create)
    if problems:
        details = [
            Detail(each.text, "27014" if each.rule != "unknown" else "27021", each.path) for each in problems
        ]
        return None, replies.error(version, 400, details)
    return fields, web.Response()


def acted(
    store: Store,
    request: web.Request,
    body: bytes,
    resource: str,
    name: str,
    act: Callable[[dict[str, Any]], dict[str, Any]],
) -> web.Response:
    """Carry out an action on a member; its media type is insisted on."""
    version = framework_version(request)
    if request.content_type != ACTION_TYPE:
        return replies.error(version, 415, [Detail(f"{request.content_type} isn't an action.", "27502")])
    try:
        asked = exact_json.read(body)
    except ValueError:
        asked = None
    if (
        not isinstance(asked, dict)
        or asked.get("name") != name
        or not isinstance(asked.get("parameters"), list)
    ):
        return replies.error(version, 400, [Detail(f"expected name {name} and parameters", "27511")])
    fields = store.fields(resource, request.match_info["id"])
    if fields is None:
        return replies.error(version, 404, [Detail("The resource isn't available.", "27500")])
    try:
        text = exact_json.write(act(fields))
    except ActionRefusedError as refused:
        return replies.error(version, 400, [refused.detail])
    return web.Response(text=text, content_type="application/vnd.oracle.adf.actionresult+json")
