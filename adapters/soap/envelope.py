"""The envelope: its version, its Header and Body, and which header blocks must be understood. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree

from adapters.base.findings import Finding, Position
from adapters.soap.faults import Blame, Fault, FaultError, refused
from adapters.soap.types import local_name, namespace_of
from adapters.soap.wsdl import Version
from adapters.xml import element_position

# Roles in which we act: none named, the next node, the last one. Source: SOAP 1.1, 4.2.2; 1.2 part 1, 2.2.
_OUR_ROLES = frozenset(
    {
        "",
        "http://schemas.xmlsoap.org/soap/actor/next",
        "http://www.w3.org/2003/05/soap-envelope/role/next",
        "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver",
    }
)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message that is an envelope. ``body``: the Body element itself."""

    version: Version
    root: etree._Element
    header: etree._Element | None
    body: etree._Element

    @property
    def entries(self) -> list[etree._Element]:
        """Give the elements of the Body."""
        return list(self.body.iterchildren(etree.Element))

    @property
    def blocks(self) -> list[etree._Element]:
        """Give the header blocks."""
        return [] if self.header is None else list(self.header.iterchildren(etree.Element))


def read_envelope(root: etree._Element, source: str) -> Envelope:
    """Give a document as an envelope.

    Errors: FaultError: VersionMismatch for an Envelope of another version, SOAP-ENVELOPE for what is none.
    """
    namespace, name = namespace_of(str(root.tag)), local_name(str(root.tag))
    if name != "Envelope":
        raise refused("SOAP-ENVELOPE", source, f"the document is a '{name[:80]}'; expected a SOAP Envelope")
    try:
        version = Version(namespace)
    except ValueError as error:
        text = "the Envelope is of no known SOAP version; expected the namespace of SOAP 1.1 or 1.2"
        raise FaultError(
            Fault(Blame.VERSION, Finding("SOAP-VERSION", Position(source), text), text)
        ) from error
    bodies = root.findall(f"{{{namespace}}}Body")
    headers = root.findall(f"{{{namespace}}}Header")
    if len(bodies) != 1 or len(headers) > 1:
        text = f"the Envelope has {len(bodies)} Body and {len(headers)} Header elements; expected one Body"
        raise refused("SOAP-ENVELOPE", source, text)
    return Envelope(version, root, headers[0] if headers else None, bodies[0])


def check_understood(envelope: Envelope, understood: Iterable[str], source: str) -> None:
    """Refuse header blocks that must be understood and are not. Errors: FaultError, MustUnderstand.

    ``understood``: QNames, or a namespace followed by ``}*`` for all of it. Source: SOAP 1.1, 4.2.3; SOAP
    1.2 part 1, 2.4.
    """
    known = frozenset(understood)
    unknown = [block for block in envelope.blocks if _must(block, envelope.version) and not _in(block, known)]
    if unknown:
        names = tuple(str(block.tag) for block in unknown)
        listed = ", ".join(f"'{local_name(name)[:80]}' of {namespace_of(name)[:120]}" for name in names)
        at = element_position(unknown[0], source)
        text = f"header {listed} must be understood, and is not understood here"
        raise FaultError(
            Fault(Blame.NOT_UNDERSTOOD, Finding("SOAP-NOT-UNDERSTOOD", at, text), not_understood=names)
        )


def _must(block: etree._Element, version: Version) -> bool:
    is_marked = block.get(f"{{{version.value}}}mustUnderstand") in ("1", "true")
    role = "actor" if version is Version.SOAP11 else "role"
    return is_marked and (block.get(f"{{{version.value}}}{role}") or "") in _OUR_ROLES


def _in(block: etree._Element, known: frozenset[str]) -> bool:
    tag = str(block.tag)
    return tag in known or f"{{{namespace_of(tag)}}}*" in known
