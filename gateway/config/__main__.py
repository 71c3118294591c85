"""``python -m gateway.config --reference`` prints docs/configuration.md."""

from __future__ import annotations

import sys

from gateway.config.catalogue import installed
from gateway.config.reference import reference


def main(arguments: list[str]) -> int:
    """Print the reference; 2 where something else is asked for."""
    if arguments != ["--reference"]:
        sys.stderr.write("usage: python -m gateway.config --reference > docs/configuration.md\n")
        return 2
    sys.stdout.write(reference(installed()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
