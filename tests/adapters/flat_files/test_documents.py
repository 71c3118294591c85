"""Every document type that flat files carry: a golden file each, read, and written back byte for byte.

``fixtures/flat_files/NAME.layout.yaml``, ``.mapping.yaml``, ``.dat`` and ``.canonical.json``. After a wanted
change: ``python -m tests.adapters.flat_files.test_documents``, then read the difference.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.base import DecodeContext, Decoded, Envelope, Library, SourceText
from adapters.flat_files.config import FlatSettings
from adapters.flat_files.format import FlatFormat
from adapters.flat_files.prepared import judged
from canonical.registry import to_json

FOLDER = Path(__file__).resolve().parents[3] / "fixtures" / "flat_files"
NAMES = sorted(path.name.partition(".")[0] for path in FOLDER.glob("*.layout.yaml"))


def library(name: str) -> Library:
    texts = [
        SourceText(file.name, file.read_text())
        for file in (FOLDER / f"{name}.mapping.yaml", FOLDER / f"{name}.layout.yaml")
    ]
    return Library({name: texts[0]}, {name: texts[1]})


def settings(name: str) -> FlatSettings:
    return FlatSettings.model_validate({"layout": name, "mapping": name})


def decode(name: str, body: bytes) -> tuple[list[Decoded], list[str]]:
    context = DecodeContext(f"{name}.dat", "test", settings=settings(name), library=library(name))
    decoder = FlatFormat().decoder(context)
    sets = list(decoder.feed(body))
    rest, summary = decoder.finish()
    found = [finding for each in (*sets, *rest) for finding in each.findings]
    return [*sets, *rest], [str(each) for each in (*found, *summary.findings)]


def canonical(name: str, body: bytes) -> bytes:
    return b"".join(
        to_json(each.document) + b"\n" for each in decode(name, body)[0] if each.document is not None
    )


def test_there_is_a_file_for_every_type_that_flat_files_carry() -> None:
    assert NAMES == [
        "acknowledgment",
        "inventory",
        "invoice",
        "item",
        "receipt",
        "supplier",
    ]  # orders: the demo


@pytest.mark.parametrize("name", NAMES)
def test_a_layout_and_its_mapping_fit(name: str) -> None:
    assert [str(each) for each in judged(settings(name), library(name))] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_file_gives_its_documents_and_is_written_back_byte_for_byte(name: str) -> None:
    body = (FOLDER / f"{name}.dat").read_bytes()
    sets, findings = decode(name, body)
    documents = [each.document for each in sets if each.document is not None]

    assert findings == []
    assert len(documents) == len(sets) >= 2
    assert canonical(name, body) == (FOLDER / f"{name}.canonical.json").read_bytes()
    envelope = Envelope(
        1, datetime(2026, 11, 27, tzinfo=UTC), "test", settings=settings(name), library=library(name)
    )
    assert FlatFormat().encode(documents, envelope) == body


if __name__ == "__main__":
    for each in NAMES:
        read = (FOLDER / f"{each}.dat").read_bytes()
        (FOLDER / f"{each}.canonical.json").write_bytes(canonical(each, read))
