"""Error bodies as Dynamics 365 words them: an outer sentence that says nothing, and the Infolog that does.

Source: public reports of its OData errors, restated; the four causes of 429 are those of Microsoft's page on
service protection limits, in words of ours that keep the figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from aiohttp import web

WRITE_ERROR = "Microsoft.Dynamics.Platform.Integration.Services.OData.ODataWriteException"

THROTTLES: Mapping[str, str] = {
    "throttle_requests": "Number of requests exceeded the limit of 6000 over the time window of 300 seconds.",
    "throttle_time": (
        "Combined execution time of incoming requests exceeded the limit of 1,200,000 milliseconds over the "
        "time window of 300 seconds. Decrease number of concurrent requests or reduce their duration."
    ),
    "throttle_concurrent": "Number of concurrent requests exceeded the limit of 52.",
    "throttle_resources": (
        "This request could not be processed at this time: high resource utilization of the system."
    ),
}


class RefusedError(Exception):
    """A request that is refused in the ERP's own words; `response` is the answer."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.text)
        self.response = response


def infolog(table: str, messages: Sequence[str], status: int = 400) -> web.Response:
    """Give a failed write: the useful words stand behind `Infolog:`, in one line, between generic ones."""
    said = "; ".join(f"Warning: {each}" for each in messages)
    text = (
        f"Write failed for table row of type '{table}'. Infolog: {said}; "
        f"Warning: validateWrite failed on data source '{table} ({table})'."
    )
    return error(status, "An error has occurred.", text)


def error(status: int, text: str, inner: str = "", kind: str = WRITE_ERROR) -> web.Response:
    """Give an OData error."""
    body: dict[str, object] = {"code": "", "message": text}
    if inner:
        body["innererror"] = {"message": inner, "type": kind, "stacktrace": "   at Made.Up.Row.Write()"}
    return web.json_response({"error": body}, status=status)


def throttled(word: str, retry_after: str | None) -> web.Response:
    """Give a 429 for one of the four causes; `retry_after` as in a fault script."""
    response = error(429, THROTTLES.get(word, THROTTLES["throttle_resources"]))
    if retry_after is not None:
        response.headers["Retry-After"] = _retry_after(retry_after)
    return response


def _retry_after(text: str) -> str:
    if not text.startswith("date:"):
        return text
    at = datetime.now(UTC) + timedelta(seconds=float(text.removeprefix("date:")))
    return format_datetime(at, usegmt=True)
