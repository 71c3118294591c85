from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from adapters.base.settings import Settings
from gateway.config import GatewaySettings, Partner, Route, installed
from gateway.config.defaults import Defaults
from gateway.config.endpoints import Endpoint
from gateway.config.reference import reference
from gateway.config.texts import item_of, model_of
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
            assert all(field.description for field in model.model_fields.values()), model


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
