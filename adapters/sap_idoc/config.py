"""What the configuration may say about IDocs: which form is written, and who speaks to whom."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from adapters.base.settings import Settings


class IdocSettings(Settings):
    """How one endpoint takes IDocs. Reading recognises the form by itself."""

    form: Literal["flat", "xml"] = "flat"
    """`flat`: records of the file port (EDI_DC40, EDI_DD40). `xml`: as the XML file port writes it."""


class IdocPartner(Settings):
    """`partners.NAME.sap_idoc`: what stands in the control record of what we write."""

    client: str = Field(default="", pattern=r"^[0-9]{0,3}$")
    """MANDT: the SAP client."""

    sender_port: str = Field(default="", max_length=10)
    """SNDPOR."""

    sender_type: str = Field(default="LS", max_length=2)
    """SNDPRT: LS logical system, KU customer, LI vendor."""

    sender: str = Field(default="", max_length=10)
    """SNDPRN: who we are to SAP."""

    receiver_port: str = Field(default="", max_length=10)
    """RCVPOR."""

    receiver_type: str = Field(default="LS", max_length=2)
    """RCVPRT."""

    receiver: str = Field(default="", max_length=10)
    """RCVPRN: the SAP system's own name."""

    versions: dict[str, str] = Field(default_factory=dict)
    """Segment type -> its released name in flat files, where it is another than ours (`E1EDP01: E2EDP01008`).
    Transaction WE60 shows what a system has."""

    encoding: str = "utf-8"
    """Of flat files. Non-Unicode systems mostly have latin-1."""
