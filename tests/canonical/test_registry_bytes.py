"""Working on canonical JSON as bytes gives what working on the document gives."""

from __future__ import annotations

from hypothesis import given

from canonical.document import CanonicalDocument
from canonical.registry import to_json, without_provenance
from tests.canonical.strategies import any_document


@given(any_document())
def test_provenance_is_cut_out_of_the_bytes_as_out_of_the_document(document: CanonicalDocument) -> None:
    bare = document.model_copy(update={"provenance": None})

    assert without_provenance(to_json(document)) == to_json(bare)
