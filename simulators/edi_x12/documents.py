"""X12 as a legacy materials system writes it: 850s and 855s in envelopes, made from a few words.

Independent of the gateway's own writer, so that a mistake there is not repeated here. All names and
numbers are made up. Source: X12 004010, 850 and 855, ISA/IEA and GS/GE.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SENDER, RECEIVER = "MERCYMMS", "LEGACYBRIDGE"
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
