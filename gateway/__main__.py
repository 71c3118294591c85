"""The command ``legacy-bridge``, also as ``python -m gateway``."""

from __future__ import annotations

from gateway.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main())
