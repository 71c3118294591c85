"""The mapping file's own form: every key declared once, checked, with all mistakes placed.

Values arrive as text (``adapters.base.yaml``); these models convert them. What the words mean for
reading and writing is compiled in the other files of this package; docs/mapping.md explains them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from adapters.base.findings import Finding
from adapters.base.yaml import Node, Plain, YamlError, load_yaml, position_of

BLANK = ""


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _yes_no(value: Any) -> Any:
    if value in ("yes", "true"):
        return True
    return False if value in ("no", "false") else value


Flag = Annotated[bool, BeforeValidator(_yes_no)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_as_list)]
Names = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_as_list), Field(min_length=1)
]


class Spec(BaseModel):
    """A part of the mapping file: nothing unknown is let in."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class DecimalSpec(Spec):
    """How a number is written in the source."""

    implied: int = Field(
        0, ge=0, le=18, description="digits after an implied decimal point: 2 reads 1234 as 12.34"
    )
    point: Literal[".", ","] = Field(".", description="the decimal point")
    group: Literal[",", ".", " ", "'"] | None = Field(None, description="grouping mark, dropped on reading")
    sign: Literal["leading", "trailing", "parentheses"] = Field("leading", description="where a minus stands")
    places: int | None = Field(
        None, ge=0, le=18, description="digits after the point on writing, filled with zeros"
    )


class PartSpec(Spec):
    """A piece of a source field: by a mark between pieces, or by place and length."""

    by: str | None = Field(None, min_length=1, description="the mark between pieces")
    at: int = Field(ge=1, description="the number of the piece, or of its first character, from 1")
    length: int | None = Field(None, ge=1, description="characters of the piece, where there is no mark")

    @model_validator(mode="after")
    def _one_way(self) -> PartSpec:
        if (self.by is None) == (self.length is None):
            raise ValueError("say either by (a mark) or length, not both")
        return self


class PadSpec(Spec):
    """Padding of a text: stripped on reading, written back to the full width."""

    width: int = Field(ge=1, le=10_000, description="characters in all")
    char: str = Field(" ", min_length=1, max_length=1, description="what it is padded with")
    side: Literal["left", "right"] = Field("right", description="where the padding stands")


class CrosswalkSpec(Spec):
    """A code table of the gateway's journal."""

    table: str = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"table": value} if isinstance(value, str) else value


class NotSpec(Spec):
    """A condition turned round."""

    is_not: Texts = Field(alias="not", description="the texts that the field must not have")


Condition = Annotated[
    NotSpec | Texts,
    Field(description="a text, a list of texts, or {not: ...}; an empty text stands for an absent field"),
]


class FieldSpec(Spec):
    """Where one canonical value comes from, and how it is converted."""

    source: Names | None = Field(
        None, alias="from", description="the source field; several with join, or for a list"
    )
    first_of: Names | None = Field(None, description="source fields of which the first with a value counts")
    const: str | None = Field(None, description="a fixed canonical value; on writing the document must agree")
    default: str | None = Field(None, description="the canonical value where the source has none")
    join: str | None = Field(None, description="what stands between the values of several source fields")
    widths: Annotated[tuple[int, ...], BeforeValidator(_as_list)] = Field(
        (), description="lengths of joined values"
    )
    split: str | None = Field(
        None, min_length=1, description="what separates the entries of a list in one field"
    )
    part: PartSpec | None = Field(None, description="only a piece of the source field")
    date: Names | None = Field(None, description="date patterns; the first that fits counts")
    pivot: int | None = Field(None, ge=0, le=99, description="two-digit years below it are 20yy, others 19yy")
    zone: str | None = Field(None, description="the time zone of this field, where it is not the partner's")
    decimal: DecimalSpec | None = None
    codes: Mapping[str, str] | None = Field(
        None, description="source code to canonical word; '' is an absent field"
    )
    other: str | None = Field(None, description="the canonical word for codes that are not listed")
    crosswalk: CrosswalkSpec | None = None
    trim: Literal["both", "left", "right", "none"] | None = Field(
        None, description="blanks to drop on reading"
    )
    pad: PadSpec | None = None
    upper: Flag = Field(False, description="letters become capitals, both ways")
    absent: Texts = Field(
        (), description="texts that mean no value; the first is written where there is none"
    )
    when: Mapping[str, Condition] = Field({}, description="source conditions; plain ones are written, too")
    only: Literal["read", "write"] | None = Field(
        None, description="the one direction in which this field is mapped"
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"from": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_origin(self) -> FieldSpec:
        origins = [self.source, self.first_of, self.const]
        if sum(origin is not None for origin in origins) != 1:
            raise ValueError("say exactly one of from, first_of and const")
        kinds = [self.date, self.decimal, self.codes, self.crosswalk]
        if sum(kind is not None for kind in kinds) > 1:
            raise ValueError("say at most one of date, decimal, codes and crosswalk")
        if self.other is not None and self.codes is None:
            raise ValueError("other belongs to codes")
        if self.widths and (self.join != "" or len(self.widths) != len(self.source or ())):
            raise ValueError('widths belong to join: "" and there is one for each source field')
        if self.join == "" and not self.widths:
            raise ValueError('join: "" needs widths, or the values cannot be told apart again')
        return self


class SourceSpec(Spec):
    """A source field without a canonical one: a constant, a total, or deliberately ignored."""

    ignore: Flag = Field(False, description="nothing reads it, and that is right")
    const: str | None = Field(None, description="what stands there, checked on reading")
    count: str | None = Field(None, description="the number of entries of a canonical list")
    sum: str | None = Field(None, description="the sum of a canonical number over a list")
    decimal: DecimalSpec | None = None
    verify: Flag = Field(True, description="on reading, a value that differs is a finding")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"ignore": "yes"} if value == "ignore" else value

    @model_validator(mode="after")
    def _one_kind(self) -> SourceSpec:
        kinds = [self.ignore or None, self.const, self.count, self.sum]
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("say exactly one of ignore, const, count and sum")
        return self


class LevelSpec(Spec):
    """What a document and a repeated group share: fields, source fields, groups below."""

    fields: Mapping[str, FieldSpec] = Field({}, description="canonical path: source")
    source: Mapping[str, SourceSpec] = Field({}, description="source fields without a canonical one")
    groups: Mapping[str, GroupSpec] = Field({}, description="canonical list: repeated source records")
    rest: Literal["extensions"] | None = Field(None, description="keep unread source fields in extensions")


class GroupSpec(LevelSpec):
    """A repeated source record that becomes the entries of a canonical list."""

    from_: str = Field(alias="from", min_length=1, description="the repeated source record")
    when: Mapping[str, Condition] = Field(
        {}, description="which of the records; plain conditions are written"
    )


class MappingSpec(LevelSpec):
    """One mapping."""

    mapping: str = Field(min_length=1, description="the mapping's name")
    document: str = Field(description="the canonical document type")
    direction: Literal["read", "write", "both"] = Field(
        "both", description="both promises that it is invertible"
    )
    trim: Literal["both", "left", "right", "none"] = Field(
        "none", description="blanks to drop, for all fields"
    )


def read_spec(node: Node) -> MappingSpec | list[Finding]:
    """Give the checked mapping file, or everything that is wrong with its form (MAP-FORM)."""
    plain: Plain = node.plain()
    try:
        return MappingSpec.model_validate(plain)
    except ValidationError as error:
        found = [_form_finding(node, each) for each in error.errors(include_url=False, include_context=False)]
        return sorted(found, key=lambda finding: (finding.at.line or 0, finding.at.column or 0))


def _form_finding(node: Node, error: Mapping[str, Any]) -> Finding:
    path: Sequence[str | int] = error["loc"]
    # pydantic tells the branch of a condition's union in its path; the file has no such key.
    at = position_of(node, path)
    said = str(error["msg"]).removeprefix("Value error, ")
    match error["type"]:
        case "extra_forbidden":
            said = f"'{path[-1]}' is not a key here"
        case "missing":
            said = f"'{path[-1]}' is missing"
    return Finding("MAP-FORM", at, said[:1].lower() + said[1:] if said else "is not as expected")


def crosswalk_words(text: str, source: str) -> frozenset[str]:
    """Give the code tables that a mapping file names; none where the file cannot be read."""
    try:
        spec = read_spec(load_yaml(text, source))
    except YamlError:
        return frozenset()
    return frozenset() if isinstance(spec, list) else frozenset(_words(spec))


def _words(level: LevelSpec) -> Iterator[str]:
    for each in level.fields.values():
        if each.crosswalk is not None:
            yield each.crosswalk.table
    for group in level.groups.values():
        yield from _words(group)
