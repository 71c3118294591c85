"""What a partner's configuration may say about cXML: who speaks to whom."""

from __future__ import annotations

from adapters.base.settings import Settings


class Credential(Settings):
    """One side of the conversation. Source: cXML 1.2 Header, Credential."""

    domain: str = "NetworkID"
    """In which naming the identity is: NetworkID, DUNS, AribaNetworkUserId ..."""

    identity: str
    """Who it is."""


class CxmlPartner(Settings):
    """`partners.NAME.cxml`. Without it documents are read, and none can be written."""

    us: Credential | None = None
    """Whom we are, in what we send: From and Sender."""

    them: Credential | None = None
    """Whom we speak to: To. What arrives must come from it, where it is given."""

    payload_domain: str = "legacy-bridge"
    """What stands behind the @ of our payload ids."""

    dtd_version: str = "1.2.060"
    """Which version of the document type we name in what we write. It is never read."""

    user_agent: str = "legacy-bridge"
    """How we name ourselves."""
