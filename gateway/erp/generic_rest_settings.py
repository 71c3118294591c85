"""Settings of a REST ERP of declared shape, as they stand under `endpoints:` in routes.yaml. Types only."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from gateway.erp.settings import HttpSettings, checked_path
from gateway.security.settings import Settings


class BodyFields(Settings):
    """Names in the body of a create. An empty name leaves that part out."""

    reference: str = "reference"
    document_key: str = "document_key"
    order_key: str = "order_key"
    content_hash: str = "content_hash"
    transmitter: str = Field(
        default="transmitter",
        description="who sends the order to the supplier (legacy, gateway, erp or none): unless it is erp, "
        "the ERP must suppress its own output",
    )
    origin: str = Field(
        default="origin",
        description="says `copy` of what the cloud ERP owns, so that it is known when it comes back",
    )
    document: str = Field(
        default="document", description="the canonical document; empty: its fields stand beside the others"
    )


class ReplyPaths(Settings):
    """Where things stand in replies: dotted paths (`data.0.id`). An empty path: the whole, or not there."""

    items: str = Field(default="items", description="in a look-up's reply: the list of documents found")
    number: str = Field(default="number", description="in a document: the ERP's own number")
    reference: str = Field(
        default="reference", description="in a document found: our reference, to be sure of the filter"
    )
    document_key: str = Field(default="document_key", description="in a document found: compared with ours")
    content_hash: str = Field(default="content_hash", description="in a document found: compared with ours")
    lines: str = Field(default="lines", description="in a document: the list of its lines")
    line_sequence: str = Field(default="sequence", description="in a line: our own sequence, as we sent it")
    line_number: str = Field(default="id", description="in a line: the ERP's id of it")


class OrderSettings(Settings):
    """How an order that is there is read, and closed. Dotted paths name places in the reply."""

    read_path: str = Field(default="orders/{number}", description="where one order is read")
    close_path: str = Field(default="", description="where one is closed, by POST; empty: by hand, there")
    order: str = Field(default="", description="the order in the reply; empty: the whole reply")
    number: str = Field(default="number", description="the system's own number of it")
    state: str = Field(default="state", description="a word that says whether it is open")
    closed: frozenset[str] = Field(
        default=frozenset({"closed", "cancelled"}), description="words that say that it is closed"
    )
    transmitter: str = Field(default="transmitter", description="a word that says who sends it; empty: none")
    transmits_word: str = Field(default="erp", description="the word that says that this system sends it")
    encumbers: str = Field(default="", description="a flag: whether it binds a budget there; empty: not told")
    lines: str = "lines"
    line: str = Field(default="line_id", description="in a line: its id, as the order had it")
    quantity: str = "quantity"
    unit: str = "unit"
    price: str = "price"
    received: str = "received"
    invoiced: str = "invoiced"
    missing_statuses: frozenset[int] = frozenset({404})

    @field_validator("read_path", "close_path")
    @classmethod
    def _paths_are_relative(cls, path: str) -> str:
        return checked_path(path, {"number": "x", "reference": "x"})


class GenericRestSettings(HttpSettings):
    """A REST ERP of declared shape."""

    path: str = Field(default="documents/{document_type}", description="where documents are created")
    paths: dict[str, str] = Field(
        default_factory=dict,
        description="the same, by document type, or by type and purpose where it opens no order: "
        "`purchase_order.cancellation`",
    )
    method: Literal["POST", "PUT"] = "POST"
    look_up_path: str = "documents/{document_type}?reference={reference}"
    look_up_paths: dict[str, str] = Field(default_factory=dict)
    look_up: Literal["before_create", "after_doubt"] = "before_create"
    unique_reference: bool = Field(
        default=False, description="the ERP itself refuses a second document per reference"
    )
    idempotent_create: bool = Field(
        default=False,
        description="the ERP takes the same request twice as one: unknown outcomes are simply sent again",
    )
    reference_header: str = Field(
        default="Idempotency-Key", description="also carries the reference; empty: none does"
    )
    queries: dict[str, str] = Field(
        default_factory=dict,
        description="where questions are asked, by document type: they change nothing and are asked by POST",
    )
    orders: OrderSettings | None = Field(
        default=None, description="how orders are read and closed; unset: this system cannot be asked"
    )
    body: BodyFields = BodyFields()
    reply: ReplyPaths = ReplyPaths()
    decimals: Literal["text", "number"] = Field(
        default="text", description="how decimals are written; no digit is lost"
    )
    success_statuses: frozenset[int] = frozenset({200, 201, 202, 204})
    missing_statuses: frozenset[int] = Field(
        default=frozenset(),
        description="of a look-up by path: nothing there. Leave 404 out where a filter is used",
    )
    unprocessed_statuses: frozenset[int] = Field(
        default=frozenset({429, 503}),
        description="sure to mean that nothing was done; add 500 only if the ERP says so",
    )
    duplicate_statuses: frozenset[int] = Field(
        default=frozenset({409}), description="with unique_reference: the reference exists already"
    )
    quiet_period_s: float = Field(
        default=60.0,
        ge=0,
        description="a create of unknown outcome is sent again only after it; doubles each time",
    )
    look_up_waits_s: tuple[float, ...] = Field(
        default=(1.0, 4.0, 15.0),
        description="look-ups after an unknown outcome, before the one that ends the quiet period",
    )
    doubts_max: int = Field(
        default=10, ge=1, description="creates of unknown outcome before a person must look"
    )

    @property
    def takes_documents(self) -> bool:
        """Tell that it gets documents, and no bytes as they came."""
        return True

    @property
    def closes_orders(self) -> bool:
        """Tell whether orders that move away are closed here by a request."""
        return self.orders is not None and bool(self.orders.close_path)

    @property
    def suppresses_transmission(self) -> bool:
        """Tell whether it can be told that it must not send an order to the supplier."""
        return bool(self.body.transmitter)

    @field_validator("path", "look_up_path")
    @classmethod
    def _path_is_relative(cls, path: str) -> str:
        return checked_path(path)

    @field_validator("paths", "look_up_paths", "queries")
    @classmethod
    def _paths_are_relative(cls, paths: dict[str, str]) -> dict[str, str]:
        return {name: checked_path(path) for name, path in paths.items()}

    @model_validator(mode="after")
    def _look_up_is_safe(self) -> Self:
        # Without a look-up only the ERP itself can tell that it has a document already: the journal may
        # come from a backup, and then "never attempted" is not the whole truth.
        if self.look_up == "after_doubt" and not (self.unique_reference or self.idempotent_create):
            raise ValueError("look_up: after_doubt needs unique_reference: true or idempotent_create: true")
        return self
