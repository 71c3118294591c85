"""YAML that keeps its positions: a tree of nodes, every scalar text, every mistake with line and column.

What people write for us (routes.yaml, mappings, layouts) is YAML 1.2 read without types: ``01``
stays ``01`` and ``no`` stays ``no``, because partner ids and codes look like that; the model that
takes a value converts it. Tags, merge keys and repeated keys are refused, aliases are bounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from adapters.base.findings import Finding, Position
from adapters.base.yaml_mistakes import mistake_of

TEXT_CHARACTERS_MAX = 4 * 1024 * 1024
NODES_MAX = 200_000  # aliases counted as often as they are used
NESTING_MAX = 32
FINDINGS_MAX = 200

Plain: TypeAlias = "str | list[Plain] | dict[str, Plain]"


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """One scalar, as text. ``is_quoted`` tells ``""`` from a value that was left out."""

    text: str
    at: Position
    is_quoted: bool = False
    size: int = 1

    def plain(self) -> str:
        """Give the text."""
        return self.text


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list of nodes, in order."""

    entries: tuple[Node, ...]
    at: Position
    size: int = 1

    def plain(self) -> list[Plain]:
        """Give plain Python lists, dicts and texts."""
        return [entry.plain() for entry in self.entries]


@dataclass(frozen=True, slots=True)
class MappingNode:
    """Keys and values in the order of the file; no key is repeated."""

    entries: tuple[tuple[ScalarNode, Node], ...]
    at: Position
    size: int = 1

    def plain(self) -> dict[str, Plain]:
        """Give plain Python dicts, lists and texts."""
        return {key.text: value.plain() for key, value in self.entries}

    def get(self, name: str) -> Node | None:
        """Give the value of a key, or None."""
        return next((value for key, value in self.entries if key.text == name), None)

    def key(self, name: str) -> ScalarNode | None:
        """Give the key itself, for its position, or None."""
        return next((key for key, _ in self.entries if key.text == name), None)


Node: TypeAlias = ScalarNode | SequenceNode | MappingNode


class YamlError(Exception):
    """A text is not the YAML we take; ``findings`` holds everything wrong with it.

    ``root`` is the text without what was found wrong, where it could be read to its end: whoever judges
    what it says can go on, and tell all mistakes at once. Nothing may be done with it.
    """

    def __init__(self, findings: Sequence[Finding], root: Node | None = None) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)
        self.root = root


def load_yaml(text: str | bytes, source: str) -> Node:
    """Read one YAML 1.2 document into nodes; an empty text is an empty mapping.

    Errors: YamlError with every repeated key, tag, merge key and unknown alias at once; a text that
    cannot be scanned ends the search. Codes: YAML-SYNTAX, YAML-REPEATED-KEY, YAML-KEY, YAML-TAG,
    YAML-ALIAS, YAML-VERSION, YAML-DOCUMENTS, YAML-SIZE, YAML-NESTING.
    Source: YAML 1.2.2, chapters 3.2.1.3 (keys are unique) and 6.8.1 (the %YAML directive).
    """
    return _Loader(source).load(text)


def position_of(root: Node, path: Sequence[str | int]) -> Position:
    """Give the place in the file of a path of keys and indexes, such as pydantic's ``loc``.

    A key has its own position, a missing one that of the mapping which lacks it. Parts of the path
    that are not in the file (the tags of a union) are passed over; ``path`` names the parts that are,
    and a missing last part.
    """
    node, at, names = root, root.at, list[str]()
    for depth, part in enumerate(path):
        if isinstance(node, MappingNode) and (key := node.key(str(part))) is not None:
            value = node.get(key.text)
            node, at = value if value is not None else node, key.at
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.entries):
            node = node.entries[part]
            at = node.at
        elif depth < len(path) - 1 or not isinstance(node, MappingNode):
            continue
        names.append(f"[{part}]" if isinstance(part, int) else f".{part}")
    return Position(at.source, at.line, at.column, "".join(names).lstrip("."))


class _Fatal(Exception):  # noqa: N818 - control flow inside this file
    """The rest of the text cannot be judged."""


class _Loader:
    """Builds nodes from ruamel's events: its composer and constructors, which type scalars, stay out."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.findings: list[Finding] = []
        self.anchors: dict[str, Node | None] = {}  # None while the anchored node is being read
        self.events: Iterator[Event] = iter(())

    def load(self, text: str | bytes) -> Node:
        root: Node | None = None
        try:
            self.events = self._parse(self._decoded(text))
            root = self._document()
        except _Fatal:
            pass
        if self.findings or root is None:
            raise YamlError(self.findings, root)
        return root

    def _decoded(self, text: str | bytes) -> str:
        if len(text) > TEXT_CHARACTERS_MAX:
            self._fatal(
                "YAML-SIZE", self._at(1, 1, ""), f"the text is longer than {TEXT_CHARACTERS_MAX} characters"
            )
        if isinstance(text, str):
            return text.removeprefix("\ufeff")
        try:
            return text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = text.count(b"\n", 0, error.start) + 1
            self._fatal(
                "YAML-SYNTAX", self._at(line, None, ""), "this line is not UTF-8; save the file as UTF-8"
            )

    def _parse(self, text: str) -> Iterator[Event]:
        try:
            yield from YAML(typ="safe", pure=True).parse(text)
        except MarkedYAMLError as error:
            mistake = mistake_of(text, error)
            self._fatal("YAML-SYNTAX", self._at(mistake.line, mistake.column, ""), mistake.text)
        except ReaderError as error:
            before = text[: error.position]
            at = self._at(before.count("\n") + 1, error.position - (before.rfind("\n") + 1) + 1, "")
            self._fatal(
                "YAML-SYNTAX", at, f"character {ord(text[error.position]):#06x} has no place in a text file"
            )
        except (YAMLError, ValueError) as error:
            self._fatal("YAML-SYNTAX", self._at(None, None, ""), f"this is not YAML: {error}")

    def _document(self) -> Node:
        root: Node | None = None
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                if root is not None:
                    self._fatal(
                        "YAML-DOCUMENTS",
                        self._place(event, ""),
                        "a second document begins; expected one only",
                    )
                if event.version not in (None, (1, 2)):
                    found = ".".join(str(part) for part in event.version or ())
                    self._add(
                        "YAML-VERSION",
                        self._place(event, ""),
                        f"%YAML {found} is declared; expected 1.2 or nothing",
                    )
            elif isinstance(event, NodeEvent):
                root = self._node(event, "", 0)
        return root if root is not None else MappingNode((), self._at(1, 1, ""))

    def _node(self, event: Event, path: str, depth: int) -> Node:
        at = self._place(event, path)
        if depth > NESTING_MAX:
            self._fatal("YAML-NESTING", at, f"this is nested more than {NESTING_MAX} levels deep")
        if isinstance(event, AliasEvent):
            return self._aliased(event, at)
        if isinstance(event, NodeEvent) and event.anchor is not None:
            self.anchors[event.anchor] = None
        tag = getattr(event, "tag", None)
        if tag not in (None, "!", "tag:yaml.org,2002:str"):
            self._add("YAML-TAG", at, f"tag '{tag}' is not supported; remove it, every value is read as text")
        node = self._bounded(self._untagged(event, at, path, depth))
        if isinstance(event, NodeEvent) and event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def _untagged(self, event: Event, at: Position, path: str, depth: int) -> Node:
        match event:
            case ScalarEvent():
                return ScalarNode(event.value, at, event.style is not None)
            case SequenceStartEvent():
                return self._sequence(at, path, depth)
            case MappingStartEvent():
                return self._mapping(at, path, depth)
            case _:
                raise AssertionError(f"{type(event).__name__} cannot begin a node")

    def _sequence(self, at: Position, path: str, depth: int) -> SequenceNode:
        entries: list[Node] = []
        size = 1
        for event in self.events:
            if isinstance(event, SequenceEndEvent):
                break
            entries.append(self._node(event, f"{path}[{len(entries)}]", depth + 1))
            size += entries[-1].size
            self._bound_size(size, at)
        return SequenceNode(tuple(entries), at, size)

    def _mapping(self, at: Position, path: str, depth: int) -> MappingNode:
        entries: dict[str, tuple[ScalarNode, Node]] = {}
        size = 1
        for event in self.events:
            if isinstance(event, MappingEndEvent):
                break
            key = self._key(event, path, depth)
            value = self._node(next(self.events), f"{path}.{key.text}".lstrip("."), depth + 1)
            if (first := entries.get(key.text)) is not None:
                text = (
                    f"'{key.text}' is repeated; its first use is in line {first[0].at.line}; keep one of them"
                )
                self._add("YAML-REPEATED-KEY", key.at, text)
                continue
            entries[key.text] = (key, value)
            size += 1 + value.size
            self._bound_size(size, at)
        return MappingNode(tuple(entries.values()), at, size)

    def _key(self, event: Event, path: str, depth: int) -> ScalarNode:
        node = self._node(event, path, depth + 1)
        if not isinstance(node, ScalarNode):
            self._add("YAML-KEY", node.at, "a key is a list or a mapping; expected a text")
            return ScalarNode(f"(key in line {node.at.line}, column {node.at.column})", node.at)
        if node.text == "<<" and not node.is_quoted:
            self._add("YAML-KEY", node.at, "merge keys (<<) are not part of YAML 1.2; write the keys out")
        at = Position(node.at.source, node.at.line, node.at.column, f"{path}.{node.text}".lstrip("."))
        return ScalarNode(node.text, at, node.is_quoted)

    def _aliased(self, event: AliasEvent, at: Position) -> Node:
        if event.anchor not in self.anchors:
            self._add(
                "YAML-ALIAS",
                at,
                f"alias '*{event.anchor}' has no anchor '&{event.anchor}' before it; where it is meant as a "
                f'value, put it into quotes: "*{event.anchor}"',
            )
            return ScalarNode("", at)
        node = self.anchors[event.anchor]
        if node is None:
            self._fatal("YAML-ALIAS", at, f"alias '*{event.anchor}' stands inside its own anchor")
        return node

    def _bounded(self, node: Node) -> Node:
        self._bound_size(node.size, node.at)
        return node

    def _bound_size(self, size: int, at: Position) -> None:
        if size > NODES_MAX:
            text = f"more than {NODES_MAX} values, aliases counted each time; this is no configuration"
            self._fatal("YAML-SIZE", at, text)

    def _place(self, event: Event, path: str) -> Position:
        mark: Any = event.start_mark
        return self._at(mark.line + 1, mark.column + 1, path)

    def _at(self, line: int | None, column: int | None, path: str) -> Position:
        return Position(self.source, line, column, path)

    def _add(self, code: str, at: Position, text: str) -> None:
        self.findings.append(Finding(code, at, text))
        if len(self.findings) >= FINDINGS_MAX:
            raise _Fatal

    def _fatal(self, code: str, at: Position, text: str) -> NoReturn:
        self.findings.append(Finding(code, at, text))
        raise _Fatal
