"""The elements of cXML that we know: their attributes, their children in order, and which of these repeat.

Source: cXML 1.2.060, cXML.dtd and InvoiceDetail.dtd, in our own words and only what orders,
confirmations and invoices need. An element that is not listed is kept as it stands, as a text or a tree.
"""

from __future__ import annotations

from dataclasses import dataclass

_SHAPES = """
OrderRequestHeader: @orderID @orderDate @type @orderType @orderVersion @requisitionID @agreementID
  @requestedDeliveryDate @effectiveDate @expirationDate @isInternalVersion
  Total ShipTo BillTo LegalEntity Shipping Tax Payment PaymentTerm* Contact* Comments* SupplierOrderInfo
  DocumentReference Extrinsic*
ItemOut: @quantity @lineNumber @requestedDeliveryDate @agreementItemNumber @requisitionID @isReturn
  ItemID ItemDetail ShipTo Shipping Tax Contact* Distribution* Comments* ScheduleLine* Extrinsic*
ItemID: SupplierPartID SupplierPartAuxiliaryID BuyerPartID
ItemDetail: UnitPrice Description* UnitOfMeasure PriceBasisQuantity Classification* ManufacturerPartID
  ManufacturerName URL LeadTime Extrinsic*
PriceBasisQuantity: @quantity @conversionFactor UnitOfMeasure Description
ScheduleLine: @quantity @requestedDeliveryDate @lineNumber UnitOfMeasure
UnitPrice: Money
Money: @currency @alternateAmount @alternateCurrency #text
Total: Money
ShipTo: Address CarrierIdentifier* TransportInformation IdReference*
BillTo: Address IdReference*
Address: @addressID @addressIDDomain @isoCountryCode Name PostalAddress Email Phone Fax URL
Name: @lang #text
PostalAddress: @name DeliverTo* Street* City Municipality State PostalCode Country Extrinsic*
City: @cityCode #text
State: @isoStateCode #text
Country: @isoCountryCode #text
Email: @name @preferredLang #text
Contact: @role @addressID @addressIDDomain Name PostalAddress* Email* Phone* Fax* URL*
Description: @lang ShortName #text
Classification: @domain @code #text
ManufacturerName: @lang #text
Comments: @lang @type #text Attachment*
Tax: @taxPointDate Money Description TaxDetail*
TaxDetail: @purpose @category @percentageRate @taxPointDate TaxableAmount TaxAmount TaxLocation Description
TaxableAmount: Money
TaxAmount: Money
Shipping: @trackingDomain @trackingId Money Description
Distribution: Accounting Charge
Accounting: @name AccountingSegment* Segment*
Segment: @type @id @description
AccountingSegment: @id Name Description
Charge: Money
Extrinsic: @name #text
DocumentReference: @payloadID
OrderReference: @orderID @orderDate DocumentReference
ConfirmationHeader: @type @noticeDate @confirmID @operation @invoiceID DocumentReference Total Shipping Tax
  Contact* Hazard* Comments* IdReference* Extrinsic*
ConfirmationItem: @lineNumber @quantity UnitOfMeasure Contact* Hazard* ConfirmationStatus* Extrinsic*
ConfirmationStatus: @type @quantity @shipmentDate @deliveryDate UnitOfMeasure ItemIn UnitPrice Tax
  Shipping Comments* Extrinsic*
InvoiceDetailRequestHeader: @invoiceID @invoiceDate @purpose @operation @invoiceOrigin
  InvoiceDetailHeaderIndicator InvoiceDetailLineIndicator InvoicePartner* PaymentTerm* Comments* IdReference*
  Extrinsic*
InvoicePartner: Contact IdReference*
PaymentTerm: @payInNumberOfDays Discount Extrinsic*
InvoiceDetailOrder: InvoiceDetailOrderInfo InvoiceDetailItem*
InvoiceDetailOrderInfo: OrderReference MasterAgreementReference OrderIDInfo SupplierOrderInfo
InvoiceDetailItem: @invoiceLineNumber @quantity UnitOfMeasure UnitPrice PriceBasisQuantity
  InvoiceDetailItemReference SubtotalAmount Tax GrossAmount NetAmount Distribution* Comments* Extrinsic*
InvoiceDetailItemReference: @lineNumber ItemID Description* ManufacturerPartID ManufacturerName
SubtotalAmount: Money
ShippingAmount: Money
GrossAmount: Money
NetAmount: Money
DueAmount: Money
InvoiceDetailSummary: SubtotalAmount Tax SpecialHandlingAmount ShippingAmount GrossAmount NetAmount
  DepositAmount DueAmount
SupplierOrderInfo: @orderID @orderDate
IdReference: @identifier @domain
OrderRequest: OrderRequestHeader ItemOut*
ConfirmationRequest: ConfirmationHeader OrderReference ConfirmationItem*
InvoiceDetailRequest: InvoiceDetailRequestHeader InvoiceDetailOrder* InvoiceDetailSummary
"""


@dataclass(frozen=True, slots=True)
class ShapeOf:
    """One element: its parts in the order in which they are written, and those that repeat."""

    attributes: tuple[str, ...]
    children: tuple[str, ...]
    repeated: frozenset[str]


def _read(text: str) -> dict[str, ShapeOf]:
    found: dict[str, ShapeOf] = {}
    joined = text.strip().replace("\n  ", " ")
    for line in joined.splitlines():
        name, _, rest = line.partition(": ")
        words = rest.split()
        children = tuple(word.rstrip("*") for word in words if not word.startswith(("@", "#")))
        repeated = frozenset(word[:-1] for word in words if word.endswith("*"))
        attributes = tuple(word[1:] for word in words if word.startswith("@"))
        found[name] = ShapeOf(attributes, children, repeated)
    return found


SHAPES = _read(_SHAPES)
