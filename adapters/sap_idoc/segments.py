"""The segments of ORDERS05 and the records around them: names, lengths, order, nesting.

Source: SAP IDoc documentation (WE60) of ORDERS05, EDI_DC40 and EDI_DD40, in our own notation: fields in
their order, each with its length. A segment that is not listed (an extension) is skipped with a note.
"""

from __future__ import annotations

from functools import cache

from adapters.layouts.model import Condition, Field, Frame, Kind, Layout, RecordType, Values

CONTROL = "EDI_DC40"
DATA_LENGTH = 1000
SINGLE = frozenset({"E1EDK01"})  # comes once; all others are lists

_CONTROL_FIELDS = (
    "TABNAM 10 MANDT 3 DOCNUM 16 DOCREL 4 STATUS 2 DIRECT 1 OUTMOD 1 EXPRSS 1 TEST 1 IDOCTYP 30 CIMTYP 30 "
    "MESTYP 30 MESCOD 3 MESFCT 3 STD 1 STDVRS 6 STDMES 6 SNDPOR 10 SNDPRT 2 SNDPFC 2 SNDPRN 10 SNDSAD 21 "
    "SNDLAD 70 RCVPOR 10 RCVPRT 2 RCVPFC 2 RCVPRN 10 RCVSAD 21 RCVLAD 70 CREDAT 8 CRETIM 6 REFINT 14 "
    "REFGRP 14 REFMES 14 ARCKEY 70 SERIAL 20"
)
# In front of a segment's data. The name is split: the type, and the release that it was changed in.
_HEADERS = {
    3: "SEGTYP 7 SEGREL 23 MANDT 3 DOCNUM 16 SEGNUM 6 PSGNUM 6 HLEVEL 2",
    2: "SEGTYP 7 SEGREL 3 MANDT 3 DOCNUM 16 SEGNUM 6 SEGNAM 10 PSGNUM 6 HLEVEL 2 DTINT2 2",
}
HEADER_NAMES = frozenset(
    {"SEGTYP", "SEGREL", "MANDT", "DOCNUM", "SEGNUM", "SEGNAM", "PSGNUM", "HLEVEL", "DTINT2"}
)

_PARTY = (
    "PARVW 3 PARTN 17 LIFNR 17 NAME1 35 NAME2 35 NAME3 35 NAME4 35 STRAS 35 STRS2 35 PFACH 35 ORT01 35 "
    "COUNC 9 PSTLZ 9 PSTL2 9 LAND1 3 ABLAD 35 PERNR 30 PARNR 30 TELF1 25 TELF2 25 TELBX 25 TELFX 25 TELTX 25 "
    "TELX1 25 SPRAS 1 ANRED 15 ORT02 35 HAUSN 6 STOCK 6 REGIO 3"
)
_CONDITION = (
    "ALCKZ 3 KSCHL 4 KOTXT 80 BETRG 18 KPERC 8 KRATE 15 UPRBS 9 MEAUN 3 KOBTR 18 MWSKZ 7 MSATZ 17 KOEIN 5"
)
_TAX = "MWSKZ 7 MSATZ 17 MWSBT 18 TXJCD 15 KTEXT 50"
_TEXT = "TDID 4 TSSPRAS 3 TSSPRAS_ISO 2"
_LINE = "TDLINE 70 TDFORMAT 2"

# Type, what it stands below, its released name, its fields: in the order of ORDERS05.
_SEGMENTS: tuple[tuple[str, str, str, str], ...] = (
    ("E1EDK01", CONTROL, "E2EDK01005",
     "ACTION 3 KZABS 1 CURCY 3 HWAER 3 WKURS 12 ZTERM 17 KUNDEUINR 20 EIGENUINR 20 BSART 4 BELNR 35 NTGEW 18 "
     "BRGEW 18 GEWEI 3 FKART_RL 4 ABLAD 25 BSTZD 4 VSART 2 VSART_BEZ 20 RECIPNT_NO 10 KZAZU 1 AUTLF 1 "
     "AUGRU 3 "
     "AUGRU_BEZ 40 ABRVW 3 ABRVW_BEZ 20 FKTYP 1 LIFSK 2 LIFSK_BEZ 20 EMPST 25 ABTNR 4 DELCO 3 WKURS_M 12"),
    ("E1EDK14", CONTROL, "E2EDK14", "QUALF 3 ORGID 35"),
    ("E1EDK03", CONTROL, "E2EDK03", "IDDAT 3 DATUM 8 UZEIT 6"),
    ("E1EDK04", CONTROL, "E2EDK04001", _TAX),
    ("E1EDK05", CONTROL, "E2EDK05002", _CONDITION),
    ("E1EDKA1", CONTROL, "E2EDKA1003", _PARTY),
    ("E1EDK02", CONTROL, "E2EDK02", "QUALF 3 BELNR 35 POSNR 6 DATUM 8 UZEIT 6"),
    ("E1EDK17", CONTROL, "E2EDK17", "QUALF 3 LKOND 3 LKTEXT 70"),
    ("E1EDK18", CONTROL, "E2EDK18", "QUALF 3 TAGE 8 PRZNT 8"),
    ("E1EDKT1", CONTROL, "E2EDKT1002", _TEXT),
    ("E1EDKT2", "E1EDKT1", "E2EDKT2001", _LINE),
    ("E1EDP01", CONTROL, "E2EDP01008",
     "POSEX 6 ACTION 3 PSTYP 1 KZABS 1 MENGE 15 MENEE 3 BMNG2 15 PMENE 3 ABFTZ 7 VPREI 15 PEINH 9 NETWR 18 "
     "ANETW 18 SKFBP 18 NTGEW 18 GEWEI 3 EINKZ 1 CURCY 3 PREIS 18 MATKL 9 UEPOS 6 GRKOR 3 EVERS 7 BPUMN 6 "
     "BPUMZ 6 ABGRU 2 ABGRT 40 ANTLF 1 FIXMG 1 KZAZU 1 BRGEW 18 PSTYV 4 EMPST 25 ABTNR 4 ABRVW 3 WERKS 4 "
     "LPRIO 2 LPRIO_BEZ 20 ROUTE 6 ROUTE_BEZ 40 LGORT 4 VSTEL 4 DELCO 3 MATNR 35"),
    ("E1EDP02", "E1EDP01", "E2EDP02001", "QUALF 3 BELNR 35 ZEILE 6 DATUM 8 UZEIT 6 BSARK 35 IHREZ 30"),
    ("E1EDP03", "E1EDP01", "E2EDP03", "IDDAT 3 DATUM 8 UZEIT 6"),
    ("E1EDP04", "E1EDP01", "E2EDP04001", _TAX),
    ("E1EDP05", "E1EDP01", "E2EDP05002", _CONDITION),
    ("E1EDP20", "E1EDP01", "E2EDP20001",
     "WMENG 15 AMENG 15 EDATU 8 EZEIT 6 EDATU_OLD 8 EZEIT_OLD 6 ACTION 3"),
    ("E1EDPA1", "E1EDP01", "E2EDPA1003", _PARTY),
    ("E1EDP19", "E1EDP01", "E2EDP19002", "QUALF 3 IDTNR 35 KTEXT 70 MFRPN 42 MFRNR 10"),
    ("E1EDP17", "E1EDP01", "E2EDP17", "QUALF 3 LKOND 3 LKTEXT 70"),
    ("E1EDPT1", "E1EDP01", "E2EDPT1001", _TEXT),
    ("E1EDPT2", "E1EDPT1", "E2EDPT2001", _LINE),
    ("E1EDS01", CONTROL, "E2EDS01", "SUMID 3 SUMME 18 SUNIT 3 WAERQ 3"),
)  # fmt: skip

RELEASED = {kind: released for kind, _, released, _ in _SEGMENTS}
PARENTS = {kind: parent for kind, parent, _, _ in _SEGMENTS}
LEVELS = {kind: "01" if parent == CONTROL and kind != "E1EDP01" else "02" for kind, parent, _, _ in _SEGMENTS}
NAMES = {kind: tuple(fields.split()[::2]) for kind, _, _, fields in _SEGMENTS}
CONTROL_NAMES = tuple(_CONTROL_FIELDS.split()[::2])


@cache
def layout(version: int, encoding: str = "utf-8", newline: bytes = b"\n") -> Layout:
    """Give the layout of flat IDocs whose data records have the header of a version: 2 or 3 (EDI_DD40)."""
    records = {CONTROL: _record(CONTROL, None, "TABNAM", (CONTROL,), _CONTROL_FIELDS)}
    for kind, parent, _, fields in _SEGMENTS:
        names = (f"E2{kind[2:]}", kind)
        records[kind] = _record(kind, parent, "SEGTYP", names, f"{_HEADERS[version]} {fields}")
    frame = Frame("lines", newline, trims=True)
    return Layout(
        f"idoc{version}", encoding, frame, None, records, CONTROL, unknown="skip", keeps_fillers=False
    )


def _record(name: str, parent: str | None, mark: str, texts: tuple[str, ...], fields: str) -> RecordType:
    words = fields.split()
    items = tuple(
        Field(word, Kind.TEXT, int(length)) for word, length in zip(words[::2], words[1::2], strict=True)
    )
    header = sum(
        int(length) for word, length in zip(words[::2], words[1::2], strict=True) if word in HEADER_NAMES
    )
    if name != CONTROL:
        # Later releases have more fields at the end; what stands there is no concern of ours.
        rest = DATA_LENGTH + header - sum(item.length for item in items)
        items = (*items, Field("REST", Kind.FILLER, rest))
    return RecordType(name, (Condition(mark, texts),), items, parent, 0, 1 if name in SINGLE else None)


def entries(tree: Values, name: str) -> list[Values]:
    """Give the segments of a type below another, one or many."""
    found = tree.get(name) or []
    return found if isinstance(found, list) else [found]
