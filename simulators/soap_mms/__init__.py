"""A materials-management system that speaks SOAP: the server that is called, the client that calls."""

from simulators.serving import Tls
from simulators.soap_mms.client import LegacyClient, Token
from simulators.soap_mms.server import Committed, Settings, SoapMms

__all__ = ["Committed", "LegacyClient", "Settings", "SoapMms", "Tls", "Token"]
