"""Keys in OpenSSH's form, for servers and for those who log in; made up anew each time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key in a file, and its public line."""

    path: Path
    public: str


def make_key(path: Path, *, passphrase: str = "", rsa: bool = False) -> KeyPair:
    """Make a key pair, readable by its owner alone; one that is there is kept."""
    line = path.with_name(f"{path.name}.pub")
    if path.exists() and line.exists():
        return KeyPair(path, line.read_text().strip())
    key = generate_private_key(65_537, 2048) if rsa else Ed25519PrivateKey.generate()
    sealed = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, sealed))
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    line.write_text(f"{public}\n")
    return KeyPair(path, public)
