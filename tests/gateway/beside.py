"""An executor whose other process is this one: what goes there and comes back is packed all the same."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from adapters.base import Format
from gateway.workers import InlineExecutor

P = ParamSpec("P")
T = TypeVar("T")


class Beside(InlineExecutor):
    """``is_there``: whether the other process is free; ``answers``: whether it then does not die."""

    def __init__(
        self,
        formats: Callable[[str], Format],
        is_there: Callable[[], bool] = lambda: True,
        answers: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__(formats)
        self.taken = 0
        self._is_there = is_there
        self._answers = answers

    def is_free(self, inputs: int) -> bool:
        return self._is_there()

    async def apart(self, work: Callable[P, list[T]], *args: P.args, **kwargs: P.kwargs) -> list[T] | None:
        self.taken += 1
        if not self._answers():
            return None
        done = pickle.loads(pickle.dumps(partial(work, *args, **kwargs)))()
        given: list[T] = pickle.loads(pickle.dumps(done))
        return given
