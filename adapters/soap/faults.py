"""SOAP faults: what was wrong, as both versions say it. Pure.

Source: SOAP 1.1, section 4.4; SOAP 1.2 part 1, section 5.4; HTTP statuses: SOAP 1.1, 6.2 and SOAP 1.2
part 2, 7.5.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from xml.sax.saxutils import escape, quoteattr

from adapters.base.findings import Finding, Position
from adapters.soap.types import local_name, namespace_of
from adapters.soap.wsdl import Version


class Blame(Enum):
    """Whose fault it is, and how each version calls that."""

    SENDER = ("Client", "Sender")
    RECEIVER = ("Server", "Receiver")
    VERSION = ("VersionMismatch", "VersionMismatch")
    NOT_UNDERSTOOD = ("MustUnderstand", "MustUnderstand")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. ``subcode``: a QName that says more (WS-Security, WS-Addressing). ``detail``: XML.

    ``not_understood``: header blocks that had to be and were not (SOAP 1.2 part 1, 5.4.8).
    """

    blame: Blame
    finding: Finding
    reason: str = ""  # what the caller reads; default: the finding's text with its place
    subcode: str = ""
    detail: str = ""
    not_understood: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Give what the caller reads."""
        return self.reason or reason_of(self.finding)


class FaultError(Exception):
    """A fault on its way to the caller."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault.finding))
        self.fault = fault


def reason_of(finding: Finding) -> str:
    """Give a finding as one sentence: its place in the message, its text and its code."""
    at = finding.at
    places = [f"line {at.line}" if at.line else "", at.path]
    place = ", ".join(part for part in places if part)
    return f"{place}: {finding.text} [{finding.code}]" if place else f"{finding.text} [{finding.code}]"


def refused(code: str, source: str, text: str, blame: Blame = Blame.SENDER) -> FaultError:
    """Make a fault that blames the message, or us."""
    return FaultError(Fault(blame, Finding(code, Position(source), text)))


def fault_status(fault: Fault, version: Version) -> int:
    """Give the HTTP status: SOAP 1.2 tells a wrong message by 400, everything else is 500."""
    return 400 if version is Version.SOAP12 and fault.blame is Blame.SENDER else 500


def write_fault(fault: Fault, version: Version, headers: str = "") -> bytes:
    """Give the envelope of a fault. ``headers``: header blocks as XML."""
    if version is Version.SOAP12:
        headers += _understanding(fault)
    head = f"<soap:Header>{headers}</soap:Header>" if headers else ""
    body = _fault_11(fault) if version is Version.SOAP11 else _fault_12(fault)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<soap:Envelope xmlns:soap="{version.value}">{head}'
        f"<soap:Body><soap:Fault>{body}</soap:Fault></soap:Body></soap:Envelope>"
    ).encode()


def _fault_11(fault: Fault) -> str:
    # Source: WS-Security 1.1, section 12: in SOAP 1.1 the specific code takes the place of Client.
    code = f"soap:{fault.blame.value[0]}"
    declared = ""
    if fault.subcode:
        declared = f" xmlns:sub={quoteattr(namespace_of(fault.subcode))}"
        code = f"sub:{local_name(fault.subcode)}"
    detail = f"<detail>{fault.detail}</detail>" if fault.detail else ""
    return f"<faultcode{declared}>{code}</faultcode><faultstring>{_text(fault.text)}</faultstring>{detail}"


def _fault_12(fault: Fault) -> str:
    subcode = ""
    if fault.subcode:
        declared = f" xmlns:sub={quoteattr(namespace_of(fault.subcode))}"
        subcode = (
            f"<soap:Subcode><soap:Value{declared}>sub:{local_name(fault.subcode)}</soap:Value></soap:Subcode>"
        )
    code = f"<soap:Code><soap:Value>soap:{fault.blame.value[1]}</soap:Value>{subcode}</soap:Code>"
    reason = f'<soap:Reason><soap:Text xml:lang="en">{_text(fault.text)}</soap:Text></soap:Reason>'
    detail = f"<soap:Detail>{fault.detail}</soap:Detail>" if fault.detail else ""
    return code + reason + detail


def _understanding(fault: Fault) -> str:
    """Write the header blocks that SOAP 1.2 has for these two faults. Source: part 1, 5.4.7 and 5.4.8."""
    blocks = ""
    for name in fault.not_understood:
        qname, namespace = quoteattr(f"h:{local_name(name)}"), quoteattr(namespace_of(name))
        blocks += f"<soap:NotUnderstood qname={qname} xmlns:h={namespace}/>"
    if fault.blame is Blame.VERSION:
        envelopes = "".join(
            f'<soap:SupportedEnvelope qname="e:Envelope" xmlns:e="{each.value}"/>' for each in Version
        )
        blocks += f"<soap:Upgrade>{envelopes}</soap:Upgrade>"
    return blocks


def _text(text: str) -> str:
    return escape("".join(char if char.isprintable() else " " for char in text))
