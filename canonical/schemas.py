"""The published JSON Schemas: `canonical/schema/<document_type>.v<major>.json`, made from the models.

`python -m canonical.schemas --check` says what is out of date or broken; `--write` brings the files up
to date and refuses a breaking change: that needs a new SCHEMA_MAJOR, whose files stand beside the old.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from canonical.json_schema import schema_name, schema_of, schema_text
from canonical.registry import DOCUMENT_TYPES
from canonical.schema_changes import breaking_changes

SCHEMA_FOLDER = Path(__file__).parent / "schema"


def problems(folder: Path = SCHEMA_FOLDER) -> tuple[str, ...]:
    """Say what is wrong with the published files: missing, broken by the models, or out of date."""
    found: list[str] = []
    for name, model in DOCUMENT_TYPES.items():
        path = folder / schema_name(name)
        if not path.exists():
            found.append(f"{path.name}: missing; run python -m canonical.schemas --write")
            continue
        text = path.read_text(encoding="utf-8")
        broken = breaking_changes(json.loads(text), schema_of(model))
        found += [f"{path.name}: {each}; needs a new SCHEMA_MAJOR" for each in broken]
        if not broken and text != schema_text(model):
            found.append(f"{path.name}: out of date; run python -m canonical.schemas --write")
    return tuple(found)


def write(folder: Path = SCHEMA_FOLDER) -> tuple[str, ...]:
    """Bring the files up to date; give the breaking changes instead, writing nothing, if there are any."""
    broken = tuple(each for each in problems(folder) if "needs a new SCHEMA_MAJOR" in each)
    if broken:
        return broken
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in DOCUMENT_TYPES.items():
        (folder / schema_name(name)).write_text(schema_text(model), encoding="utf-8")
    return ()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; exit code 0 good, 1 problems, which go to stderr."""
    parser = argparse.ArgumentParser(prog="python -m canonical.schemas", description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="say what is missing, broken or out of date")
    action.add_argument("--write", action="store_true", help="bring the files up to date")
    parser.add_argument("--folder", type=Path, default=SCHEMA_FOLDER, help="where the schemas are kept")
    options = parser.parse_args(arguments)
    found = write(options.folder) if options.write else problems(options.folder)
    sys.stderr.writelines(f"{each}\n" for each in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
