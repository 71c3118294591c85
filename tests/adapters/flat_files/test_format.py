"""The format on its own: resuming, chunks, what settings lack, the wall, the other document types."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.base import (
    CodeRow,
    CodeTable,
    CodeTables,
    DecodeContext,
    Decoded,
    EncodeError,
    Envelope,
    Environment,
    Library,
    SourceText,
    Summary,
)
from adapters.flat_files.config import FlatPartner, FlatSettings
from adapters.flat_files.format import FlatFormat
from adapters.flat_files.prepared import judged
from adapters.layouts.model import Layout
from canonical.registry import parse_document
from simulators.flat_files.scenario import clinics_file

FLAT = Path(__file__).resolve().parents[3] / "fixtures" / "demo" / "flat"
FORMAT = FlatFormat()
FILE = clinics_file([("770001", "V00417"), ("770002", "V00417")])
TABLES = CodeTables({"suppliers": CodeTable(1, [CodeRow("V00417", "30041")])})
SETTINGS = FlatSettings.model_validate({"layout": "mms_orders", "mapping": "mms_orders"})


def text(name: str) -> SourceText:
    return SourceText(name, (FLAT / name).read_text())


LIBRARY = Library(
    {name: text(f"{name}.mapping.yaml") for name in ("mms_orders", "mms_acks")},
    {name: text(f"{name}.layout.yaml") for name in ("mms_orders", "mms_acks")},
    TABLES,
)


def context(environment: Environment = "test", **changes: Any) -> DecodeContext:
    return DecodeContext("in.txt", environment, settings=SETTINGS, library=LIBRARY, **changes)


def envelope(**changes: Any) -> Envelope:
    given: dict[str, Any] = {"settings": SETTINGS, "library": LIBRARY, **changes}
    return Envelope(17, datetime(2026, 11, 27, 8, tzinfo=UTC), "test", **given)


def decode(body: bytes, **changes: Any) -> tuple[list[Decoded], Summary]:
    decoder = FORMAT.decoder(context(**changes))
    sets = list(decoder.feed(body))
    rest, summary = decoder.finish()
    return [*sets, *rest], summary


def test_a_file_that_was_read_is_written_the_same() -> None:
    sets, summary = decode(FILE)
    documents = [each.document for each in sets if each.document is not None]

    assert [each.findings for each in sets] == [(), ()]
    assert summary.findings == ()
    assert FORMAT.encode(documents, envelope()) == FILE
    assert FORMAT.wrap([each.raw for each in sets], summary.interchanges[0], envelope()) == FILE


@pytest.mark.parametrize("chunk", [1, 7, 70, 333])
def test_any_chunk_and_a_decoder_that_goes_on_elsewhere_give_the_same(chunk: int) -> None:
    decoder, seen = FORMAT.decoder(context()), []
    for start in range(0, len(FILE), chunk):
        seen += list(decoder.feed(FILE[start : start + chunk]))
        decoder = FORMAT.decoder(context(), resume=decoder.state())
    rest, summary = decoder.finish()

    assert ([*seen, *rest], summary) == decode(FILE)


def test_without_settings_nothing_is_readable_and_the_reason_is_said() -> None:
    decoder = FORMAT.decoder(DecodeContext("in.txt", "test", library=LIBRARY))
    assert list(decoder.feed(FILE)) == []
    _, summary = decoder.finish()
    assert (summary.is_readable, [each.code for each in summary.findings]) == (False, ["FLAT-SETTINGS"])
    with pytest.raises(EncodeError):
        FORMAT.encode([], envelope(settings=None))


def test_a_file_of_production_is_told_by_the_field_that_says_so() -> None:
    _, summary = decode(FILE.replace(b"000017T", b"000017P"))
    assert [(each.code, each.at.line) for each in summary.findings] == [("FLAT-ENV", 1)]
    assert summary.rejected_units


def test_a_file_is_recognised_by_the_layout_of_its_partner_only() -> None:
    partner = FlatPartner.model_validate({"layout": "mms_orders", "mapping": "mms_orders"})
    assert FORMAT.recognises_by(FILE[:4096], partner, LIBRARY)
    assert not FORMAT.recognises_by(b"ISA*00*          *00*\n", partner, LIBRARY)
    assert not FORMAT.recognises(FILE[:4096])


def test_a_layout_and_a_mapping_that_do_not_fit_are_told_with_file_and_line() -> None:
    assert judged(SETTINGS, LIBRARY) == []
    crossed = FlatSettings.model_validate({"layout": "mms_acks", "mapping": "mms_orders"})
    findings = judged(crossed, LIBRARY)
    assert {each.code for each in findings} >= {"MAP-SOURCE"}
    assert all(each.at.source == "mms_orders.mapping.yaml" and each.at.line for each in findings)


def test_a_document_of_another_type_than_the_mappings_is_refused() -> None:
    item = {"document_type": "item", "schema_version": "1.0", "number": "1", "description": "x"}
    with pytest.raises(EncodeError) as raised:
        FORMAT.encode([parse_document(item)], envelope())
    assert [each.code for each in raised.value.findings] == ["FLAT-DOCUMENT"]


def test_memory_of_compiled_layouts_is_shared() -> None:
    first, second = (FORMAT.decoder(context()) for _ in range(2))
    assert isinstance(first._made.layout, Layout)  # type: ignore[union-attr]
    assert first._made.layout is second._made.layout  # type: ignore[union-attr]
