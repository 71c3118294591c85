"""The command ``legacy-bridge``, also as ``python -m gateway``."""

from __future__ import annotations


def main() -> int:
    """Run the command; Ctrl-C ends it quietly even while its parts are still being imported."""
    try:
        from gateway.cli import main as run

        return run()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
