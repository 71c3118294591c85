"""A copybook's entries compiled to the same items as a layout file. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from adapters.base.findings import Finding, Position
from adapters.layouts.build_fields import binary_length
from adapters.layouts.cobol import CopybookError, Group
from adapters.layouts.cobol_pictures import Picture
from adapters.layouts.model import Block, Condition, Field, Item, Kind, Sign, View
from adapters.layouts.record_items import choice_of, item_length
from adapters.layouts.spec import LayoutSpec


def select(
    root: Group,
    name: str | None,
    redefines: Mapping[str, Mapping[str, tuple[str, ...]]],
    read_as: Mapping[str, str],
    spec: LayoutSpec,
) -> tuple[Item, ...]:
    """Give the items of one group of a copybook; None is the only one at its top.

    ``redefines``: which of several descriptions of the same bytes holds when. One that is not named there
    is left out, and the first description is read. ``read_as``: displayed numbers that files hold
    otherwise than PIC says: as ``text``, or ``blank_padded``. Errors: CopybookError.
    """
    found = _only(root) if name is None else _find(root, name.upper())
    if found is None:
        names = ", ".join(each.name for each in root.below)
        text = f"there is no group '{name}' in the copybook" if name else f"say group: one of {names}"
        raise CopybookError([Finding("LAYOUT-COPYBOOK", Position(root.source), text)])
    maker = _Maker(redefines, read_as, spec)
    items = maker.items(found.below) if found.below else (maker.elementary(found),)
    if maker.findings:
        raise CopybookError(maker.findings)
    return items


def _only(root: Group) -> Group | None:
    below = [each for each in root.below if each.redefines is None]
    if len(root.below) > 1 and len({each.level for each in root.below}) == 1 and root.below[0].picture:
        return root  # a copybook without a level above its fields
    if root.below and all(not each.below for each in root.below):
        return root
    if any(each.picture for each in root.below):
        return root
    return below[0] if len(below) == 1 else None


def _find(group: Group, name: str) -> Group | None:
    for each in group.below:
        if each.name == name:
            return each
        deeper = _find(each, name)
        if deeper is not None:
            return deeper
    return None


class _Maker:
    def __init__(
        self,
        redefines: Mapping[str, Mapping[str, tuple[str, ...]]],
        read_as: Mapping[str, str],
        spec: LayoutSpec,
    ) -> None:
        self._read_as = {name.upper(): how for name, how in read_as.items()}
        self._redefines = {name.upper(): when for name, when in redefines.items()}
        self._spec = spec
        self._fillers = 0
        self.findings: list[Finding] = []

    def items(self, entries: Sequence[Group]) -> tuple[Item, ...]:
        found: list[Item] = []
        place = 0
        while place < len(entries):
            entry = entries[place]
            place += 1
            views = [entry]
            while place < len(entries) and entries[place].redefines is not None:
                views.append(entries[place])
                place += 1
            found.append(self._item(views[0]) if len(views) == 1 else self._choice(views))
        return tuple(found)

    def elementary(self, entry: Group) -> Field:
        picture = self._picture(entry)
        if entry.name == "FILLER":
            self._fillers += 1
            return Field(f"FILLER_{self._fillers}", Kind.FILLER, self._length(entry, picture), at=entry.at)
        if not picture.is_number:
            return self._text(entry, picture)
        made, how = self._number(entry, picture), self._read_as.get(entry.name)
        if how is None or made.kind is not Kind.DISPLAY:
            return made
        if how == "text":
            return self._text(entry, Picture(made.length))
        return replace(made, pad=" ")

    def _item(self, entry: Group) -> Item:
        made: Item
        if not entry.below:
            made = self.elementary(entry)
            if entry.most == 1 and entry.depends is None:
                return made
            return Block(
                entry.name, (replace(made, name="."),), entry.least, entry.most, entry.depends, entry.at
            )
        items = self.items(entry.below)
        name = entry.name
        if name == "FILLER":
            self._fillers += 1
            name = f"FILLER_{self._fillers}"
        return Block(name, items, entry.least, entry.most, entry.depends, entry.at)

    def _choice(self, entries: Sequence[Group]) -> Item:
        """Several descriptions of one place. Only those that the layout can tell apart are views."""
        told = [each for each in entries[1:] if each.name in self._redefines]
        first = self._item(entries[0])
        length = item_length(first)
        if length is None:
            self._refuse(entries[0], "a table of varying length cannot be redefined")
            return first
        if not told:
            longer = [each for each in entries[1:] if (self._measured(each) or 0) > length]
            if longer:
                more = max(self._measured(each) or 0 for each in longer) - length
                return Block("", (first, Field("FILLER_REST", Kind.FILLER, more)), at=entries[0].at)
            return first
        views = [View(None, _as_block(first))]
        for entry in told:
            for name, texts in self._redefines[entry.name].items():
                views.append(View(Condition(name, texts), _as_block(self._item(entry))))
        return choice_of(views, entries[0].at)

    def _measured(self, entry: Group) -> int | None:
        """Give a description's length without keeping what is wrong in it: nobody reads by it."""
        known, fillers = list(self.findings), self._fillers
        length = item_length(self._item(entry))
        self.findings, self._fillers = known, fillers
        return length

    def _text(self, entry: Group, picture: Picture) -> Field:
        return Field(
            entry.name, Kind.TEXT, picture.length, align_right=entry.is_right, label=entry.name, at=entry.at
        )

    def _number(self, entry: Group, picture: Picture) -> Field:
        spec, digits, scale = self._spec, picture.digits, picture.scale
        if entry.usage in ("binary", "native"):
            return Field(
                entry.name, Kind.BINARY, binary_length(digits), digits, scale, is_signed=picture.is_signed,
                is_little_endian=spec.little_endian, label=entry.name, at=entry.at,
                any_value=entry.usage == "native" or spec.binary == "bytes",
            )  # fmt: skip
        if entry.usage == "packed":
            return Field(
                entry.name, Kind.PACKED, digits // 2 + 1, digits, scale, is_signed=picture.is_signed,
                label=entry.name, at=entry.at,
            )  # fmt: skip
        sign = _sign(entry.sign) if picture.is_signed else Sign.NONE
        length = digits + (1 if sign in (Sign.LEADING, Sign.TRAILING) else 0)
        absent = " " * length if spec.blank == "spaces" or entry.is_blank_when_zero else None
        return Field(
            entry.name, Kind.DISPLAY, length, digits, scale, sign, picture.is_signed, pad="0", absent=absent,
            label=entry.name, at=entry.at,
        )  # fmt: skip

    def _length(self, entry: Group, picture: Picture) -> int:
        return self._number(entry, picture).length if picture.is_number else picture.length

    def _picture(self, entry: Group) -> Picture:
        made = Picture.parse(entry.picture)
        if isinstance(made, str):
            self._refuse(entry, made)
            return Picture(1)
        if made.is_number and made.digits > 31:
            self._refuse(entry, f"PIC {entry.picture} has {made.digits} digits; up to 31 are read")
            return Picture(1)
        if entry.usage in ("binary", "native") and made.digits > 18:
            self._refuse(entry, f"PIC {entry.picture} is binary with {made.digits} digits; up to 18 are read")
            return Picture(1)
        return made

    def _refuse(self, entry: Group, text: str) -> None:
        self.findings.append(Finding("LAYOUT-COPYBOOK", entry.at, f"{entry.name}: {text}"))


def _sign(clause: str) -> Sign:
    match clause:
        case "LEADING SEPARATE":
            return Sign.LEADING
        case "TRAILING SEPARATE":
            return Sign.TRAILING
        case "LEADING":
            return Sign.OVERPUNCH_LEADING
    return Sign.OVERPUNCH


def _as_block(item: Item) -> Block:
    if isinstance(item, Block) and not item.is_list:
        return item
    return Block("", (item,), at=item.at)  # nameless: its fields stand in the record itself
