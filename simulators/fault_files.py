"""`--faults FILE` of the rehearsal systems, read with the command line: a mistake is one sentence."""

from __future__ import annotations

import argparse
from pathlib import Path

from simulators.faults import FaultScript, FaultScriptError


def fault_file(name: str) -> FaultScript:
    """Read a fault script for argparse. Errors: ArgumentTypeError, which says what is wrong with it."""
    try:
        return FaultScript.from_json(Path(name).read_bytes())
    except FaultScriptError as error:
        raise argparse.ArgumentTypeError(f"{name}: {error}") from error
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{name}: {error.strerror}") from error
