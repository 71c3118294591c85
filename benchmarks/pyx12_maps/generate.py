"""Write the pyx12 map in this folder from our own 850 guide: run it when the guide changes.

Only the places that the benchmark's corpus uses are in it, so that pyx12 has no more to search than
it needs. `python -m benchmarks.pyx12_maps.generate` writes maps.xml, codes.xml, dataele.xml,
x12.control.00401.xml and 850.4010.xml.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.guide import Guide, guide_for
from adapters.edi_x12.notation import Place, Shape, Use

FOLDER = Path(__file__).parent
CORPUS_PLACES = frozenset(
    {"BEG", "CUR", "REF", "PER", "FOB", "ITD", "DTM", "TD5", "N9", "N9/MSG", "N1", "N1/N2", "N1/N3", "N1/N4"}
    | {"PO1", "PO1/PID", "PO1/REF", "PO1/SAC", "PO1/DTM", "PO1/MSG", "PO1/SCH", "CTT"}
)
_ISA = "I01 2 2 ID,I02 10 10 AN,I03 2 2 ID,I04 10 10 AN,I05 2 2 ID,I06 15 15 AN,I05 2 2 ID,I07 15 15 AN," + (
    "I08 6 6 DT,I09 4 4 TM,I10 1 1 ID,I11 5 5 ID,I12 9 9 N0,I13 1 1 ID,I14 1 1 ID,I15 1 1 AN"
)
_GS = "479 2 2 ID,142 2 15 AN,124 2 15 AN,373 8 8 DT,337 4 8 TM,28 1 9 N0,455 1 2 ID,480 1 12 AN"
_CONTROLS = {
    "ISA": _ISA,
    "GS": _GS,
    "ST": "143 3 3 ID,329 4 9 AN",
    "SE": "96 1 10 N0,329 4 9 AN",
    "GE": "97 1 6 N0,28 1 9 N0",
    "IEA": "I16 1 5 N0,I12 9 9 N0",
}


def main() -> None:
    guide = guide_for("850", "004010", X12Partner())
    if guide is None:
        raise SystemExit("there is no 850 guide")
    _write("maps.xml", _maps())
    _write("codes.xml", ["<codesets>", "</codesets>"])
    _write("dataele.xml", _data_elements(guide))
    _write("x12.control.00401.xml", _transaction("X12", "control segments", ()))
    _write("850.4010.xml", _transaction("850", "purchase order", tuple(_body(guide))))


def _write(name: str, lines: Sequence[str] | Iterator[str]) -> None:
    text = '<?xml version="1.0" encoding="utf-8"?>\n' + "\n".join(lines) + "\n"
    (FOLDER / name).write_text(text, encoding="utf-8")


def _maps() -> Iterator[str]:
    yield '<maps><version icvn="00401">'
    yield '<map vriic="004010" fic="PO" abbr="850">850.4010.xml</map>'
    yield "</version></maps>"


def _data_elements(guide: Guide) -> Iterator[str]:
    known: dict[str, tuple[str, int, int]] = {}
    for listed in _CONTROLS.values():
        for each in listed.split(","):
            number, least, most, kind = each.split(" ")
            known[number] = (kind, int(least), int(most))
    for shape in guide.shapes.values():
        known |= dict(_elements_of(shape.uses))
    yield "<data_elements>"
    for number, (kind, least, most) in sorted(known.items()):
        sizes = f'data_type="{kind}" min_len="{least}" max_len="{most}"'
        yield f'<data_ele ele_num="{number}" {sizes} name="{number}"/>'
    yield "</data_elements>"


def _elements_of(uses: Sequence[Use]) -> Iterator[tuple[str, tuple[str, int, int]]]:
    for use in uses:
        if use.element is None:
            yield from _elements_of(use.components)
        else:
            yield use.element.number, (use.element.kind, use.element.least, use.element.most)


def _transaction(xid: str, name: str, body: Sequence[str]) -> Iterator[str]:
    yield f'<transaction xid="{xid}"><name>{name}</name>'
    yield from _loop("ISA_LOOP", "explicit", "001", ">1")
    yield from _control("ISA", "010")
    yield from _loop("GS_LOOP", "explicit", "020", ">1")
    yield from _control("GS", "010")
    yield from _loop("ST_LOOP", "explicit", "020", ">1")
    yield from _control("ST", "010", {"ST01": xid} if body else {})
    yield from body
    yield from _control("SE", "999")
    yield "</loop>"
    yield from _control("GE", "030")
    yield "</loop>"
    yield from _control("IEA", "030")
    yield "</loop></transaction>"


def _body(guide: Guide) -> Iterator[str]:
    tables: dict[str, list[Place]] = {"HEADER": [], "DETAIL": [], "FOOTER": []}
    for place in guide.structure:
        table = {"PO1": "DETAIL", "CTT": "FOOTER"}.get(place.path, "HEADER")
        tables[table].append(place)
    for position, (name, listed) in enumerate(tables.items(), 2):
        yield from _loop(name, "wrapper", f"{position * 10:03}", "1")
        yield from _places(listed, guide.shapes)
        yield "</loop>"


def _places(listed: Sequence[Place], shapes: Mapping[str, Shape], start: int = 10) -> Iterator[str]:
    for position, place in enumerate(listed, 1):
        if place.path not in CORPUS_PLACES:
            continue
        at = f"{start + position * 10:04}"
        most = ">1" if place.repeats is None else str(place.repeats)
        if not place.is_loop:
            yield from _segment(place, shapes[place.segment], at, most)
            continue
        xid = "L_" + place.path.replace("/", "_")
        yield from _loop(xid, "explicit", at, most, "R" if place.is_mandatory else "S")
        yield from _segment(place, shapes[place.segment], "0010", "1", "R")
        yield from _places(place.children, shapes, 20)
        yield "</loop>"


def _loop(xid: str, kind: str, at: str, repeat: str, usage: str = "R") -> Iterator[str]:
    yield f'<loop xid="{xid}" type="{kind}"><name>{xid}</name><usage>{usage}</usage><pos>{at}</pos>'
    yield f"<repeat>{escape(repeat)}</repeat>"


def _segment(place: Place, shape: Shape, at: str, most: str, usage: str = "") -> Iterator[str]:
    used = usage or ("R" if place.is_mandatory else "S")
    yield f'<segment xid="{place.segment}"><name>{place.segment}</name><usage>{used}</usage><pos>{at}</pos>'
    yield f"<max_use>{escape(most)}</max_use>"
    yield from (f"<syntax>{note}</syntax>" for note in shape.notes)
    for position, use in enumerate(shape.uses, 1):
        yield from _use(use, f"{place.segment}{position:02}", position)
    yield "</segment>"


def _use(use: Use, xid: str, position: int) -> Iterator[str]:
    usage = "R" if use.is_mandatory else "S"
    if use.element is None:
        yield f'<composite xid="{use.number}"><name>{use.number}</name><usage>{usage}</usage>'
        yield f"<seq>{position:02}</seq>"
        for inner, component in enumerate(use.components, 1):
            yield from _use(component, f"{xid}-{inner:02}", inner)
        yield "</composite>"
        return
    codes = "".join(f"<code>{code}</code>" for code in sorted(use.element.codes))
    yield f'<element xid="{xid}"><data_ele>{use.element.number}</data_ele><name>{xid}</name>'
    yield f"<usage>{usage}</usage><seq>{position:02}</seq>"
    if codes:
        yield f"<valid_codes>{codes}</valid_codes>"
    yield "</element>"


def _control(segment: str, at: str, codes: Mapping[str, str] = {}) -> Iterator[str]:
    ends = {"ISA": "IEA", "GS": "GE", "ST": "SE"}
    end = f"<end_tag>{ends[segment]}</end_tag>" if segment in ends else ""
    yield f'<segment xid="{segment}"><name>{segment}</name>{end}<usage>R</usage><pos>{at}</pos>'
    yield "<max_use>1</max_use>"
    for position, each in enumerate(_CONTROLS[segment].split(","), 1):
        xid = f"{segment}{position:02}"
        yield f'<element xid="{xid}"><data_ele>{each.split(" ")[0]}</data_ele><name>{xid}</name>'
        yield f"<usage>R</usage><seq>{position:02}</seq>"
        if xid in codes:
            yield f"<valid_codes><code>{codes[xid]}</code></valid_codes>"
        yield "</element>"
    yield "</segment>"


if __name__ == "__main__":
    main()
