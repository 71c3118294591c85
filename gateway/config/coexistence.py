"""What a route says of its move: how both sides are compared, what a shadow may do, which gates hold it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, PlainValidator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from adapters.base.settings import Duration, Kind, Percentage, Settings

REPLY = "reply"

_SPAN = re.compile(r"(\d{1,4})(bd|d|h)", re.ASCII)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _day(value: object) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else _no_day(value)
    except ValueError:
        return _no_day(value)


def _no_day(value: object) -> date:
    raise PydanticCustomError("day", "expected a day, such as 2027-01-31")


def _weekday(value: object) -> int:
    if value not in _WEEKDAYS:
        raise PydanticCustomError("weekday", "expected mon, tue, wed, thu, fri, sat or sun")
    return _WEEKDAYS.index(str(value))


Word = Annotated[str, Field(min_length=1)]
WordList = Annotated[tuple[Word, ...], BeforeValidator(_as_list), Kind("one text or a list of texts")]
Day = Annotated[date, PlainValidator(_day), Kind("day, as 2027-01-31")]
Weekday = Annotated[int, PlainValidator(_weekday), Kind("`mon` to `sun`")]


@dataclass(frozen=True, slots=True)
class Span:
    """A time that must pass: business days (``10bd``), days (``7d``) or hours (``12h``)."""

    count: int
    unit: Literal["bd", "d", "h"]

    def __str__(self) -> str:
        words = {"bd": "business day", "d": "day", "h": "hour"}
        return f"{self.count} {words[self.unit]}{'' if self.count == 1 else 's'}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls._read)

    @classmethod
    def _read(cls, value: object) -> Span:
        if isinstance(value, Span):
            return value
        found = _SPAN.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise PydanticCustomError("span", "expected 10bd (business days), 7d or 12h")
        unit: Any = found[2]
        return cls(int(found[1]), unit)


SpanText = Annotated[Span, Kind("`10bd` (business days), `7d` or `12h`")]


WHY_LEAST = 3  # characters of a reason


class IgnoreRule(Settings):
    """A difference that somebody has looked at. It counts again after its last day."""

    path: Word
    """Place: `lines[].description`, or `request.Lines[].Note` for one of the ERP's request."""

    until: Day
    """Last day on which it is ignored."""

    why: str = Field(min_length=WHY_LEAST)
    """Why it does no harm."""

    legacy: str | None = None
    """Only where legacy says exactly this; needs `cloud`."""

    cloud: str | None = None
    """Only where the cloud's side says exactly this; needs `legacy`."""


class TolerateRule(Settings):
    """Numbers that count as equal when they are close."""

    path: Word
    """Place: `lines[].price.amount`, or everything below `lines[].price`."""

    abs: Decimal = Field(default=Decimal(0), ge=0)
    """How far apart they may be."""

    percent: Percentage = Decimal(0)
    """The same, of legacy's number; the larger of the two holds."""


class UnorderedRule(Settings):
    """A list whose entries are matched by a field, wherever they stand."""

    path: Word
    """The list: `lines`."""

    by: Word
    """A field of its entries (`line_id`), or `item`: the identifiers of a line's item."""


class Compare(Settings):
    """Legacy's version of each document, and how ours is compared with it."""

    evidence: Word = Field(validation_alias="with")
    """Where legacy's version comes from: a route with `evidence: true`, or `reply`, its answer."""

    reads: dict[Word, Word] = Field(default_factory=dict)
    """With `reply`: canonical field -> place in the answer (`lines[].line_id: Lines.Line[].No`). Only these
    fields are compared."""

    within: Duration = timedelta(days=3)
    """How long legacy's version is waited for; then the card says that there is no legacy evidence."""

    window: Duration = timedelta(days=90)
    """How far back the readiness card counts."""

    untold: Literal["differs", "ignored"] = "differs"
    """Whether something that legacy's version says nothing about is a difference."""

    ignore: tuple[IgnoreRule, ...] = ()
    """Differences that count no more, each with a reason and a last day."""

    tolerate: tuple[TolerateRule, ...] = ()
    """Tolerances of numbers. Without any they must be equal."""

    unordered: tuple[UnorderedRule, ...] = ()
    """Lists that are matched by a field. Without any, lines are matched by `line_id`, item or place."""

    factors: str | None = None
    """Code table with unit factors: legacy's word `ITEM|UNIT` (or `UNIT`), a column `factor`."""


class ShadowAllowed(Settings):
    """What a shadow may ask of one host."""

    host: Word
    """Host name, as in the endpoint's address; `*.example.com` is any host below."""

    methods: WordList = ("GET", "HEAD", "OPTIONS")
    """HTTP methods."""

    path: str = ""
    """Only addresses whose path begins with this."""


class Shadow(Settings):
    """What happens with the cloud's side in stage `shadow`."""

    mode: Literal["render", "validate", "sandbox"] = "render"
    """`render`: the request is made and kept, nothing is sent. `validate`: what only reads is asked.
    `sandbox`: everything is sent, to a non-production tenant. Production renders only."""

    to: str | None = None
    """Endpoint of the non-production tenant. Nothing else may be delivered to it."""

    allow: tuple[ShadowAllowed, ...] = ()
    """What the sink lets through; everything else is blocked, whatever asks for it."""

    free_text: Literal["leave_out", "send"] = "leave_out"
    """Whether free text that may be about a patient goes to the tenant; `leave_out` masks it."""

    write_scopes: WordList = ("*write*", "*create*", "*manage*", "*admin*", "*all*", "*full*", "*.default")
    """OAuth2 scopes that allow writing. In mode `validate` a token that has one closes the shadow leg."""


class StageGate(Settings):
    """What must be so before a route may go to a stage. What is not declared is not asked for."""

    compared: int | None = Field(default=None, ge=1)
    """Documents compared with legacy's version, at least."""

    clean: int | None = Field(default=None, ge=1)
    """Newest documents in a row without a mismatch, at least."""

    mismatch_upper95: Percentage | None = None
    """Upper bound of the true mismatch rate with 95% confidence, at most (299 clean documents prove 1%)."""

    soak: SpanText | None = None
    """How long ago the last change of stage or share must be."""

    seen: dict[Literal["supplier", "facility", "unit", "line_type", "document_type"], WordList] = Field(
        default_factory=dict
    )
    """What must have been compared at least once: `unit: [EA, CA]`."""

    open_exceptions: int | None = Field(default=None, ge=0)
    """Exceptions of the route that are open, at most."""

    error_rate: Percentage | None = None
    """Failed attempts at the cloud ERP, at most, over `over`."""

    latency: Decimal | None = Field(default=None, gt=0)
    """95th percentile of the cloud ERP's answers, at most this many times legacy's, over `over`."""

    over: Duration = timedelta(days=1)
    """Span in which errors and latency are counted."""

    approve: WordList = ()
    """Roles, each of which somebody must have approved in since the last change of stage or share; a person
    counts for one of them."""

    four_eyes: bool = False
    """Whether somebody else than who makes the change must have approved."""

    silent: Duration | None = None
    """How long no message must have arrived."""

    open_orders: int | None = Field(default=None, ge=0)
    """Orders of the route that are open on the side that it leaves, at most."""


class RollBack(Settings):
    """When a canary goes back by itself. One limit that breaks is enough."""

    error_rate: Percentage | None = None
    """Failed attempts at the cloud ERP, at most, over `over`."""

    over: Duration = timedelta(minutes=15)
    """Span in which attempts are counted."""

    least: int = Field(default=20, ge=1)
    """Attempts below which no rate is judged."""

    open_exceptions: int | None = Field(default=None, ge=0)
    """Exceptions of the route that are open, at most."""

    latency_p95: Duration | None = None
    """95th percentile of the cloud ERP's answers, at most, over `over`."""

    to: Literal["legacy", "shadow"] = "shadow"
    """Stage that it goes back to, for new orders."""


class Gates(Settings):
    """What holds a route where it is, and what sends it back."""

    to_canary: StageGate | None = None
    """Before stage canary, and before a larger share."""

    to_cloud: StageGate | None = None
    """Before stage cloud."""

    to_retired: StageGate | None = None
    """Before stage retired."""

    roll_back: RollBack | None = None
    """Limits of a running canary."""


class Ramp(Settings):
    """A share that grows by itself while all is well."""

    step: Percentage
    """How much is added each time."""

    every: SpanText = Span(1, "d")
    """How long after the last change."""

    to: Percentage = Decimal(100)
    """Where it ends."""


class FreezeSpan(Settings):
    """Days on which nothing is moved towards the cloud."""

    first: Day = Field(validation_alias="from")
    """First day."""

    last: Day = Field(validation_alias="to")
    """Last day."""

    why: str = Field(min_length=3)
    """What it is for; who is refused reads it."""


class CalendarSettings(Settings):
    """Business days and freezes, in the gateway's zone."""

    workdays: tuple[Weekday, ...] = (0, 1, 2, 3, 4)
    """Days of the week that count."""

    holidays: tuple[Day, ...] = ()
    """Days that do not count."""

    freezes: tuple[FreezeSpan, ...] = ()
    """Spans in which no stage change towards the cloud happens: month's end, inventory, holidays."""
