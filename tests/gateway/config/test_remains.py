"""What is left of a configuration that is refused: the path of its journal, and what reading that needs."""

import pytest

from gateway.config import Configuration, load_text
from gateway.config.remains import journal_named, remains


@pytest.mark.parametrize(
    "text, path",
    [
        ("gateway:\n  journal: sqlite:/srv/j.db\n  zone UTC\n", "/srv/j.db"),
        ('gateway: {journal: "sqlite:my journals/j.db", environment: test\n', "my journals/j.db"),
        ("gateway: {journal: sqlite:var/j.db, environment: [\n", "var/j.db"),
        ("gateway: {journal: 'sqlite:var/j.db'}\n", "var/j.db"),
        ("gateway:\n  # journal: sqlite:old.db\n  journal: sqlite:new.db  # since June\n", "new.db"),
        ("gateway:\n\tjournal: sqlite:var/j.db\n", "var/j.db"),
        ("gateway: {journal: 'memory:'}\n", None),
        ("gateway:\n  journal_key: env:KEY\n", None),
        ("", None),
    ],
)
def test_the_journal_is_found_in_a_text_that_is_no_yaml(text: str, path: str | None) -> None:
    assert journal_named(text) == path


def test_what_is_left_of_a_text_that_this_version_refuses_says_whose_the_journal_is() -> None:
    text = (
        "version: 1\n"
        "gateway: {environment: production, organisation: mercy, zone: Europe/Paris, "
        "'journal_key': 'env:K', new: 1}\n"
        "crosswalks: {suppliers: supplier}\n"
        "routes:\n  - id: po.one\n    stage: unheard_of\n"
    )
    assert isinstance(load_text(text), list)

    found = load_text(remains(text))

    assert isinstance(found, Configuration)
    assert (found.gateway.environment, found.gateway.organisation) == ("production", "mercy")
    assert (found.gateway.zone, found.gateway.journal_key) == ("Europe/Paris", "env:K")
    assert found.crosswalks == {"suppliers": "supplier"}
    assert not found.routes
