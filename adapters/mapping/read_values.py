"""Reading one canonical value: from one source field, several, or the first of several that has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from adapters.mapping.conditions import condition_test
from adapters.mapping.plan import Leaf
from adapters.mapping.records import Record, SourcePath, getter, path_text
from adapters.mapping.run import Run, UnfitError, fitted

Read: TypeAlias = Callable[[Record, Run], Any]  # None: nothing there

RAW_KEY_CHARACTERS_MAX = 255  # canonical.scalars.Code


def leaf_reader(leaf: Leaf) -> Read:
    """Compile reading one canonical value."""
    if leaf.shape.kind == "texts":
        read = _texts_reader(leaf)
    elif leaf.spec.first_of is not None:
        read = _first_of(tuple(_single_reader(leaf, path) for path in leaf.sources))
    elif len(leaf.sources) > 1:
        read = _joined_reader(leaf)
    else:
        read = _single_reader(leaf, leaf.sources[0])
    return _conditional(read, leaf)


def _conditional(read: Read, leaf: Leaf) -> Read:
    test = condition_test(leaf.spec.when)
    if test is None:
        return read
    return lambda record, run: read(record, run) if test(record) else None


def _single_reader(leaf: Leaf, path: SourcePath) -> Read:
    get, shown = getter(path), path_text(path)
    prepare, convert, absent = leaf.converter.prepare, leaf.converter.read, frozenset(leaf.spec.absent)
    if prepare is None and convert is None and not absent:
        return _text_reader(get, shown)
    convert = convert or _unchanged
    is_sensitive, keeps_raw = leaf.is_sensitive, leaf.converter.keeps_raw
    own_codes, raw_key = leaf.converter.own_codes, shown[-RAW_KEY_CHARACTERS_MAX:]

    def read(record: Record, run: Run) -> object:
        text = get(record)
        if text.__class__ is not str:
            return no_text(text, shown, run)
        if prepare is not None:
            text = prepare(text)
        if not text or text.isspace() or text in absent:
            return None
        try:
            value = convert(text, run)
        except UnfitError as error:
            run.refuse(shown, fitted(error, text, is_sensitive))
            return None
        if keeps_raw and text not in own_codes:
            run.raw[raw_key] = text
        return value

    return read


def _unchanged(text: str, _: Run) -> str:
    return text


def _text_reader(get: Callable[[Record], Any], shown: str) -> Read:
    def read(record: Record, run: Run) -> str | None:
        text = get(record)
        if text.__class__ is str:
            return text if text and not text.isspace() else None
        return no_text(text, shown, run)

    return read


def no_text(value: object, path: str, run: Run) -> str | None:
    """Say that a record or a list stands where one text should; gives nothing to go on with."""
    if value is not None:
        run.add("MAP-SHAPE", path, f"a {type(value).__name__} stands here; expected one text")
    return None


def _finish_reading(leaf: Leaf, shown: str) -> Callable[[str, Run], object] | None:
    """Compile converting a text that was put together; the record is not asked again."""
    if leaf.converter.read is None:
        return None
    convert = _single_reader(replace(leaf, converter=replace(leaf.converter, prepare=None)), (shown,))
    return lambda text, run: convert({shown: text}, run)


def _first_of(readers: tuple[Read, ...]) -> Read:
    def read(record: Record, run: Run) -> object:
        for each in readers:
            value = each(record, run)
            if value is not None:
                return value
        return None

    return read


def _joined_reader(leaf: Leaf) -> Read:
    pieces = tuple((getter(path), path_text(path)) for path in leaf.sources)
    prepare, absent = leaf.converter.prepare, frozenset(leaf.spec.absent)
    finish = _finish_reading(leaf, path_text(leaf.sources[0]))
    mark, widths = leaf.spec.join or "", leaf.spec.widths

    def read(record: Record, run: Run) -> object:
        texts = []
        for get, shown in pieces:
            text = get(record)
            if text.__class__ is not str:
                text = no_text(text, shown, run) or ""
            texts.append(prepare(text) if prepare is not None else text)
        if widths:
            joined = "".join(text.ljust(width) for text, width in zip(texts, widths, strict=True)).rstrip()
        else:
            while texts and (not texts[-1] or texts[-1].isspace()):
                texts.pop()
            joined = mark.join(texts)
        if not joined or joined in absent:
            return None
        return finish(joined, run) if finish is not None else joined

    return read


def _texts_reader(leaf: Leaf) -> Read:
    gets = tuple((getter(path), path_text(path)) for path in leaf.sources)
    split, prepare, absent = leaf.spec.split, leaf.converter.prepare, frozenset(leaf.spec.absent)
    finish = _finish_reading(leaf, path_text(leaf.sources[0]))

    def read(record: Record, run: Run) -> list[object] | None:
        found: list[object] = []
        for get, shown in gets:
            value = get(record)
            texts = value if value.__class__ is list else [] if value is None else [value]
            for text in texts:
                if text.__class__ is not str:
                    no_text(text, shown, run)
                    continue
                for piece in text.split(split) if split is not None else (text,):
                    clean = prepare(piece) if prepare is not None else piece
                    if clean and not clean.isspace() and clean not in absent:
                        entry = finish(clean, run) if finish is not None else clean
                        found += [entry] if entry is not None else []
        return found or None

    return read
