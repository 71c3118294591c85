"""The running API does what its OpenAPI document says, for requests that fit it and for those that do not."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from gateway.api.contract import resources
from tests.gateway.api.admin_rig import AdminSite, in_a_thread
from tests.scale import scaled


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory):
    with in_a_thread(tmp_path_factory.mktemp("admin")) as running:
        yield running


def test_the_document_needs_no_token_and_names_every_verb(site: AdminSite) -> None:
    document = requests.get(f"http://127.0.0.1:{site.port}/v1/openapi.json", timeout=10).json()

    operations = {one["operationId"] for path in document["paths"].values() for one in path.values()}
    assert document["openapi"].startswith("3.1")
    assert operations == {each.verb for each in resources()}
    for path in ("/v1/routes", "/v1/messages", "/v1/exceptions", "/v1/diffs", "/v1/plan"):
        assert path in document["paths"]


# What fits the schema may still be wrong (a stage that the configuration forbids, a share outside canary):
# rules between values stand in no JSON Schema, so "accepted" is not asked for. Everything else is.
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_operation_answers_as_the_document_says(site: AdminSite, mode: GenerationMode) -> None:
    base = f"http://127.0.0.1:{site.port}"
    schema = schemathesis.openapi.from_url(f"{base}/v1/openapi.json")
    headers = {"Authorization": f"Bearer {site.issuer.token('admins', at=site.clock)}"}
    checked = 0
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]  # of our own document none is an error

        @settings(
            max_examples=scaled(6, most=200),
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def holds(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

        holds()
        checked += 1
    assert checked == len(resources())
