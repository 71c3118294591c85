"""One entry judged by its models: the shared one, and those of the kind or adapter that it names.

A mistake does not stop the search: the part that is wrong is taken out and the rest judged again, so
that rules across the file still see as much of an entry as can be seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from adapters.base.yaml import MappingNode, Node, ScalarNode
from gateway.config.catalogue import Catalogue, EndpointKind
from gateway.config.endpoints import Endpoint
from gateway.config.partners import Partner
from gateway.config.problems import Problem, problems_of, suggestion
from gateway.config.routes import From, Route, Writing
from gateway.config.texts import fields_of, given

REPAIRS_MAX = 50

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Shaped(Generic[M]):
    """What an entry says as far as it can be read, None where too much is missing; and what is wrong."""

    value: M | None
    problems: tuple[Problem, ...]


def shaped(node: Node, model: type[M], folder: Path | None) -> Shaped[M]:
    """Judge a node by one model."""
    return _validated(given(node, model), model, folder)


def shaped_endpoint(node: Node, catalogue: Catalogue, folder: Path | None) -> Shaped[Endpoint]:
    """Judge an endpoint by what all share and by its kind's own model."""
    if not isinstance(node, MappingNode):
        return shaped(node, Endpoint, folder)
    kind = catalogue.kinds.get(_text(node, "kind"))
    own = kind.settings if kind is not None else None
    own_keys = set() if own is None else set(fields_of(own))
    shared = set(fields_of(Endpoint)) - own_keys
    settings: Shaped[Any] = Shaped(None, ())
    if own is not None:
        rest = given(_only(node, lambda key: key not in shared), own)
        settings = _validated(rest, own, folder, also=shared)
    common = given(_only(node, lambda key: key in shared or (own is None and kind is not None)), Endpoint)
    common["(kind)"] = settings.value
    if (limits := getattr(settings.value, "limits", None)) is not None:
        common["limits"] = limits
    result = _validated(common, Endpoint, folder)
    return Shaped(result.value, (*_kind_problems(node, catalogue), *result.problems, *settings.problems))


def _kind_problems(node: MappingNode, catalogue: Catalogue) -> list[Problem]:
    name = _text(node, "kind")
    if not name or name in catalogue.kinds:
        return []
    text = f"there is no endpoint kind '{name}'; {suggestion(name, catalogue.kinds)}"
    return [Problem("CONFIG-KIND", ("kind",), text)]


def shaped_partner(node: Node, catalogue: Catalogue, folder: Path | None) -> Shaped[Partner]:
    """Judge a partner by what all share, and each adapter's part by that adapter's model."""
    if not isinstance(node, MappingNode):
        return shaped(node, Partner, folder)
    parts = {
        key.text: _validated(given(value, catalogue.partners[key.text]), catalogue.partners[key.text], folder)
        for key, value in node.entries
        if key.text in catalogue.partners
    }
    common = given(_only(node, lambda key: key not in parts), Partner)
    common["(adapters)"] = {name: part.value for name, part in parts.items() if part.value is not None}
    result = _validated(common, Partner, folder, also=catalogue.partners)
    problems = [_below(problem, name) for name, part in parts.items() for problem in part.problems]
    return Shaped(result.value, (*result.problems, *problems))


def shaped_route(
    node: Node, catalogue: Catalogue, folder: Path | None, kinds: Mapping[str, str]
) -> Shaped[Route]:
    """Judge a route; its ``from`` also by the models of its endpoint's kind and of its format.

    ``kinds``: endpoint -> kind, as far as they are known.
    """
    source = node.get("from") if isinstance(node, MappingNode) else None
    if not isinstance(node, MappingNode) or not isinstance(source, MappingNode):
        return shaped(node, Route, folder)
    kind = catalogue.kinds.get(kinds.get(_text(source, "endpoint"), ""))
    common = given(node, Route)
    common["from"], problems = _from(source, catalogue, folder, kind)
    written, write_problems = _write(node.get("write"), catalogue, folder)
    common |= written
    result = _validated(common, Route, folder)
    from_problems = (_below(each, "from") for each in problems)
    return Shaped(result.value, (*result.problems, *from_problems, *write_problems))


def _write(
    node: Node | None, catalogue: Catalogue, folder: Path | None
) -> tuple[dict[str, Any], list[Problem]]:
    """Judge ``write``: each endpoint's settings by the model of the format that is written."""
    if not isinstance(node, MappingNode):
        return {}, []
    written: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, entry in node.entries:
        if not isinstance(entry, MappingNode):
            written[key.text] = given(entry, Writing)
            continue
        common = given(_only(entry, lambda name: name != "settings"), Writing)
        name = _text(entry, "format")
        if (settings := entry.get("settings")) is not None:
            found = _format_settings(settings, name, catalogue, folder)
            common["settings"] = found.value
            problems += [_below(each, "write", key.text, "settings") for each in found.problems]
        elif (model := _format_model(name, catalogue)) is not None:
            common["settings"] = _defaults_of(model)
        written[key.text] = common
    return {"write": written}, problems


def _from(
    node: MappingNode, catalogue: Catalogue, folder: Path | None, kind: EndpointKind | None
) -> tuple[dict[str, Any], list[Problem]]:
    shared = set(fields_of(From))
    own = kind.source_settings if kind is not None else None
    is_unsure = kind is None and node.get("endpoint") is not None  # its keys cannot be judged
    keeps_rest = own is None and not is_unsure
    taken = _only(node, lambda key: key != "settings" and (key in shared or keeps_rest))
    common, problems = given(taken, From), list[Problem]()
    if own is not None:
        rest = given(_only(node, lambda key: key not in shared), own)
        source = _validated(rest, own, folder, also=shared)
        common["(source)"] = source.value
        problems.extend(source.problems)
    if (settings := node.get("settings")) is not None:
        found = _format_settings(settings, _text(node, "format"), catalogue, folder)
        common["settings"] = found.value
        problems.extend(_below(problem, "settings") for problem in found.problems)
    elif (model := _format_model(_text(node, "format"), catalogue)) is not None:
        common["settings"] = _defaults_of(model)
    return common, problems


def _format_model(name: str, catalogue: Catalogue) -> type[BaseModel] | None:
    found = catalogue.formats.get(name)
    return found.settings if found is not None else None


def _format_settings(node: Node, name: str, catalogue: Catalogue, folder: Path | None) -> Shaped[Any]:
    if (model := _format_model(name, catalogue)) is not None:
        return _validated(given(node, model), model, folder)
    if name and name not in catalogue.formats:
        return Shaped(None, ())  # the format itself is the finding
    text = f"format '{name or 'canonical'}' has no settings; remove them"
    return Shaped(None, (Problem("CONFIG-UNKNOWN-KEY", (), text),))


def _defaults_of(model: type[BaseModel]) -> BaseModel | None:
    """Give a model's defaults, None where it has fields without one: nothing was said, so none is used."""
    return model() if all(not field.is_required() for field in model.model_fields.values()) else None


def _validated(
    fields: Any,
    model: type[M],
    folder: Path | None,
    also: Iterable[str] = (),
) -> Shaped[M]:
    """Validate, take out what is wrong, and validate again, until the rest is right."""
    problems: list[Problem] = []
    for _ in range(REPAIRS_MAX):
        try:
            value = model.model_validate(fields, context={"folder": folder}, by_alias=True, by_name=False)
        except ValidationError as error:
            found = problems_of(error, model, also)
            problems.extend(found if not problems else _new(found, problems))
            if not _repair(fields, found):
                return Shaped(None, tuple(problems))
        else:
            return Shaped(value, tuple(problems))
    return Shaped(None, tuple(problems))


def _new(found: list[Problem], known: list[Problem]) -> list[Problem]:
    """Give what is not merely a consequence of taking something out."""
    places = {problem.loc for problem in known}
    return [
        problem
        for problem in found
        if problem.code != "CONFIG-MISSING" and not any(_is_near(problem.loc, place) for place in places)
    ]


def _is_near(one: tuple[str | int, ...], other: tuple[str | int, ...]) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _repair(fields: Any, problems: list[Problem]) -> bool:
    """Take the wrong parts out; False where nothing could be."""
    is_changed = False
    for problem in problems:
        loc = problem.loc[:-1] if problem.code == "CONFIG-MISSING" else problem.loc
        is_changed = _remove(fields, loc) or is_changed
    return is_changed


def _remove(fields: Any, loc: tuple[str | int, ...]) -> bool:
    """Remove what stands at a path; of a list, the whole: the others must keep their numbers."""
    holder, key, here = None, None, fields
    for part in loc:
        if isinstance(here, dict) and part in here:
            holder, key, here = here, part, here[part]
        else:
            break
    if holder is None:
        return False
    del holder[key]
    return True


def _only(node: MappingNode, is_wanted: Any) -> MappingNode:
    return MappingNode(tuple(entry for entry in node.entries if is_wanted(entry[0].text)), node.at, node.size)


def _text(node: MappingNode, key: str) -> str:
    found = node.get(key)
    return found.text if isinstance(found, ScalarNode) else ""


def _below(problem: Problem, *path: str) -> Problem:
    return Problem(problem.code, (*path, *problem.loc), problem.text)
