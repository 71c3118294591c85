"""One level's canonical object, as Python source that reads variables instead of a record. Pure.

An adapter that walks its input by source of its own (SOAP: ``adapters.soap.fused``) fills one variable for
each source path that a level reads; what is written here makes the same object of them as ``reader`` makes
of a record. It knows no findings: whatever is not as it should be ends the attempt, and the message is
read again by way of records, which tell what is wrong. Only names from `repr` and numbers of our own get
into the source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from adapters.mapping.conditions import condition_test
from adapters.mapping.plan import GroupNode, Leaf, LevelNode, ListNode, ObjectNode
from adapters.mapping.read_values import RAW_KEY_CHARACTERS_MAX, leaf_reader
from adapters.mapping.reader import dated, is_apart, keeps_raw, unmapped_required
from adapters.mapping.records import SourcePath, path_text, source_path
from adapters.mapping.remembered import Remembered, comes_again
from adapters.mapping.spec import GroupSpec


class NotFusedError(Exception):
    """A mapping or a type has something that is read by way of records only; the text says what."""


class IrregularError(Exception):
    """A message is not as the fused reader knows it; it is read by way of records."""


class Code:
    """Source that is being written: its lines, the values that it names, its variables."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"IrregularError": IrregularError}
        self.untrimmed: set[str] = set()  # variables whose text may be of blanks only
        self.decimals: set[str] = set()  # variables whose text a schema has found to be an xs:decimal
        self._variables = 0

    def add(self, indent: str, *lines: str) -> None:
        """Add lines, all of one indent."""
        self.lines += [indent + line for line in lines]

    def variable(self, kind: str = "v") -> str:
        """Give a variable that nobody has."""
        self._variables += 1
        return f"{kind}{self._variables}"

    def name(self, value: object) -> str:
        """Give a name for a value that the source needs."""
        name = f"x{len(self.names)}"
        self.names[name] = value
        return name

    def function(self, head: str, name: str) -> Callable[..., Any]:
        """Compile all lines as the body of a function."""
        text = "\n".join([head, *self.lines])
        exec(compile(text, "<fused>", "exec"), self.names)  # noqa: S102 - our own source, see above
        made: Callable[..., Any] = self.names[name]
        return made


def read_of(level: LevelNode) -> dict[SourcePath, str]:
    """Give the source paths that a level reads, as "one" text or as "many"; those of its groups not.

    Errors: NotFusedError for what is read by way of records only.
    """
    if level.spec.rest or any(not spec.ignore and spec.verify for _, spec, _ in level.source):
        raise NotFusedError("the mapping keeps or checks what stands in the record as a whole")
    wanted: dict[SourcePath, str] = {}
    for leaf in level.leaves:
        if leaf.spec.const is not None or leaf.spec.only == "write":
            continue
        how = "many" if leaf.shape.kind == "texts" else "one"
        for path in _sources(leaf):
            _want(wanted, path, how if path in leaf.sources else "one")
    if isinstance(level.spec, GroupSpec):
        for name in level.spec.when:
            _want(wanted, source_path(name), "one")
    for path in wanted:
        if not all(isinstance(step, str) for step in path):
            raise NotFusedError(f"{path_text(path)} selects one record of several")
    return wanted


def _want(wanted: dict[SourcePath, str], path: SourcePath, how: str) -> None:
    if wanted.setdefault(path, how) != how:
        raise NotFusedError(f"{path_text(path)} is read as one text and as several")


def _sources(leaf: Leaf) -> list[SourcePath]:
    return [*leaf.sources, *(source_path(name) for name in leaf.spec.when)]


def write_level(
    code: Code,
    level: LevelNode,
    variables: Mapping[SourcePath, str],
    groups: Mapping[int, str],
    indent: str,
    *,
    is_root: bool = False,
) -> str:
    """Write the making of a level's object; give the variable that holds it.

    ``groups``: by id of its GroupNode, the variable with the entries that a group has made.
    Errors: NotFusedError.
    """
    writer = _ObjectWriter(code, variables, groups)
    out = writer.object(level.node, indent)
    code.add(indent, f"if not {out}:")
    if is_root:
        code.add(indent, f"    {out} = {code.name(dict(level.node.fills))}.copy()")
    else:
        code.add(indent, "    raise IrregularError")
    return out


def write_condition(code: Code, group: GroupNode, variables: Mapping[SourcePath, str], indent: str) -> str:
    """Write the test of a group's condition, if it has one; give the indent of what depends on it."""
    test = condition_test(group.spec.when)
    if test is None:
        return indent
    record = record_text([source_path(name) for name in group.spec.when], variables)
    code.add(indent, f"if {code.name(test)}({record}):")
    return indent + "    "


def write_append(code: Code, group: GroupNode, entries: str, out: str, indent: str) -> None:
    """Write adding an entry to its group's list. Errors: NotFusedError."""
    node = group.level.node
    if keeps_raw(node) and "raw_codes" not in node.model.model_fields:
        raise NotFusedError("a group keeps its codes in the object around it")
    if _is_numbered(group):
        code.add(indent, f"{out}['sequence'] = len({entries}) + 1")
    code.add(indent, f"{entries}.append({out})")


def _is_numbered(group: GroupNode) -> bool:
    return "sequence" in unmapped_required(group.level.node)


def record_text(paths: Iterable[SourcePath], variables: Mapping[SourcePath, str]) -> str:
    """Write a record that holds these paths only."""
    tree: dict[str, Any] = {}
    for path in paths:
        place = tree
        for step in path[:-1]:
            place = place.setdefault(str(step), {})
        place[str(path[-1])] = variables[path]
    return _dict_text(tree)


def _dict_text(tree: Mapping[str, Any]) -> str:
    inside = ", ".join(
        f"{key!r}: {_dict_text(value) if isinstance(value, dict) else value}" for key, value in tree.items()
    )
    return f"{{{inside}}}"


class _ObjectWriter:
    def __init__(self, code: Code, variables: Mapping[SourcePath, str], groups: Mapping[int, str]) -> None:
        self._code = code
        self._variables = variables
        self._groups = groups
        self._raw = ""

    def object(self, node: ObjectNode, indent: str) -> str:
        """Write an object with its fills, empty (or None) where nothing makes it; give its variable."""
        code, out, outer = self._code, self._code.variable("o"), self._raw
        own_raw = "raw_codes" in node.model.model_fields and keeps_raw(node)
        leaves = None if own_raw else comes_again(node)
        if leaves is not None:
            self._remembered(node, leaves, out, indent)
            return out
        if own_raw:
            self._raw = code.variable("raw")
            code.add(indent, f"{self._raw} = {{}}")
        code.add(indent, f"{out} = {{}}")
        for name, member in node.members.items():
            self._member(name, member, out, indent)
        for name, leaves in node.free.items():
            raise NotFusedError(f"{name} has free keys: {', '.join(leaves)}")
        self._fill(node, out, indent)
        if node.whole is not None:
            date = code.variable()
            self._leaf(node.whole, f"{date} = %s", indent, before=f"{date} = None")
            fills = code.name(tuple(node.fills.items()))
            code.add(indent, f"{out} = {code.name(dated)}({date}, {out}, {fills})")
        if own_raw:
            raw = self._raw
            code.add(indent, f"if {raw} and {out}:")
            code.add(indent, f"    {out}['raw_codes'] = {{**{raw}, **{out}.get('raw_codes', {{}})}}")
        self._raw = outer
        return out

    def _remembered(self, node: ObjectNode, leaves: Mapping[str, Leaf], out: str, indent: str) -> None:
        """Write looking up an object by its values, making it where it is not known."""
        code, remembered = self._code, Remembered(node.model, tuple(leaves), node.fills)
        values = [code.variable() for _ in leaves]
        for value, leaf in zip(values, leaves.values(), strict=True):
            self._leaf(leaf, f"{value} = %s", indent, before=f"{value} = None")
        key = f"({', '.join(values)},)"
        there = " or ".join(f"{value} is not None" for value in values)
        code.add(
            indent,
            f"{out} = None",
            f"if {there}:",
            f"    {out} = {code.name(remembered.known.get)}({key}) or {code.name(remembered.make)}({key})",
        )

    def _member(self, name: str, member: Leaf | ObjectNode | ListNode, out: str, indent: str) -> None:
        code = self._code
        match member:
            case Leaf():
                if member.spec.const is None and member.spec.only != "write":
                    self._leaf(member, f"{out}[{name!r}] = %s", indent)
            case ObjectNode():
                self._inner(member, f"{out}[{name!r}] = %s", indent)
            case ListNode():
                if any(_is_numbered(each) for each in member.groups) and (member.slots or member.groups[1:]):
                    raise NotFusedError(f"{name} is numbered over several groups")
                entries = code.variable("e")
                code.add(indent, f"{entries} = []")
                for slot in member.slots:
                    if isinstance(slot.node, Leaf):
                        self._leaf(slot.node, f"{entries}.append(%s)", indent)
                    else:
                        self._inner(slot.node, f"{entries}.append(%s)", indent)
                for group in member.groups:
                    code.add(indent, f"{entries} += {self._groups[id(group)]}")
                code.add(indent, f"if {entries}:", f"    {out}[{name!r}] = {entries}")

    def _inner(self, node: ObjectNode, keep: str, indent: str) -> None:
        """Write an object within another; one that a single text makes needs no variable."""
        name, member = next(iter(node.members.items()), ("", None))
        is_single = isinstance(member, Leaf) and member.spec.const is None and member.spec.only != "write"
        is_single = is_single and comes_again(node) is None
        if is_single and len(node.members) == 1 and not is_apart(node) and not node.free:
            assert isinstance(member, Leaf)  # noqa: S101 - is_single says so
            fills = "".join(f"{key!r}: {self._code.name(fill)}, " for key, fill in node.fills.items())
            self._leaf(member, keep.replace("%s", f"{{{fills}{name!r}: %s}}"), indent)
            return
        inner = self.object(node, indent)
        self._code.add(indent, f"if {inner}:", f"    {keep.replace('%s', inner)}")

    def _fill(self, node: ObjectNode, out: str, indent: str) -> None:
        if not node.fills:
            return
        self._code.add(indent, f"if {out}:")
        for name, fill in node.fills.items():
            self._code.add(
                indent + "    ",
                f"if {name!r} not in {out}:",
                f"    {out}[{name!r}] = {self._code.name(fill)}",
            )

    def _leaf(self, leaf: Leaf, keep: str, indent: str, before: str = "") -> None:
        code, converter = self._code, leaf.converter
        if converter.keeps_raw and not self._raw:
            raise NotFusedError(f"{leaf.path} keeps its codes in no object")
        if before:
            code.add(indent, before)
        if leaf.spec.when or leaf.spec.first_of or len(leaf.sources) != 1 or leaf.shape.kind == "texts":
            if converter.keeps_raw:
                code.add(indent, f"run.raw = {self._raw}")
            record = record_text(_sources(leaf), self._variables)
            code.add(indent, f"value = {code.name(leaf_reader(leaf))}({record}, run)")
            code.add(indent, "if value is not None:", f"    {keep.replace('%s', 'value')}")
            return
        text = self._variables[leaf.sources[0]]
        if converter.prepare is not None:
            code.add(indent, f"text = {text}", "if text:", f"    text = {code.name(converter.prepare)}(text)")
            text = "text"
        absent = f" and {text} not in {code.name(frozenset(leaf.spec.absent))}" if leaf.spec.absent else ""
        may_be_blank = text == "text" or text in code.untrimmed
        blank = f" and not {text}.isspace()" if may_be_blank else ""
        code.add(indent, f"if {text}{blank}{absent}:")
        self._value(leaf, text, keep, indent + "    ")

    def _value(self, leaf: Leaf, text: str, keep: str, inner: str) -> None:
        """Write keeping what a text that is there stands for."""
        code, converter = self._code, leaf.converter
        # Plain digits are the canonical number's own text; the model refuses "5." and ".5", which then go by
        # way of the record, and would take an exponent, which no mapping does.
        is_read = converter.read is not None and not (converter.is_plain_number and text in code.decimals)
        value = "value" if is_read else text
        if is_read and converter.words is not None:
            code.add(inner, f"value = {code.name(converter.words)}.get({text}, {code.name(converter.other)})")
            code.add(inner, "if value is None:", "    raise IrregularError")
        elif is_read:
            code.add(inner, f"value = {code.name(converter.read)}({text}, run)")
        elif converter.is_plain_number:
            code.add(inner, f"if 'e' in {text} or 'E' in {text}:", "    raise IrregularError")
        if converter.keeps_raw:
            key = path_text(leaf.sources[0])[-RAW_KEY_CHARACTERS_MAX:]
            code.add(inner, f"if {text} not in {code.name(converter.own_codes)}:")
            code.add(inner, f"    {self._raw}[{key!r}] = {text}")
        if is_read and converter.words is None:
            code.add(inner, "if value is not None:")
            inner += "    "
        code.add(inner, keep.replace("%s", value))
