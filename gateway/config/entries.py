"""The files of a configuration, taken apart into entries: each endpoint, partner and route by itself.

Entries are judged one by one, so that a mistake in one hides no mistake in another. Nothing here
knows what an entry may say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from adapters.base import Finding, Position
from adapters.base.yaml import MappingNode, Node, ScalarNode, SequenceNode, YamlError, load_yaml, position_of
from gateway.config.configuration import Places
from gateway.config.files import FILES_MAX, FileError, Files, is_inside, is_pattern, reserved_line
from gateway.config.problems import suggestion

SINGLE = ("gateway", "defaults")  # in the main file only
NAMED = ("endpoints", "partners", "crosswalks", "mappings", "layouts")
INCLUDABLE = (*NAMED, "routes")
MAIN = ("version", "include", *SINGLE, *INCLUDABLE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that is declared: ``node`` at ``prefix`` below the root of its file."""

    section: str
    name: str
    node: Node
    root: Node
    prefix: tuple[str | int, ...]

    def at(self, *path: str | int) -> Position:
        """Give the place of a part of it."""
        return position_of(self.root, (*self.prefix, *path))


@dataclass(slots=True)
class Parts:
    """Everything that was read."""

    source: str
    entries: list[Entry] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)  # of included files, by name

    def places(self) -> Places:
        """Give where everything stands."""
        found = {(each.section, each.name): (each.root, each.prefix) for each in reversed(self.entries)}
        return Places(self.source, found)


def read_parts(source: str, text: str, files: Files, name_of: str = "{}") -> Parts:
    """Read the main text and all that it includes. ``name_of``: what findings call an included file."""
    parts = Parts(source)
    root = _root(parts, source, text)
    if root is None:
        return parts
    _take_apart(parts, root, MAIN)
    for name, asked in _included(parts, root, files):
        try:
            included = files.read(name)
        except FileError as error:
            _add(parts, "CONFIG-INCLUDE", asked.at, str(error))
            continue
        parts.texts[name] = included
        if (part := _root(parts, name_of.format(name), included)) is not None:
            _take_apart(parts, part, INCLUDABLE)
    return parts


def _root(parts: Parts, source: str, text: str) -> MappingNode | None:
    if (line := reserved_line(text)) is not None:
        at = Position(source, line, 1)
        _add(parts, "CONFIG-RESERVED", at, "a line that begins with '#@ file ' is ours; change the comment")
        return None
    try:
        root = load_yaml(text, source)
    except YamlError as error:
        parts.findings.extend(error.findings)
        if error.root is None:
            return None
        root = error.root  # what could be read is judged, too: all mistakes at once
    if not isinstance(root, MappingNode):
        _add(parts, "CONFIG-VALUE", root.at, "expected sections such as gateway, endpoints and routes")
        return None
    return root


def _take_apart(parts: Parts, root: MappingNode, allowed: tuple[str, ...]) -> None:
    for key, node in root.entries:
        if key.text not in allowed:
            where = "" if key.text not in MAIN else " in an included file"
            told = f"unknown key '{key.text}'{where}; {suggestion(key.text, allowed)}"
            _add(parts, "CONFIG-UNKNOWN-KEY", key.at, told)
        elif key.text in SINGLE:
            parts.entries.append(Entry(key.text, "", node, root, (key.text,)))
        elif key.text in NAMED:
            _named(parts, root, key, node)
        elif key.text == "routes":
            _routes(parts, root, node)
        elif key.text == "version":
            _version(parts, node)


def _named(parts: Parts, root: MappingNode, section: ScalarNode, node: Node) -> None:
    if not isinstance(node, MappingNode):
        _add(parts, "CONFIG-VALUE", section.at, "expected names with settings below them")
        return
    for key, value in node.entries:
        _declare(parts, Entry(section.text, key.text, value, root, (section.text, key.text)))


def _routes(parts: Parts, root: MappingNode, node: Node) -> None:
    if not isinstance(node, SequenceNode):
        _add(parts, "CONFIG-VALUE", node.at, "expected a list: one '- id: ...' for each route")
        return
    for index, route in enumerate(node.entries):
        named = route.get("id") if isinstance(route, MappingNode) else None
        name = named.text if isinstance(named, ScalarNode) and named.text else f"[{index}]"
        _declare(parts, Entry("routes", name, route, root, ("routes", index)))


def _declare(parts: Parts, entry: Entry) -> None:
    first = next((each for each in parts.entries if _same(each, entry)), None)
    path = ("id",) if entry.section == "routes" else ()
    if first is not None and not entry.name.startswith("["):
        at = first.at(*path)
        told = f"'{entry.name}' is declared already, in {at.source} line {at.line}; rename one of them"
        _add(parts, "CONFIG-TWICE", entry.at(*path), told)
    parts.entries.append(entry)


def _same(one: Entry, other: Entry) -> bool:
    return one.section == other.section and one.name == other.name


def _version(parts: Parts, node: Node) -> None:
    if node.plain() != "1":
        _add(parts, "CONFIG-VALUE", node.at, "expected version: 1, the only one there is")


def _included(parts: Parts, root: MappingNode, files: Files) -> Iterator[tuple[str, ScalarNode]]:
    """Give each included file once, with the text that asked for it."""
    seen: set[str] = set()
    for asked in _asked(parts, root):
        if not is_inside(asked.text):
            told = f"'{asked.text}' leads out of the folder of routes.yaml; keep included files inside"
            _add(parts, "CONFIG-INCLUDE", asked.at, told)
            continue
        if "**" in asked.text:
            _add(
                parts, "CONFIG-INCLUDE", asked.at, "'**' is not supported; name each folder: partners/*.yaml"
            )
            continue
        names = files.matching(asked.text) if is_pattern(asked.text) else [asked.text]
        if len(names) > FILES_MAX:
            _add(parts, "CONFIG-INCLUDE", asked.at, f"'{asked.text}' matches more than {FILES_MAX} files")
            continue
        if not names:
            _add(parts, "CONFIG-INCLUDE", asked.at, f"'{asked.text}' matches no file")
        for name in names:
            if name not in seen:
                seen.add(name)
                yield name, asked


def _asked(parts: Parts, root: MappingNode) -> list[ScalarNode]:
    node = root.get("include")
    if node is None:
        return []
    entries = node.entries if isinstance(node, SequenceNode) else (node,)
    texts = [each for each in entries if isinstance(each, ScalarNode) and each.text]
    if len(texts) != len(entries):
        _add(parts, "CONFIG-VALUE", node.at, "expected a file or pattern, or a list of them: partners/*.yaml")
    return texts


def _add(parts: Parts, code: str, at: Position, text: str) -> None:
    parts.findings.append(Finding(code, at, text))
