"""The layout file's own form: every key declared once, checked, with all mistakes placed.

docs/how-to/describe-a-flat-file.md explains the words. ``build.py`` makes a ``Layout`` of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from adapters.base.findings import Finding
from adapters.base.yaml import Node, position_of


def _truth(value: Any) -> Any:
    if value in ("yes", "true"):
        return True
    return False if value in ("no", "false") else value


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Flag = Annotated[bool, BeforeValidator(_truth)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_as_list)]


class Spec(BaseModel):
    """A part of the layout file: nothing unknown is let in."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class FieldSpec(Spec):
    """One field of a record, or a group of fields that may repeat."""

    name: str | None = None
    at: int | None = Field(None, ge=1, description="its first character, from 1; a check, or a gap before it")
    len: int | None = Field(None, ge=1, le=100_000)
    type: str = "text"
    pivot: int | None = Field(None, ge=0, le=99)
    sign: Literal["none", "leading", "trailing", "overpunch", "overpunch_leading"] | None = None
    plus: Literal["+", "blank", "unsigned"] | None = None
    pad: str | None = None
    align: Literal["left", "right"] | None = None
    blank: str | None = Field(
        None, description="what stands where there is no value: spaces, zeros, refuse ..."
    )
    required: Flag = False
    sensitive: Flag = Field(False, description="a price or a person: findings never show its value")
    const: str | None = None
    fill: Literal["control_number", "date", "time", "environment"] | None = None
    filler: int | None = Field(None, ge=1, le=100_000, description="that many characters that mean nothing")
    label: str | None = None
    quoted: Flag | None = None
    excel: Flag = False
    fields: tuple[FieldSpec, ...] = ()
    occurs: str | None = Field(None, description="how often a group or field comes: 10, 0..10")
    depends: str | None = Field(None, description="the field that says how often")
    views: tuple[ViewSpec, ...] = Field((), description="several descriptions of the same bytes")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class ViewSpec(Spec):
    """One description of bytes that others describe, too."""

    name: str
    when: Mapping[str, Texts] = {}
    fields: tuple[FieldSpec, ...]


class RecordSpec(Spec):
    """One type of record."""

    match: Mapping[str, Texts] = Field({}, description="field: text or texts by which it is recognised")
    parent: str | None = None
    occurs: str = Field("0..", description="how often below its parent: 1, 0..1, 1.., 0..999")
    fields: tuple[FieldSpec, ...] = ()
    group: str | None = Field(None, description="the copybook's group that describes it")
    redefines: Mapping[str, Mapping[str, Texts]] = Field(
        {}, description="which REDEFINES holds when: NAME: {FIELD: text}"
    )
    read_as: Mapping[str, Literal["text", "blank_padded"]] = Field(
        {}, description="fields of the copybook that the files hold otherwise than PIC says"
    )


class RowsSpec(Spec):
    """One document of several rows."""

    by: Texts
    head: Texts = ()
    name: str


class DelimitedSpec(Spec):
    """How cells are told apart."""

    delimiter: str = ","
    quote: str = '"'
    escape: Literal["double", "backslash"] = "double"
    quotes: Literal["needed", "text", "all"] = "needed"
    header: Literal["none", "checked", "by_name"] = "none"
    trailing: Flag = Field(False, description="a delimiter stands at the end of each row, too")
    spans_lines: Flag = Field(False, description="a quoted cell may hold line ends")
    formulas: Literal["note", "refuse", "keep"] = "note"


class LayoutSpec(Spec):
    """One layout."""

    layout: str = Field(min_length=1)
    format: Literal["fixed", "delimited", "copybook"]
    encoding: str = "utf-8"
    newline: Literal["lf", "crlf", "cr"] | None = None
    last_newline: Flag = True
    trims: Flag = Field(False, description="blanks at the end of a line are not written")
    bom: Flag = False
    record_length: int | None = Field(None, ge=1, le=1_000_000)
    rdw: Literal["inclusive", "exclusive"] | None = Field(
        None, description="record descriptor words; whether their length counts their own four bytes"
    )
    delimited: DelimitedSpec | None = None
    copybook: str | None = Field(None, description="the name of a copybook, or its text")
    zones: Literal["overpunch", "micro_focus"] = "overpunch"
    little_endian: Flag = Field(False, description="COMP-5 of a machine with the low byte first")
    binary: Literal["digits", "bytes"] = Field("digits", description="COMP holds what PIC says, or all bytes")
    blank: Literal["spaces", "refuse"] = Field("spaces", description="displayed numbers and dates of blanks")
    fillers: Literal["keep", "drop"] = "keep"
    unknown: Literal["refuse", "skip"] = "refuse"
    records: Mapping[str, RecordSpec] = Field(min_length=1)
    document: str | None = Field(None, description="the record that begins a document")
    rows: RowsSpec | None = None
    totals: Mapping[str, str] = {}


def read_spec(node: Node) -> LayoutSpec | list[Finding]:
    """Give the checked layout file, or everything that is wrong with its form (LAYOUT-FORM)."""
    try:
        return LayoutSpec.model_validate(node.plain())
    except ValidationError as error:
        found = [_form_finding(node, each) for each in error.errors(include_url=False, include_context=False)]
        return sorted(found, key=lambda finding: (finding.at.line or 0, finding.at.column or 0))


def _form_finding(node: Node, error: Mapping[str, Any]) -> Finding:
    at = position_of(node, error["loc"])
    said = str(error["msg"]).removeprefix("Value error, ")
    match error["type"]:
        case "extra_forbidden":
            said = f"'{error['loc'][-1]}' is not a key here"
        case "missing":
            said = f"'{error['loc'][-1]}' is missing"
    return Finding("LAYOUT-FORM", at, said[:1].lower() + said[1:] if said else "is not as expected")
