from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from adapters.base import Level
from gateway.config import Configuration, check, load, load_text
from gateway.config.files import parted
from gateway.stage import Stage

PROJECT = Path(__file__).resolve().parents[3]
NOT_THERE_YET = {"CONFIG-SECRET", "CONFIG-CERTIFICATE", "CONFIG-FILE"}  # `certs`, or a partner, gives them
AS_IT_IS = {"DB-MERGES"}  # what the demo's small database cannot do


def demo() -> Configuration:
    loaded = load(PROJECT / "routes.yaml")
    assert isinstance(loaded, Configuration), "\n".join(map(str, loaded))
    return loaded


def test_the_worked_example_is_lint_clean() -> None:
    found = check(demo(), live=False, now=datetime.now(UTC))

    known = NOT_THERE_YET | AS_IT_IS
    assert [str(each) for each in found if each.code not in known or each.level is not Level.NOTE] == []


def test_the_worked_example_is_its_own_revision() -> None:
    configuration = demo()

    assert load_text(configuration.text, "revision 1", folder=configuration.folder) == configuration
    main, others = parted(configuration.text)
    assert main == (PROJECT / "routes.yaml").read_text(encoding="utf-8")
    assert others  # the mappings and layouts that it names are part of the revision
    for name, text in others.items():
        assert text == (PROJECT / name).read_text(encoding="utf-8")


def test_the_worked_example_shows_routes_on_their_way_and_one_that_follows() -> None:
    routes = demo().routes.values()

    assert {Stage.LEGACY, Stage.SHADOW, Stage.CANARY, Stage.CLOUD} == {
        each.stage for each in routes if each.stage
    }
    assert any(not each.originates for each in routes)
    assert any(each.tests for each in routes)


def test_every_route_of_the_worked_example_fits_on_one_screen() -> None:
    text = (PROJECT / "routes.yaml").read_text(encoding="utf-8")
    routes = text[text.index("\nroutes:") :].split("\n  - id: ")[1:]

    assert all(len(each.splitlines()) <= 24 for each in routes)
    assert all(len(line) <= 120 for line in text.splitlines())
