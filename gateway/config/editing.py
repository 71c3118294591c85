"""One entry put into routes.yaml as text, so that every comment and every line around it stays. Pure.

The file is written for people: it is not written anew from what was read. The place is found by the
YAML parser's own marks, and the result is read again: it must say what it said before and the new entry.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from adapters.base.yaml import YamlError, load_yaml


class EditError(Exception):
    """The text cannot be edited safely; the text says what to add by hand."""


def with_ignore(text: str, route: str, rule: Mapping[str, str]) -> str:
    """Give the file's text with one more entry in ``compare.ignore`` of a route. Errors: EditError."""
    entry = "{" + ", ".join(f"{name}: {_quoted(value)}" for name, value in rule.items()) + "}"
    by_hand = f"add it by hand, below compare.ignore of route '{route}': - {entry}"
    root = YAML(typ="rt").compose(text)
    compare = _value(_route(root, route), "compare")
    if not isinstance(compare, MappingNode):
        raise EditError(f"route '{route}' declares no compare in this file; {by_hand}")
    at, inserted = _insertion(text, compare, entry)
    edited = text[:at] + inserted + text[at:]
    if not _says_just_that(text, edited, route, rule):
        raise EditError(f"the file is written in a way that cannot be edited safely; {by_hand}")
    return edited


def has_ignore(text: str, route: str, rule: Mapping[str, str]) -> bool:
    """Tell whether the file's text ignores the same thing already, for as long. Errors: YamlError."""
    read: Any = load_yaml(text, "routes.yaml").plain()
    for each in read.get("routes", ()):
        compare = each.get("compare") if each.get("id") == route else None
        for known in (compare or {}).get("ignore") or ():
            is_same = all(known.get(name) == rule.get(name) for name in ("path", "legacy", "cloud"))
            if is_same and str(known.get("until")) >= rule["until"]:
                return True
    return False


def _insertion(text: str, compare: MappingNode, entry: str) -> tuple[int, str]:
    """Give where what is put in."""
    ignore = _value(compare, "ignore")
    if isinstance(ignore, SequenceNode) and ignore.flow_style:
        comma = ", " if ignore.value else ""
        return _close(ignore), f"{comma}{entry}"
    if isinstance(ignore, SequenceNode):
        indent = " " * ignore.start_mark.column
        return _line_end(text, _last(ignore)), f"\n{indent}- {entry}"
    if compare.flow_style:
        return _close(compare), f", ignore: [{entry}]"
    indent = " " * compare.start_mark.column
    return _line_end(text, _last(compare)), f"\n{indent}ignore:\n{indent}  - {entry}"


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _route(root: Node | None, name: str) -> Node | None:
    routes = _value(root, "routes")
    every = routes.value if isinstance(routes, SequenceNode) else []
    return next((each for each in every if getattr(_value(each, "id"), "value", None) == name), None)


def _value(node: Node | None, name: str) -> Node | None:
    if not isinstance(node, MappingNode):
        return None
    return next((value for key, value in node.value if key.value == name), None)


def _close(node: Node) -> int:
    """Give the index of a flow collection's closing bracket, or of the blanks before it."""
    return int(node.end_mark.index) - 1


def _last(node: Node) -> int:
    """Give where the last leaf of a block ends; the mark of a block itself lies behind its comments."""
    if isinstance(node, MappingNode) and not node.flow_style and node.value:
        return _last(node.value[-1][1])
    if isinstance(node, SequenceNode) and not node.flow_style and node.value:
        return _last(node.value[-1])
    return int(node.end_mark.index)


def _line_end(text: str, index: int) -> int:
    found = text.find("\n", index)
    return len(text) if found == -1 else found


def _says_just_that(before: str, after: str, route: str, rule: Mapping[str, str]) -> bool:
    try:
        old, new = (load_yaml(text, "routes.yaml").plain() for text in (before, after))
    except YamlError:
        return False
    expected: Any = copy.deepcopy(old)
    for each in expected.get("routes", ()):
        if each.get("id") == route:
            each["compare"].setdefault("ignore", []).append(dict(rule))
    return bool(expected == new)
