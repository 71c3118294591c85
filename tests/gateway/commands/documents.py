"""Made-up documents for tests of commands."""

from __future__ import annotations


def interchange(*sets: str, control: str = "000000007", usage: str = "T") -> bytes:
    """Give an X12 interchange around 850s."""
    isa = (
        "ISA*00*          *00*          *ZZ*MERCYMMS       *ZZ*SUPPLYHUB      *260102*0304*U*00401*"
        f"{control}*0*{usage}*>~"
    )
    body = "".join(
        f"ST*850*{number:04}~{each}SE*{each.count('~') + 2}*{number:04}~"
        for number, each in enumerate(sets, start=1)
    )
    group = f"GS*PO*MERCYMMS*SUPPLYHUB*20260102*0304*7*X*004010~{body}GE*{len(sets)}*7~"
    return f"{isa}{group}IEA*1*{control}~".encode()


def order_set(
    number: str = "PO-1001", quantity: str = "12", facility: str = "04", kind: str = "SA", note: str = ""
) -> str:
    """Give the body of an 850, without ST and SE."""
    remark = f"MSG*{note}~" if note else ""
    return (
        f"BEG*00*{kind}*{number}**20260102~"
        "N1*SE*Acme Medical*92*4411~PER*IC*Order desk*TE*555-0100~"
        f"N1*ST*Mercy Facility {facility}*92*{facility}~"
        f"PO1*1*{quantity}*BX*17.25**VN*GLV-100*IN*88123~PID*F****Exam gloves, nitrile~{remark}CTT*1~"
    )
