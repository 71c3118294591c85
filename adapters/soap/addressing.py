"""WS-Addressing: whose message it is, what it answers to; and a clear no to reliable messaging. Pure.

Source: WS-Addressing 1.0 SOAP Binding, sections 5 and 6; the member submission of 2004/08, which older
stacks send, means the same by the same names.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from lxml import etree

from adapters.base.findings import Finding
from adapters.soap.envelope import Envelope
from adapters.soap.faults import Blame, Fault, FaultError
from adapters.soap.types import local_name, namespace_of
from adapters.xml import element_position

NAMESPACES = (
    "http://www.w3.org/2005/08/addressing",
    "http://schemas.xmlsoap.org/ws/2004/08/addressing",
)
UNDERSTOOD = tuple(f"{{{namespace}}}*" for namespace in NAMESPACES)
_ANONYMOUS = frozenset(
    {
        "http://www.w3.org/2005/08/addressing/anonymous",
        "http://www.w3.org/2005/08/addressing/none",
        "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous",
    }
)
_RELIABLE = frozenset(
    {
        "http://docs.oasis-open.org/ws-rx/wsrm/200702",
        "http://schemas.xmlsoap.org/ws/2005/02/rm",
        "http://docs.oasis-open.org/ws-rx/wsrm/200608",
    }
)
ID_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class Addressing:
    """What a message says of itself; ``namespace`` "" where it says nothing."""

    namespace: str = ""
    message_id: str = ""
    action: str = ""


NOT_ADDRESSED = Addressing()


def read_addressing(envelope: Envelope, source: str) -> Addressing:
    """Give the addressing of a message.

    Errors: FaultError SOAP-RELIABLE for reliable messaging, SOAP-ADDRESSING for a header twice, a
    MessageID without a form, or an answer to another address than the caller's own connection.
    """
    for block in (*envelope.blocks, *envelope.entries):
        if namespace_of(str(block.tag)) in _RELIABLE:
            text = (
                "this service speaks no WS-ReliableMessaging; send the request without a sequence, its "
                "MessageID makes a repeat the same request"
            )
            raise FaultError(
                Fault(Blame.SENDER, Finding("SOAP-RELIABLE", element_position(block, source), text))
            )
    found: dict[str, str] = {}
    namespace = ""
    for block in envelope.blocks:
        where = namespace_of(str(block.tag))
        name = local_name(str(block.tag))
        if where not in NAMESPACES or name not in ("MessageID", "Action", "ReplyTo", "FaultTo"):
            continue
        address = block.find(f"{{{where}}}Address")
        text = str((address if address is not None else block).xpath("string()")).strip()
        if name in found or (namespace and namespace != where):
            raise _refused(
                block, source, "InvalidAddressingHeader", f"header {name} stands there twice", where
            )
        namespace, found[name] = where, text
        if name in ("ReplyTo", "FaultTo") and text and text not in _ANONYMOUS:
            told = f"{name} names another address; this service answers on the request's own connection only"
            raise _refused(block, source, "OnlyAnonymousAddressSupported", told, where)
        if name == "MessageID" and not (0 < len(text) <= ID_CHARACTERS_MAX and text.isprintable()):
            told = f"the MessageID is empty, or longer than {ID_CHARACTERS_MAX} printable characters"
            raise _refused(block, source, "InvalidAddressingHeader", told, where)
    return Addressing(namespace, found.get("MessageID", ""), found.get("Action", ""))


def reply_headers(addressing: Addressing, action: str, message_id: str) -> str:
    """Give the header blocks of an answer, "" where the request had none. ``message_id``: our own."""
    if not addressing.namespace:
        return ""
    relates = (
        f"<wsa:RelatesTo>{escape(addressing.message_id)}</wsa:RelatesTo>" if addressing.message_id else ""
    )
    own = f"<wsa:MessageID>urn:legacy-bridge:{escape(message_id)}</wsa:MessageID>" if message_id else ""
    blocks = f"<wsa:Action>{escape(action)}</wsa:Action>{own}{relates}"
    return _declared(blocks, addressing.namespace)


def _declared(blocks: str, namespace: str) -> str:
    """Let each block declare the prefix by itself, so that it stands in any envelope."""
    for name in ("Action", "MessageID", "RelatesTo"):
        blocks = blocks.replace(f"<wsa:{name}>", f'<wsa:{name} xmlns:wsa="{namespace}">')
    return blocks


def _refused(block: etree._Element, source: str, subcode: str, text: str, namespace: str) -> FaultError:
    at = element_position(block, source)
    return FaultError(
        Fault(Blame.SENDER, Finding("SOAP-ADDRESSING", at, text), subcode=f"{{{namespace}}}{subcode}")
    )
