"""The running API does what its OpenAPI document says, for requests that fit it and for those that do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from schemathesis.specs.openapi.schemas import OpenApiSchema

from gateway.api.contract import resources
from tests.gateway.api.admin_rig import AdminSite, in_a_thread
from tests.scale import scaled


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory):
    with in_a_thread(tmp_path_factory.mktemp("admin")) as running:
        yield running


@pytest.fixture(scope="module")
def document(site: AdminSite) -> OpenApiSchema:
    return schemathesis.openapi.from_url(f"http://127.0.0.1:{site.port}/v1/openapi.json")


@pytest.fixture(scope="module")
def connection() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def test_the_document_needs_no_token_and_names_every_verb(site: AdminSite) -> None:
    document = requests.get(f"http://127.0.0.1:{site.port}/v1/openapi.json", timeout=10).json()

    operations = {one["operationId"] for path in document["paths"].values() for one in path.values()}
    assert document["openapi"].startswith("3.1")
    assert operations == {each.verb for each in resources()}
    for path in ("/v1/routes", "/v1/messages", "/v1/exceptions", "/v1/diffs", "/v1/plan"):
        assert path in document["paths"]


def is_all_sent(value: Any) -> bool:
    """Tell whether every part of a query is sent: an empty list leaves nothing of its name in an address."""
    if isinstance(value, dict | list):
        parts = list(value.values()) if isinstance(value, dict) else value
        return all(part not in ([], {}) and is_all_sent(part) for part in parts)
    return True


# What fits the schema may still be wrong (a stage that the configuration forbids, a share outside canary):
# rules between values stand in no JSON Schema, so "accepted" is not asked for. Everything else is.
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("verb", [each.verb for each in resources()])
def test_every_operation_answers_as_the_document_says(
    site: AdminSite, document: OpenApiSchema, connection: requests.Session, verb: str, mode: GenerationMode
) -> None:
    operation: Any = document.find_operation_by_id(verb)
    headers = {"Authorization": f"Bearer {site.issuer.token('admins', at=site.clock)}"}

    @settings(
        max_examples=scaled(6, most=200),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def holds(case: schemathesis.Case) -> None:
        assume(mode is GenerationMode.POSITIVE or is_all_sent(case.query or {}))
        case.call_and_validate(
            headers=headers, session=connection, excluded_checks=[positive_data_acceptance]
        )

    holds()
