"""The simulated Dynamics 365 Finance: OData V4 below /data, one custom service, and the ledger of it all.

What it does and a naive client does not expect: a header stands before its lines; without
`cross-company=true` only the account's own company is seen, and the rest is an empty list with 200; an
enumeration in a filter needs its type; workflow locks an order; errors hide in the Infolog.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from simulators.cloud_erp.base import exact_json
from simulators.cloud_erp.base.erp import Behaviour, SimulatedErp
from simulators.cloud_erp.base.fields import FieldRules
from simulators.cloud_erp.dynamics365.answers import THROTTLES, RefusedError, error, infolog, throttled
from simulators.cloud_erp.dynamics365.batches import run_batch
from simulators.cloud_erp.dynamics365.metadata import metadata
from simulators.cloud_erp.dynamics365.queries import QueryError, filter_test, keys_of
from simulators.cloud_erp.dynamics365.receipts import post_receipt
from simulators.cloud_erp.dynamics365.rules import LINES, Fields, Rules, Tenant
from simulators.faults import Fault, FaultScript
from simulators.serving import Tls

TENANT_ID = "hospital.example"
TOKEN_PATH = f"/{TENANT_ID}/oauth2/v2.0/token"
FIELD_RULES = FieldRules.load(Path(__file__).with_name("entities.json"))
_KEYED = re.compile(r"(?P<set>[A-Za-z_]\w*)(?:\((?P<keys>.*)\))?\Z", re.S)


@dataclass(frozen=True, slots=True)
class EntitySet:
    """One entity set: its keys, what errors call it, and the field that carries a caller's reference."""

    keys: tuple[str, ...]
    table: str
    reference: str = ""
    is_read_only: bool = False
    is_shared: bool = False  # of no company


SETS: Mapping[str, EntitySet] = {
    "PurchaseOrderHeadersV2": EntitySet(
        ("dataAreaId", "PurchaseOrderNumber"), "PurchPurchaseOrderHeaderV2Entity", "VendorOrderReference"
    ),
    "PurchaseOrderLinesV2": EntitySet(
        ("dataAreaId", "PurchaseOrderNumber", "LineNumber"), "PurchPurchaseOrderLineV2Entity"
    ),
    "PurchaseOrderResponseHeaders": EntitySet(
        ("dataAreaId", "PurchaseOrderNumber"), "PurchaseOrderResponseHeaderEntity"
    ),
    "PurchaseOrderResponseLines": EntitySet(
        ("dataAreaId", "PurchaseOrderNumber", "LineNumber"), "PurchaseOrderResponseLineEntity"
    ),
    "VendorInvoiceHeaders": EntitySet(
        ("dataAreaId", "HeaderReference"), "VendorInvoiceHeaderEntity", "HeaderReference"
    ),
    "VendorInvoiceLines": EntitySet(
        ("dataAreaId", "HeaderReference", "InvoiceLineNumber"), "VendorInvoiceLineEntity"
    ),
    "VendorsV2": EntitySet(("dataAreaId", "VendorAccountNumber"), "VendVendorV2Entity"),
    "ItemArrivalJournalHeaders": EntitySet(
        ("dataAreaId", "JournalNumber"), "WMSJournalHeaderEntity", "Description"
    ),
    "ItemArrivalJournalLines": EntitySet(
        ("dataAreaId", "JournalNumber", "LineNumber"), "WMSJournalLineEntity"
    ),
    "ProductReceiptHeaders": EntitySet(
        ("dataAreaId", "RecordId"), "ProductReceiptHeaderEntity", "ProductReceiptNumber", is_read_only=True
    ),
    "ProductReceiptLines": EntitySet(
        ("dataAreaId", "RecordId"), "ProductReceiptLineEntity", is_read_only=True
    ),
    "PurchaseRequisitionHeaders": EntitySet(
        ("RequisitionNumber",), "PurchaseRequisitionHeaderV2Entity", "RequisitionName", is_shared=True
    ),
    "PurchaseRequisitionLines": EntitySet(
        ("RequisitionNumber", "RequisitionLineNumber"), "PurchaseRequisitionLineEntity", is_shared=True
    ),
}


class Dynamics365(SimulatedErp):
    """The simulator. `async with Dynamics365() as erp: ... erp.url, erp.documents, erp.tenant`."""

    title = "dynamics365"
    errors = frozenset({"item", *THROTTLES})

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        faults: FaultScript | None = None,
        tls: Tls | None = None,
        *,
        tenant: Tenant | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tenant = tenant or Tenant()
        super().__init__(behaviour or Behaviour(token_path=TOKEN_PATH), faults, tls, clock=clock)
        self.rules = Rules(self.documents, self.tenant)

    def mount(self, app: web.Application) -> None:
        """Add the paths."""
        self.route(app, "GET", "/data/$metadata", self._metadata)
        self.route(app, "POST", "/data/$batch", self._batch)
        for method in ("GET", "POST", "PATCH", "DELETE"):
            self.route(app, method, "/data/{entity:.+}", self._entity)
        self.route(app, "POST", "/api/services/{service:.+}", self._service)

    def refused(self, fault: Fault) -> web.Response:
        """Give a business error: one of the four throttles by name, else an Infolog."""
        if fault.error.startswith("throttle_"):
            return throttled(fault.error, fault.retry_after)
        said = "Item 'TG1' is blocked for 'Purchase order'."
        text = said if fault.error == "item" else "The record is not accepted."
        return infolog("PurchPurchaseOrderLineV2Entity", [text])

    def throttled(self) -> web.Response:
        """Give the answer to one request too many."""
        return throttled("throttle_requests", "1")

    # -- reading what a test or the demo asks for ----------------------------------------------------

    def order(self, number: str, company: str = "") -> Fields | None:
        """Give an order's header as it is now."""
        return self.documents.get("PurchaseOrderHeadersV2", f"{company or self.tenant.company}|{number}")

    def order_lines(self, number: str) -> list[Fields]:
        """Give an order's lines as they are now, by line number."""
        found = (
            self.documents.get("PurchaseOrderLinesV2", key)
            for key in self.documents.keys("PurchaseOrderLinesV2")
        )
        lines = [each for each in found if each is not None and each["PurchaseOrderNumber"] == number]
        return sorted(lines, key=lambda each: int(each["LineNumber"]))

    # -- requests ------------------------------------------------------------------------------------

    async def _metadata(self, request: web.Request, body: bytes) -> web.Response:
        keys = {name: each.keys for name, each in SETS.items()}
        text = metadata(FIELD_RULES.entities, keys)
        return web.Response(text=text, content_type="application/xml")

    async def _batch(self, request: web.Request, body: bytes) -> web.Response:
        return run_batch(self, request.headers.get("Content-Type", ""), body)

    async def _service(self, request: web.Request, body: bytes) -> web.Response:
        return post_receipt(self, request.match_info["service"], body)

    async def _entity(self, request: web.Request, body: bytes) -> web.Response:
        path = request.raw_path.partition("?")[0].removeprefix("/data/")
        options = dict(parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True))
        return self.do(request.method, unquote(path), options, request.headers.get("If-Match", ""), body)

    def do(
        self, method: str, path: str, options: Mapping[str, str], if_match: str, body: bytes
    ) -> web.Response:
        """Do one operation, alone or of a batch."""
        try:
            found = _KEYED.match(path)
            if found is None or found["set"] not in SETS:
                return error(404, f"No HTTP resource was found that matches '{path}'.")
            name, keys = found["set"], found["keys"]
            is_all = options.get("cross-company", "").lower() == "true"
            match method, keys:
                case "GET", None:
                    return self._query(name, options, is_all)
                case "POST", None:
                    return self._create(name, body)
                case "GET", str():
                    return self._one(name, self._key(name, keys), is_all)
                case "PATCH", str():
                    return self._change(name, self._key(name, keys), if_match, is_all, body)
                case "DELETE", str():
                    return self._remove(name, self._key(name, keys), if_match, is_all)
            return error(405, f"The requested resource does not support http method '{method}'.")
        except QueryError as problem:
            return error(400, f"The query specified in the URI is not valid. {problem}")
        except RefusedError as refused:
            return refused.response

    def _query(self, name: str, options: Mapping[str, str], is_all: bool) -> web.Response:
        rules = FIELD_RULES.entities[name]
        found = [each for each in self.documents.visible(name) if self._is_seen(each, is_all)]
        if name == "VendorsV2":
            found += self.rules.vendors(options.get("$filter", ""), found)
        if "$filter" in options:
            found = list(filter(filter_test(options["$filter"], rules), found))
        for order in reversed(options.get("$orderby", "").split(",")):
            field, _, way = order.strip().partition(" ")
            if field:
                found.sort(key=lambda each: str(each.get(field, "")).rjust(40), reverse=way == "desc")
        skip = int(options.get("$skip", "0"))
        top = min(int(options.get("$top", str(self.tenant.page_size))), self.tenant.page_size)
        page, rest = found[skip : skip + top], found[skip + top :]
        answer: Fields = {"@odata.context": f"{self.url}/data/$metadata#{name}"}
        if options.get("$count") == "true":
            answer["@odata.count"] = len(found)
        answer["value"] = [_selected(self._shown(each, name), options.get("$select", "")) for each in page]
        if rest and "$top" not in options:
            answer["@odata.nextLink"] = f"{self.url}/data/{name}?$skip={skip + top}"
        return _json(200, answer)

    def _one(self, name: str, key: str, is_all: bool) -> web.Response:
        fields = self.documents.get(name, key)
        if fields is None or not self._is_seen(fields, is_all):
            return error(404, "No resources were found when selecting for the entity.")
        return _json(
            200, {"@odata.context": f"{self.url}/data/$metadata#{name}/$entity"} | self._shown(fields, name)
        )

    def _create(self, name: str, body: bytes) -> web.Response:
        entity = SETS[name]
        if entity.is_read_only:
            return error(405, f"The data entity {entity.table} does not allow creating records.")
        fields = self._read(name, body, is_create=True)
        company = str(fields.get("dataAreaId", self.tenant.company)).lower()
        if not entity.is_shared:
            fields["dataAreaId"] = company
        problems = self.rules.create_problems(name, fields)
        if company not in self.tenant.companies:
            problems = [f"Company {company} does not exist."]
        if problems:
            return infolog(entity.table, problems)
        self.rules.defaults(name, fields)
        key = "|".join(str(fields[each]) for each in entity.keys)
        if self.documents.get(name, key) is not None:
            return infolog(
                entity.table, [f"Cannot create a record in {entity.table}. The record already exists."]
            )
        number = "/".join(str(fields[each]) for each in entity.keys if each != "dataAreaId")
        self.documents.create(
            name,
            key,
            fields,
            number=number,
            reference=str(fields.get(entity.reference, "")) if entity.reference else "",
        )
        return _json(
            201, {"@odata.context": f"{self.url}/data/$metadata#{name}/$entity"} | self._shown(fields, name)
        )

    def _change(self, name: str, key: str, if_match: str, is_all: bool, body: bytes) -> web.Response:
        fields = self._held(name, key, if_match, is_all)
        changes = self._read(name, body, is_create=False)
        if fixed := [each for each in SETS[name].keys if each in changes and changes[each] != fields[each]]:
            return infolog(SETS[name].table, [f"Field '{fixed[0]}' is a key and cannot be changed."])
        if problems := self.rules.change_problems(name, fields, changes):
            return infolog(SETS[name].table, problems)
        self.documents.change(name, key, fields | changes)
        if name == LINES:
            self.rules.settle(fields["dataAreaId"], fields["PurchaseOrderNumber"])
        return web.Response(status=204)

    def _remove(self, name: str, key: str, if_match: str, is_all: bool) -> web.Response:
        fields = self._held(name, key, if_match, is_all)
        if problems := self.rules.change_problems(name, fields):
            return infolog(SETS[name].table, problems)
        if name == "PurchaseOrderHeadersV2":
            for line in self.order_lines(fields["PurchaseOrderNumber"]):
                inner = SETS["PurchaseOrderLinesV2"].keys
                self.documents.remove("PurchaseOrderLinesV2", "|".join(str(line[each]) for each in inner))
        self.documents.remove(name, key)
        if name == LINES:
            self.rules.settle(fields["dataAreaId"], fields["PurchaseOrderNumber"])
        return web.Response(status=204)

    # -- parts ---------------------------------------------------------------------------------------

    def _held(self, name: str, key: str, if_match: str, is_all: bool) -> Fields:
        if SETS[name].is_read_only:
            raise RefusedError(error(405, f"The data entity {SETS[name].table} is read-only."))
        fields = self.documents.get(name, key)
        if fields is None or not self._is_seen(fields, is_all):
            raise RefusedError(error(404, "No resources were found when selecting for the entity."))
        if if_match and if_match != "*" and if_match != self._shown(fields, name)["@odata.etag"]:
            raise RefusedError(error(412, "The record has been changed since it was read."))
        return fields

    def _read(self, name: str, body: bytes, *, is_create: bool) -> Fields:
        try:
            fields = exact_json.read(body)
        except ValueError as problem:
            raise RefusedError(error(400, f"The request body is no JSON: {problem}")) from problem
        problems = FIELD_RULES.problems(name, fields, is_create=is_create)
        if not problems:
            return dict(fields)
        first = problems[0]
        field = first.path.rpartition("/")[2]
        match first.rule:
            case "unknown":
                text = f"The property '{field}' does not exist on type '{SETS[name].table}'."
            case "length":
                rule = FIELD_RULES.entities[name][field]
                raise RefusedError(
                    infolog(SETS[name].table, [f"Field '{field}' holds more than {rule.length} characters."])
                )
            case "required":
                raise RefusedError(
                    infolog(
                        SETS[name].table, [f"Field '{each.path[1:]}' must be filled in." for each in problems]
                    )
                )
            case "read_only":
                raise RefusedError(infolog(SETS[name].table, [f"Field '{field}' cannot be edited."]))
            case _:
                text = f"Cannot convert the value of property '{field}': {first.text}"
        raise RefusedError(error(400, f"The request is invalid. {text}"))

    def _key(self, name: str, text: str) -> str:
        entity = SETS[name]
        found = keys_of(text, entity.keys)
        return "|".join(
            each.lower() if key == "dataAreaId" else each
            for key, each in ((k, found[k]) for k in entity.keys)
        )

    def _is_seen(self, fields: Fields, is_all: bool) -> bool:
        return is_all or fields.get("dataAreaId", self.tenant.company) == self.tenant.company

    def _shown(self, fields: Fields, name: str) -> Fields:
        shown = dict(fields)
        if name == "PurchaseOrderHeadersV2":
            shown["DocumentApprovalStatus"] = self.rules.approval(fields)
        seen = exact_json.write(shown)
        if name == LINES:  # a receipt changes what remains of a line, so its record is another one
            seen += str(self.rules.received(fields))
        mark = hashlib.sha256(seen.encode()).hexdigest()[:16]
        return {"@odata.etag": f'W/"{mark}"'} | shown


def _selected(fields: Fields, names: str) -> Fields:
    if not names:
        return fields
    wanted = {each.strip() for each in names.split(",")}
    return {name: value for name, value in fields.items() if name in wanted or name.startswith("@")}


def _json(status: int, fields: Fields) -> web.Response:
    headers = {"OData-Version": "4.0"}
    return web.Response(
        status=status, text=exact_json.write(fields), content_type="application/json", headers=headers
    )
