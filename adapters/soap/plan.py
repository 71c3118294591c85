"""Reading by plan: a WSDL's types compiled once to closures that turn elements into records. Pure.

The plan does not validate: XML Schema has seen the message before, in C and by the letter. It keeps what
zeep drops: nil (None), absent (no key) and empty (""), defaults of empty elements, the name of a derived
type. Texts stay texts, since the mapping and pydantic convert faster and refuse better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from lxml import etree

from adapters.base.findings import DecodeError, Finding
from adapters.mapping import Record, SourceField
from adapters.soap.types import (
    ANY_KEY,
    TEXT_KEY,
    TYPE_KEY,
    XSI_NIL,
    XSI_TYPE,
    AttributeModel,
    ElementModel,
    TypeModel,
    local_name,
    source_fields,
)
from adapters.soap.wsdl import Message
from adapters.xml import element_position

Read = Callable[[etree._Element], Any]  # gives str | None | Record | list

HEADER_KEY = "soap:Header"  # in a message's record: its declared header blocks
AS_SENT = frozenset({"string", "anySimpleType", "anyType", "union"})
_TRUE = frozenset({"true", "1"})
_TRIMMED = frozenset({"decimal", "integer", "positiveInteger", "int", "long", "date", "dateTime", "time"})
COLLAPSED = frozenset({"token", "language", "Name", "NCName", "NMTOKEN", "list"})


class MessagePlan:
    """One message's compiled reading. It may run in any thread."""

    def __init__(self, message: Message, compiler: PlanCompiler) -> None:
        self.message = message
        self._body = {each.tag: (each.key, compiler.element(each)) for each in message.body}
        self._headers = {each.tag: (each.key, compiler.element(each)) for each in message.headers}
        self._is_one = len(message.body) == 1

    def read(self, body: Iterable[etree._Element], header: etree._Element | None = None) -> Record:
        """Give the record of a message whose schema is checked; what it does not declare is left out."""
        record: Record = {}
        for element in body:
            known = self._body.get(element.tag)
            if known is None:
                continue
            value = known[1](element)
            if self._is_one and value.__class__ is dict:
                record = value
            else:
                record[known[0]] = value
        if header is not None and self._headers:
            blocks: Record = {}
            for block in header:
                known = self._headers.get(block.tag)
                if known is not None:
                    blocks[known[0]] = known[1](block)
            if blocks:
                record[HEADER_KEY] = blocks
        return record


def message_fields(message: Message) -> tuple[SourceField, ...]:
    """Give what a mapping can read of a message, or must write to it."""
    found: list[SourceField] = []
    is_one = len(message.body) == 1
    for element in message.body:
        if is_one and not element.type.is_text:
            found += source_fields(element.type)
        else:
            found.append(SourceField(element.key, required=True, fields=source_fields(element.type)))
    if message.headers:
        blocks = tuple(SourceField(each.key, fields=_optional(each)) for each in message.headers)
        found.append(SourceField(HEADER_KEY, fields=blocks))
    return tuple(found)


def _optional(element: ElementModel) -> tuple[SourceField, ...]:
    """Give a header's fields; none of them is required of who writes a body."""

    def loosened(fields: tuple[SourceField, ...]) -> tuple[SourceField, ...]:
        return tuple(
            SourceField(each.name, repeated=each.repeated, fields=loosened(each.fields)) for each in fields
        )

    return loosened(source_fields(element.type))


class PlanCompiler:
    """Compiles types, each once; a type that refers to itself is looked up when it is read."""

    def __init__(self) -> None:
        self._made: dict[int, Read] = {}
        self._under_way: set[int] = set()
        self._kept: list[TypeModel] = []

    def element(self, element: ElementModel) -> Read:
        """Compile an element by itself: its type, nil and the default of an empty one."""
        return _with_nil(_with_default(self._type(element.type), element), element)

    def _type(self, model: TypeModel) -> Read:
        made = self._made.get(id(model))
        if made is not None:
            return made
        if id(model) in self._under_way:
            return lambda element: self._made[id(model)](element)  # noqa: PLW0108 - it is not made yet
        self._under_way.add(id(model))
        self._kept.append(model)
        own = self._own(model)
        if model.derived:
            own = self._by_type(model, own)
        self._made[id(model)] = own
        return own

    def _own(self, model: TypeModel) -> Read:
        if model.array_item is not None:
            return _array_reader(self._type(model.array_item))
        if model.kind:
            text = _text_reader(model.kind)
            return _simple_content_reader(text, model.attributes) if model.attributes else text
        return _complex_reader({each.tag: self._slot(each) for each in model.elements}, model)

    def _slot(self, element: ElementModel) -> Slot:
        """Give how an element is read: plain texts, which most elements are, without a call."""
        is_list = element.repeats or element.type.array_item is not None
        way = _WAYS.get(element.type.kind) if element.type.is_text and not element.type.derived else None
        if way is None or is_list or element.default is not None:
            return (element.key, _REPEATS if is_list else _CALL, self.element(element))
        return (element.key, way + _NILLABLE if element.is_nillable else way, _no_reader)

    def _by_type(self, model: TypeModel, own: Read) -> Read:
        readers = {name: own if each is model else self._own_of(each) for name, each in model.derived.items()}

        def read(element: etree._Element) -> Any:
            said = element.get(XSI_TYPE)
            if said is None:
                return own(element)
            prefix, _, local = said.strip().rpartition(":")
            name = f"{{{element.nsmap.get(prefix or None) or ''}}}{local}"
            chosen = readers.get(name)
            if chosen is None:
                at = element_position(element, "")
                text = f"xsi:type '{said[:80]}' names no type derived from {local_name(model.name)}"
                raise DecodeError(Finding("SOAP-TYPE", at, text))
            value = chosen(element)
            if value.__class__ is dict:
                value[TYPE_KEY] = local
            return value

        return read

    def _own_of(self, model: TypeModel) -> Read:
        """Compile a derived type's own reading, without asking for xsi:type again."""
        made: list[Read] = []

        def read(element: etree._Element) -> Any:
            if not made:  # late: derived types may refer to their base
                made.append(self._own(model))
            return made[0](element)

        return read


def _text_reader(kind: str) -> Read:
    """Read a text with the blanks that its type keeps. Source: XML Schema part 2, 4.3.6, whiteSpace."""
    if kind in AS_SENT:
        return lambda element: element.text or ""
    if kind == "normalizedString":
        return lambda element: (element.text or "").translate(BLANKS)
    if kind == "boolean":
        return lambda element: BOOLEANS.get(text := (element.text or "").strip(), text)
    if kind in COLLAPSED:
        return _collapsed
    return lambda element: (element.text or "").strip()


BLANKS = {9: " ", 10: " ", 13: " "}
BOOLEANS = {"1": "true", "0": "false"}


def _collapsed(element: etree._Element) -> str:
    return " ".join((element.text or "").split())


def _with_nil(read: Read, element: ElementModel) -> Read:
    if not element.is_nillable:
        return read

    def read_nillable(found: etree._Element) -> Any:
        return None if found.get(XSI_NIL) in _TRUE else read(found)

    return read_nillable


def _with_default(read: Read, element: ElementModel) -> Read:
    """Give an element that came empty its default. Source: XML Schema part 1, 3.3.4, default."""
    default = element.default
    if default is None or not element.type.is_text:
        return read

    def read_defaulted(found: etree._Element) -> Any:
        return read(found) if found.text else default

    return read_defaulted


def _simple_content_reader(read_text: Read, attributes: list[AttributeModel]) -> Read:
    every = tuple((each.key, each.tag, each.default) for each in attributes)

    def read(element: etree._Element) -> Record:
        record: Record = {TEXT_KEY: read_text(element)}
        _read_attributes(element, every, record)
        return record

    if len(every) > 1:
        return read
    key, tag, default = every[0]

    def read_with_one(element: etree._Element) -> Record:
        text = element.get(tag, default)
        if text is None:
            return {TEXT_KEY: read_text(element)}
        return {TEXT_KEY: read_text(element), key: text}

    return read_with_one


Slot = tuple[str, int, Read]  # key in the record, way of reading, reader where it is one of calling

# Ways of reading: texts as they are, with blanks joined, or without those around; by a call, one or many.
_PLAIN, _COLLAPSED_WAY, _STRIPPED, _CALL, _REPEATS, _NILLABLE = 0, 1, 2, 4, 5, 8
_WAYS = (
    dict.fromkeys(AS_SENT, _PLAIN)
    | dict.fromkeys(COLLAPSED, _COLLAPSED_WAY)
    | dict.fromkeys(_TRIMMED, _STRIPPED)
)


def _no_reader(element: etree._Element) -> Any:
    raise AssertionError("texts are read without a call")


def _complex_reader(slots: dict[str, Slot], model: TypeModel) -> Read:  # noqa: C901 - see below
    attributes = tuple((each.key, each.tag, each.default) for each in model.attributes)
    keep_any = _any_keeper() if model.has_any else None

    # One loop, the hottest of all, so that nothing is called for a plain text: half of the time is
    # lxml's own, for making an object of each element.
    def read(element: etree._Element) -> Record:
        record: Record = {}
        if attributes:
            _read_attributes(element, attributes, record)
        for child in element:
            try:
                key, way, reader = slots[child.tag]
            except KeyError:
                if keep_any is not None:
                    keep_any(child, record)
                continue
            if way == _CALL:
                record[key] = reader(child)
            elif way == _REPEATS:
                _add(record, key, reader(child))
            elif way >= _NILLABLE and child.get(XSI_NIL) in _TRUE:
                record[key] = None
            else:
                text = child.text or ""
                if way & _STRIPPED:
                    text = text.strip()
                elif way & _COLLAPSED_WAY and (" " in text or not text.isprintable()):
                    text = " ".join(text.split())
                record[key] = text
        return record

    return read


def _read_attributes(
    element: etree._Element, attributes: tuple[tuple[str, str, str | None], ...], record: Record
) -> None:
    for key, tag, default in attributes:
        text = element.get(tag)
        if text is not None:
            record[key] = text
        elif default is not None:
            record[key] = default


def _add(record: Record, key: str, value: Any) -> None:
    if value.__class__ is list:  # an encoded array is a list by itself
        record[key] = [*record.get(key, ()), *value]
    elif key in record:
        record[key].append(value)
    else:
        record[key] = [value]


def _any_keeper() -> Callable[[etree._Element, Record], None]:
    def keep(child: etree._Element, record: Record) -> None:
        text = etree.tostring(child, encoding="unicode", with_tail=False)
        record.setdefault(ANY_KEY, []).append(text)

    return keep


def _array_reader(read_entry: Read) -> Read:
    def read(element: etree._Element) -> list[Any]:
        return [None if each.get(XSI_NIL) in _TRUE else read_entry(each) for each in element]

    return read
