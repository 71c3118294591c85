"""Finding the parts of a WS-Security header, strictly: one of each, where it belongs, times in their form.

Pure. A message whose header has two of anything is refused, never searched for the better one: that
search is how signature wrapping works.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from lxml import etree

from adapters.base.findings import Finding, Position
from adapters.soap.wsse_names import (
    ACTORS_OF_OURS,
    CREATED,
    EXPIRES,
    SECURITY,
    SOAP11,
    SOAP12,
    TIMESTAMP,
)
from adapters.xml import element_position

CHILDREN_MAX = 32  # of one Security header


class SecurityRefusalError(Exception):
    """A message does not show what it must. `code` is a fault code of WS-Security 1.1, section 12."""

    def __init__(self, code: str, finding: Finding) -> None:
        super().__init__(str(finding))
        self.code = code
        self.finding = finding


def refuse(code: str, finding_code: str, at: etree._Element | None, source: str, text: str) -> NoReturn:
    """Refuse a message. Errors: SecurityRefusalError, always."""
    position = element_position(at, source) if at is not None else Position(source)
    raise SecurityRefusalError(code, Finding(finding_code, position, text))


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one envelope that security speaks of."""

    envelope: etree._Element
    header: etree._Element
    body: etree._Element  # soap:Body itself
    security: etree._Element
    source: str

    def one(self, tag: str) -> etree._Element | None:
        """Give the security header's only child of that name, None where there is none.

        Errors: SecurityRefusalError InvalidSecurity where there are several.
        """
        found = [child for child in self.security if child.tag == tag]
        if len(found) > 1:
            name = etree.QName(tag).localname
            text = f"there are {len(found)} {name} elements in the security header; expected one"
            refuse("InvalidSecurity", "WSSE-HEADER", found[1], self.source, text)
        return found[0] if found else None


def parts_of(envelope: etree._Element, source: str) -> Parts:
    """Give the parts of an envelope: one Header, one Body, one Security header of ours, and none elsewhere.

    Errors: SecurityRefusalError InvalidSecurity.
    """
    namespace = etree.QName(envelope).namespace
    if namespace not in (SOAP11, SOAP12) or etree.QName(envelope).localname != "Envelope":
        refuse("InvalidSecurity", "WSSE-HEADER", envelope, source, "this is no SOAP envelope")
    body = _only(envelope, f"{{{namespace}}}Body", source)
    header = _only(envelope, f"{{{namespace}}}Header", source)
    ours = [child for child in header if child.tag == SECURITY and _actor(child) in ACTORS_OF_OURS]
    if len(ours) != 1:
        text = f"there are {len(ours)} wsse:Security headers for this receiver; expected one"
        refuse("InvalidSecurity", "WSSE-HEADER", header, source, text)
    everywhere = sum(1 for _ in envelope.iter(SECURITY))
    in_header = sum(1 for child in header if child.tag == SECURITY)
    if everywhere != in_header:
        text = "there is a wsse:Security element outside the envelope's own header"
        refuse("InvalidSecurity", "WSSE-HEADER", header, source, text)
    if len(ours[0]) > CHILDREN_MAX:
        text = f"the security header has {len(ours[0])} parts; at most {CHILDREN_MAX} are read"
        refuse("InvalidSecurity", "WSSE-HEADER", ours[0], source, text)
    return Parts(envelope, header, body, ours[0], source)


def _only(envelope: etree._Element, tag: str, source: str) -> etree._Element:
    found = [child for child in envelope if child.tag == tag]
    if len(found) != 1:
        name = etree.QName(tag).localname
        text = f"the envelope has {len(found)} {name} elements; expected one"
        refuse("InvalidSecurity", "WSSE-HEADER", envelope, source, text)
    return found[0]


def _actor(security: etree._Element) -> str | None:
    namespace = etree.QName(security.getroottree().getroot()).namespace
    return security.get(f"{{{namespace}}}{'actor' if namespace == SOAP11 else 'role'}")


@dataclass(frozen=True, slots=True)
class Validity:
    """Between when and when a message counts, by our clock, its skew included."""

    element: etree._Element
    forgotten_at: datetime  # from then on the message is refused for its age alone


def judge_timestamp(
    parts: Parts, now: datetime, window: timedelta, skew: timedelta, is_required: bool
) -> Validity | None:
    """Judge the message's Timestamp. Source: WS-Security 1.1, section 10.

    Errors: SecurityRefusalError MessageExpired (WSSE-EXPIRED), InvalidSecurity.
    """
    timestamp = parts.one(TIMESTAMP)
    if timestamp is None:
        if is_required:
            text = "the security header has no wsu:Timestamp; it says how long the message counts"
            refuse("InvalidSecurity", "WSSE-TIMESTAMP", parts.security, parts.source, text)
        return None
    created_at = _moment(_children(timestamp, CREATED, parts), parts, "wsu:Created")
    if created_at is None:
        text = "the timestamp has no wsu:Created"
        refuse("InvalidSecurity", "WSSE-TIMESTAMP", timestamp, parts.source, text)
    judge_age(created_at, timestamp, parts.source, now, window, skew)
    expires_at = _moment(_children(timestamp, EXPIRES, parts), parts, "wsu:Expires")
    if expires_at is not None and expires_at <= now - skew:
        text = "the message has expired by its own wsu:Expires; send it anew with a new timestamp"
        refuse("MessageExpired", "WSSE-EXPIRED", timestamp, parts.source, text)
    return Validity(timestamp, created_at + window + skew)


def judge_age(
    created_at: datetime,
    at: etree._Element,
    source: str,
    now: datetime,
    window: timedelta,
    skew: timedelta,
) -> None:
    """Refuse what is older than the window, or from the future. Errors: SecurityRefusalError."""
    if created_at > now + skew:
        text = f"it was created in the future, beyond {skew.total_seconds():g} s; check the sender's clock"
        refuse("MessageExpired", "WSSE-EXPIRED", at, source, text)
    if created_at <= now - window - skew:
        text = f"it was created more than {window.total_seconds():g} s ago; send it anew, or check the clock"
        refuse("MessageExpired", "WSSE-EXPIRED", at, source, text)


def read_moment(element: etree._Element, source: str, name: str) -> datetime:
    """Read an xsd:dateTime as aware UTC; one without a zone is UTC (WS-Security 1.1, section 10).

    Errors: SecurityRefusalError InvalidSecurity.
    """
    text = text_of(element).strip()
    try:
        found = datetime.fromisoformat(text) if "T" in text and len(text) <= 40 else None
        moment = found.astimezone(UTC) if found is not None and found.tzinfo is not None else found
    except (ValueError, OverflowError):  # a zone can lead out of the years that there are
        moment = None
    if moment is None:
        refuse("InvalidSecurity", "WSSE-TIMESTAMP", element, source, f"{name} is no xsd:dateTime")
    return moment.replace(tzinfo=UTC)


def _children(element: etree._Element, tag: str, parts: Parts) -> etree._Element | None:
    found = [child for child in element if child.tag == tag]
    if len(found) > 1:
        refuse("InvalidSecurity", "WSSE-TIMESTAMP", element, parts.source, "it says its time twice")
    return found[0] if found else None


def _moment(element: etree._Element | None, parts: Parts, name: str) -> datetime | None:
    return read_moment(element, parts.source, name) if element is not None else None


_STRING = etree.XPath("string()")


def text_of(element: etree._Element) -> str:
    """Give an element's text as canonicalization sees it: comments and processing instructions left out."""
    return str(_STRING(element))


def elements(parent: etree._Element) -> Iterator[etree._Element]:
    """Give the child elements, without comments and processing instructions."""
    return parent.iterchildren("*")
