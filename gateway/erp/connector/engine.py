"""Running a series against the journal's record: what is to be sent next, whatever happened before. Pure.

The record of every step begun is all the state there is, so a process that died between any two steps
goes on with the right one. Rules: cloud ERPs know no idempotency key, so a write is preceded by a
look-up where it creates something, and followed by look-ups where its outcome is unknown. A look-up that
finds nothing proves nothing at first: commits and indexes lag (read-after-write lag).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NoReturn

from adapters.base import Accepted, Effect, Finished, Rejected, Reply, Request, StepResult, Stuck, Wait
from canonical.registry import DocumentError
from canonical.scalars import read_decimal
from gateway.erp.connector.series import (
    Answer,
    Call,
    FollowUp,
    Hit,
    Hold,
    LookUp,
    Place,
    Poll,
    Read,
    Series,
    StuckError,
    Write,
)

FRESH_S = 60.0  # a look-up this young was made for the present decision, unless a person has retried since
LOOK_UP_SUFFIX = ".look_up"


def next_of(
    make: Callable[[], Series],
    done: Sequence[StepResult],
    now: datetime,
    follow_up: FollowUp,
    place: Place,
    timeout_s: float,
    *,
    steps_before_retry: int = 0,
) -> Request | Wait | Finished | Stuck:
    """Say what a series asks for next; `make` begins it anew.

    Where it ends in a finding that rests on reads of some time ago, or of before a person's retry, these
    are asked again first: a person has put something right meanwhile.
    """
    run = _Run(done, now, follow_up, place, timeout_s, steps_before_retry)
    end = _walked(make(), run)
    if isinstance(end, Stuck) and run.has_used_stale:
        anew = _Run(done, now, follow_up, place, timeout_s, steps_before_retry, is_fresh_only=True)
        return _walked(make(), anew)
    return end


def _walked(series: Series, run: _Run) -> Request | Wait | Finished | Stuck:
    try:
        ask = next(series)
        while True:
            came = run.settled(ask)
            if not isinstance(came, Answer):
                return came
            ask = series.send(came)
    except StopIteration as ended:
        end: Finished | Stuck = ended.value
        return end
    except StuckError as error:
        return Stuck(error.findings)
    finally:
        series.close()


@lru_cache(maxsize=2_048)  # a series is run anew for each step: with fewer, a long order is parsed anew, too
def reply_fields(body: bytes) -> Any:
    """Give a reply's JSON with all digits, None for none; read-only. Errors: DocumentError.

    A name that an ERP repeats in one object is no reason to doubt its reply: the last one counts.
    """
    if not body or body.isspace():
        return None
    try:
        return json.loads(body, parse_float=read_decimal, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise DocumentError((("", f"not JSON: {error}"),)) from error


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


class _Run:
    """One walk along a series."""

    def __init__(
        self,
        done: Sequence[StepResult],
        now: datetime,
        follow_up: FollowUp,
        place: Place,
        timeout_s: float,
        steps_before_retry: int,
        *,
        is_fresh_only: bool = False,
    ) -> None:
        self._done = done
        self._by_step: dict[str, list[StepResult]] = {}
        for each in done:
            self._by_step.setdefault(each.step, []).append(each)
        self._before_retry = {id(each) for each in done[:steps_before_retry]}
        self._now = now
        self._follow_up = follow_up
        self._place = place
        self._timeout_s = timeout_s
        self._is_fresh_only = is_fresh_only  # of reads and polls: older answers do not count
        self.has_used_stale = False

    def settled(self, ask: Read | Poll | Write | Hold) -> Answer | Request | Wait | Stuck:
        match ask:
            case Read(step, call):
                answers = self._answers(step, call)
                return answers[-1] if answers else self._request(step, Effect.READ, call)
            case Poll():
                return self._poll(ask)
            case Write():
                return self._write(ask)
            case Hold(until, reason):
                return Wait(until, reason) if self._now < until else _NOTHING_ASKED

    def _poll(self, poll: Poll) -> Answer | Request | Wait:
        answers = self._answers(poll.step, poll.call)
        if answers and (poll.is_settled(answers[-1]) or len(answers) > len(poll.waits_s)):
            return answers[-1]
        if answers:
            due = answers[-1].ended_at + timedelta(seconds=poll.waits_s[len(answers) - 1])
            if self._now < due:
                return Wait(due, poll.reason)
        return self._request(poll.step, Effect.READ, poll.call)

    def _write(self, write: Write) -> Answer | Request | Wait | Stuck:
        attempts = self._steps(write.step)
        taken = next((each for each in reversed(attempts) if isinstance(each.outcome, Accepted)), None)
        if taken is not None:
            return self._taken(write, attempts, taken)
        if write.look_up is None:
            if attempts and attempts[-1].is_in_doubt and write.effect is Effect.WRITE:
                return self._parked("ERP-IN-DOUBT", _no_look_up(write))
            return self._send(write)
        found = self._found(write, write.look_up)
        if found is not None:
            return found
        if attempts and attempts[-1].is_in_doubt and write.effect is Effect.WRITE:
            return self._after_doubt(write, write.look_up, attempts)
        if write.looks_first and not self._clean(write, attempts[-1] if attempts else None):
            return self._look(write, write.look_up)
        return self._send(write)

    def _taken(
        self, write: Write, attempts: Sequence[StepResult], taken: StepResult
    ) -> Answer | Request | Wait | Stuck:
        """Go on; but where a write was sent twice and the ERP knows no doubles, look once more, later.

        A node that was paused while writing may wake up after the quiet period. That double cannot be
        prevented on such an ERP, only found.
        """
        answer = _answer_of(taken)
        assert answer is not None  # noqa: S101 - an accepted step has a reply
        before = attempts[: list(attempts).index(taken)]
        if write.is_unique or write.look_up is None or not any(_is_doubt(each) for each in before):
            return answer
        looked = self._clean_or_hit(write, taken)
        if looked is not None:
            hits = self._hits(write.look_up, looked)
            if isinstance(hits, Stuck):
                return hits
            return self._doubles(hits, looked, write, write.look_up) or answer
        due = answer.ended_at + self._follow_up.quiet_period(1)
        if self._now < due:
            return Wait(due, "sent again after an unknown outcome: a last look-up for doubles")
        return self._look(write, write.look_up)

    def _found(self, write: Write, look_up: LookUp) -> Answer | Request | Stuck | None:
        """Give what the newest look-up found, None for nothing; what was found amiss is looked at anew."""
        looked = next((each for each in reversed(self._looks(write)) if _answer_of(each) is not None), None)
        if looked is None:
            return None
        hits = self._hits(look_up, looked)
        if isinstance(hits, Stuck):
            return hits if self._is_fresh(looked) else self._look(write, look_up)
        doubled = self._doubles(hits, looked, write, look_up)
        if doubled is not None:
            return doubled
        if not hits:
            return None
        if hits[0].differences:
            if not self._is_fresh(looked):
                return self._look(write, look_up)
            return self._parked(
                "ERP-REF-MISMATCH", _mismatch(hits[0]), differences=", ".join(hits[0].differences)
            )
        answer = _answer_of(looked)
        return replace(answer, fields=hits[0].fields, is_adopted=True) if answer is not None else None

    def _hits(self, look_up: LookUp, looked: StepResult) -> Sequence[Hit] | Stuck:
        answer = _answer_of(looked)
        hits = look_up.read(answer) if answer is not None else ()
        return self._parked("ERP-LOOKUP-FILTER", hits) if isinstance(hits, str) else hits

    def _doubles(
        self, hits: Sequence[Hit], looked: StepResult, write: Write, look_up: LookUp
    ) -> Request | Stuck | None:
        numbers = list(dict.fromkeys(each.number for each in hits))
        if len(numbers) < 2:
            return None
        if not self._is_fresh(looked):
            return self._look(write, look_up)
        return self._parked("ERP-DOUBLE", _doubled(numbers), numbers=", ".join(numbers))

    def _after_doubt(
        self, write: Write, look_up: LookUp, attempts: Sequence[StepResult]
    ) -> Request | Wait | Stuck:
        """Look up with growing waits, then send again: no sooner than the quiet period's end."""
        doubt = attempts[-1]
        doubts = sum(1 for each in attempts if _is_doubt(each))
        over_at = doubt.ended_at or doubt.started_at + timedelta(seconds=doubt.request.timeout_s)
        quiet_until = over_at + self._follow_up.quiet_period(doubts)
        clean = self._clean(write, doubt)
        final = [each for each in clean if each.started_at >= quiet_until]
        if final:
            return self._after_quiet_period(write, look_up, doubts, final)
        begun, waits = doubt.ended_at or doubt.started_at, self._follow_up.look_up_waits_s
        due = begun + timedelta(seconds=waits[len(clean)]) if len(clean) < len(waits) else quiet_until
        due = min(due, quiet_until)
        if self._now < due:
            return Wait(due, "the outcome is unknown; looked up again then")
        return self._look(write, look_up)

    def _after_quiet_period(
        self, write: Write, look_up: LookUp, doubts: int, final: Sequence[StepResult]
    ) -> Request | Stuck:
        """Send again; a movement, or at the limit, only if a person asked, which shows as an old look-up."""
        if len(final) > 1 or not (write.is_movement or doubts % self._follow_up.doubts_max == 0):
            return self._send(write)
        if not self._is_fresh(final[-1]):
            return self._look(write, look_up)
        if write.is_movement:
            return self._parked("ERP-MOVEMENT-IN-DOUBT", _movement(write))
        return self._parked("ERP-IN-DOUBT", _too_often(write, doubts))

    # -- the record --------------------------------------------------------------------------------

    def _steps(self, step: str) -> Sequence[StepResult]:
        return self._by_step.get(step, ())

    def _looks(self, write: Write) -> Sequence[StepResult]:
        return self._steps(write.step + LOOK_UP_SUFFIX)

    def _clean(self, write: Write, after: StepResult | None) -> list[StepResult]:
        """Give the look-ups after an attempt that were answered, of what would be looked up now.

        That nothing is there proves it of that question alone: the document may be read otherwise since (a
        code that was mended). What was found is believed whatever found it, or it would be made twice.
        """
        looks = [each for each in self._looks(write) if isinstance(each.outcome, Accepted)]
        if write.look_up is not None:
            looks = _asked_so(write.look_up.call, looks)
        if after is None or not (_is_doubt(after) or isinstance(after.outcome, Rejected)):
            return looks  # what surely was not done left nothing behind
        at = self._position(after)
        return [each for each in looks if self._position(each) > at]

    def _clean_or_hit(self, write: Write, after: StepResult) -> StepResult | None:
        at = self._position(after)
        looks = (each for each in self._looks(write) if isinstance(each.outcome, Accepted))
        return next((each for each in reversed(list(looks)) if self._position(each) > at), None)

    def _position(self, step: StepResult) -> int:
        return next(at for at, each in enumerate(self._done) if each is step)

    def _answers(self, step: str, call: Call) -> list[Answer]:
        """Give what a read was answered, oldest first; what was asked otherwise is no answer to it."""
        steps = _asked_so(call, self._steps(step))
        known = [(each, answer) for each in steps if (answer := _answer_of(each)) is not None]
        fresh = [answer for each, answer in known if self._is_fresh(each)]
        self.has_used_stale |= bool(known) and not fresh
        return fresh if self._is_fresh_only else [answer for _, answer in known]

    def _is_fresh(self, looked: StepResult) -> bool:
        if id(looked) in self._before_retry:
            return False
        return self._now - (looked.ended_at or looked.started_at) <= timedelta(seconds=FRESH_S)

    # -- what to send ------------------------------------------------------------------------------

    def _look(self, write: Write, look_up: LookUp) -> Request:
        return self._request(write.step + LOOK_UP_SUFFIX, Effect.READ, look_up.call)

    def _send(self, write: Write) -> Request:
        return self._request(write.step, write.effect, write.call)

    def _request(self, step: str, effect: Effect, call: Call) -> Request:
        return Request(
            step=step,
            effect=effect,
            method=call.method,
            address=call.address,
            body=call.body() if call.body is not None else b"",
            headers=call.headers,
            timeout_s=self._timeout_s,
        )

    def _parked(self, code: str, text: str, **facts: str) -> Stuck:
        return Stuck((self._place.finding(code, text, **facts),))


_NOTHING_ASKED = Answer(0, None, Reply(0), datetime.min.replace(tzinfo=UTC))


def _answer_of(step: StepResult) -> Answer | None:
    """Give what an accepted step was answered, None for any other."""
    if not isinstance(step.outcome, Accepted) or not isinstance(step.reply, Reply):
        return None
    try:
        fields = reply_fields(step.reply.body)
    except DocumentError:
        fields = None  # a body that is no JSON where none is needed
    return Answer(step.reply.status, fields, step.reply, step.ended_at or step.started_at)


def _asked_so(call: Call, steps: Sequence[StepResult]) -> list[StepResult]:
    """Give the steps of which the request was this one. Headers do not tell: they name the attempt, too."""
    same = [
        each for each in steps if (each.request.method, each.request.address) == (call.method, call.address)
    ]
    if not same or call.body is None:
        return same
    body = call.body()
    return [each for each in same if each.request.body == body]


def _is_doubt(step: StepResult) -> bool:
    return step.request.effect is Effect.WRITE and step.is_in_doubt


def _no_look_up(write: Write) -> str:
    return (
        f"nobody knows whether '{write.step}' was done, and this ERP gives no way to look it up; look there,"
        " then resolve this"
    )


def _mismatch(hit: Hit) -> str:
    return (
        f"{hit.number} carries our reference, but differs at {', '.join(hit.differences)}: another document"
        " has this reference, or this document was changed after it was sent; compare the two, then change"
        f" {hit.number} in the ERP by hand and resolve this"
    )


def _doubled(numbers: Sequence[str]) -> str:
    return (
        f"the ERP holds {len(numbers)} documents with one reference: {', '.join(numbers)}; cancel all but one"
        " there, then retry this"
    )


def _movement(write: Write) -> str:
    return (
        f"nobody knows whether '{write.step}' was posted, and no look-up finds it; goods are never posted"
        " again by guess: look in the ERP, then retry this if it is not there, or resolve it"
    )


def _too_often(write: Write, doubts: int) -> str:
    return (
        f"'{write.step}' had an unknown outcome {doubts} times, and no look-up finds it; ask the ERP team why"
        ", then retry"
    )
