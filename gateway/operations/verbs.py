"""The one table of verbs: what the control socket, the command line and the admin API can ask for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import cache, wraps
from types import MappingProxyType
from typing import Any

from pydantic import ConfigDict, ValidationError, validate_call

from gateway.config.problems import least
from gateway.operations.audit import AuditOperations
from gateway.operations.call_sheets import CallSheetOperations
from gateway.operations.crosswalks import CrosswalkOperations
from gateway.operations.diffs import DiffOperations
from gateway.operations.dossiers import DossierOperations
from gateway.operations.errors import OperationError
from gateway.operations.exceptions import ExceptionOperations
from gateway.operations.messages import MessageOperations
from gateway.operations.moves import MoveOperations
from gateway.operations.order_exceptions import OrderExceptionOperations
from gateway.operations.orders import OrderOperations
from gateway.operations.plans import PlanOperations
from gateway.operations.reconciliation import ReconciliationOperations
from gateway.operations.routes import RouteOperations
from gateway.operations.status import StatusOperations


class Operations(
    RouteOperations,
    DiffOperations,
    OrderOperations,
    MoveOperations,
    ReconciliationOperations,
    MessageOperations,
    ExceptionOperations,
    OrderExceptionOperations,
    CallSheetOperations,
    CrosswalkOperations,
    AuditOperations,
    PlanOperations,
    DossierOperations,
    StatusOperations,
):
    """Everything that can be asked of a gateway."""

    async def perform(self, verb: str, arguments: Mapping[str, Any]) -> Any:
        """Do what a verb says with arguments from outside. Errors: OperationError."""
        if verb not in VERBS:
            raise OperationError("bad_request", f"there is no verb '{verb}'; there are: {', '.join(VERBS)}")
        try:
            doing = _checked(verb)(self, **arguments)
        except ValidationError as error:
            raise OperationError("bad_request", f"{verb}: {_problems(error)}") from error
        except TypeError as error:  # names that are no identifiers
            raise OperationError("bad_request", f"{verb}: {error}") from error
        return await doing


VERBS: Mapping[str, Callable[..., Awaitable[Any]]] = MappingProxyType(
    {
        "status": Operations.status,
        "routes.list": Operations.routes_list,
        "routes.show": Operations.routes_show,
        "routes.diff": Operations.routes_diff,
        "routes.set": Operations.routes_set,
        "routes.revoke": Operations.routes_revoke,
        "routes.dossier": Operations.routes_dossier,
        "routes.approve": Operations.routes_approve,
        "routes.schedule": Operations.routes_schedule,
        "routes.unschedule": Operations.routes_unschedule,
        "routes.scheduled": Operations.routes_scheduled,
        "readiness": Operations.readiness,
        "diffs.list": Operations.diffs_list,
        "diffs.show": Operations.diffs_show,
        "diffs.values": Operations.diffs_values,
        "diffs.accept": Operations.diffs_accept,
        "orders.list": Operations.orders_list,
        "orders.show": Operations.orders_show,
        "orders.diff": Operations.orders_diff,
        "orders.import": Operations.orders_import,
        "orders.close": Operations.orders_close,
        "orders.move": Operations.orders_move,
        "orders.convert": Operations.orders_convert,
        "orders.convertible": Operations.orders_convertible,
        "orders.moves": Operations.orders_moves,
        "orders.agree": Operations.orders_agree,
        "orders.drop": Operations.orders_drop,
        "orders.proof": Operations.orders_proof,
        "orders.reconcile": Operations.orders_reconcile,
        "messages.list": Operations.messages_list,
        "messages.show": Operations.messages_show,
        "messages.documents": Operations.messages_documents,
        "messages.documents_unmasked": Operations.messages_documents_unmasked,
        "messages.replay": Operations.messages_replay,
        "explain": Operations.explain,
        "exceptions.list": Operations.exceptions_list,
        "exceptions.show": Operations.exceptions_show,
        "exceptions.of": Operations.exceptions_of,
        "exceptions.retry": Operations.exceptions_retry,
        "exceptions.resolve": Operations.exceptions_resolve,
        "exceptions.call_sheet": Operations.exceptions_call_sheet,
        "alarms.acknowledge": Operations.alarms_acknowledge,
        "crosswalk.list": Operations.crosswalk_list,
        "crosswalk.show": Operations.crosswalk_show,
        "crosswalk.diff": Operations.crosswalk_diff,
        "crosswalk.load": Operations.crosswalk_load,
        "plan": Operations.plan,
        "audit.list": Operations.audit_list,
        "audit.verify": Operations.audit_verify,
    }
)

CHANGES = frozenset(
    {
        "routes.set",
        "routes.revoke",
        "routes.dossier",
        "routes.approve",
        "routes.schedule",
        "routes.unschedule",
        "diffs.values",
        "diffs.accept",
        "orders.import",
        "orders.close",
        "orders.move",
        "orders.convert",
        "orders.agree",
        "orders.drop",
        "messages.documents_unmasked",
        "messages.replay",
        "exceptions.retry",
        "exceptions.resolve",
        "alarms.acknowledge",
        "crosswalk.load",
    }
)
"""Verbs that write to the journal: they need a running gateway, which owns it."""


@cache
def _checked(verb: str) -> Callable[..., Awaitable[Any]]:
    """Give a verb's method with its arguments checked when it is called, not when it is awaited.

    So what breaks inside an operation is never taken for a mistake of whoever asked.
    """
    method = VERBS[verb]

    @wraps(method)
    def begun(self: Operations, **arguments: Any) -> Awaitable[Any]:
        return method(self, **arguments)

    return validate_call(config=ConfigDict(strict=True))(begun)


def _problems(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)[:5]
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {_plain(each)}" for each in found)


def _plain(error: Mapping[str, Any]) -> str:
    """Say what is wrong with an argument without the words of the library that found it."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "string_too_short":
        return f"expected a text of {least(context['min_length'], 'character')}"
    if kind == "too_short":
        return f"expected {least(context['min_length'], 'entry', 'entries')}"
    if kind.startswith("missing"):
        return "it is missing"
    return str(error["msg"]).replace("Input should be", "expected")
