from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from adapters.base.settings import Settings
from gateway.config import GatewaySettings, Partner, Route, installed
from gateway.config.catalogue import Catalogue, EndpointKind
from gateway.config.defaults import Defaults
from gateway.config.endpoints import Endpoint
from gateway.config.field_docs import described
from gateway.config.reference import reference
from gateway.config.texts import HIDDEN, item_of, key_of, model_of
from tests.gateway.config.sample import CATALOGUE

PROJECT = Path(__file__).resolve().parents[3]


def test_the_reference_page_is_current() -> None:
    page = (PROJECT / "docs" / "configuration.md").read_text(encoding="utf-8")

    assert page == reference(installed()), (
        "regenerate it: python -m gateway.config --reference > docs/configuration.md"
    )


def test_the_command_prints_the_reference() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "gateway.config", "--reference"], cwd=PROJECT, capture_output=True, check=True
    )

    assert printed.stdout.decode() == reference(installed())


def models(model: type[BaseModel]) -> set[type[BaseModel]]:
    found = {model}
    for field in model.model_fields.values():
        inner = model_of(field.annotation) or model_of(item_of(field.annotation))
        if inner is not None and inner not in found and inner is not BaseModel:
            found |= models(inner)
    return found


@pytest.mark.parametrize("section", [GatewaySettings, Defaults, Endpoint, Partner, Route])
def test_every_model_is_frozen_refuses_unknown_keys_and_describes_its_fields(section: type[Settings]) -> None:
    for model in models(section):
        assert model.model_config.get("frozen"), model
        assert model.model_config.get("extra") == "forbid", model
        if model.__module__.startswith("gateway.config"):
            assert all(field.description for field in described(model).values()), model


def test_the_reference_shows_keys_types_defaults_and_what_is_needed() -> None:
    page = reference(CATALOGUE)

    assert "| `environment` | `test`, `production` | **needed** |" in page
    assert "| `retry.backoff` | durations | `2s..5m` |" in page
    assert "| `limits.body_bytes_max` | size | `64MiB` |" in page
    assert "| `from.endpoint` | text |" in page
    assert "| `alarms.email.from` | text | **needed** |" in page
    assert "## endpoints of kind `rest`" in page
    assert "## `x12` of a partner" in page
    assert "(kind)" not in page


def sections(page: str) -> dict[str, str]:
    """Give the sections of the page by what a link calls them."""
    found = {}
    for part in page.split("\n## ")[1:]:
        title, _, text = part.partition("\n")
        found[re.sub(r"[^\w-]", "", title.lower().replace(" ", "-"))] = text
    return found


def keys(section: str) -> set[str]:
    return set(re.findall(r"(?m)^\| `([^`.]+)` \|", section))


def test_settings_that_several_erps_share_stand_once() -> None:
    page = reference(installed())

    for key in ("oauth2.token_url", "oauth2.assertion.key", "basic.user", "tls.ca", "csrf", "codes.units"):
        assert page.count(f"| `{key}` |") == 1, key


def test_every_key_of_a_kind_is_told_in_its_section_or_in_the_shared_one_that_it_links_to() -> None:
    told = sections(reference(installed()))

    for kind in installed().kinds.values():
        if kind.settings is None:
            continue
        section = told[f"endpoints-of-kind-{kind.name}"]
        found, text = keys(section), section
        while link := re.search(r"Every key that is \[shared\]\(#([^)]*)\)", text):
            text = told[link[1]]
            found |= keys(text)
        own = {key_of(name, field) for name, field in kind.settings.model_fields.items()}
        assert {each for each in own if not each.startswith(HIDDEN)} <= found, kind.name


class Base(Settings):
    same: int = Field(default=1, description="As every one has it.")
    other: int = Field(default=1, description="As most have it.")


class One(Base):
    """One."""


class Two(Base):
    """Two."""

    other: int = Field(default=2, description="As most have it.")


def test_a_kind_that_means_a_shared_key_otherwise_tells_it_again() -> None:
    kinds = {
        name: EndpointKind(name, "", settings, None, (), can_receive=False, can_send=True)
        for name, settings in (("one", One), ("two", Two))
    }
    told = sections(reference(Catalogue(kinds, {}, {})))

    assert keys(told["shared-by-one-and-two"]) == {"same", "other"}
    assert keys(told["endpoints-of-kind-one"]) == set()
    assert keys(told["endpoints-of-kind-two"]) == {"other"}
    assert "| `other` | whole number | `2` |" in told["endpoints-of-kind-two"]


def test_settings_of_one_sort_are_told_where_they_come_first_in_a_section() -> None:
    page = reference(installed())

    assert page.count("| `gates.to_canary.soak` |") == 1
    assert "| `gates.to_cloud` | settings, as `gates.to_canary` |" in page
    assert "| `gates.to_cloud.soak` |" not in page
