"""A legacy system behind HTTP: takes bytes as they are, keeps them so, answers what it is told to."""

from simulators.legacy_http.server import LegacyHttp, Received, Settings
from simulators.serving import Tls

__all__ = ["LegacyHttp", "Received", "Settings", "Tls"]
