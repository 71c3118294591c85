"""In which stage a route is planned: the live one, unless the changed file or the caller says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import Configuration, load
from gateway.forecast.stages import asked_stages, declared, proposed_stages
from tests.gateway.forecast.corpus import CHANGED, IN_FORCE, write_site


def configured(folder: Path, **words: str) -> Configuration:
    found = load(write_site(folder, "routes.yaml", "http://127.0.0.1:1", {**IN_FORCE, **words}))
    assert isinstance(found, Configuration)
    return found


def test_a_route_keeps_its_live_stage_where_the_file_says_what_it_said_before(tmp_path: Path) -> None:
    same = configured(tmp_path)
    live = {**declared(same), "portal": ("shadow", "0")}

    stages, notes = proposed_stages(live, same, same, {})

    assert stages["portal"] == ("shadow", "0")
    assert notes == []


def test_a_stage_that_the_file_changes_is_planned_and_told_for_loading_does_not_move_it(
    tmp_path: Path,
) -> None:
    before, after = configured(tmp_path), configured(tmp_path, portal="cloud", share="75%")

    stages, notes = proposed_stages(declared(before), before, after, {})

    assert (stages["portal"][0], stages["po"]) == ("cloud", ("canary", "75"))
    assert len(notes) == 2
    assert "routes set portal" in notes[1]


def test_what_is_asked_for_wins(tmp_path: Path) -> None:
    same = configured(tmp_path)

    stages, _ = proposed_stages(declared(same), same, same, asked_stages(["po=canary:12.5%"], same))

    assert stages["po"] == ("canary", "12.5")


@pytest.mark.parametrize("word", ["nothing=cloud", "ack=cloud", "po=clouds", "po=canary:101%", "po=canary:x"])
def test_a_stage_that_cannot_be_is_refused_in_words(tmp_path: Path, word: str) -> None:
    with pytest.raises(ValueError, match=r"there is no|is no share"):
        asked_stages([word], configured(tmp_path, **CHANGED))
