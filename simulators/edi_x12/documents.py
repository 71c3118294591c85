"""X12 as a legacy materials system and its supplier write it, made from a few words.

Independent of the gateway's own writer, so that a mistake there is not repeated here. All names and
numbers are made up. Source: X12 004010, 850, 855 and 810, ISA/IEA and GS/GE.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SENDER, RECEIVER = "MERCYMMS", "LEGACYBRIDGE"
SUPPLIER, HUB = "001122334", "MERCYHUB"
END = "~\n"


@dataclass(frozen=True, slots=True)
class Order:
    """What an 850 is made from. `kind` is BEG02 (NE new, RO rush); `quantity` may be a bad one."""

    number: str
    facility: str = "05"
    kind: str = "NE"
    quantity: str = "12"


def order_set(order: Order, control: int) -> str:
    """Write one 850, without the terminator of its last segment."""
    segments = [
        f"ST*850*{control:04}",
        f"BEG*00*{order.kind}*{order.number}**20260115",
        "REF*DP*SURGERY",
        "DTM*002*20260122",
        "N1*BY*MERCY HEALTH*92*MERCY",
        f"N1*ST*MERCY FACILITY {order.facility}*92*{order.facility}",
        "N3*100 EXAMPLE STREET",
        "N4*SPRINGFIELD*IL*62701",
        "N1*SE*ACME MEDICAL SUPPLY*92*ACME",
        f"PO1*1*{order.quantity}*BX*18.40**IN*100217*VC*ACM-100217",
        "PID*F****EXAM GLOVES NITRILE MEDIUM",
        "PO1*2*4*CA*61.25**IN*100533*VC*ACM-100533",
        "PID*F****IV START KIT",
        "CTT*2",
    ]
    return END.join([*segments, f"SE*{len(segments) + 1}*{control:04}"])


def answer_set(number: str, control: int) -> str:
    """Write one 855 that accepts an order as it is, without the terminator of its last segment."""
    segments = [
        f"ST*855*{control:04}",
        f"BAK*00*AD*{number}*20260116",
        "N1*SE*ACME MEDICAL SUPPLY*92*ACME",
        "PO1*1*12*BX*18.40**IN*100217*VC*ACM-100217",
        "ACK*IA*12*BX*068*20260121",
        "CTT*1",
    ]
    return END.join([*segments, f"SE*{len(segments) + 1}*{control:04}"])


def backorder_set(number: str, control: int) -> str:
    """Write one 855 that accepts 8 of the first line's 12 boxes; the rest is backordered."""
    segments = [
        f"ST*855*{control:04}",
        f"BAK*00*AC*{number}*20260115****S-77120*20260116",
        "N1*SE*ACME MEDICAL SUPPLY*92*ACME",
        "PO1*1*12*BX*18.40**VP*ACM-100217",
        "ACK*BP*8*BX*067*20260121",
        "PO1*2*4*CA*61.25**VP*ACM-100533",
        "ACK*IA*4*CA*067*20260121",
        "CTT*2",
    ]
    return END.join([*segments, f"SE*{len(segments) + 1}*{control:04}"])


def invoice_set(number: str, control: int) -> str:
    """Write one 810 for what was accepted: 8 boxes and 4 cases, with freight."""
    segments = [
        f"ST*810*{control:04}",
        f"BIG*20260122*I-{number}*20260115*{number}***DI*00",
        "REF*VN*S-77120",
        "N1*RE*ACME LOCKBOX*92*ACME-R",
        "N1*ST*MERCY FACILITY 05*92*05",
        "ITD*01*3*2**10**30",
        "IT1*1*8*BX*18.40**VP*ACM-100217",
        "IT1*2*4*CA*61.25**VP*ACM-100533",
        "TDS*40470",
        "SAC*C*D240***1250**********FREIGHT",
        "CTT*2",
    ]
    return END.join([*segments, f"SE*{len(segments) + 1}*{control:04}"])


def mailbox(control: int, number: str) -> bytes:
    """Write the supplier's interchange of two groups: the answer to an order, and its invoice."""
    groups = (("PR", backorder_set(number, 1)), ("IN", invoice_set(number, 1)))
    ids = f"*00*{'':10}*00*{'':10}*01*{SUPPLIER:15}*ZZ*{HUB:15}"
    parts = [f"ISA{ids}*260122*0830*U*00401*{control:09}*0*T*>"]
    for at, (kind, body) in enumerate(groups):
        parts += [f"GS*{kind}*{SUPPLIER}*{HUB}*20260122*0830*{control + at}*X*004010", body]
        parts.append(f"GE*1*{control + at}")
    return (END.join([*parts, f"IEA*2*{control:09}"]) + END).encode()


def orders(control: int, given: Sequence[Order], *, sender: str = SENDER) -> bytes:
    """Write an interchange of 850s; sets are numbered from 1."""
    sets = [order_set(each, n) for n, each in enumerate(given, start=1)]
    return interchange(control, "PO", sets, sender=sender)


def answer(control: int, number: str) -> bytes:
    """Write an interchange of one 855."""
    return interchange(control, "PR", [answer_set(number, 1)])


def interchange(control: int, group: str, sets: Sequence[str], *, sender: str = SENDER) -> bytes:
    """Write an interchange of one functional group around sets."""
    ids = f"*00*{'':10}*00*{'':10}*ZZ*{sender:15}*ZZ*{RECEIVER:15}"
    head = [
        f"ISA{ids}*260115*0830*U*00401*{control:09}*0*T*>",
        f"GS*{group}*{sender}*{RECEIVER}*20260115*0830*{control}*X*004010",
    ]
    tail = [f"GE*{len(sets)}*{control}", f"IEA*1*{control:09}"]
    return (END.join([*head, *sets, *tail]) + END).encode()
