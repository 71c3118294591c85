"""The REST face of a simulated Oracle Fusion pod: its routes, and the reads that all resources share.

An independent witness: it shares no code with the gateway. Without a header it answers as framework
version 1, as a pod does. What a write does stands in a file for each resource.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from simulators.cloud_erp.base import exact_json
from simulators.cloud_erp.base.erp import Behaviour, Handler, SimulatedErp
from simulators.cloud_erp.oracle_fusion import replies
from simulators.cloud_erp.oracle_fusion.invoices import Invoices
from simulators.cloud_erp.oracle_fusion.orders import Orders
from simulators.cloud_erp.oracle_fusion.query import QueryError, matching
from simulators.cloud_erp.oracle_fusion.receipts import Receipts
from simulators.cloud_erp.oracle_fusion.replies import BUSINESS_ERRORS, Detail, framework_version
from simulators.cloud_erp.oracle_fusion.requisitions import Requisitions
from simulators.cloud_erp.oracle_fusion.resources import (
    CHILDREN,
    INVOICES,
    ORDERS,
    RECEIPTS,
    REQUISITIONS,
    ROOT,
    described,
    shown,
)
from simulators.cloud_erp.oracle_fusion.settings import PodSettings
from simulators.cloud_erp.oracle_fusion.store import Store
from simulators.faults import Fault, FaultScript
from simulators.serving import Tls


class OracleFusion(SimulatedErp):
    """The simulator. `async with OracleFusion() as erp: ... erp.url, erp.documents, erp.store`."""

    title = "oracle_fusion"
    errors = frozenset(BUSINESS_ERRORS)

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        faults: FaultScript | None = None,
        tls: Tls | None = None,
        *,
        settings: PodSettings | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._settings_at_start = settings or PodSettings()
        if clock is None:
            super().__init__(behaviour, faults, tls)
        else:
            super().__init__(behaviour, faults, tls, clock=clock)

    def mount(self, app: web.Application) -> None:
        """Add the resources."""
        # The base mounts while it is made, once it has the documents: earlier there is nothing to store.
        self.store = Store(self.documents, self._settings_at_start, self.clock, self.behaviour.seed)
        orders, requisitions = Orders(self.store), Requisitions(self.store)
        for resource in CHILDREN:
            self._route(app, "GET", f"/{resource}", self._collection(resource))
            self._route(app, "GET", f"/{resource}/describe", self._describe(resource))
            self._route(app, "GET", f"/{resource}/{{id}}", self._item(resource))
        self._route(app, "POST", "/draftPurchaseOrders", orders.draft)
        self._route(app, "POST", "/draftPurchaseOrders/{id}/action/validateDocument", orders.validate)
        self._route(app, "POST", "/draftPurchaseOrders/{id}/action/submit", orders.submit)
        self._route(app, "DELETE", "/draftPurchaseOrders/{id}", self._delete(ORDERS))
        self._route(app, "POST", "/purchaseOrders/{id}/action/cancel", orders.cancel)
        self._route(app, "POST", "/purchaseOrders/{id}/action/close", orders.close)
        self._route(app, "PATCH", "/purchaseOrderAcknowledgments/{id}", orders.acknowledge)
        self._route(app, "POST", f"/{REQUISITIONS}", requisitions.create)
        self._route(app, "POST", f"/{REQUISITIONS}/{{id}}/action/submitRequisition", requisitions.submit)
        self._route(app, "POST", f"/{REQUISITIONS}/{{id}}/action/checkFunds", requisitions.check_funds)
        self._route(app, "DELETE", f"/{REQUISITIONS}/{{id}}", self._delete(REQUISITIONS))
        self._route(app, "POST", f"/{RECEIPTS}", Receipts(self.store).create)
        self._route(app, "POST", f"/{INVOICES}", Invoices(self.store).create)

    def refused(self, fault: Fault) -> web.Response:
        """Give a business error; as version 4 words it, which is what the connector asks for."""
        detail = BUSINESS_ERRORS.get(fault.error, Detail("The document isn't valid."))
        return replies.error(4, fault.status if fault.status != 500 else 400, [detail])

    def _route(self, app: web.Application, method: str, path: str, handler: Handler) -> None:
        self.route(app, method, f"{ROOT}{path}", handler)

    def _collection(self, resource: str) -> Handler:
        async def get(request: web.Request, body: bytes) -> web.Response:
            version = framework_version(request)
            try:
                limit = min(int(request.query.get("limit", replies.LIMIT_DEFAULT)), replies.LIMIT_MAX)
                offset = int(request.query.get("offset", 0))
                found = matching(
                    request.query.get("q", ""),
                    version,
                    self.store.members(resource, request.query.get("q", "")),
                )
            except QueryError as problem:
                return replies.error(version, 400, [Detail(str(problem), "27520")])
            except ValueError:
                return replies.error(version, 400, [Detail("limit and offset are numbers", "27519")])
            members = [shown(resource, each, request) for each in found]
            return replies.collection(members, limit, offset, str(request.url))

        return get

    def _item(self, resource: str) -> Handler:
        async def get(request: web.Request, body: bytes) -> web.Response:
            fields = self.store.fields(resource, request.match_info["id"])
            if fields is None:
                return replies.error(
                    framework_version(request), 404, [Detail("The resource isn't available.", "27500")]
                )
            return replies.item(200, shown(resource, fields, request), replies.etag(fields))

        return get

    def _describe(self, resource: str) -> Handler:
        async def get(request: web.Request, body: bytes) -> web.Response:
            names = {"purchaseOrders": "draftPurchaseOrders"}
            resources = {resource: described(names.get(resource, resource), CHILDREN[resource])}
            text = exact_json.write({"Resources": resources})
            return web.Response(text=text, content_type="application/vnd.oracle.adf.description+json")

        return get

    def _delete(self, kind: str) -> Handler:
        async def delete(request: web.Request, body: bytes) -> web.Response:
            key = request.match_info["id"]
            fields = self.documents.get(kind, key)
            if fields is None:
                return replies.error(
                    framework_version(request), 404, [Detail("The resource isn't available.", "27500")]
                )
            if fields.get("StatusCode", fields.get("DocumentStatus")) != "INCOMPLETE":
                return replies.error(
                    framework_version(request), 400, [Detail("Only a draft can be deleted.", "PO-7001")]
                )
            self.documents.remove(kind, key)
            return web.Response(status=204)

        return delete
