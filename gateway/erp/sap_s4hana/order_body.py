"""A canonical order in SAP's fields (API_PURCHASEORDER_2). Pure.

Items are numbered by tens from our own line sequence, so that each line's number is known before SAP
answers. What SAP has no field for, or no room, parks the order with every such finding at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from canonical.lines import PlacedLine, Schedule
from canonical.order_change import OrderChange
from canonical.purchase_order import PurchaseOrder
from canonical.scalars import plain_digits
from canonical.values import Distribution
from gateway.erp.connector.rendering import Rendering, first_id, without_nothing
from gateway.erp.sap_s4hana.order_texts import long_texts, pricing_elements
from gateway.erp.sap_s4hana.prices import sap_price
from gateway.erp.sap_s4hana.settings import SapDefaults, SapSettings

ITEM_MAX = 99_990  # PurchaseOrderItem has five digits
QUANTITY = (13, 3)  # digits, and how many of them behind the point

Fields = dict[str, Any]


def item_number(sequence: int) -> str:
    """Give the number of an order's item, as we ask SAP for it: line 2 is item 20."""
    return str(sequence * 10)


class OrderBody:
    """Renders one order; `defaults` hold for its route."""

    def __init__(self, rendering: Rendering, settings: SapSettings, defaults: SapDefaults) -> None:
        self._rendering = rendering
        self._settings = settings
        self._defaults = defaults

    def order(self, document: PurchaseOrder, reference: str, *, is_silent: bool) -> Fields:
        """Give the body of a deep insert. `is_silent`: SAP may not send this order to the supplier."""
        rendering, defaults = self._rendering, self._defaults
        self._check(document)
        currency = self.currency(document)
        head = {
            "PurchaseOrderType": self._order_type(is_silent),
            "CompanyCode": rendering.required(defaults.company_code, "company_code", ""),
            "PurchasingOrganization": rendering.required(
                defaults.purchasing_organization, "purchasing_organization", ""
            ),
            "PurchasingGroup": rendering.required(defaults.purchasing_group, "purchasing_group", ""),
            "Supplier": rendering.bounded(rendering.supplier(document.seller, "seller"), 10, "seller"),
            "DocumentCurrency": currency,
            "PurchaseOrderDate": document.order_date.date if document.order_date is not None else None,
            "PaymentTerms": self._terms(document),
            "CorrespncInternalReference": reference,
            # "Your Reference" on SAP's screens: the legacy number, where it fits as a whole.
            "CorrespncExternalReference": document.number if len(document.number) <= 12 else None,
        }
        items = [
            self.item(line, f"lines[{at}]", document, currency) for at, line in enumerate(document.lines)
        ]
        notes = long_texts(document.notes, self._settings.texts.order, defaults.language)
        return without_nothing({**head, "_PurchaseOrderNote": notes, "_PurchaseOrderItem": items})

    def item(
        self,
        line: PlacedLine,
        path: str,
        document: PurchaseOrder | OrderChange,
        currency: str,
        number: str = "",
    ) -> Fields:
        """Give one item with its schedule lines and account assignments; `number` where it is not ours."""
        if line.sequence * 10 > ITEM_MAX and not number:
            text = f"line {line.sequence}: SAP numbers items up to {ITEM_MAX}; split the order"
            self._rendering.problem("ERP-LINES", text, path)
        unit = self.unit(line, path)
        quantity = self._rendering.quantity(line, path, *QUANTITY)
        if quantity <= 0:
            self._rendering.problem("ERP-QUANTITY", "the quantity is not above zero", f"{path}.quantity")
        accounts = self._accounts(line, document, unit, path)
        fields = {
            "PurchaseOrderItem": number or item_number(line.sequence),
            **self.what(line, path),
            "Plant": self.plant(line, document, path),
            "StorageLocation": self._defaults.storage_location,
            "OrderQuantity": quantity,
            "PurchaseOrderQuantityUnit": unit,
            "DocumentCurrency": currency,
            **self.price(line, path, currency, unit),
            "TaxCode": self._defaults.tax_code,
            "PurchaseContract": self._contract(line, document, path),
            "SupplierConfirmationControlKey": self._defaults.confirmation_control_key,
            "AccountAssignmentCategory": self._defaults.account_assignment_category if accounts else None,
            "MultipleAcctAssgmtDistribution": _distributed(accounts),
            "_PurchaseOrderScheduleLineTP": self._schedules(line, document, quantity, unit, path),
            "_PurOrdAccountAssignment": accounts,
            "_PurOrdPricingElement": pricing_elements(line, path, currency, self._rendering, self._settings),
            "_PurchaseOrderItemNote": long_texts(
                line.notes, self._settings.texts.line, self._defaults.language
            ),
        }
        return without_nothing(fields)

    def what(self, line: PlacedLine, path: str) -> Fields:
        """Give which item: SAP's material, or what to buy in words with a material group."""
        rendering = self._rendering
        material, theirs = rendering.item(line), rendering.supplier_item(line)
        gtin = first_id(line, ("gtin", "upc", "ean"))
        fields: Fields = {
            "Material": rendering.bounded(material, 40, f"{path}.item_ids") if material else None,
            "SupplierMaterialNumber": rendering.bounded(theirs, 35, f"{path}.item_ids") if theirs else None,
            "InternationalArticleNumber": gtin if gtin is not None and len(gtin) <= 18 else None,
            "PurchaseOrderItemText": self._text(line, path, is_known=bool(material or theirs)),
        }
        if not material:
            fields["MaterialGroup"] = rendering.required(
                self._defaults.material_group, "material_group", path
            )
        return fields

    def price(self, line: PlacedLine, path: str, currency: str, unit: str) -> Fields:
        """Give the price per a whole number of units; nothing where none was sent (SAP's own then counts)."""
        found = self._rendering.price(line, path)
        if found is None or line.price is None:
            return {}
        if line.price.currency not in (None, currency):
            text = f"the price is in {line.price.currency}, the order in {currency}"
            self._rendering.problem("ERP-CURRENCY", text, f"{path}.price")
        decimals = self._settings.decimals(currency)
        written = sap_price(*found, decimals)
        if written is None:
            text = f"a price per {plain_digits(found[1])} with so many digits"
            reason = f"SAP keeps {decimals} decimals of {currency}, per 99999 units at most"
            self._rendering.problem("ERP-DIGITS", f"{text} cannot be written: {reason}", f"{path}.price")
            return {}
        return {"NetPriceAmount": written[0], "NetPriceQuantity": written[1], "OrderPriceUnit": unit}

    def unit(self, line: PlacedLine, path: str) -> str:
        """Give SAP's unit of a line."""
        return self._rendering.bounded(self._rendering.unit(line, path), 3, f"{path}.quantity.unit")

    def currency(self, document: PurchaseOrder | OrderChange) -> str:
        """Give the document's currency."""
        found = self._rendering.required(
            document.currency or self._defaults.currency, "the currency", "currency"
        )
        return self._rendering.bounded(found, 3, "currency")

    def plant(self, line: PlacedLine, document: PurchaseOrder | OrderChange, path: str) -> str:
        """Give where the goods go: the line's ship-to, the document's, or the default plant."""
        facility = line.facility or document.facility
        locations = (self._rendering.location(each, facility) for each in (line.ship_to, document.ship_to))
        found = next((each for each in locations if each), None) or self._defaults.plant
        return self._rendering.bounded(
            self._rendering.required(found, "the plant", f"{path}.ship_to"), 4, f"{path}.ship_to"
        )

    # -- parts -------------------------------------------------------------------------------------

    def _check(self, document: PurchaseOrder) -> None:
        if document.order_type in self._settings.refused_order_types:
            text = f"an order of type '{document.order_type}' cannot be entered over this API of SAP's"
            self._rendering.problem(
                "ERP-ORDER-TYPE", f"{text}; enter it by hand, then resolve this", "order_type"
            )
        if not document.lines:
            self._rendering.problem("ERP-MISSING", "the order has no lines", "lines")

    def _order_type(self, is_silent: bool) -> str:
        if not is_silent:
            return self._defaults.order_type
        return self._rendering.required(self._defaults.silent_order_type, "silent_order_type", "")

    def _terms(self, document: PurchaseOrder) -> str | None:
        code = next((each.code for each in document.payment_terms if each.code), None)
        return self._settings.codes.terms.get(code) if code is not None else None

    def _contract(self, line: PlacedLine, document: PurchaseOrder | OrderChange, path: str) -> str | None:
        contract = line.contract or document.contract
        return contract if contract is not None and contract.isdecimal() and len(contract) <= 10 else None

    def _text(self, line: PlacedLine, path: str, *, is_known: bool) -> str | None:
        """Give the short text: 40 characters. A longer one is shortened only beside an item number."""
        text = line.description
        if text is None:
            if not is_known:
                self._rendering.problem("ERP-MISSING", "neither an item number nor a description", path)
            return None
        if len(text) > 40 and not is_known:
            reason = "the description is all that says what to buy, and SAP keeps 40 characters of it"
            self._rendering.problem("ERP-LENGTH", f"{reason}; add an item number", f"{path}.description")
        return text[:40].rstrip() or None

    def _schedules(
        self, line: PlacedLine, document: PurchaseOrder | OrderChange, quantity: Decimal, unit: str, path: str
    ) -> list[Fields]:
        if not line.schedules:
            wanted = line.requested or document.requested
            if wanted is None:
                return []  # SAP plans it by the material's delivery time
            return [_schedule(wanted.date, quantity, unit)]
        rows = [
            self._schedule(each, line, document, unit, f"{path}.schedules[{at}]")
            for at, each in enumerate(line.schedules)
        ]
        total = sum((each["ScheduleLineOrderQuantity"] for each in rows), Decimal(0))
        if total != quantity:
            text = f"the schedules add up to {plain_digits(total)}, the line to {plain_digits(quantity)}"
            self._rendering.problem("ERP-SCHEDULES", text, f"{path}.schedules")
        return rows

    def _schedule(
        self,
        schedule: Schedule,
        line: PlacedLine,
        document: PurchaseOrder | OrderChange,
        unit: str,
        path: str,
    ) -> Fields:
        rendering = self._rendering
        if schedule.ship_to is not None and schedule.ship_to not in (line.ship_to, document.ship_to):
            text = "a schedule goes elsewhere than its line; SAP knows one plant per item: split the line"
            rendering.problem("ERP-SHIP-TO", text, f"{path}.ship_to")
        amount = schedule.quantity
        if amount is None:
            rendering.required(None, "the schedule's quantity", f"{path}.quantity")
            return _schedule(None, Decimal(0), unit)
        if amount.unit is not None and line.quantity is not None and amount.unit != line.quantity.unit:
            rendering.problem(
                "ERP-UNIT", "a schedule has another unit than its line", f"{path}.quantity.unit"
            )
        wanted = schedule.requested or line.requested or document.requested
        number = rendering.number(amount.value, *QUANTITY, f"{path}.quantity")
        return _schedule(wanted.date if wanted is not None else None, number, unit)

    def _accounts(
        self, line: PlacedLine, document: PurchaseOrder | OrderChange, unit: str, path: str
    ) -> list[Fields]:
        found = line.distributions or (document.distributions if isinstance(document, PurchaseOrder) else ())
        return [
            self._account(each, unit, f"{path}.distributions[{at}]", is_only=len(found) == 1)
            for at, each in enumerate(found)
        ]

    def _account(self, each: Distribution, unit: str, path: str, *, is_only: bool) -> Fields:
        rendering = self._rendering
        account, center = rendering.account(each), each.cost_center
        if not account and not center and not each.project:
            rendering.required(None, "an account or cost center", path)
        fields: Fields = {
            "GLAccount": rendering.bounded(account, 10, path) if account else None,
            "CostCenter": rendering.bounded(center, 10, path) if center else None,
            "WBSElementExternalID": rendering.bounded(each.project, 24, path) if each.project else None,
        }
        if is_only:
            return without_nothing(fields)
        if each.quantity is not None:
            fields |= {
                "Quantity": rendering.number(each.quantity, *QUANTITY, path),
                "OrderQuantityUnit": unit,
            }
        elif each.percent is not None:
            fields["MultipleAcctAssgmtDistrPercent"] = rendering.number(each.percent, 3, 1, path)
        else:
            rendering.problem(
                "ERP-DISTRIBUTION", "a split by amount; SAP splits by quantity or percent", path
            )
        return without_nothing(fields)


def _schedule(day: date | None, quantity: Decimal, unit: str) -> Fields:
    fields = {
        "ScheduleLineDeliveryDate": day,
        "ScheduleLineOrderQuantity": quantity,
        "PurchaseOrderQuantityUnit": unit,
    }
    return without_nothing(fields)


def _distributed(accounts: Sequence[Mapping[str, Any]]) -> str | None:
    """Say how several accounts share an item: 1 by quantity, 2 by percent."""
    if len(accounts) < 2:
        return None
    return "1" if "Quantity" in accounts[0] else "2"
