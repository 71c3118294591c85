"""Writing by plan: a WSDL's types compiled once to closures that write a message as text. Pure.

Text is written rather than a tree built: it is the same document at some half of the cost. All namespaces
are declared once, at the Envelope. What cannot be written is told with its path, all at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from adapters.base.formats import EncodeError
from adapters.mapping import Record
from adapters.soap.plan import HEADER_KEY
from adapters.soap.reply_groups import all_of, in_turn, one_of, write_any
from adapters.soap.types import (
    TYPE_KEY,
    XSI,
    AnyModel,
    AttributeModel,
    ElementModel,
    GroupModel,
    TypeModel,
    local_name,
    namespace_of,
    namespaces_of,
)
from adapters.soap.unrolled import PlainPart, unrolled
from adapters.soap.wsdl import Message, Version
from adapters.soap.xml_text import (
    SPECIAL_IN_ATTRIBUTE,
    Out,
    Write,
    escaped_attribute,
    lexical,
    write_record_text,
    write_text,
)

ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
XS = "http://www.w3.org/2001/XMLSchema"


class MessageWriter:
    """One message's compiled writing, in one SOAP version."""

    def __init__(self, message: Message, version: Version, name: str) -> None:
        self._name = name
        names = sorted(namespaces_of((*message.body, *message.headers)) - {"", XSI, XS, ENCODING})
        prefixes = {uri: f"n{number}" for number, uri in enumerate(names, start=1)}
        prefixes |= {XSI: "xsi", XS: "xs", ENCODING: "enc"}
        compiler = _Compiler(prefixes, message.is_encoded)
        self._body = [(each, compiler.element(each, is_top=True)) for each in message.body]
        self._headers = [(each, compiler.element(each)) for each in message.headers]
        self._is_one = len(self._body) == 1
        declared = "".join(f' xmlns:{prefix}="{escaped_attribute(uri)}"' for uri, prefix in prefixes.items())
        self._open = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<soap:Envelope xmlns:soap="{version.value}"{declared}>'
        )

    def write(self, record: Record, headers: str = "") -> bytes:
        """Give the whole envelope. ``headers``: further header blocks, as XML with their own prefixes.

        Errors: EncodeError with SOAP-REQUIRED, SOAP-CHOICE, SOAP-SHAPE, SOAP-TYPE, SOAP-CHARACTER.
        """
        out = Out(self._name)
        out.add(self._open)
        blocks = record.get(HEADER_KEY) or {}
        written = [(each, write, blocks[each.key]) for each, write in self._headers if each.key in blocks]
        if headers or written:
            out.add("<soap:Header>")
            out.add(headers)
            for _, write, value in written:
                write(value, out)
            out.add("</soap:Header>")
        out.add("<soap:Body>")
        for element, write in self._body:
            is_content = self._is_one and not element.type.is_text
            write(record if is_content else record.get(element.key), out)
        out.add("</soap:Body></soap:Envelope>")
        if out.findings:
            raise EncodeError(out.findings)
        return "".join(out.pieces).encode()


class ElementWriter:
    """One element's compiled writing by itself: the detail of a fault."""

    def __init__(self, element: ElementModel, name: str) -> None:
        self._name = name
        names = sorted(namespaces_of((element,)) - {"", XSI, XS, ENCODING})
        prefixes = {uri: f"n{number}" for number, uri in enumerate(names, start=1)} | {XSI: "xsi", XS: "xs"}
        declared = "".join(f' xmlns:{prefix}="{escaped_attribute(uri)}"' for uri, prefix in prefixes.items())
        self._write = _Compiler(prefixes, is_encoded=False).element(element, declared=declared)

    def write(self, record: Any) -> str:
        """Give the element as XML that stands by itself. Errors: EncodeError."""
        out = Out(self._name)
        self._write(record, out)
        if out.findings:
            raise EncodeError(out.findings)
        return "".join(out.pieces)


class _Compiler:
    def __init__(self, prefixes: Mapping[str, str], is_encoded: bool) -> None:
        self._prefixes = prefixes
        self._is_encoded = is_encoded
        self._made: dict[int, tuple[Write, Write]] = {}
        self._under_way: set[int] = set()

    def element(self, element: ElementModel, *, is_top: bool = False, declared: str = "") -> Write:
        """Compile an element: absent where it may be, nil where it may be, else written."""
        name = self._named(element.tag)
        attributes, content = self._type(element.type)
        key, is_required, is_nillable = element.key, element.is_required, element.is_nillable
        begin, end = self._begin(element, is_top=is_top, declared=declared), f"</{name}>"
        begins = begin + ("" if element.type.attributes or element.type.array_item is not None else ">")
        nil = f'<{name}{declared} xsi:nil="true"/>'

        def write(value: Any, out: Out) -> None:
            if value is None:
                if is_nillable:
                    out.add(nil)
                elif is_required:
                    out.refuse(
                        "SOAP-REQUIRED", key, "the schema requires this element, and there is no value"
                    )
                return
            out.add(begins)
            if begins is begin:
                attributes(value, out)
                out.add(">")
            content(value, out)
            out.add(end)

        if element.type.derived:
            return self._by_type(element, write, begin, end)
        return write

    def _begin(self, element: ElementModel, *, is_top: bool = False, declared: str = "") -> str:
        """Write an element's tag up to its attributes."""
        extra = declared
        if self._is_encoded and is_top:
            extra += f' soap:encodingStyle="{ENCODING}"'
        elif self._is_encoded:
            extra += self._type_attribute(element.type)
        return f"<{self._named(element.tag)}{extra}"

    def _by_type(self, element: ElementModel, own: Write, begin: str, end: str) -> Write:
        made: dict[str, tuple[str, Write, Write]] = {}
        by_local = {local_name(name): (name, each) for name, each in element.type.derived.items()}

        def write(value: Any, out: Out) -> None:
            said = value.get(TYPE_KEY) if value.__class__ is dict else None
            if said is None:
                own(value, out)
                return
            if said not in by_local:
                out.refuse("SOAP-TYPE", element.key, f"'{said}' is no type derived from the declared one")
                return
            if said not in made:
                name, model = by_local[said]
                made[said] = (f' xsi:type="{self._named(name)}"', *self._own(model))
            type_attribute, attributes, content = made[said]
            out.add(begin + type_attribute)
            attributes(value, out)
            out.add(">")
            content(value, out)
            out.add(end)

        return write

    def _type(self, model: TypeModel) -> tuple[Write, Write]:
        made = self._made.get(id(model))
        if made is not None:
            return made
        if id(model) in self._under_way:  # a type within itself
            return (
                lambda value, out: self._made[id(model)][0](value, out),  # noqa: PLW0108 - not made yet
                lambda value, out: self._made[id(model)][1](value, out),  # noqa: PLW0108
            )
        self._under_way.add(id(model))
        self._made[id(model)] = self._own(model)
        return self._made[id(model)]

    def _own(self, model: TypeModel) -> tuple[Write, Write]:
        """Give what writes the attributes, and what writes the content."""
        if model.array_item is not None:
            return self._array(model.array_item)
        attributes = self._attributes(model.attributes) if model.attributes else _nothing
        if model.kind:
            return attributes, write_record_text if model.attributes else write_text
        if model.content is None:
            return attributes, _nothing
        return attributes, self._content(model)

    def _content(self, model: TypeModel) -> Write:
        if model.content is None:
            return _nothing
        group = self._group(model.content)
        path = local_name(model.name)

        def write(value: Any, out: Out) -> None:
            if value.__class__ is not dict:
                out.refuse("SOAP-SHAPE", path, f"a {type(value).__name__} stands here; expected a record")
                return
            group(value, out)

        return write

    def _group(self, group: GroupModel) -> Write:
        if group.repeats and len(group.parts) > 1 and group.kind == "sequence":
            return in_turn(group, [self._part(part) for part in group.parts])
        if group.kind == "choice" and not group.repeats:
            return one_of(group, [self._part(part) for part in group.parts])
        every = unrolled([self._in_line(part) for part in group.parts])
        return all_of(group, [self._part(part) for part in group.parts] if every is None else [every])

    def _in_line(self, part: ElementModel | AnyModel | GroupModel) -> PlainPart | Write:
        """Give a part as one that can be written in place, or else its writer."""
        if not isinstance(part, ElementModel) or part.repeats or part.type.derived or not part.type.kind:
            return self._part(part)
        begin, end = self._begin(part), f"</{self._named(part.tag)}>"
        own = self.element(part)
        if part.type.is_text:
            return PlainPart(part.key, part.is_required, f"{begin}>", end, own)
        if len(part.type.attributes) == 1:
            attribute = part.type.attributes[0]
            begin += f' {self._named(attribute.tag)}="'
            return PlainPart(part.key, part.is_required, begin, end, own, attribute.key)
        return self._part(part)

    def _part(self, part: ElementModel | AnyModel | GroupModel) -> Write:
        """Compile one part of a group; it is given the record that the group stands in."""
        match part:
            case GroupModel():
                return self._group(part)
            case AnyModel():
                return write_any
        write, key = self.element(part), part.key
        is_required = part.is_required
        if not part.repeats:

            def write_one(record: Any, out: Out) -> None:
                # Without a key it is absent; None under it is nil, also where it might be absent.
                if is_required or key in record:
                    write(record.get(key), out)

            return write_one

        def write_each(record: Any, out: Out) -> None:
            values = record.get(key)
            entries = values if values.__class__ is list else [] if values is None else [values]
            if not entries and is_required:
                write(None, out)
            for each in entries:
                write(each, out)

        return write_each

    def _attributes(self, attributes: Iterable[AttributeModel]) -> Write:
        every = tuple(
            (each.key, f' {self._named(each.tag)}="', each.is_required and each.default is None)
            for each in attributes
        )
        find = SPECIAL_IN_ATTRIBUTE.search

        def write(value: Any, out: Out) -> None:
            record = value if value.__class__ is dict else {}
            for key, begin, is_required in every:
                text = record.get(key)
                if text.__class__ is str and text.isprintable() and find(text) is None:
                    out.add(f'{begin}{text}"')
                elif text is not None:
                    out.add(f'{begin}{escaped_attribute(lexical(text, key, out))}"')
                elif is_required:
                    out.refuse("SOAP-REQUIRED", key, "the schema requires this attribute; there is no value")

        return write

    def _array(self, item: TypeModel) -> tuple[Write, Write]:
        type_name = self._named(item.name) if item.name else "xs:anyType"
        write_entry = self.element(ElementModel("item", "item", item, is_nillable=True))

        def attributes(value: Any, out: Out) -> None:
            count = len(value) if value.__class__ is list else 1
            out.add(f' enc:arrayType="{type_name}[{count}]"')

        def content(value: Any, out: Out) -> None:
            for each in value if value.__class__ is list else [value]:
                write_entry(each, out)

        return attributes, content

    def _type_attribute(self, model: TypeModel) -> str:
        if model.array_item is not None:
            return ' xsi:type="enc:Array"'
        return f' xsi:type="{self._named(model.name)}"' if model.name else ""

    def _named(self, tag: str) -> str:
        namespace = namespace_of(tag)
        local = local_name(tag)
        return f"{self._prefixes[namespace]}:{local}" if namespace else local


def _nothing(value: Any, out: Out) -> None:
    return None
