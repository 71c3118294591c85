"""Writing one canonical value into its source field or fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from adapters.mapping.plan import Leaf
from adapters.mapping.read_values import RAW_KEY_CHARACTERS_MAX
from adapters.mapping.records import Record, container, name_of, path_text
from adapters.mapping.run import Run, UnfitError, fitted
from adapters.mapping.stores import Put, condition_writers, store_at, store_for


def leaf_writer(leaf: Leaf) -> Put:
    """Compile writing one canonical value."""
    if leaf.spec.only == "read":
        return lambda value, out, run: None
    if leaf.spec.const is not None:
        return _constant_check(leaf)
    if leaf.shape.kind == "texts":
        put = _texts_writer(leaf)
    else:
        put = _single_writer(leaf)
    conditions = condition_writers(leaf.spec.when)
    if not conditions:
        return put

    def put_with_conditions(value: Any, out: Record, run: Run) -> None:
        put(value, out, run)
        if value is not None:
            for store in conditions:
                store(out, run)

    return put_with_conditions


def writes_absent(leaf: Leaf) -> bool:
    """Say whether a field writes something where the document has no value."""
    return bool(leaf.spec.absent and leaf.spec.absent[0]) and leaf.spec.only != "read"


def _constant_check(leaf: Leaf) -> Put:
    constant, path = leaf.converter.constant, leaf.path

    def check(value: Any, out: Record, run: Run) -> None:
        if value is not None and value != constant:
            text = "the document has another value than the mapping's constant, and no source field takes it"
            run.add("MAP-CONST", path, text)

    return check


def _single_writer(leaf: Leaf) -> Put:
    store = store_for(leaf)
    write, finish, is_sensitive = leaf.converter.write, leaf.converter.finish, leaf.is_sensitive
    read_code = leaf.converter.read if leaf.converter.keeps_raw else None
    shown = path_text(leaf.sources[0])
    raw_key = shown[-RAW_KEY_CHARACTERS_MAX:]
    absent = leaf.spec.absent[0] if writes_absent(leaf) else ""

    def put(value: Any, out: Record, run: Run) -> None:
        if value is None:
            if absent:
                store(absent, out, run)
            return
        try:
            if read_code is not None and (raw := run.raw.get(raw_key)) and _same(read_code, raw, value, run):
                text: str | None = raw  # the code as sent gives back what several codes share
            else:
                text = write(value, run) if write is not None else _as_text(value)
            if text and finish is not None:
                text = finish(text)
        except UnfitError as error:
            run.refuse(shown, fitted(error, value, is_sensitive))
            return
        if text:
            store(text, out, run)

    return put


def _as_text(value: object) -> str:
    if not isinstance(value, str):
        raise UnfitError("MAP-SHAPE", f"the document has a {type(value).__name__} here; expected a text")
    return value


def _same(read_code: Callable[[str, Run], object], raw: str, value: object, run: Run) -> bool:
    try:
        return read_code(raw, run) == value
    except UnfitError:
        return False


def _texts_writer(leaf: Leaf) -> Put:
    stores = tuple(store_at(path) for path in leaf.sources)
    reach, last = container(leaf.sources[0]), name_of(leaf.sources[0][-1])
    split, write, finish = leaf.spec.split, leaf.converter.write, leaf.converter.finish
    shown = path_text(leaf.sources[0])

    def put(values: Sequence[str] | None, out: Record, run: Run) -> None:
        texts: list[str] = []
        for value in values or ():
            try:
                text = (write(value, run) if write is not None else value) or ""
                texts.append(finish(text) if finish is not None else text)
            except UnfitError as error:
                run.refuse(shown, fitted(error, value, leaf.is_sensitive))
        if not texts:
            return
        if split is not None:
            if any(split in text for text in texts):
                run.add("MAP-SPLIT", shown, f"an entry has '{split}' in it, which separates the entries")
            stores[0](split.join(texts), out, run)
        elif len(stores) == 1:
            reach(out)[last] = texts
        else:
            if len(texts) > len(stores):
                run.add(
                    "MAP-OVERFLOW",
                    shown,
                    f"{len(texts)} entries are to be written; there are {len(stores)} fields",
                )
            for text, store in zip(texts, stores, strict=False):
                store(text, out, run)

    return put
