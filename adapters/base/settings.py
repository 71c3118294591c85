"""The words that settings in routes.yaml are made of: durations, sizes, shares, secrets, paths.

An adapter's settings are frozen pydantic models; these types read the text that stands in the file
and say what they expected. A secret is only ever a reference here: nothing in this file opens one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    StringConstraints,
    ValidationInfo,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


class Settings(BaseModel):
    """The base of every settings model: frozen, no unknown keys, each field described below itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, populate_by_name=True)


@dataclass(frozen=True, slots=True)
class Kind:
    """What people write for a type, in words, for the configuration reference."""

    text: str


_UNITS_S = {
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86_400),
}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)", re.ASCII)
_SIZES = {
    "": 1,
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
_SIZE = re.compile(r"(\d{1,15})(B|kB|MB|GB|KiB|MiB|GiB|)", re.ASCII)
_PERCENTAGE = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)%", re.ASCII)


def read_duration(value: object) -> object:
    """Read '500ms', '2s', '15m', '2h' or '30d'; a timedelta passes."""
    if not isinstance(value, str):
        return value
    if (found := _DURATION.fullmatch(value)) is None:
        raise _refusal("duration", value, "a duration: a number and ms, s, m, h or d, such as 15m")
    return timedelta(microseconds=int(Decimal(found[1]) * _UNITS_S[found[2]] * 1_000_000))


def read_size(value: object) -> object:
    """Read '512', '64KiB' or '20MB' as bytes; an int passes."""
    if not isinstance(value, str):
        return value
    if (found := _SIZE.fullmatch(value)) is None:
        raise _refusal("size", value, "a size: a number of bytes, or kB, MB, GB, KiB, MiB, GiB, such as 20MB")
    return int(found[1]) * _SIZES[found[2]]


def read_percentage(value: object) -> object:
    """Read '10%' as Decimal 10; a Decimal passes."""
    if not isinstance(value, str):
        return value
    found = _PERCENTAGE.fullmatch(value)
    if found is None or Decimal(found[1]) > 100:
        raise _refusal("percentage", value, "a percentage from 0% to 100%, such as 10%")
    return Decimal(found[1])


Duration = Annotated[timedelta, BeforeValidator(read_duration), Kind("duration")]
Size = Annotated[int, BeforeValidator(read_size), Kind("size")]
Percentage = Annotated[Decimal, BeforeValidator(read_percentage), Kind("percentage")]


@dataclass(frozen=True, slots=True)
class DurationRange:
    """From a shortest to a longest duration: ``2s..5m``."""

    lowest: timedelta
    highest: timedelta

    @classmethod
    def parse(cls, text: str) -> DurationRange:
        """Read '2s..5m'. Errors: PydanticCustomError where either end or their order is wrong."""
        ends = [_DURATION.fullmatch(end) for end in text.split("..")]
        if len(ends) != 2 or None in ends:
            raise _refusal("duration_range", text, "two durations, such as 2s..5m")
        lowest, highest = (read_duration(end) for end in text.split(".."))
        if not isinstance(lowest, timedelta) or not isinstance(highest, timedelta) or lowest > highest:
            raise _refusal("duration_range", text, "the shorter duration first, such as 2s..5m")
        return cls(lowest, highest)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(lambda value: _parsed(cls, value))


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port: ``127.0.0.1:8443``, ``[::1]:8443``."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Tell whether only this machine can reach it."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read 'host:port'. Errors: PydanticCustomError."""
        host, _, port = text.rpartition(":")
        bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        is_host = bare and not re.search(r"[\s/@\[\]]", bare) and (":" not in bare or bare != host)
        if not is_host or not re.fullmatch(r"\d{1,5}", port, re.ASCII) or int(port) > 65_535:
            raise _refusal("address", text, "host:port, such as 127.0.0.1:8443")
        return cls(bare, int(port))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(lambda value: _parsed(cls, value))


class LocalPath(str):
    """A path on this machine. A relative one counts from the folder of routes.yaml.

    It is text, so that ``open``, ``ssl`` and ``Path`` take it as it is.
    """

    __slots__ = ()

    @property
    def path(self) -> Path:
        """Give it as a Path."""
        return Path(self)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(cls._read)

    @classmethod
    def _read(cls, value: object, info: ValidationInfo) -> LocalPath:
        if not isinstance(value, str) or not value or "\0" in value:
            raise PydanticCustomError("local_path", "expected a path")
        return cls(beside(value, info.context))


class PresentFile(LocalPath):
    """A file that must be there when the gateway starts; ``check`` looks for it."""

    __slots__ = ()


class MappingName(str):
    """The name of a mapping that routes.yaml declares under ``mappings:``."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(lambda value: cls(_declared_name(value)))


class LayoutName(str):
    """The name of a record layout that routes.yaml declares under ``layouts:``."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(lambda value: cls(_declared_name(value)))


class SecretRef(str):
    """Where a secret is found: ``env:NAME`` or ``file:PATH``. Never the secret itself."""

    __slots__ = ()

    @property
    def kind(self) -> str:
        """Give 'env' or 'file'."""
        return self.partition(":")[0]

    @property
    def place(self) -> str:
        """Give the variable's name or the file's path."""
        return self.partition(":")[2]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(cls._read)

    @classmethod
    def _read(cls, value: object, info: ValidationInfo) -> SecretRef:
        # The value found is not repeated: whoever wrote a password here must not meet it in a log.
        if isinstance(value, str) and re.fullmatch(r"env:[A-Za-z_][A-Za-z0-9_]*", value):
            return cls(value)
        if isinstance(value, str) and value.startswith("file:") and value.removeprefix("file:"):
            return cls(f"file:{beside(value.removeprefix('file:'), info.context)}")
        raise PydanticCustomError(
            "secret_ref",
            "a secret is never written here; expected where to find it: env:NAME or file:PATH",
        )


def beside(path: str, context: object) -> str:
    """Give a path, a relative one joined to the folder that the validation context names."""
    folder = context.get("folder") if isinstance(context, Mapping) else None
    return str(PurePath(folder, path)) if folder is not None else path


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _refusal("zone", name, "an IANA time zone, such as America/Chicago or UTC") from error
    return name


Zone = Annotated[str, AfterValidator(_zone), Kind("IANA time zone")]

Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$"),
    Kind("name: a-z, 0-9, dot, dash, underscore"),
]

Url = Annotated[
    str, StringConstraints(pattern=r"^https?://[^\s/@?#]+(/[^\s?#]*)?$"), Kind("http or https address")
]


def _declared_name(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise PydanticCustomError("declared_name", "expected a name that this file declares")
    return value


def _parsed(wanted: Any, value: object) -> Any:
    if isinstance(value, wanted):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "expected a text")
    return wanted.parse(value)


def _refusal(code: str, value: str, expected: str) -> PydanticCustomError:
    facts = {"value": value[:80], "expected": expected}
    return PydanticCustomError(code, "'{value}' found; expected {expected}", facts)
