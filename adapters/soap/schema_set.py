"""The schemas of a WSDL, put together so that libxml2 compiles all of them and fetches nothing. Pure.

libxml2 reads only the first schema document that it is shown for a namespace, and skips an import that it
cannot reach without a word. So each namespace becomes one document of ours (several are included by
one), and every import is turned towards it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from lxml import etree

from adapters.soap.types import ElementModel, TypeModel, local_name, namespace_of

XS = "http://www.w3.org/2001/XMLSchema"
WSDL = "http://schemas.xmlsoap.org/wsdl/"
ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
_PLACE = "https://schemas.invalid/"
ITEM = "item"  # what entries of encoded arrays are called once they are put in order


@dataclass(frozen=True, slots=True)
class SchemaDocument:
    """One ``xs:schema``, and the address that its relative imports count from."""

    address: str
    root: etree._Element
    is_inline: bool

    @property
    def namespace(self) -> str:
        """Give its target namespace, "" where it has none."""
        return self.root.get("targetNamespace") or ""


class SchemaError(Exception):
    """The schemas do not compile; the text says why."""


def schema_documents(loaded: Mapping[str, etree._Element]) -> list[SchemaDocument]:
    """Give every schema of the documents that were read, those inside WSDLs too."""
    found: list[SchemaDocument] = []
    for address, root in loaded.items():
        if root.tag == f"{{{XS}}}schema":
            found.append(SchemaDocument(address, root, is_inline=False))
        else:
            inline = root.findall(f"{{{WSDL}}}types/{{{XS}}}schema")
            found += [SchemaDocument(address, each, is_inline=True) for each in inline]
    return found


def derivations(documents: Iterable[SchemaDocument]) -> dict[str, str]:
    """Give the base of each named complex type that is derived from another one, by QName."""
    bases: dict[str, str] = {}
    for document in documents:
        for declared in document.root.iterchildren(f"{{{XS}}}complexType"):
            for way in ("extension", "restriction"):
                step = declared.find(f"{{{XS}}}complexContent/{{{XS}}}{way}")
                if step is None:
                    step = declared.find(f"{{{XS}}}simpleContent/{{{XS}}}{way}")
                if step is not None and declared.get("name"):
                    name = f"{{{document.namespace}}}{declared.get('name')}"
                    bases[name] = qualified(step, step.get("base") or "", document.namespace)
    return bases


def qualified(element: etree._Element, name: str, default: str = "") -> str:
    """Give a prefixed name as a QName, by the prefixes in force at an element."""
    prefix, _, local = name.strip().rpartition(":")
    namespace = element.nsmap.get(prefix or None)
    return f"{{{namespace or default}}}{local}" if namespace or default else local


def compile_schema(
    documents: Sequence[SchemaDocument], rpc: Sequence[ElementModel], arrays: Mapping[str, TypeModel]
) -> etree.XMLSchema:
    """Compile all schemas into one. Errors: SchemaError.

    ``rpc``: wrappers of RPC messages, which no schema declares. ``arrays``: array types of SOAP encoding by
    QName; their declarations restrict an array to nothing, so we write what they mean.
    """
    builder = _Builder(documents, arrays)
    try:
        return builder.compiled(rpc)
    except (etree.XMLSchemaParseError, etree.XMLSyntaxError) as error:
        raise SchemaError(_told(error)) from error


def _told(error: etree.LxmlError) -> str:
    """Give all that libxml2 said, without its places: they are in documents of ours."""
    entries = list(getattr(error, "error_log", ()))
    said = [entry.message for entry in entries if entry.level_name != "WARNING"] or [str(error)]
    return "; ".join(dict.fromkeys(said))[:600]


class _Builder:
    def __init__(self, documents: Sequence[SchemaDocument], arrays: Mapping[str, TypeModel]) -> None:
        self._arrays = arrays
        self._texts: dict[str, bytes] = {}
        included = {
            urljoin(each.address, step.get("schemaLocation") or "")
            for each in documents
            for way in ("include", "redefine")
            for step in each.root.iterchildren(f"{{{XS}}}{way}")
        }
        self._places = {id(each): f"{_PLACE}d{number}.xsd" for number, each in enumerate(documents)}
        self._by_address = {each.address: self._places[id(each)] for each in documents if not each.is_inline}
        self._namespaces: dict[str, list[SchemaDocument]] = {}
        for each in documents:
            if each.is_inline or each.address not in included:
                self._namespaces.setdefault(each.namespace, []).append(each)
        self._documents = documents

    def compiled(self, rpc: Sequence[ElementModel]) -> etree.XMLSchema:
        extra = {
            namespace: _rpc_schema(namespace, list(wrappers))
            for namespace, wrappers in _by_namespace(rpc).items()
        }
        for namespace in extra:
            self._namespaces.setdefault(namespace, [])
        for document in self._documents:
            self._texts[self._places[id(document)]] = self._rewritten(document)
        for number, (namespace, schema) in enumerate(extra.items()):
            self._add_imports(schema, namespace)
            self._texts[f"{_PLACE}rpc{number}.xsd"] = etree.tostring(schema)
        tops = {}
        for number, (namespace, parts) in enumerate(self._namespaces.items()):
            tops[namespace] = f"{_PLACE}n{number}.xsd"
            places = [self._places[id(each)] for each in parts]
            places += [f"{_PLACE}rpc{i}.xsd" for i, name in enumerate(extra) if name == namespace]
            self._texts[tops[namespace]] = _including(namespace, places)
        # Only a schema with a namespace of its own may import one that has none.
        root = etree.Element(f"{{{XS}}}schema", nsmap={"xs": XS}, targetNamespace=_PLACE)
        for namespace, place in tops.items():
            step = etree.SubElement(root, f"{{{XS}}}import", schemaLocation=place)
            if namespace:
                step.set("namespace", namespace)
        parser = etree.XMLParser(no_network=True, load_dtd=False, resolve_entities=False)
        parser.resolvers.add(_Resolver(self._texts))
        return etree.XMLSchema(etree.fromstring(etree.tostring(root), parser))

    def _place_of(self, namespace: str) -> str | None:
        if namespace not in self._namespaces:
            return None
        return f"{_PLACE}n{list(self._namespaces).index(namespace)}.xsd"

    def _rewritten(self, document: SchemaDocument) -> bytes:
        # Written and read again rather than copied: a copy of an inline schema loses its WSDL's prefixes.
        root = etree.fromstring(etree.tostring(document.root, with_tail=False))
        for step in root.findall(f"{{{XS}}}import"):
            place = self._place_of(step.get("namespace") or "")
            if place is not None:
                step.set("schemaLocation", place)
            elif step.get("schemaLocation") is not None:
                del step.attrib["schemaLocation"]
        for way in ("include", "redefine"):
            for step in root.findall(f"{{{XS}}}{way}"):
                address = urljoin(document.address, step.get("schemaLocation") or "")
                step.set("schemaLocation", self._by_address.get(address, f"{_PLACE}missing.xsd"))
        for declared in root.findall(f"{{{XS}}}complexType"):
            model = self._arrays.get(f"{{{document.namespace}}}{declared.get('name')}")
            if model is not None:
                _write_array(declared, model)
        self._add_imports(root, document.namespace)
        return etree.tostring(root)

    def _add_imports(self, root: etree._Element, own: str) -> None:
        """Import what a schema uses without saying so: inline schemas of one WSDL often do."""
        known = {step.get("namespace") or "" for step in root.findall(f"{{{XS}}}import")}
        used = {namespace for each in root.iter() for namespace in each.nsmap.values()}
        for namespace in sorted(used & set(self._namespaces)):
            if namespace not in known and namespace not in (own, XS):
                step = etree.Element(f"{{{XS}}}import", namespace=namespace)
                step.set("schemaLocation", self._place_of(namespace) or "")
                root.insert(0, step)


class _Resolver(etree.Resolver):
    """Gives our own documents and nothing else."""

    def __init__(self, texts: Mapping[str, bytes]) -> None:
        super().__init__()
        self._texts = texts

    def resolve(self, system_url: str, public_id: str, context: object) -> Any:  # type: ignore[override]
        # An empty document for everything else: libxml2 must not try by itself. The stubs know no context.
        return self.resolve_string(self._texts.get(system_url, b""), context)  # type: ignore[call-arg]


def _including(namespace: str, places: Iterable[str]) -> bytes:
    root = etree.Element(f"{{{XS}}}schema", nsmap={"xs": XS})
    if namespace:
        root.set("targetNamespace", namespace)
    for place in places:
        etree.SubElement(root, f"{{{XS}}}include", schemaLocation=place)
    return etree.tostring(root)


def _by_namespace(wrappers: Iterable[ElementModel]) -> dict[str, list[ElementModel]]:
    found: dict[str, list[ElementModel]] = {}
    seen = set[str]()
    for each in wrappers:
        if each.tag not in seen:
            seen.add(each.tag)
            found.setdefault(namespace_of(each.tag), []).append(each)
    return found


def _rpc_schema(namespace: str, wrappers: Sequence[ElementModel]) -> etree._Element:
    """Declare RPC wrappers: an element with the parts in order, unqualified. Source: WS-I BP 1.1, 4.7.20."""
    names = sorted({namespace_of(name) for name in _type_names(wrappers)} - {"", XS})
    nsmap = {"xs": XS}
    nsmap.update({f"t{number}": name for number, name in enumerate(names)})
    root = etree.Element(f"{{{XS}}}schema", nsmap=nsmap)
    if namespace:
        root.set("targetNamespace", namespace)
    prefixes = {uri: prefix for prefix, uri in nsmap.items()}
    for wrapper in wrappers:
        declared = etree.SubElement(root, f"{{{XS}}}element", name=local_name(wrapper.tag))
        complex_type = etree.SubElement(declared, f"{{{XS}}}complexType")
        # SOAP encoding does not say in which order the parts come, and may leave one out.
        sequence = etree.SubElement(complex_type, f"{{{XS}}}sequence")
        for part in wrapper.type.elements:
            attributes = {"name": part.key, "nillable": "true"}
            if not part.is_required:
                attributes["minOccurs"] = "0"
            step = etree.SubElement(sequence, f"{{{XS}}}element", attributes)
            if part.type.name:
                step.set("type", f"{prefixes[namespace_of(part.type.name)]}:{local_name(part.type.name)}")
    return root


def _type_names(wrappers: Iterable[ElementModel]) -> Iterator[str]:
    for wrapper in wrappers:
        yield from (part.type.name for part in wrapper.type.elements)


def _write_array(declared: etree._Element, model: TypeModel) -> None:
    """Write what a restriction of soapenc:Array means. Source: SOAP 1.1, section 5.4.2."""
    for child in list(declared):
        declared.remove(child)
    sequence = etree.SubElement(declared, f"{{{XS}}}sequence")
    step = etree.SubElement(
        sequence, f"{{{XS}}}element", name=ITEM, minOccurs="0", maxOccurs="unbounded", nillable="true"
    )
    item = model.array_item
    if item is not None and item.name:
        namespace = namespace_of(item.name)
        prefix = next((key for key, uri in step.nsmap.items() if uri == namespace and key), None)
        if prefix is not None:
            step.set("type", f"{prefix}:{local_name(item.name)}")
