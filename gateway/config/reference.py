"""docs/configuration.md, made from the models: every section, key, type, default and description."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from adapters.base.settings import Address, DurationRange, Kind, LayoutName, LocalPath, MappingName, SecretRef
from gateway.config.catalogue import Catalogue
from gateway.config.defaults import Defaults
from gateway.config.endpoints import Endpoint
from gateway.config.field_docs import described
from gateway.config.partners import Partner
from gateway.config.process import GatewaySettings, JournalRef
from gateway.config.routes import Route
from gateway.config.texts import HIDDEN, item_of, key_of, model_of

_INTRODUCTION = """\
# Configuration reference

Made from the models by `python -m gateway.config --reference`; a test holds it current. The worked
example is [`routes.yaml`](../routes.yaml).

`routes.yaml` is YAML 1.2, and every value is read as text that its key's type converts: `01` stays
`01`, `no` stays `no`, `004010` stays `004010`. Truths are `true` and `false` and no other word.
Unknown and repeated keys are refused, and so is a key without a value. All mistakes are shown at once,
with file, line and column, before anything starts. `legacy-bridge check` also looks for secrets,
certificates and files that are not there yet.

| what you write | means |
|---|---|
| duration | a number and `ms`, `s`, `m`, `h` or `d`: `15m` |
| durations | a shortest and a longest: `2s..5m` |
| size | a number of bytes, or with `kB`, `MB`, `GB`, `KiB`, `MiB`, `GiB`: `20MB` |
| percentage | `10%` |
| reference | where a secret or PEM text is found: `env:NAME` or `file:PATH`; never the secret itself |
| path | a file or folder; a relative one counts from the folder of `routes.yaml` |

Sections: `version` (1), `include`, `gateway`, `defaults`, `endpoints`, `partners`, `crosswalks`,
`mappings`, `layouts`, `routes`.

`include: partners/*.yaml` (or a list) adds files below the folder of `routes.yaml`; each holds
`endpoints`, `partners`, `crosswalks`, `mappings`, `layouts` or `routes` of its own. What the journal
keeps as a revision holds the text of all of them.

`crosswalks:` gives code tables of the journal the names that mappings use (`items: item`).
`mappings:` names mapping files (`orders: mappings/orders.yaml`), `layouts:` record layouts.
"""

NOTHING: Mapping[type[BaseModel], str] = MappingProxyType({})

_WORDS: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (int, "whole number"),
    (float, "number"),
    (Decimal, "number"),
    (timedelta, "duration"),
    (date, "date as 2027-01-31"),
    (DurationRange, "durations"),
    (Address, "host:port"),
    (SecretRef, "reference"),
    (JournalRef, "`sqlite:PATH` or `memory:`"),
    (LocalPath, "path"),
    (MappingName, "name of a mapping"),
    (LayoutName, "name of a layout"),
)


def reference(catalogue: Catalogue) -> str:
    """Give the page as Markdown. What several kinds of endpoints share stands once, and they refer to it."""
    parts = [_INTRODUCTION]
    parts += _section("gateway", GatewaySettings)
    parts += _section("defaults", Defaults)
    parts += _section("endpoints", Endpoint)
    kinds = [each for each in catalogue.kinds.values() if each.settings is not None]
    shared = _shared([each.settings for each in kinds if each.settings is not None])
    titles = {
        base: "shared by "
        + _listed([f"`{each.name}`" for each in kinds if each.settings and issubclass(each.settings, base)])
        for base in shared
    }
    for base in shared:
        parts += _section(titles[base], base, "", titles)
    for kind in kinds:
        if kind.settings is not None:
            parts += _section(f"endpoints of kind `{kind.name}`", kind.settings, kind.summary, titles)
    parts += _section("partners", Partner)
    for name, model in catalogue.partners.items():
        parts += _section(f"`{name}` of a partner", model)
    parts += _section("routes", Route)
    for kind in catalogue.kinds.values():
        if kind.source_settings is not None:
            parts += _section(f"`from` of kind `{kind.name}`", kind.source_settings, kind.summary)
    for each in catalogue.formats.values():
        if each.settings is not None:
            parts += _section(f"`from.settings` of format `{each.name}`", each.settings, each.summary)
    return "\n".join(parts)


def _shared(models: Sequence[type[BaseModel]]) -> list[type[BaseModel]]:
    """Give the models that several of these are made from, the most general first."""
    above = [base for model in models for base in model.__mro__[1:] if issubclass(base, BaseModel)]
    above = [base for base in above if described(base)]
    several = {base for base in above if above.count(base) > 1}
    return sorted(several, key=lambda base: (len(base.__mro__), base.__name__))


def _section(
    title: str, model: type[BaseModel], summary: str = "", shared: Mapping[type[BaseModel], str] = NOTHING
) -> list[str]:
    """Give a section; ``shared``: models that have one of their own, by title, for what is made from them."""
    first = summary or _first_paragraph(model)
    above = [each for each in model.__mro__[1:] if issubclass(each, BaseModel)]
    base = next((each for each in above if each in shared), None)
    own = described(model)
    if base is not None:
        known = described(base)
        own = {
            name: field
            for name, field in own.items()
            if name not in known or list(_told(name, field, "", {})) != list(_told(name, known[name], "", {}))
        }
        first = f"{first}\n\nEvery key that is [shared](#{_anchor(shared[base])}), and:"
    rows = [f"## {title}\n", f"{first}\n", "| key | type | default | |", "|---|---|---|---|"]
    told: dict[type[BaseModel], str] = {}
    return [*rows, *(row for name, field in own.items() for row in _told(name, field, "", told)), ""]


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _anchor(title: str) -> str:
    """Give what a heading is called in a link: as Markdown pages are shown, without marks, in lower case."""
    return "".join(each for each in title.lower().replace(" ", "-") if each.isalnum() or each in "-_")


def _told(name: str, field: FieldInfo, prefix: str, told: dict[type[BaseModel], str]) -> Iterator[str]:
    """Give the rows of one key and of those below it. ``told``: where this section tells a model's keys."""
    key = key_of(name, field)
    if key.startswith(HIDDEN):
        return
    inner, shown = _inner(field.annotation), f"{prefix}{key}"
    below = f"{shown}{_step(field.annotation)}"
    known = told.get(inner) if inner is not None else None
    kind = "settings" if inner is not None else _kind(field)
    if known is not None:
        kind = f"settings, as `{known}`"
    text = " ".join((field.description or "").split()).replace("|", "\\|")
    yield f"| `{shown}` | {kind} | {_default(field, inner is not None)} | {text} |"
    if inner is None or known is not None:
        return
    for model in _alternatives(field.annotation) or (inner,):
        if described(model):
            told[model] = below
        for each, each_field in described(model).items():
            yield from _told(each, each_field, f"{below}.", told)


def _inner(annotation: Any) -> type[BaseModel] | None:
    """Give the model whose keys stand below a field, through a list or a mapping too."""
    return model_of(annotation) or model_of(item_of(annotation))


def _alternatives(annotation: Any) -> list[type[BaseModel]]:
    """Give the models that a field may be, where there are several: each tells its keys, by its `kind`."""
    if get_origin(annotation) not in (Union, UnionType):
        return []
    return [each for each in get_args(annotation) if isinstance(each, type) and issubclass(each, BaseModel)]


def _step(annotation: Any) -> str:
    if model_of(annotation) is not None:
        return ""
    return "[]" if "tuple" in str(annotation) or "list" in str(annotation) else ".NAME"


def _kind(field: FieldInfo) -> str:
    named = next((each.text for each in field.metadata if isinstance(each, Kind)), None)
    return (named or _words(field.annotation)).replace("|", "\\|")


def _printable(word: str) -> str:
    """Give a word that may be a control character, as it is written in YAML between double quotes."""
    return word if word.isprintable() else word.encode("unicode_escape").decode()


def _words(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        named = next((each.text for each in arguments[1:] if isinstance(each, Kind)), None)
        return named or _words(arguments[0])
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_words(each) for each in arguments if each is not type(None)))
    if origin is Literal:
        return ", ".join(f"`{_printable(str(each))}`" for each in arguments)
    if origin is not None:
        return _holder(origin, [each for each in arguments if each is not Ellipsis])
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{each.value}`" for each in annotation)
    return next(
        (word for each, word in _WORDS if isinstance(annotation, type) and issubclass(annotation, each)),
        "text",
    )


def _holder(origin: Any, arguments: list[Any]) -> str:
    inner = _words(arguments[-1])
    return f"name -> {inner}" if len(arguments) == 2 else f"list of {inner}"


def _default(field: FieldInfo, is_group: bool) -> str:
    if field.is_required():
        return "**needed**"
    value = field.get_default(call_default_factory=True)
    if is_group or value is None or value in ((), [], {}, "", frozenset()):
        return ""
    if any(isinstance(each, Kind) and each.text == "size" for each in field.metadata):
        return f"`{_size(value)}`"
    return f"`{_written(value)}`"


def _written(value: object) -> str:
    """Write a value as the file would."""
    match value:
        case bool():
            return str(value).lower()
        case Enum():
            return str(value.value)
        case float():
            return f"{value:g}"
        case BaseModel():
            return f"{{{', '.join(f'{key}: {_written(each)}' for key, each in value if each is not None)}}}"
        case timedelta():
            return _duration(value)
        case DurationRange(lowest, highest):
            return f"{_duration(lowest)}..{_duration(highest)}"
        case tuple() | list():
            return f"[{', '.join(_written(each) for each in value)}]"
        case set() | frozenset():
            return f"[{', '.join(sorted(_written(each) for each in value))}]"
        case _:
            return str(value)


def _size(value: int) -> str:
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if value and value % size == 0:
            return f"{value // size}{unit}"
    return str(value)


def _duration(value: timedelta) -> str:
    milliseconds = round(value.total_seconds() * 1000)
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)):
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"


def _first_paragraph(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split("\n\n")[0].split())
