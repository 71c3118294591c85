"""Evidence for a route that is to be gone: gathered from the journal, chained, and noted in the audit log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from gateway.config import Configuration, Route
from gateway.dossier import FORMAT, Entry, sealed, written
from gateway.journal.types import AuditEntry, DeliveryState, MessageState, StageState
from gateway.operations.base import EVERYTHING, JsonObject, OperationsBase, Person, Text
from gateway.operations.errors import OperationError
from gateway.operations.views import audit_view, instant

PAGE = 500
SHOWN_MAX = 100
UNFINISHED = tuple(
    each.value
    for each in DeliveryState
    if each not in (DeliveryState.DONE, DeliveryState.SUPERSEDED, DeliveryState.VOID)
)
REVOKED, APPROVED, MADE = "routes.revoke", "routes.approve", "routes.dossier"


class DossierOperations(OperationsBase):
    """Operations on retired routes."""

    async def routes_revoke(self, route: Text, credential: Text, who: Person, why: Text) -> JsonObject:
        """Write down that a credential by which a route's senders came in was revoked, where it was given."""
        found = self._originating(route)
        names = credentials_of(self._configuration(), found)
        if credential not in names:
            known = ", ".join(names) or "none"
            raise OperationError(
                "unknown", f"route '{route}' has no credential '{credential}'; it has: {known}"
            )
        entry = await self._journal.append_audit(
            who, REVOKED, route, {"credential": credential}, why, self._clock.now()
        )
        return audit_view(entry)

    async def routes_dossier(self, route: Text, who: Person, why: Text) -> JsonObject:
        """Gather the evidence about a route, sealed; the seal's hash is written into the audit log.

        It is given whatever it says: what is missing for a complete one stands in its checks.
        """
        found = self._originating(route)
        now = self._clock.now()
        records = sealed([each for part in await self._evidence(found, who, now) for each in part])
        head, seal = records[-1].hash, records[-1].data
        detail = {"head": head, "records": str(len(records)), "complete": str(seal["complete"]).lower()}
        await self._journal.append_audit(who, MADE, route, detail, why, now)
        return {
            "route": route,
            "head": head,
            "complete": seal["complete"],
            "checks": seal["checks"],
            "content": written(records).decode(),
        }

    def _originating(self, name: str) -> Route:
        routes = self._configuration().routes
        if name not in routes:
            raise OperationError("unknown", f"there is no route '{name}'; there are: {', '.join(routes)}")
        if not routes[name].originates:
            text = f"route '{name}' follows '{routes[name].follows}', and is retired with it"
            raise OperationError("refused", text)
        return routes[name]

    async def _evidence(self, route: Route, who: str, now: datetime) -> list[list[Entry]]:
        state = (await self._journal.stages()).get(route.id)
        audit = await self._journal.audit(limit=EVERYTHING)
        own = [each for each in audit if each.subject == route.id]
        family = [
            each.id for each in self._configuration().routes.values() if route.id in (each.id, each.follows)
        ]
        return [
            [("dossier", self._head(route, state, who, now))],
            [("silence", await self._silence(route, state, now))],
            [("orders", await self._orders(route))],
            await self._open_work(family),
            [("credential", each) for each in self._credentials(route, own)],
            [("approval", each) for each in _approvals(own)],
            [("change", audit_view(each)) for each in own],
            [("audit log", await self._log(audit))],
        ]

    def _head(self, route: Route, state: StageState | None, who: str, now: datetime) -> JsonObject:
        configuration = self._configuration()
        gates = getattr(route, "gates", None)
        gate = getattr(gates, "to_retired", None)
        return {
            "format": FORMAT,
            "route": route.id,
            "environment": configuration.gateway.environment,
            "organisation": configuration.gateway.organisation,
            "configuration": configuration.sha256,
            "owner": route.owner.model_dump(exclude_none=True),
            "partner": route.source.partner,
            "stage": state.stage if state is not None else "unknown",
            "stage_since": instant(state.changed_at) if state is not None else None,
            "stage_by": state.changed_by if state is not None else None,
            "stage_why": state.why if state is not None else None,
            "approvals_asked": list(getattr(gate, "approve", ())),
            "made_at": instant(now),
            "made_by": who,
        }

    async def _silence(self, route: Route, state: StageState | None, now: datetime) -> JsonObject:
        """Tell since when nothing came by the route, stragglers included, and who the last ones were."""
        last: datetime | None = None
        months, late = Counter[str](), Counter[str]()
        before: int | None = None
        while page := await self._journal.messages(route=route.id, before_sequence=before, limit=PAGE):
            for message in page:
                last = last or message.accepted_at
                months[f"{message.accepted_at:%Y-%m}"] += 1
                if state is not None and message.accepted_at >= state.changed_at:
                    sender = message.partner or message.origin.identity or route.source.partner
                    late[sender or message.origin.peer or "unknown"] += 1
            before = page[-1].sequence
        began = state.changed_at if state is not None else now
        return {
            "zone": self._configuration().gateway.zone,
            "since": instant(max(last, began) if last is not None else began),
            "until": instant(now),
            "last_message": instant(last),
            "messages_by_month": dict(sorted(months.items())),
            "stragglers": dict(late.most_common()),
        }

    async def _orders(self, route: Route) -> JsonObject:
        entries = await self._journal.orders(route=route.id, limit=EVERYTHING)
        still_open = [each for each in entries if each.closed_at is None]
        return {
            "open": len(still_open),
            "closed": len(entries) - len(still_open),
            "open_by_side": dict(Counter(each.side.value for each in still_open)),
            "examples": [each.order_key for each in still_open[:SHOWN_MAX]],
        }

    async def _open_work(self, routes: Sequence[str]) -> list[Entry]:
        """Count what of the route and of those that follow it is not finished."""
        exceptions = [
            each for name in routes for each in await self._journal.exceptions(route=name, limit=EVERYTHING)
        ]
        lacking = [each.exception_id for each in exceptions if each.kind == "acknowledgment"]
        others = [each.exception_id for each in exceptions if each.kind != "acknowledgment"]
        for view in await self._journal.deliveries(states=UNFINISHED, limit=EVERYTHING):
            if (await self._journal.message(view.message_id)).route in routes:
                others.append(view.delivery_id)
        for name in routes:
            states = (MessageState.ACCEPTED, MessageState.TRANSLATING)
            waiting = await self._journal.messages(route=name, states=states, limit=EVERYTHING)
            others += [each.message_id for each in waiting]
        unfinished = sorted(set(others))
        return [
            ("interchanges", {"unacknowledged": len(lacking), "examples": lacking[:SHOWN_MAX]}),
            ("work", {"unfinished": len(unfinished), "examples": unfinished[:SHOWN_MAX]}),
        ]

    def _credentials(self, route: Route, audit: Sequence[AuditEntry]) -> list[JsonObject]:
        told = {each.detail.get("credential"): each for each in audit if each.action == REVOKED}
        return [
            {"name": name, "revoked": audit_view(told[name]) if name in told else None}
            for name in credentials_of(self._configuration(), route)
        ]

    async def _log(self, audit: Sequence[AuditEntry]) -> JsonObject:
        fault = await self._journal.verify_audit()
        return {"entries": len(audit), "head": audit[-1].hash if audit else "", "fault": fault}


def credentials_of(configuration: Configuration, route: Route) -> list[str]:
    """Name the credentials by which a route's messages come in: certificates, and accounts elsewhere."""
    names = []
    partner = configuration.partners.get(route.source.partner or "")
    if partner is not None:
        names += [f"certificate {each}" for each in partner.certificates]
    if route.source.endpoint is not None:
        names.append(f"endpoint {route.source.endpoint}")
    return names


def _approvals(audit: Sequence[AuditEntry]) -> list[JsonObject]:
    """Give who approved of the retirement: by the command for it, or by setting the stage."""
    found = []
    for each in audit:
        if each.action == APPROVED and each.detail.get("stage") == "retired":
            found.append({"role": each.detail.get("role", ""), "who": each.who, "entry": audit_view(each)})
        elif each.action == "routes.set" and "retired" in (each.detail.get("to"), each.detail.get("stage")):
            found.append({"role": "", "who": each.who, "entry": audit_view(each)})
    return found
