"""Encryption at rest: what stands between a body and the file. Without a key it still notices damage.

A sealed record is a nonce of 12 random bytes, then AES-256-GCM over the bytes, with the record's own
name as associated data: a record that was moved to another place in the file does not open.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from base64 import b64decode, b64encode
from typing import Protocol
from zlib import crc32

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.journal.base import JournalError

KEY_BYTES = 32
NONCE_BYTES = 12
CHECKSUM_BYTES = 4
NO_KEY = "none"
EMPTY_NOTE = "[]"  # of JSON lists: nothing to hide
_NOTE = "note"
_SEALED = "sealed:"  # no note begins so: they are JSON, or our own sentences


class JournalKeyError(JournalError):
    """The file was written under another key, or under none."""


class DamagedRecordError(JournalError):
    """One body is not what was written. The store goes on: one flipped bit must not stop every order."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the journal's record {name} was changed or moved in the file, which is damaged")
        self.name = name


class Cipher(Protocol):
    """Seals what goes into the file and opens what comes out of it."""

    key_id: str

    def seal(self, name: str, plain: bytes) -> bytes:
        """Give the bytes to store under a name."""
        ...

    def open(self, name: str, stored: bytes) -> bytes:
        """Give the bytes that were sealed under that name. Errors: DamagedRecordError."""
        ...


class Plaintext:
    """No key: bytes are stored as they are, behind a CRC-32 of the name and of them.

    SQLite notices damage to its own structure alone; a flipped bit in a body would go to the ERP.
    """

    key_id = NO_KEY

    def seal(self, name: str, plain: bytes) -> bytes:
        """Give the checksum and the same bytes."""
        return crc32(plain, crc32(name.encode())).to_bytes(CHECKSUM_BYTES, "big") + plain

    def open(self, name: str, stored: bytes) -> bytes:
        """Give the bytes, or raise where they are not what was written under that name."""
        plain = stored[CHECKSUM_BYTES:]
        if crc32(plain, crc32(name.encode())) != int.from_bytes(stored[:CHECKSUM_BYTES], "big"):
            raise DamagedRecordError(name)
        return plain


class AesGcm:
    """AES-256-GCM under one key; ``key_id`` names the key without telling it."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise JournalKeyError(f"the journal's key has {len(key)} bytes; exactly {KEY_BYTES} are needed")
        self._aes = AESGCM(key)
        self.key_id = hmac.new(key, b"legacy-bridge journal key id", hashlib.sha256).hexdigest()[:16]

    def seal(self, name: str, plain: bytes) -> bytes:
        """Give nonce, ciphertext and tag."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aes.encrypt(nonce, plain, name.encode())

    def open(self, name: str, stored: bytes) -> bytes:
        """Give the plain bytes, whole and unchanged, or raise."""
        try:
            return self._aes.decrypt(stored[:NONCE_BYTES], stored[NONCE_BYTES:], name.encode())
        except InvalidTag as error:
            raise DamagedRecordError(name) from error


def seal_note(cipher: Cipher, text: str | None) -> str | None:
    """Give a note as it stands in a text column: sealed under the key, if there is one."""
    if not text or text == EMPTY_NOTE or cipher.key_id == NO_KEY:
        return text
    return _SEALED + b64encode(cipher.seal(_NOTE, text.encode())).decode()


def open_note(cipher: Cipher, stored: str | None) -> str | None:
    """Give a note back; one that an earlier version wrote in the clear is given as it is.

    Errors: DamagedRecordError.
    """
    if stored is None or not stored.startswith(_SEALED):
        return stored
    return cipher.open(_NOTE, b64decode(stored.removeprefix(_SEALED))).decode()


def cipher_for(key: bytes | None) -> Cipher:
    """Give the cipher of a key, or of none."""
    return Plaintext() if key is None else AesGcm(key)


def check_key(cipher: Cipher, stored_key_id: str, path: str) -> None:
    """Refuse a file that another key wrote. Errors: JournalKeyError."""
    if cipher.key_id == stored_key_id:
        return
    if stored_key_id == NO_KEY:
        raise JournalKeyError(f"{path}: this journal is not encrypted, and a key was given")
    given = "no key" if cipher.key_id == NO_KEY else f"the key {cipher.key_id}"
    raise JournalKeyError(
        f"{path}: this journal is encrypted under the key {stored_key_id}; {given} was given"
    )
