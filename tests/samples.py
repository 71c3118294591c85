"""Where the real documents lie that corpus tests read.

The folder is LEGACY_BRIDGE_SAMPLES, or `../shared/samples` beside the checkout. Its documents belong
to others and are never copied into the project, so a checkout may be without them: then tests marked
`corpus` are not collected and the summary says so. A folder that was named but is missing stops the run.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VARIABLE = "LEGACY_BRIDGE_SAMPLES"
PROJECT = Path(__file__).resolve().parent.parent
DEFAULT = "../shared/samples"


def samples_dir() -> Path | None:
    """Give the samples folder, or None where the default one is absent.

    Errors: pytest.UsageError where LEGACY_BRIDGE_SAMPLES names a folder that does not exist.
    """
    named = os.environ.get(VARIABLE)
    folder = (PROJECT / (named or DEFAULT)).resolve()
    if folder.is_dir():
        return folder
    if named:
        raise pytest.UsageError(
            f"{VARIABLE}={named}: no such folder; correct it, or unset it for {DEFAULT} beside the checkout"
        )
    return None


def sample_files(*patterns: str) -> list[object]:
    """Give one `corpus` test parameter (a Path) per file that matches, named by its path below the folder.

    Without samples it gives one parameter that is never collected. A pattern that matches nothing is an
    error: a corpus test over no document could not fail.
    """
    folder = samples_dir()
    if folder is None:
        return [pytest.param(PROJECT / DEFAULT, marks=pytest.mark.corpus, id="no-samples")]
    files = {path for pattern in patterns for path in _matches(folder, pattern)}
    return [
        pytest.param(path, marks=pytest.mark.corpus, id=path.relative_to(folder).as_posix())
        for path in sorted(files)
    ]


def _matches(folder: Path, pattern: str) -> list[Path]:
    files = [path for path in folder.glob(pattern) if path.is_file()]
    if not files:
        raise pytest.UsageError(f"{folder}: no sample matches {pattern}")
    return files
