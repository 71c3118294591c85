"""PICTURE clauses of COBOL: what they say of a field's length and digits. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_REPEAT = re.compile(r"(.)\((\d{1,6})\)")


@dataclass(frozen=True, slots=True)
class Picture:
    """One field as its PIC has it: its length in characters, and the digits and scale of a number."""

    length: int
    digits: int = 0
    scale: int = 0
    is_signed: bool = False
    is_number: bool = False

    @classmethod
    def parse(cls, picture: str) -> Picture | str:
        """Read a PIC. Gives a sentence where it describes no field of a file."""
        if not picture:
            return "neither a PIC nor fields below it"
        plain = _REPEAT.sub(lambda found: found[1] * min(int(found[2]), 200_000), picture.upper())
        if "(" in plain or ")" in plain:
            return f"PIC {picture} is not understood"
        if re.fullmatch(r"S?9*V?9*", plain) and "9" in plain:
            digits, scale = plain.count("9"), len(plain.partition("V")[2])
            return cls(digits, digits, scale, plain.startswith("S"), is_number=True)
        if "P" in plain and set(plain) <= set("S9VP"):
            return f"PIC {picture} has scaling (P), which is not supported"
        if "N" in plain or "G" in plain:
            return f"PIC {picture} is national, which is not supported"
        return cls(len(plain.replace("V", "")))  # text, and numbers that are edited for people: as they stand
