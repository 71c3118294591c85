"""The names of WS-Security and its parts: namespaces, qualified names, fault codes. Constants only.

Sources: WS-Security 1.1 (OASIS, SOAP Message Security, sections 4, 5, 8, 9, 10, 12), UsernameToken
Profile 1.1, X.509 Token Profile 1.1, XML Signature (W3C, 2nd edition), XML Encryption 1.1.
"""

from __future__ import annotations

from typing import Final

SOAP11: Final = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12: Final = "http://www.w3.org/2003/05/soap-envelope"
_OASIS: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE: Final = f"{_OASIS}wssecurity-secext-1.0.xsd"
WSU: Final = f"{_OASIS}wssecurity-utility-1.0.xsd"
WSSE11: Final = "http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd"
DSIG: Final = "http://www.w3.org/2000/09/xmldsig#"
XENC: Final = "http://www.w3.org/2001/04/xmlenc#"
XENC11: Final = "http://www.w3.org/2009/xmlenc11#"
EXC_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
XML: Final = "http://www.w3.org/XML/1998/namespace"
WSA: Final = "http://www.w3.org/2005/08/addressing"
WSA_2004: Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing"

SECURITY: Final = f"{{{WSSE}}}Security"
TIMESTAMP: Final = f"{{{WSU}}}Timestamp"
CREATED: Final = f"{{{WSU}}}Created"
EXPIRES: Final = f"{{{WSU}}}Expires"
USERNAME_TOKEN: Final = f"{{{WSSE}}}UsernameToken"
BINARY_TOKEN: Final = f"{{{WSSE}}}BinarySecurityToken"
TOKEN_REFERENCE: Final = f"{{{WSSE}}}SecurityTokenReference"
SIGNATURE: Final = f"{{{DSIG}}}Signature"
ENCRYPTED_KEY: Final = f"{{{XENC}}}EncryptedKey"
ENCRYPTED_DATA: Final = f"{{{XENC}}}EncryptedData"
REFERENCE_LIST: Final = f"{{{XENC}}}ReferenceList"
WSU_ID: Final = f"{{{WSU}}}Id"

PASSWORD_TEXT: Final = f"{_OASIS}username-token-profile-1.0#PasswordText"
PASSWORD_DIGEST: Final = f"{_OASIS}username-token-profile-1.0#PasswordDigest"
BASE64_BINARY: Final = f"{_OASIS}soap-message-security-1.0#Base64Binary"
X509_V3: Final = f"{_OASIS}x509-token-profile-1.0#X509v3"

RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
SIGNATURE_METHODS: Final = frozenset(
    {
        RSA_SHA256,
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
    }
)
DIGEST_METHODS: Final = frozenset(
    {SHA256, "http://www.w3.org/2001/04/xmldsig-more#sha384", "http://www.w3.org/2001/04/xmlenc#sha512"}
)

ACTORS_OF_OURS: Final = frozenset(
    {
        None,
        "",
        "http://schemas.xmlsoap.org/soap/actor/next",
        "http://www.w3.org/2003/05/soap-envelope/role/next",
        "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver",
    }
)
"""Who is meant by a header block for the last receiver. Source: SOAP 1.1, 4.2.2; SOAP 1.2 part 1, 2.2."""
