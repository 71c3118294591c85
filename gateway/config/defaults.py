"""``defaults:`` in routes.yaml: retry, deadlines and lease, and what a route may say otherwise."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from adapters.base.settings import Duration, DurationRange, Settings

Jitter = Literal["full", "none"]


class Retry(Settings):
    """How a delivery that met an error answer is tried again. Outages wait instead and spend nothing."""

    attempts: int = Field(default=6, ge=1, le=100)
    """Tries that may come to nothing before a person must look; the first one counts."""

    backoff: DurationRange = DurationRange(timedelta(seconds=2), timedelta(minutes=5))
    """Pause before the second try, doubled each time, up to the longest."""

    jitter: Jitter = "full"
    """`full` draws each pause between zero and its ceiling; `none` takes the ceiling."""

    budget: Duration = timedelta(hours=2)
    """Time from the first try after which another error parks the delivery."""


class RetryChange(Settings):
    """What one route says otherwise than `defaults.retry`."""

    attempts: int | None = Field(default=None, ge=1, le=100)
    """Tries that may come to nothing; default as in `defaults.retry`."""

    backoff: DurationRange | None = None
    """Shortest and longest pause; default as in `defaults.retry`."""

    jitter: Jitter | None = None
    """`full` or `none`; default as in `defaults.retry`."""

    budget: Duration | None = None
    """Time from the first try; default as in `defaults.retry`."""


class Deadline(Settings):
    """When an order that is not delivered raises an alarm."""

    rush: Duration = timedelta(minutes=15)
    """For urgent orders, from arrival."""

    other: Duration = timedelta(hours=2)
    """For all others, from arrival."""

    tell: tuple[str, ...] = ()
    """Who is to act: words that the alarm carries, such as the name of an on-call rota."""


class DeadlineChange(Settings):
    """What one route says otherwise than `defaults.deadline`."""

    rush: Duration | None = None
    """For urgent orders; default as in `defaults.deadline`."""

    other: Duration | None = None
    """For all others; default as in `defaults.deadline`."""

    tell: tuple[str, ...] | None = None
    """Who is to act; default as in `defaults.deadline`, and the route's `owner.page`."""


class Defaults(Settings):
    """What holds for every route that says nothing else."""

    retry: Retry = Retry()
    """Trying again."""

    deadline: Deadline = Deadline()
    """Alarms."""

    lease: Annotated[Duration, Field(ge=timedelta(seconds=10), le=timedelta(hours=1))] = timedelta(minutes=2)
    """How long a worker owns a delivery; longer than any request to a target may take."""
