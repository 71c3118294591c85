"""A plan for somebody who asks a running gateway: over its API, or its control socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from adapters.base import Format
from gateway.config import Configuration, load_text
from gateway.forecast.making import PlanError, Question, Store, make_plan
from gateway.forecast.result import plan_view
from gateway.forecast.stages import asked_stages
from gateway.journal.base import Journal
from gateway.operations.errors import OperationError
from gateway.operations.views import finding_view

NAME = "the changed configuration"


async def answered(
    asked: Mapping[str, Any],
    configuration: Configuration,
    journal: Journal,
    store: Store,
    formats: Callable[[str], Format],
    now: datetime,
) -> dict[str, Any]:
    """Make the plan that is asked for, in processes of its own. Errors: OperationError."""
    if store.path is None:
        text = "this gateway's journal is in memory, and a plan is made by processes that read its file"
        raise OperationError("refused", text)
    changed = _changed(asked["configuration"], configuration)
    try:
        stages = asked_stages(asked["stages"], changed)
    except ValueError as error:
        raise OperationError("bad_request", f"stages: {error}") from error
    question = Question(changed, asked["days"], asked["limit"], asked["route"], None, stages)
    try:
        return plan_view(await make_plan(question, journal, store, formats, now))
    except PlanError as error:
        findings = tuple(finding_view(each) for each in error.findings)
        raise OperationError("refused", str(error), findings) from error


def _changed(text: str | None, configuration: Configuration) -> Configuration:
    if text is None:
        return configuration
    found = load_text(text, NAME, folder=configuration.folder)
    if isinstance(found, list):
        findings = tuple(finding_view(each) for each in found)
        raise OperationError("bad_request", f"{NAME} has {len(found)} problem(s)", findings)
    return found
