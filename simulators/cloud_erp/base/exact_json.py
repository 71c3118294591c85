"""JSON whose numbers keep every digit, which the json module alone does not do."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any


def read(text: bytes | str) -> Any:
    """Read JSON; numbers with a fraction become Decimal. Errors: ValueError."""
    return json.loads(text, parse_float=Decimal)


def write(value: Any) -> str:
    """Write JSON, decimals as numbers."""
    match value:
        case Decimal():
            return format(value, "f")
        case dict():
            return (
                "{" + ",".join(f"{json.dumps(str(name))}:{write(each)}" for name, each in value.items()) + "}"
            )
        case list() | tuple():
            return "[" + ",".join(map(write, value)) + "]"
        case _:
            return json.dumps(value)
