"""A known_hosts file: which keys a server may show. Pure.

Source: sshd(8), section SSH_KNOWN_HOSTS FILE FORMAT. Patterns, negation, hashed names and the marker
``@revoked`` count; a line with another marker is left out: certificates of hosts are not supported.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from fnmatch import fnmatchcase


def known_keys(text: str, host: str, port: int) -> list[tuple[str, bytes]]:
    """Give the keys (kind, public key) that a file holds for a server, without those that are revoked."""
    name = host.lower() if port == 22 else f"[{host.lower()}]:{port}"
    found, revoked = [], set()
    for line in text.splitlines():
        words = line.split()
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if len(words) < 3 or words[0].startswith("#") or not _matches(words[0], name):
            continue
        try:
            blob = base64.b64decode(words[2], validate=True)
        except binascii.Error:
            continue
        if marker == "@revoked":
            revoked.add(blob)
        elif not marker:
            found.append((words[1], blob))
    return [(kind, blob) for kind, blob in found if blob not in revoked]


def _matches(field: str, name: str) -> bool:
    if field.startswith("|"):
        return _is_hash_of(field, name)
    patterns = field.lower().split(",")
    refused = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    if any(_fits(name, pattern) for pattern in refused):
        return False
    return any(_fits(name, pattern) for pattern in patterns if not pattern.startswith("!"))


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern.replace("[", "[[]"))  # a bracket is a bracket here


def _is_hash_of(field: str, name: str) -> bool:
    parts = field.split("|")
    if len(parts) != 4 or parts[1] != "1":
        return False
    try:
        salt, wanted = base64.b64decode(parts[2], validate=True), base64.b64decode(parts[3], validate=True)
    except binascii.Error:
        return False
    # HMAC-SHA-1 is the format's; it only keeps names from being read off the file.
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), wanted)
