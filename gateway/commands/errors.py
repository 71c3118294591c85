"""How a command ends that cannot go on: one sentence and an exit code."""

from __future__ import annotations

from adapters.base.commands import CommandError

__all__ = ["CommandError"]
