"""The supplier as master data: who it is, where it sells from, whether it may be bought from."""

from __future__ import annotations

from typing import Literal

from canonical.document import CanonicalDocument
from canonical.model import NO_ENTRIES, Model
from canonical.scalars import Code, DocumentNumber, Extensions, Text
from canonical.values import Address, Contact, DateValue, Party, PartyIdentifier, PaymentTerms, Tax

MasterAction = Literal["snapshot", "create", "update", "deactivate", "delete"]


class SupplierSite(Model):
    """One place of a supplier, with what it is for."""

    site_id: Code
    name: Text | None = None
    uses: tuple[Literal["purchasing", "payment", "returns", "rfq", "other"], ...] = ()
    identifiers: tuple[PartyIdentifier, ...] = ()
    address: Address | None = None
    contacts: tuple[Contact, ...] = ()
    is_active: bool = True
    extensions: Extensions = NO_ENTRIES


class Supplier(CanonicalDocument):
    """A supplier record, whole (`snapshot`) or with what changed.

    Document key: organisation + supplier number + revision, or a content hash where there is none:
    the same state sent twice is one document, a new state another. Order key: none.
    """

    document_type: Literal["supplier"] = "supplier"
    number: DocumentNumber
    revision: Code | None = None
    action: MasterAction = "snapshot"
    effective: DateValue | None = None
    name: Text
    more_names: tuple[Text, ...] = ()
    identifiers: tuple[PartyIdentifier, ...] = ()
    parent_number: Code | None = None
    is_active: bool = True
    purchasing_is_blocked: bool = False
    payment_is_blocked: bool = False
    block_reason: Text | None = None
    currency: Code | None = None
    category: Code | None = None
    payment_terms: tuple[PaymentTerms, ...] = ()
    taxes: tuple[Tax, ...] = ()
    address: Address | None = None
    contacts: tuple[Contact, ...] = ()
    remit_to: Party | None = None
    sites: tuple[SupplierSite, ...] = ()
    buyer: Party | None = None
