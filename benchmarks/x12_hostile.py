"""Inputs that would be slow to judge, were anything of it quadratic; each kind in any size."""

from __future__ import annotations

ORDER = "BEG*00*SA*PO1**20260304|PO1*1*5*EA*9.99|CTT*1*5"
KINDS = (
    "interchanges", "groups", "sets", "lines", "bad lines", "unknown segments", "empty segments", "stars",
    "ISA", "ST", "binary",
)  # fmt: skip


def hostile(kind: str, count: int) -> bytes:
    """Give an input with so many of a kind, or a few dozen times as many where they are short."""
    beg = "BEG*00*SA*PO1**20260304"
    lines = {
        "lines": "PO1*1*5*EA*9.99", "bad lines": "PO1*1*x*EA*9.99**VN", "unknown segments": "QQ1*1*x",
        "binary": "BIN*3*abc",
    }  # fmt: skip
    bytes_alone = {"stars": b"*" * 40, "ISA": b"ISA*" * 10, "ST": b"ST*ST*" * 6}
    if kind in lines:
        return _interchange("|".join([beg, *[lines[kind]] * count]))
    if kind in bytes_alone:
        return b"GS" + bytes_alone[kind] * count
    match kind:
        case "interchanges":
            return _interchange(ORDER) * count
        case "groups":
            group = b"GS*PO*A*B*20260304*0930*1*X*004010~GE*0*1~"
            return _interchange(ORDER).replace(b"GS*PO", group * count + b"GS*PO")
        case "sets":
            return _interchange(*[ORDER] * count)
        case _:
            return _interchange(ORDER).replace(b"PO1", b"~" * count * 20 + b"PO1")


def _interchange(*sets: str) -> bytes:
    body = []
    for number, text in enumerate(sets, 1):
        segments = [f"ST*850*{number:04}", *text.split("|")]
        body += [*segments, f"SE*{len(segments) + 1}*{number:04}"]
    head = (
        "ISA*00*          *00*          *ZZ*MERCYMMS       *ZZ*MEDSUPPLY      *260304*0930*U*00401"
        "*000000101*0*T*>"
    )
    group = "GS*PO*MERCYMMS*MEDSUPPLY*20260304*0930*101*X*004010"
    segments = [head, group, *body, f"GE*{len(sets)}*101", "IEA*1*000000101"]
    return "".join(f"{segment}~" for segment in segments).encode()
