"""Differences between our version of documents and legacy's: in groups, with both sides, and accepted."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from gateway.compare import excused, learned
from gateway.compare.groups import pair_of, surfaced
from gateway.compiling import ignored
from gateway.config.coexistence import WHY_LEAST, IgnoreRule
from gateway.journal.comparisons import Comparison, Difference, DifferenceGroup
from gateway.operations.base import Count, JsonObject, OperationsBase, Person, Text
from gateway.operations.discretion import HIDDEN
from gateway.operations.errors import OperationError
from gateway.operations.readiness import group_view
from gateway.operations.views import instant
from gateway.readiness import JudgedGroup
from gateway.readiness_facts import WINDOW

FOR_EVER = timedelta(days=3_650)
_PRICED = ("price", "amount", "rate", "total", "cost", "charge")
_MEASURED = (*_PRICED, "quantity", "date")  # in the name of a place


class DiffOperations(OperationsBase):
    """Operations on differences."""

    async def diffs_list(self, route: str | None = None, excused_too: bool = False) -> list[JsonObject]:
        """Show groups of differences, the most frequent first; those that nothing excuses, or all."""
        judged = [each for each in await self._judged(route) if excused_too or not each.excuse]
        return [
            group_view(each) | {"sides": _sides(each.group), "text": _told(each.group)} for each in judged
        ]

    async def diffs_show(self, group: Text, limit: Count = 20) -> JsonObject:
        """Show a group with documents that have it, both sides and the place; prices stay hidden."""
        return await self._group(group, limit, with_prices=False)

    async def diffs_values(self, group: Text, who: Person, why: Text, limit: Count = 20) -> JsonObject:
        """Show the same with prices. That is in the audit log."""
        shown = await self._group(group, limit, with_prices=True)
        detail = {"documents": str(len(shown["examples"]))}
        await self._journal.append_audit(who, "diffs.values", group, detail, why, self._clock.now())
        return shown

    async def diffs_accept(self, group: Text, until: Text, who: Person, why: Text) -> JsonObject:
        """Give the ignore that accepts a group, for review in routes.yaml; the audit log has who asked.

        Nothing is ignored before routes.yaml says so and is loaded. Errors: OperationError.
        """
        rule = await self._rule(group, until, why)
        detail = {name: str(value) for name, value in rule["ignore"].items() if name != "why"}
        await self._journal.append_audit(who, "diffs.accept", group, detail, why, self._clock.now())
        return rule

    async def _rule(self, group_id: str, until: str, why: str) -> JsonObject:
        group = (await self._found(group_id)).group
        if group.kind in ("untranslated", "refused"):
            text = "what could not be translated, or is refused by the ERP, cannot be accepted: mend it"
            raise OperationError("refused", text)
        pair = pair_of(group)
        if not pair and _is_measured(group):
            text = _unbounded(surfaced(group.surface, group.pattern), group)
            raise OperationError("refused", text)
        if len(why.strip()) < WHY_LEAST:
            text = f"the reason '{why}' is too short; an ignore needs one of at least {WHY_LEAST} characters"
            raise OperationError("bad_request", text)
        day = self._day(until)
        rule = {"path": surfaced(group.surface, group.pattern), "until": day.isoformat(), "why": why}
        if len(pair) == 2:
            rule |= {"legacy": pair[0], "cloud": pair[1]}
        IgnoreRule.model_validate(rule)
        return {"group": group_id, "route": group.route, "documents": group.documents, "ignore": rule}

    def _day(self, text: str) -> date:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise OperationError("bad_request", f"'{text}' is no day; expected 2027-01-31") from None
        today = self._configuration().calendar.day_of(self._clock.now())
        if not today <= day <= today + FOR_EVER:
            text = f"{day} is no last day for an ignore; expected one from today on, not for ever"
            raise OperationError("bad_request", text)
        return day

    async def _judged(self, route: str | None) -> list[JudgedGroup]:
        routes, now = self._configuration().routes, self._clock.now()
        if route is not None and route not in routes:
            raise OperationError("unknown", f"there is no route '{route}'; there are: {', '.join(routes)}")
        today = self._configuration().calendar.day_of(now)
        found: list[JudgedGroup] = []
        for each in await self._journal.difference_groups(route, self._since(route, now)):
            declared = routes[each.route].compare if each.route in routes else None
            rules = tuple(ignored(rule) for rule in declared.ignore) if declared is not None else ()
            noise = learned(await self._journal.readings(each.route))
            found.append(JudgedGroup(each, excused(each, rules, noise, today)))
        return found

    def _since(self, route: str | None, now: datetime) -> datetime:
        declared = self._configuration().routes[route].compare if route is not None else None
        return now - (declared.window if declared is not None else WINDOW)

    async def _found(self, group_id: str) -> JudgedGroup:
        for each in await self._judged(None):
            if each.group.group_id == group_id:
                return each
        text = f"there is no group '{group_id}'; legacy-bridge diffs list shows them"
        raise OperationError("unknown", text)

    async def _group(self, group_id: str, limit: int, *, with_prices: bool) -> JsonObject:
        judged = await self._found(group_id)
        comparisons = await self._journal.comparisons(group_id=group_id, limit=limit)
        examples = [
            _example(comparison, each, with_prices=with_prices)
            for comparison in comparisons
            for each in comparison.differences
            if each.group_id == group_id
        ]
        return group_view(judged) | {"text": _told(judged.group), "examples": examples}


def _example(comparison: Comparison, difference: Difference, *, with_prices: bool) -> JsonObject:
    shown = difference if with_prices else _discreet(difference)
    return {
        "message": comparison.message_id,
        "document": comparison.document_index,
        "order": comparison.order_key,
        "accepted_at": instant(comparison.accepted_at),
        "evidence": comparison.evidence,
        "path": shown.path,
        "legacy": shown.legacy,
        "cloud": shown.cloud,
        "apart": _apart(difference),
    }


def _discreet(difference: Difference) -> Difference:
    """Hide prices; what is free text was never kept. A whole entry (a line) may hold a price, too."""
    is_whole = difference.pattern.endswith("[]") or (
        difference.kind in ("missing", "extra") and " " in difference.legacy + difference.cloud
    )
    if not is_whole and not any(word in difference.pattern.lower() for word in _PRICED):
        return difference
    legacy, cloud = (HIDDEN if each else "" for each in (difference.legacy, difference.cloud))
    return replace(difference, legacy=legacy, cloud=cloud)


def _is_measured(group: DifferenceGroup) -> bool:
    """Tell whether values here are prices, quantities, units, dates or numbers: no codes bound them.

    Only the newest values of a group are kept, so that one which reads as a number or a day is enough.
    """
    if group.kind in ("missing", "extra"):  # an ignore of a place holds for all that stands in it
        return group.pattern == "lines[]" or any(
            word in group.pattern.lower() for word in (*_PRICED, "quantity")
        )
    if group.kind not in ("value", "unit"):
        return False
    values = (group.legacy, group.cloud)
    is_named = any(word in group.pattern.lower() for word in _MEASURED)
    return group.kind == "unit" or is_named or any(_is_number(each) or _is_day(each) for each in values)


def _unbounded(place: str, group: DifferenceGroup) -> str:
    """Say why a group cannot be accepted, and what to do instead."""
    text = f"an ignore of {place} would excuse every later difference there, however large; mend the mapping"
    if not (_is_number(group.legacy) and _is_number(group.cloud)):
        return text
    return f"{text}, or declare how far apart is harmless: compare.tolerate: [{{path: {place}, abs: ...}}]"


def _is_number(text: str) -> bool:
    try:
        return Decimal(text.partition(" ")[0]).is_finite()
    except InvalidOperation:
        return False


def _is_day(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _apart(difference: Difference) -> str:
    """Say how far two numbers are apart, in parts of legacy's: that shows no price."""
    try:
        legacy, cloud = (Decimal(each.partition(" ")[0]) for each in (difference.legacy, difference.cloud))
    except InvalidOperation:
        return ""
    if not legacy:
        return ""
    return f"{float((cloud - legacy) / abs(legacy) * 100):+.3g}%"


def _sides(group: DifferenceGroup) -> list[str]:
    return list(pair_of(group)) if len(pair_of(group)) == 2 else []


def _told(group: DifferenceGroup) -> str:
    """Say what a group is, in a line: 37 documents differ in lines[].quantity.unit CA/CS."""
    count = f"{group.documents} document{'' if group.documents == 1 else 's'}"
    verb = "differs" if group.documents == 1 else "differ"
    place = surfaced(group.surface, group.pattern)
    match group.kind:
        case "untranslated":
            return f"{count} could not be translated: {group.cloud}"
        case "refused":
            return f"{count} would be refused by the ERP: {group.cloud}"
        case "missing":
            return f"{count} {'lacks' if group.documents == 1 else 'lack'} {place}, which legacy has"
        case "extra":
            return f"{count} {'has' if group.documents == 1 else 'have'} {place}, which legacy has not"
        case _:
            sides = "/".join(_sides(group))
            return f"{count} {verb} in {place}{' ' + sides if sides else ''}"
