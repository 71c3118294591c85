"""Putting texts into a source record: one field, several, or a piece of one. Nothing is overwritten."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from adapters.mapping.plan import Leaf
from adapters.mapping.records import Record, SourcePath, container, name_of, path_text
from adapters.mapping.records import source_path as to_path
from adapters.mapping.run import Run
from adapters.mapping.spec import Condition

Put: TypeAlias = Callable[[Any, Record, Run], None]
Store: TypeAlias = Callable[[str, Record, Run], None]

_PIECES = "\0pieces "  # a record's scratch place while the pieces of a field are gathered


def store_for(leaf: Leaf) -> Store:
    """Compile putting a converted text where it belongs."""
    if leaf.spec.part is not None:
        return _piecestore_at(leaf)
    if len(leaf.sources) == 1 or leaf.spec.first_of:
        return store_at(leaf.sources[0])
    return _splittingstore_at(leaf)


def store_at(path: SourcePath) -> Store:
    """Compile putting a text into one field; another text that is there already is a finding."""
    last = name_of(path[-1])
    if len(path) == 1:

        def store_here(text: str, out: Record, run: Run) -> None:
            if out.setdefault(last, text) != text:
                _conflict(path, run)

        return store_here
    reach = container(path)

    def store(text: str, out: Record, run: Run) -> None:
        if reach(out).setdefault(last, text) != text:
            _conflict(path, run)

    return store


def _conflict(path: SourcePath, run: Run) -> None:
    run.add("MAP-CONFLICT", path_text(path), "two canonical values are to be written here, and they differ")


def _splittingstore_at(leaf: Leaf) -> Store:
    stores = tuple(store_at(path) for path in leaf.sources)
    mark, widths, shown = leaf.spec.join, leaf.spec.widths, path_text(leaf.sources[0])

    def store(text: str, out: Record, run: Run) -> None:
        if widths:
            ends = [sum(widths[: number + 1]) for number in range(len(widths))]
            pieces = [text[end - width : end].rstrip() for end, width in zip(ends, widths, strict=True)]
            if len(text) > ends[-1]:
                run.add(
                    "MAP-LENGTH", shown, f"the value has {len(text)} characters; the fields take {ends[-1]}"
                )
        else:
            pieces = text.split(mark) if mark is not None else [text]
            if len(pieces) > len(stores):
                run.add(
                    "MAP-SPLIT",
                    shown,
                    f"the value has {len(pieces)} parts between '{mark}'; the fields take {len(stores)}",
                )
        for piece, put in zip(pieces, stores, strict=False):
            if piece:
                put(piece, out, run)

    return store


def _piecestore_at(leaf: Leaf) -> Store:
    part, key = leaf.spec.part, _PIECES + path_text(leaf.sources[0])
    number = part.at if part else 0

    def store(text: str, out: Record, run: Run) -> None:
        out.setdefault(key, {})[number] = text

    return store


def piece_joiners(level_leaves: Sequence[Leaf]) -> list[Put]:
    """Compile putting together the fields that several canonical values are pieces of."""
    by_source: dict[SourcePath, list[Leaf]] = {}
    for leaf in level_leaves:
        if leaf.spec.part is not None and leaf.spec.only != "read":
            by_source.setdefault(leaf.sources[0], []).append(leaf)
    return [_piece_joiner(path, parts) for path, parts in by_source.items()]


def _piece_joiner(path: SourcePath, parts: Sequence[Leaf]) -> Put:
    store, key, shown = store_at(path), _PIECES + path_text(path), path_text(path)
    lengths = {leaf.spec.part.at: leaf.spec.part.length or 0 for leaf in parts if leaf.spec.part}
    first = parts[0].spec.part
    by = first.by if first else None

    def join(value: Any, out: Record, run: Run) -> None:
        pieces: dict[int, str] = out.pop(key, {})
        if not pieces:
            return
        joined = ""
        if by is not None:
            if any(by in piece for piece in pieces.values()):
                run.add("MAP-SPLIT", shown, f"a piece has '{by}' in it, which separates the pieces")
            joined = by.join(pieces.get(number + 1, "") for number in range(max(pieces)))
        else:
            for at, piece in sorted(pieces.items()):
                if len(piece) > lengths[at]:
                    run.add(
                        "MAP-LENGTH", shown, f"a piece has {len(piece)} characters; it takes {lengths[at]}"
                    )
                joined = joined.ljust(at - 1) + piece
        store(joined, out, run)

    return join


def condition_writers(when: Mapping[str, Condition]) -> list[Callable[[Record, Run], None]]:
    """Compile writing what plain conditions ask for; of several allowed texts the first."""
    return [
        _constantstore_at(store_at(to_path(path)), condition[0])
        for path, condition in when.items()
        if isinstance(condition, tuple) and condition[0]
    ]


def _constantstore_at(store: Store, text: str) -> Callable[[Record, Run], None]:
    return lambda out, run: store(text, out, run)
