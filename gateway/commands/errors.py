"""How a command ends that cannot go on: one sentence and an exit code."""

from __future__ import annotations


class CommandError(Exception):
    """A command cannot go on; the text is a whole sentence that says what to do."""

    def __init__(self, text: str, code: int = 2) -> None:
        super().__init__(text)
        self.code = code
