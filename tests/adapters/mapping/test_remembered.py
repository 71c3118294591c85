"""Small parts that come again are made once, stay few, and are what validation would have made."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from adapters.mapping import remembered
from adapters.mapping.remembered import Remembered
from canonical.values import ItemIdentifier, Quantity


def test_a_part_made_again_of_the_same_values_is_the_same_object() -> None:
    quantities = Remembered(Quantity, ("value", "unit"), {})

    first = quantities.make(("12", "BX"))

    assert quantities.known[("12", "BX")] is first
    assert first == Quantity.model_validate({"value": "12", "unit": "BX"})
    assert quantities.make(("12", None)) == Quantity.model_validate({"value": "12"})
    assert quantities.make(("12", None)).model_fields_set == {"value"}


def test_constants_complete_a_part_and_a_stated_value_wins() -> None:
    ids = Remembered(ItemIdentifier, ("value",), {"scheme": "gtin"})

    assert ids.make(("00887517123459",)) == ItemIdentifier(scheme="gtin", value="00887517123459")


def test_what_is_not_valid_is_refused_and_not_kept() -> None:
    quantities = Remembered(Quantity, ("value", "unit"), {})

    with pytest.raises(ValidationError):
        quantities.make(("twelve", "BX"))

    assert not quantities.known


def test_no_more_than_a_bound_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "KNOWN_MAX", 3)
    quantities = Remembered(Quantity, ("value", "unit"), {})

    for number in range(10):
        quantities.make((str(number), "EA"))

    assert len(quantities.known) <= 3
