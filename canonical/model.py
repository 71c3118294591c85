"""The base of every canonical model: frozen, nothing unknown let in, sequences as tuples."""

from __future__ import annotations

from types import MemberDescriptorType
from typing import Any, NoReturn

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A frozen value. Make a changed copy with `model_copy(update=...)`; never change a dict inside one."""

    # Most commands need none of them: a model is built when it is first used, or by ``build_models``.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    # The JSON text of a small value, once written, and the text that it is hashed by (see `writing.py`).
    # No fields: copies, equality, hashes and pickles know nothing of them.
    __slots__ = ("_hashed", "_written")


def build_models(base: type[BaseModel]) -> None:
    """Build every model below ``base`` now that is built when it is first used as a rule.

    For processes that last, before they have threads: two threads that use a model first may disturb each
    other in pydantic, and the first message would wait.
    """
    for model in base.__subclasses__():
        model.model_rebuild(raise_errors=False)
        build_models(model)


WRITTEN: MemberDescriptorType = Model.__dict__["_written"]
HASHED: MemberDescriptorType = Model.__dict__["_hashed"]


class _NoEntries(dict[str, Any]):
    """The empty mapping that all models share as a default.

    A plain `{}` default is not hashable, so pydantic copies it deeply for every instance: that
    took a third of the time of validating an order.
    """

    def __hash__(self) -> int:  # type: ignore[override]
        return 0

    def __reduce__(self) -> tuple[Any, ...]:
        return (_no_entries, ())

    def __copy__(self) -> _NoEntries:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> _NoEntries:
        return self

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("a canonical document never changes; make a copy with model_copy(update=...)")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse


NO_ENTRIES: dict[str, Any] = _NoEntries()


def _no_entries() -> dict[str, Any]:
    return NO_ENTRIES
