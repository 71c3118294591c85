"""What a database's error means: try again at once, wait, or call a person. Pure.

Source of the codes: PostgreSQL, appendix A (SQLSTATE); MariaDB and MySQL, server error reference; SQLite,
result codes; SQL Server, sys.messages; Oracle, database error messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What follows from a fault."""

    RETRY = "retry"  # chosen as a victim, or a lock was not free: the same again, soon
    OUTAGE = "outage"  # not reachable, or the connection broke: connect anew
    CREDENTIAL = "credential"  # the log-in is refused
    TLS = "tls"  # one side wants TLS and the other has none, or the certificate is not trusted
    DENIED = "denied"  # a privilege is missing
    MISSING = "missing"  # a table or a column is not there
    FULL = "full"  # the database has no room
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Fault:
    """One error of a database; ``told`` is what it said, one line, ``state`` its own code for it."""

    kind: FaultKind
    told: str
    remedy: str = ""  # what to do, where more is known than the kind
    state: str | int | None = None

    @property
    def code(self) -> str:
        """Give the finding's code."""
        return _CODES[self.kind]

    @property
    def advice(self) -> str:
        """Say what a person can do, and what the gateway does by itself."""
        return f"{self.remedy}. {_AGAIN[self.kind]}" if self.remedy else _ADVICE[self.kind]


_SOON = "It is tried again by itself, and changes wait in the database meanwhile"
_LATER = (
    "It is tried again after five minutes, since accounts lock, or as soon as the file of the password "
    "changes; for another user, or a password from the environment, restart"
)
_AGAIN = dict.fromkeys(FaultKind, _SOON) | {FaultKind.CREDENTIAL: _LATER}
_CODES = {
    FaultKind.RETRY: "DB-LOCKED",
    FaultKind.OUTAGE: "DB-OUTAGE",
    FaultKind.CREDENTIAL: "DB-CREDENTIAL",
    FaultKind.TLS: "DB-TLS",
    FaultKind.DENIED: "DB-DENIED",
    FaultKind.MISSING: "DB-MISSING",
    FaultKind.FULL: "DB-FULL",
    FaultKind.OTHER: "DB-ERROR",
}
_ADVICE = {
    FaultKind.RETRY: "another session holds what is needed; it is tried again by itself",
    FaultKind.OUTAGE: "the feed connects again by itself; changes wait in the database meanwhile",
    FaultKind.CREDENTIAL: f"set user and password of the endpoint right. {_LATER}",
    FaultKind.TLS: "set `plaintext` and `ca` of the endpoint right; the feed connects again by itself",
    FaultKind.DENIED: "give the user the rights that `legacy-bridge db render` lists; then it goes on",
    FaultKind.MISSING: "make what is missing as `legacy-bridge db render` shows it; then it goes on. "
    "Changes that were made without it were not captured: order a snapshot",
    FaultKind.FULL: "make room in the database; the users' own changes fail as well",
    FaultKind.OTHER: "the feed tries again; if this stays, report it",
}

_POSTGRESQL = {
    "40P01": FaultKind.RETRY,
    "40001": FaultKind.RETRY,
    "55P03": FaultKind.RETRY,
    "57014": FaultKind.RETRY,  # statement time-out
    "28": FaultKind.CREDENTIAL,
    "3D000": FaultKind.MISSING,
    "3F000": FaultKind.MISSING,
    "42P01": FaultKind.MISSING,
    "42703": FaultKind.MISSING,
    "42501": FaultKind.DENIED,
    "25006": FaultKind.DENIED,  # read only: a standby, or default_transaction_read_only
    "53": FaultKind.FULL,
    "53300": FaultKind.OUTAGE,  # too many connections
    "08": FaultKind.OUTAGE,
    "57P": FaultKind.OUTAGE,
    "25P03": FaultKind.OUTAGE,  # idle in transaction for too long
    "58": FaultKind.OUTAGE,
}
_MYSQL = {
    1213: FaultKind.RETRY,
    1205: FaultKind.RETRY,
    3572: FaultKind.RETRY,
    1045: FaultKind.CREDENTIAL,
    1044: FaultKind.DENIED,
    1142: FaultKind.DENIED,
    1143: FaultKind.DENIED,
    1227: FaultKind.DENIED,
    1290: FaultKind.DENIED,  # --read-only
    1792: FaultKind.DENIED,
    1049: FaultKind.MISSING,
    1054: FaultKind.MISSING,
    1146: FaultKind.MISSING,
    1021: FaultKind.FULL,
    1114: FaultKind.FULL,
    1040: FaultKind.OUTAGE,
    1053: FaultKind.OUTAGE,
    1203: FaultKind.OUTAGE,
    1927: FaultKind.OUTAGE,  # the connection was killed
    2002: FaultKind.OUTAGE,
    2003: FaultKind.OUTAGE,
    2006: FaultKind.OUTAGE,
    2013: FaultKind.OUTAGE,
    2055: FaultKind.OUTAGE,
}
_SQLITE = {
    "SQLITE_BUSY": FaultKind.RETRY,
    "SQLITE_LOCKED": FaultKind.RETRY,
    "SQLITE_FULL": FaultKind.FULL,
    "SQLITE_READONLY": FaultKind.DENIED,
    "SQLITE_PERM": FaultKind.DENIED,
    "SQLITE_AUTH": FaultKind.DENIED,
    "SQLITE_CANTOPEN": FaultKind.OUTAGE,
    "SQLITE_IOERR": FaultKind.OUTAGE,
    "SQLITE_SCHEMA": FaultKind.RETRY,
}
_MSSQL = {
    1205: FaultKind.RETRY,
    1222: FaultKind.RETRY,
    18456: FaultKind.CREDENTIAL,
    229: FaultKind.DENIED,
    208: FaultKind.MISSING,
    207: FaultKind.MISSING,
    1105: FaultKind.FULL,
    9002: FaultKind.FULL,
}
_ORACLE = {
    60: FaultKind.RETRY,
    54: FaultKind.RETRY,
    1017: FaultKind.CREDENTIAL,
    1031: FaultKind.DENIED,
    942: FaultKind.MISSING,
    904: FaultKind.MISSING,
    1653: FaultKind.FULL,
    1536: FaultKind.FULL,
    3113: FaultKind.OUTAGE,
    3114: FaultKind.OUTAGE,
    12541: FaultKind.OUTAGE,
}
_NUMBERED = {"mariadb": _MYSQL, "mysql": _MYSQL, "mssql": _MSSQL, "oracle": _ORACLE}


def fault_of(dialect: str, error: BaseException) -> Fault:
    """Say what an error means: SQLAlchemy's, the driver's, the operating system's, or that of a log-in."""
    own = getattr(error, "orig", None) or error
    if isinstance(fault := getattr(own, "fault", None), Fault):
        return fault  # NoLogInError, which knows more
    state = _state(dialect, own)
    said = f"{own.args[1]} ({state})" if isinstance(state, int) and len(own.args) > 1 else str(own)
    told = " ".join(said.split())[:300] or type(own).__name__
    return Fault(_kind(dialect, own, error), told, state=state)


def _kind(dialect: str, own: BaseException, error: BaseException) -> FaultKind:
    known = _by_code(dialect, own)
    if known is not None:
        return known
    if getattr(error, "connection_invalidated", False) or _is_broken(own):
        return FaultKind.OUTAGE
    text = str(own).lower()
    if dialect == "sqlite" and ("no such table" in text or "no such column" in text):
        return FaultKind.MISSING
    return FaultKind.OTHER


def _by_code(dialect: str, own: BaseException) -> FaultKind | None:
    state = _state(dialect, own)
    if isinstance(state, int):
        return _NUMBERED[dialect].get(state)
    if dialect == "postgresql" and state is not None:
        return next((_POSTGRESQL[state[:n]] for n in (5, 3, 2) if state[:n] in _POSTGRESQL), None)
    return next((kind for prefix, kind in _SQLITE.items() if (state or "").startswith(prefix)), None)


def _state(dialect: str, own: BaseException) -> str | int | None:
    """Give the database's own code: SQLSTATE, the name of a result code, or a number."""
    if dialect == "postgresql":
        return str(getattr(own, "sqlstate", "") or "") or None
    if dialect == "sqlite":
        return str(getattr(own, "sqlite_errorname", "") or "") or None
    return next((each for each in own.args[:1] if isinstance(each, int)), None)


def _is_broken(own: BaseException) -> bool:
    if isinstance(own, (OSError, EOFError, TimeoutError)):  # a refused or cut connection, or nothing in time
        return True
    cause = own.__cause__
    if isinstance(cause, (OSError, EOFError, TimeoutError)):
        return True
    text = str(own).lower()
    return "connection is closed" in text or "connection was closed" in text or "lost connection" in text
