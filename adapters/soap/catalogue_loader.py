"""The allow-list from which WSDLs and schemas are read: one folder, and a few schemas of our own.

Nothing is ever fetched: whatever a WSDL imports must stand in its folder or be one of the packaged
schemas. Every document is read by the hardened parser before anything else sees it, so that zeep and
libxml2 meet neither document types nor entities.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote, urlsplit

from adapters.base.findings import DecodeError, Finding, Position
from adapters.xml import XmlBounds, parse_xml

# A made-up address, so that relative imports are resolved as in a URL and can never name a file outside.
BASE = "https://wsdl.invalid/"
BOUNDS = XmlBounds(size_bytes_max=64 * 1024 * 1024, elements_max=2_000_000, attributes_max=4_000_000)
DOCUMENTS_MAX = 500

PACKAGED = {
    "http://schemas.xmlsoap.org/soap/encoding": "soap_encoding.xsd",
    "http://www.w3.org/XML/1998/namespace": "xml_names.xsd",
    "http://www.w3.org/2001/xml.xsd": "xml_names.xsd",
    "http://www.w3.org/2005/05/xmlmime": "xml_media_types.xsd",
}


class Catalogue:
    """One folder of WSDLs and schemas. ``loaded``: what was read so far, by address, in order."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self.loaded: dict[str, bytes] = {}

    def address(self, name: str) -> str:
        """Give the address of a file of the folder, relative to it."""
        return BASE + name

    def name(self, address: str) -> str:
        """Give the file name for an address of ours, the address itself for a packaged schema."""
        return unquote(address.removeprefix(BASE)) if address.startswith(BASE) else address

    def load(self, url: object) -> bytes:
        """Give a document's bytes. Errors: DecodeError with SOAP-IMPORT, or the XML parser's own codes."""
        address = str(url).partition("#")[0]
        if address not in self.loaded:
            if len(self.loaded) >= DOCUMENTS_MAX:
                text = f"the WSDL imports more than {DOCUMENTS_MAX} documents"
                raise DecodeError(Finding("SOAP-IMPORT", Position(self.name(address)), text))
            body = self._read(address)
            parse_xml(body, self.name(address), BOUNDS)
            self.loaded[address] = body
        return self.loaded[address]

    def _read(self, address: str) -> bytes:
        packaged = PACKAGED.get(_plain(address))
        if packaged is not None:
            return files("adapters.soap").joinpath("schemas", packaged).read_bytes()
        if not address.startswith(BASE):
            text = (
                f"'{address}' is not fetched: put the document into the folder of the WSDL "
                "and import it by its file name"
            )
            raise DecodeError(Finding("SOAP-IMPORT", Position(address), text))
        name = unquote(urlsplit(address).path.lstrip("/"))
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder) or "\0" in name or "\\" in name:
            text = f"'{name}' leads out of the folder of the WSDL; nothing outside it is read"
            raise DecodeError(Finding("SOAP-IMPORT", Position(name), text))
        try:
            with path.open("rb") as file:
                body = file.read(BOUNDS.size_bytes_max + 1)
        except OSError as error:
            text = f"'{name}' cannot be read ({error.strerror or error}); it belongs into the WSDL's folder"
            raise DecodeError(Finding("SOAP-IMPORT", Position(name), text)) from error
        return body


def _plain(address: str) -> str:
    """Give an address as the packaged ones are listed."""
    return address.replace("https://", "http://", 1).rstrip("/")
