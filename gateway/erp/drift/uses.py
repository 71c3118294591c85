"""Which fields each connector writes or reads, by entity, with what it takes for granted about them. Pure.

One line an entity: the documents that need it, then the fields. `t20` is a text of up to 20 characters that
the connector may fill, `t` a text of any length, `n` a number, `d` a date, `b` a boolean, `e(A|B)` an
enumeration with the members that are written. A test holds what is really written against these lines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.erp.drift.shapes import Kind

_KINDS: Mapping[str, Kind] = {"t": "text", "n": "number", "d": "date", "b": "boolean", "e": "enum"}
_FIELD = re.compile(r"(\w+):([tndbe])(\d+)?(?:\(([^)]*)\))?")


@dataclass(frozen=True, slots=True)
class Use:
    """One field in use."""

    kind: Kind
    length: int | None = None
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EntityUse:
    """One entity in use, and the document types that need it."""

    documents: frozenset[str]
    fields: Mapping[str, Use]


def _entity(documents: str, fields: str) -> EntityUse:
    found = {
        name: Use(_KINDS[kind], int(length) if length else None, tuple(members.split("|")) if members else ())
        for name, kind, length, members in _FIELD.findall(fields)
    }
    return EntityUse(frozenset(documents.split()), found)


_ORDERS = "purchase_order order_change acknowledgment invoice goods_receipt"

DYNAMICS: Mapping[str, EntityUse] = {
    "PurchaseOrderHeadersV2": _entity(
        "purchase_order order_change",
        "dataAreaId:t4 PurchaseOrderNumber:t20 OrderVendorAccountNumber:t20 CurrencyCode:t3 "
        "AccountingDate:d RequestedDeliveryDate:d VendorOrderReference:t39 PaymentTermsName:t10 "
        "DeliveryTermsId:t10 BuyerGroupId:t10 PurchaseOrderPoolId:t10 "
        "DefaultLedgerDimensionDisplayValue:t DeliveryAddressLocationId:t30",
    ),
    "PurchaseOrderLinesV2": _entity(
        _ORDERS,
        "dataAreaId:t4 PurchaseOrderNumber:t20 LineNumber:n ItemNumber:t20 ExternalItemNumber:t20 "
        "Barcode:t80 LineDescription:t OrderedPurchaseQuantity:n PurchaseUnitSymbol:t10 "
        "PurchasePrice:n PurchasePriceQuantity:n RequestedDeliveryDate:d ConfirmedDeliveryDate:d "
        "ReceivingSiteId:t10 ReceivingWarehouseId:t10 ProcurementProductCategoryName:t "
        "DefaultLedgerDimensionDisplayValue:t PurchaseRequisitionId:t20 IsLineStopped:e(No|Yes) "
        "PurchaseOrderLineStatus:e(Received|Invoiced|Canceled)",
    ),
    "PurchaseOrderResponseHeaders": _entity(
        "acknowledgment",
        "dataAreaId:t4 PurchaseOrderNumber:t20 "
        "ResponseStatus:e(Accepted|AcceptedWithChanges|Rejected) RespondingDateTime:d "
        "VendorOrderReference:t",
    ),
    "PurchaseOrderResponseLines": _entity(
        "acknowledgment",
        "dataAreaId:t4 PurchaseOrderNumber:t20 LineNumber:n ConfirmedPurchaseQuantity:n "
        "ConfirmedDeliveryDate:d PurchasePrice:n PurchasePriceQuantity:n "
        "LineAcceptanceStatus:e(Accepted|AcceptedWithChanges|Rejected)",
    ),
    "VendorInvoiceHeaders": _entity(
        "invoice",
        "dataAreaId:t4 HeaderReference:t26 InvoiceNumber:t20 InvoiceAccount:t20 VendorAccount:t20 "
        "InvoiceDate:d Date:d DueDate:d Currency:t3 PurchaseOrderNumber:t20 "
        "CreditCorrection:e(Yes)",
    ),
    "VendorInvoiceLines": _entity(
        "invoice",
        "dataAreaId:t4 HeaderReference:t26 InvoiceLineNumber:n PurchaseOrder:t20 "
        "PurchLineNumber:n ReceiveNow:n Unit:t10 UnitPrice:n PriceUnit:n NetAmount:n "
        "LineDescription:t MainAccountDisplayValue:t",
    ),
    "VendorsV2": _entity(
        "purchase_order supplier", "dataAreaId:t4 VendorAccountNumber:t20 OnHoldStatus:e(No)"
    ),
    "ItemArrivalJournalHeaders": _entity(
        "goods_receipt.arrival_journal",
        "dataAreaId:t4 JournalNumber:t JournalNameId:t10 Description:t26 PackingSlipId:t",
    ),
    "ItemArrivalJournalLines": _entity(
        "goods_receipt.arrival_journal",
        "dataAreaId:t4 JournalNumber:t LineNumber:n PurchaseOrderNumber:t20 "
        "PurchaseOrderLineNumber:n Quantity:n UnitSymbol:t10 ItemBatchNumber:t "
        "ItemBatchExpirationDate:d TransactionDate:d",
    ),
    "ProductReceiptHeaders": _entity(
        "goods_receipt.custom_service", "dataAreaId:t4 RecordId:t ProductReceiptNumber:t20"
    ),
    "PurchaseRequisitionHeaders": _entity(
        "requisition",
        "RequisitionNumber:t20 RequisitionName:t60 RequisitionPurpose:e(Consumption) DefaultRequestedDate:d "
        "PreparerPersonnelNumber:t25",
    ),
    "PurchaseRequisitionLines": _entity(
        "requisition",
        "RequisitionNumber:t20 RequisitionLineNumber:n BuyingLegalEntityId:t4 ItemNumber:t20 "
        "ExternalItemNumber:t20 ProcurementProductCategoryName:t LineDescription:t "
        "RequestedPurchaseQuantity:n PurchaseUnitSymbol:t10 PurchasePrice:n PurchasePriceQuantity:n "
        "CurrencyCode:t3 RequestedDate:d ReceivingSiteId:t10 ReceivingWarehouseId:t10 "
        "VendorAccountNumber:t20 RequisitionerPersonnelNumber:t25 DefaultLedgerDimensionDisplayValue:t",
    ),
    "ProductReceiptLines": _entity(  # what came of an order that is cancelled, or closed
        "purchase_order order_change",
        "dataAreaId:t4 PurchaseOrderNumber:t20 PurchaseOrderLineNumber:n ReceivedPurchaseQuantity:n",
    ),
}

SAP_V4: Mapping[str, EntityUse] = {
    "PurchaseOrder": _entity(
        "purchase_order order_change acknowledgment",
        "PurchaseOrder:t PurchaseOrderType:t4 CompanyCode:t4 PurchasingOrganization:t4 "
        "PurchasingGroup:t3 Supplier:t10 DocumentCurrency:t3 PurchaseOrderDate:d "
        "CorrespncInternalReference:t12 CorrespncExternalReference:t12 PaymentTerms:t4",
    ),
    "PurchaseOrderItem": _entity(
        _ORDERS,
        "PurchaseOrder:t PurchaseOrderItem:t Material:t40 MaterialGroup:t9 "
        "SupplierMaterialNumber:t35 PurchaseOrderItemText:t40 Plant:t4 OrderQuantity:n "
        "PurchaseOrderQuantityUnit:t3 DocumentCurrency:t3 NetPriceAmount:n NetPriceQuantity:n "
        "OrderPriceUnit:t3 PurchasingDocumentDeletionCode:t SupplierConfirmationControlKey:t4 "
        "InternationalArticleNumber:t18 StorageLocation:t4 TaxCode:t2 PurchaseContract:t10 "
        "AccountAssignmentCategory:t1 MultipleAcctAssgmtDistribution:t1 PurgDocOrderAcknNumber:t20 "
        "IsCompletelyDelivered:b IsFinallyInvoiced:b",
    ),
    "PurchaseOrderScheduleLine": _entity(
        "purchase_order order_change",
        "PurchaseOrder:t PurchaseOrderItem:t ScheduleLine:t ScheduleLineDeliveryDate:d "
        "ScheduleLineOrderQuantity:n OpenPurchaseOrderQuantity:n PurchaseOrderQuantityUnit:t3",
    ),
    "PurchaseOrderNote": _entity("purchase_order", "TextObjectType:t4 Language:t2 PlainLongText:t"),
    "PurchaseOrderItemNote": _entity(
        "purchase_order order_change", "TextObjectType:t4 Language:t2 PlainLongText:t"
    ),
    "PurOrderItemPricingElement": _entity(
        "purchase_order order_change",
        "ConditionType:t4 ConditionRateAmount:n ConditionCurrency:t3 ConditionRateRatio:n "
        "ConditionRateRatioUnit:t3",
    ),
}
SAP_V2: Mapping[str, Mapping[str, EntityUse]] = {
    "API_PURCHASEREQ_PROCESS_SRV": {
        "A_PurchaseRequisitionHeader": _entity(
            "requisition budget_check",
            "PurchaseRequisition:t PurchaseRequisitionType:t4 PurReqnDescription:t40 "
            "PurReqnDoOnlyValidation:b",
        ),
        "A_PurchaseRequisitionItem": _entity(
            "requisition budget_check",
            "PurchaseRequisitionItem:t Material:t40 RequestedQuantity:n BaseUnit:t3 "
            "PurchaseRequisitionPrice:n PurReqnPriceQuantity:n PurReqnItemCurrency:t CompanyCode:t4 "
            "PurchasingOrganization:t4 PurchasingGroup:t3 Plant:t4 PurReqnExternalReference:t26 "
            "PurchaseRequisitionItemText:t40 MaterialGroup:t9 SupplierMaterialNumber:t35 StorageLocation:t4 "
            "DeliveryDate:d FixedSupplier:t10 PurReqnItemExternalReference:t10 "
            "IsDeleted:t1 OrderedQuantity:n",
        ),
    },
    "API_SUPPLIERINVOICE_PROCESS_SRV": {
        "A_SupplierInvoice": _entity(
            "invoice",
            "SupplierInvoice:t CompanyCode:t4 DocumentDate:d PostingDate:d "
            "SupplierInvoiceIDByInvcgParty:t16 InvoicingParty:t10 DocumentCurrency:t3 "
            "InvoiceGrossAmount:n TaxIsCalculatedAutomatically:b UnplannedDeliveryCost:n "
            "SupplierInvoiceIsCreditMemo:t1",
        ),
        "A_SuplrInvcItemPurOrdRef": _entity(
            "invoice",
            "SupplierInvoiceItem:t PurchaseOrder:t PurchaseOrderItem:t DocumentCurrency:t3 "
            "SupplierInvoiceItemAmount:n QuantityInPurchaseOrderUnit:n PurchaseOrderQuantityUnit:t3 "
            "TaxCode:t2",
        ),
    },
    "API_MATERIAL_DOCUMENT_SRV": {
        "A_MaterialDocumentHeader": _entity(
            "goods_receipt",
            "MaterialDocument:t GoodsMovementCode:t2 PostingDate:d DocumentDate:d "
            "ReferenceDocument:t16 MaterialDocumentHeaderText:t25",
        ),
        "A_MaterialDocumentItem": _entity(
            "goods_receipt",
            "PurchaseOrder:t PurchaseOrderItem:t GoodsMovementType:t3 GoodsMovementRefDocType:t1 "
            "EntryUnit:t3 Plant:t4 QuantityInEntryUnit:n Batch:t10 ShelfLifeExpirationDate:d "
            "StorageLocation:t4 IsCompletelyDelivered:b",
        ),
    },
    "API_BUSINESS_PARTNER": {
        "A_Supplier": _entity(
            "supplier", "Supplier:t10 PostingIsBlocked:b PurchasingIsBlocked:b SupplierName:t"
        ),
    },
}

ORACLE: Mapping[str, Mapping[str, EntityUse]] = {
    "draftPurchaseOrders": {
        "draftPurchaseOrders": _entity(
            "purchase_order order_change",
            "OrderNumber:t ProcurementBU:t RequisitioningBU:t Supplier:t SupplierSite:t Currency:t "
            "BuyerEmail:t Description:t SupplierCommunicationMethod:t ChangeOrderDescription:t",
        ),
        "draftPurchaseOrders/lines": _entity(
            "purchase_order order_change",
            "LineNumber:n LineType:t Item:t Description:t SupplierItem:t Quantity:n UOM:t Price:n "
            "CancelFlag:b",
        ),
        "draftPurchaseOrders/lines/schedules": _entity(
            "purchase_order order_change", "ScheduleNumber:n Quantity:n RequestedDeliveryDate:d"
        ),
    },
    "purchaseOrderSchedules": {
        "purchaseOrderSchedules": _entity(  # read only: orders that move away, and reconciling
            "purchase_order",
            "OrderNumber:t LineNumber:n ScheduleStatusCode:t Quantity:n ReceivedQuantity:n "
            "InvoicedQuantity:n",
        )
    },
    "purchaseRequisitions": {
        "purchaseRequisitions": _entity(
            "requisition budget_check",
            "Requisition:t RequisitioningBU:t PreparerEmail:t ExternallyManagedFlag:b Description:t",
        ),
        "purchaseRequisitions/lines": _entity(
            "requisition budget_check",
            "LineNumber:n LineTypeCode:t Item:t ItemDescription:t Quantity:n UOM:t Price:n "
            "CurrencyCode:t DestinationTypeCode:t RequesterEmail:t",
        ),
    },
    "receivingReceiptRequests": {
        "receivingReceiptRequests": _entity(
            "goods_receipt", "ReceiptSourceCode:t ASNType:t OrganizationCode:t VendorName:t ShipmentNumber:t"
        ),
        "receivingReceiptRequests/lines": _entity(
            "goods_receipt",
            "TransactionType:t AutoTransactCode:t TransactionDate:d SourceDocumentCode:t "
            "DocumentNumber:t DocumentLineNumber:n Quantity:n UnitOfMeasure:t",
        ),
    },
    "invoices": {
        "invoices": _entity(
            "invoice",
            "InvoiceNumber:t InvoiceCurrency:t InvoiceAmount:n InvoiceDate:d AccountingDate:d "
            "InvoiceType:t BusinessUnit:t Supplier:t",
        ),
        "invoices/invoiceLines": _entity(
            "invoice",
            "LineNumber:n LineType:t LineAmount:n Quantity:n PurchaseOrderNumber:t PurchaseOrderLineNumber:n",
        ),
    },
    "suppliers": {"suppliers": _entity("purchase_order supplier", "Supplier:t SupplierNumber:t")},
}
