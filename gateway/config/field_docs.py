"""What the settings models say of their keys: the text that stands below each field in the source.

Pydantic can read these texts itself, of every model when it is imported: an eighth of each command's
start, for the one page that shows them.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping
from copy import copy
from functools import cache

from pydantic import BaseModel
from pydantic.fields import FieldInfo


@cache
def described(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """Give a model's fields with their descriptions; a class says more of a field than what it inherits."""
    told: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, BaseModel) and each is not BaseModel:
            told |= _told(each)
    fields = {name: copy(field) for name, field in model.model_fields.items()}
    for name, field in fields.items():
        field.description = field.description or told.get(name)
    return fields


def _told(model: type[BaseModel]) -> dict[str, str]:
    """Give the text below each field of one class's own body."""
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101  the source of a class
    told: dict[str, str] = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            told[field.target.id] = inspect.cleandoc(text.value.value)
    return told
