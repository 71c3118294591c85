"""Reading one canonical object, as Python source that is written and compiled once.

An order of fifty lines has a thousand fields; as closures, calling one for each took twice the time of
all the rest. What is plain (a text from one field, perhaps converted) is written out in a row; what is not
stays a closure and is called. Only names from `repr` and numbers of our own get into the source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from adapters.mapping.plan import Leaf, ListNode, ObjectNode
from adapters.mapping.read_values import no_text
from adapters.mapping.records import ITSELF, SourcePath, path_text
from adapters.mapping.run import UnfitError, fitted

Read = Callable[[Any, Any], Any]
Compile = Callable[[Any], Read]  # compiles a leaf, an object or a list into a closure of its own


def object_reader(node: ObjectNode, compiled: Compile, is_apart: Callable[[ObjectNode], bool]) -> Read:
    """Give what reads an object: `(record, run) -> dict | None`.

    ``compiled``: makes the closure of a member that is not plain. ``is_apart``: tells whether an object
    below must be read by a closure of its own (it keeps codes as sent, or is a date).
    """
    writer = _Writer(compiled, is_apart)
    writer.write_object(node, "out", "    ")
    lines = ["def build(record, run):", *writer.prefixes(), *writer.lines]
    lines += [
        "    if not out:",
        "        return None",
        *_fills(writer, node, "out", "    "),
        "    return out",
    ]
    names = writer.names | {
        "UnfitError": UnfitError,
        "fitted": fitted,
        "no_text": no_text,
        "nothing": _nothing,
    }
    exec(compile("\n".join(lines), "<mapping>", "exec"), names)  # noqa: S102 - our own source, see above
    build: Read = names["build"]
    return build


def _nothing(name: str) -> None:
    return None


class _Writer:
    def __init__(self, compiled: Compile, is_apart: Callable[[ObjectNode], bool]) -> None:
        self._compiled = compiled
        self._is_apart = is_apart
        self.lines: list[str] = []
        self.names: dict[str, Any] = {}
        self._getters: dict[SourcePath, str] = {(): "get"}

    def prefixes(self) -> list[str]:
        """Give the lines that find each record below the one at hand, once for all its fields."""
        lines = ["    get = record.get"]
        for path, name in self._getters.items():
            if path:
                above = self._getters[path[:-1]]
                lines += [
                    f"    found = {above}({path[-1]!r})",
                    f"    {name} = found.get if found.__class__ is dict else nothing",
                ]
        return lines

    def write_object(self, node: ObjectNode, out: str, indent: str) -> None:
        """Write the reading of an object into the variable ``out``; its fills are the caller's."""
        self.lines.append(f"{indent}{out} = {{}}")
        for name, member in node.members.items():
            match member:
                case Leaf():
                    if member.spec.const is None and member.spec.only != "write":
                        self._leaf(member, f"{out}[{name!r}] = ", indent)
                case ObjectNode() if not self._is_apart(member):
                    inner = self._variable()
                    self.write_object(member, inner, indent)
                    self._keep(member, inner, f"{out}[{name!r}] = {inner}", indent)
                case ListNode() if not member.groups and not _has_leaves(member):
                    self._slots(member, name, out, indent)
                case _:
                    self._call(self._compiled(member), f"{out}[{name!r}] = ", indent)
        for name, leaves in node.free.items():
            self._call(self._compiled(leaves), f"{out}[{name!r}] = ", indent)

    def name(self, value: object) -> str:
        """Give a name for a value that the source needs."""
        name = f"x{len(self.names)}"
        self.names[name] = value
        return name

    def _slots(self, member: ListNode, name: str, out: str, indent: str) -> None:
        entries = self._variable()
        self.lines.append(f"{indent}{entries} = []")
        for slot in member.slots:
            if not isinstance(slot.node, ObjectNode) or self._is_apart(slot.node):
                self._call(self._compiled(slot.node), f"{entries}.append(", indent, ")")
                continue
            inner = self._variable()
            self.write_object(slot.node, inner, indent)
            self._keep(slot.node, inner, f"{entries}.append({inner})", indent)
        self.lines += [f"{indent}if {entries}:", f"{indent}    {out}[{name!r}] = {entries}"]

    def _keep(self, node: ObjectNode, variable: str, keeping: str, indent: str) -> None:
        self.lines.append(f"{indent}if {variable}:")
        self.lines += _fills(self, node, variable, indent + "    ")
        self.lines.append(f"{indent}    {keeping}")

    def _leaf(self, leaf: Leaf, keeping: str, indent: str) -> None:
        if not _is_plain(leaf):
            self._call(self._compiled(leaf), keeping, indent)
            return
        path = leaf.sources[0]
        shown = path_text(path)
        convert = leaf.converter.read
        self.lines += [
            f"{indent}text = {self._getter(path[:-1])}({path[-1]!r})",
            f"{indent}if text.__class__ is str:",
            f"{indent}    if text and not text.isspace():",
        ]
        if convert is None:
            self.lines.append(f"{indent}        {keeping}text")
        else:
            self.lines += [
                f"{indent}        try:",
                f"{indent}            value = {self.name(convert)}(text, run)",
                f"{indent}        except UnfitError as error:",
                f"{indent}            run.refuse({shown!r}, fitted(error, text, {leaf.is_sensitive!r}))",
                f"{indent}        else:",
                f"{indent}            if value is not None:",
                f"{indent}                {keeping}value",
            ]
        self.lines += [f"{indent}elif text is not None:", f"{indent}    no_text(text, {shown!r}, run)"]

    def _call(self, read: Read, keeping: str, indent: str, end: str = "") -> None:
        self.lines += [
            f"{indent}value = {self.name(read)}(record, run)",
            f"{indent}if value is not None:",
            f"{indent}    {keeping}value{end}",
        ]

    def _getter(self, above: SourcePath) -> str:
        for length in range(1, len(above) + 1):
            self._getters.setdefault(above[:length], f"get{len(self._getters)}")
        return self._getters[above]

    def _variable(self) -> str:
        return f"v{sum(1 for line in self.lines if ' = {}' in line or ' = []' in line)}"


def _fills(writer: _Writer, node: ObjectNode, variable: str, indent: str) -> list[str]:
    lines = []
    for name, fill in node.fills.items():
        lines += [
            f"{indent}if {name!r} not in {variable}:",
            f"{indent}    {variable}[{name!r}] = {writer.name(fill)}",
        ]
    return lines


def _is_plain(leaf: Leaf) -> bool:
    """Tell whether a value comes from one text of one field, whatever converts it."""
    spec, converter = leaf.spec, leaf.converter
    is_single = len(leaf.sources) == 1 and spec.first_of is None and leaf.shape.kind != "texts"
    is_direct = converter.prepare is None and not spec.absent and not spec.when and not converter.keeps_raw
    path: Mapping[int, Any] | SourcePath = leaf.sources[0] if leaf.sources else ()
    return is_single and is_direct and path != (ITSELF,) and all(isinstance(step, str) for step in path)


def _has_leaves(member: ListNode) -> bool:
    return any(isinstance(slot.node, Leaf) for slot in member.slots)
