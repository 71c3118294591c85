"""Our guides as pyx12 maps: for the benchmark in this folder, and as a witness for the tests.

`python -m benchmarks.pyx12_maps.generate` writes maps.xml, codes.xml, dataele.xml, x12.control.00401.xml
and 850.4010.xml here; run it when the guide changes. Only the places that the benchmark's corpus uses are
in that map, so that pyx12 has no more to search than it needs. Tests let `write_maps` write whole guides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.functional_groups import GROUP_OF_SET
from adapters.edi_x12.guide import Guide, guide_for
from adapters.edi_x12.notation import Place, Shape, Use

FOLDER = Path(__file__).parent
CORPUS_PLACES = frozenset(
    {"BEG", "CUR", "REF", "PER", "FOB", "ITD", "DTM", "TD5", "N9", "N9/MSG", "N1", "N1/N2", "N1/N3", "N1/N4"}
    | {"PO1", "PO1/PID", "PO1/REF", "PO1/SAC", "PO1/DTM", "PO1/MSG", "PO1/SCH", "CTT"}
)
_ISA = "I01 2 2 ID,I02 10 10 AN,I03 2 2 ID,I04 10 10 AN,I05 2 2 ID,I06 15 15 AN,I05 2 2 ID,I07 15 15 AN," + (
    "I08 6 6 DT,I09 4 4 TM,I10 1 1 B,I11 5 5 ID,I12 9 9 N0,I13 1 1 ID,I14 1 1 ID,I15 1 1 AN"
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
    write_maps(FOLDER, [guide], lambda path: path in CORPUS_PLACES)


def write_maps(
    folder: Path, guides: Sequence[Guide], is_used: Callable[[str], bool] = lambda path: True
) -> None:
    """Write what pyx12 needs for guides of one version: their maps, elements, and the envelope."""
    icvn = {"004010": "00401", "005010": "00501"}[guides[0].version]
    _write(folder, "maps.xml", _maps(guides, icvn))
    _write(folder, "codes.xml", ["<codesets>", "</codesets>"])
    _write(folder, "dataele.xml", _data_elements(guides))
    _write(folder, f"x12.control.{icvn}.xml", _transaction("X12", "control segments", ()))
    for guide in guides:
        body = tuple(_body(guide, is_used))
        _write(folder, _file(guide), _transaction(guide.set_type, _NAMES[guide.set_type], body))


def _write(folder: Path, name: str, lines: Sequence[str] | Iterator[str]) -> None:
    text = '<?xml version="1.0" encoding="utf-8"?>\n' + "\n".join(lines) + "\n"
    (folder / name).write_text(text, encoding="utf-8")


_NAMES = {"850": "purchase order", "855": "purchase order acknowledgment", "810": "invoice"}


def _file(guide: Guide) -> str:
    return f"{guide.set_type}.{guide.version[2:]}.xml"


def _maps(guides: Sequence[Guide], icvn: str) -> Iterator[str]:
    yield f'<maps><version icvn="{icvn}">'
    for guide in guides:
        group = GROUP_OF_SET[guide.set_type]
        names = f'vriic="{guide.version}" fic="{group}" abbr="{guide.set_type}"'
        yield f"<map {names}>{_file(guide)}</map>"
    yield "</version></maps>"


def _data_elements(guides: Sequence[Guide]) -> Iterator[str]:
    known: dict[str, tuple[str, int, int]] = {}
    for listed in _CONTROLS.values():
        for each in listed.split(","):
            number, least, most, kind = each.split(" ")
            known[number] = (kind, int(least), int(most))
    for shape in (each for guide in guides for each in guide.shapes.values()):
        known.update(_elements_of(shape.uses))
    yield "<data_elements>"
    for number, (data_type, shortest, longest) in sorted(known.items()):
        sizes = f'data_type="{data_type}" min_len="{shortest}" max_len="{longest}"'
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


def _body(guide: Guide, is_used: Callable[[str], bool]) -> Iterator[str]:
    tables: dict[str, list[Place]] = {"HEADER": [], "DETAIL": [], "FOOTER": []}
    table = "HEADER"
    for place in guide.structure:
        is_line = place.path in ("PO1", "IT1")
        table = "DETAIL" if is_line else "FOOTER" if table == "DETAIL" else table
        tables[table].append(place)
    for position, (name, listed) in enumerate(tables.items(), 2):
        yield from _loop(name, "wrapper", f"{position * 10:03}", "1")
        yield from _places(listed, guide.shapes, is_used)
        yield "</loop>"


def _places(
    listed: Sequence[Place], shapes: Mapping[str, Shape], is_used: Callable[[str], bool], start: int = 10
) -> Iterator[str]:
    for position, place in enumerate(listed, 1):
        if not is_used(place.path):
            continue
        at = f"{start + position * 10:04}"
        most = ">1" if place.repeats is None else str(place.repeats)
        if not place.is_loop:
            yield from _segment(place, shapes[place.segment], at, most)
            continue
        xid = "L_" + place.path.replace("/", "_")
        yield from _loop(xid, "explicit", at, most, "R" if place.is_mandatory else "S")
        yield from _segment(place, shapes[place.segment], "0010", "1", "R")
        yield from _places(place.children, shapes, is_used, 20)
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
