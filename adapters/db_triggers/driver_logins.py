"""Why there is no connection to a database, in words for whoever is on call: where, what, and what to do.

Drivers tell of one cause in many ways (`[Errno -2]`, `rejected SSL upgrade`, `(2013, 'Lost connection ...')`)
and seldom say where. Nothing is opened here; no password stands in a text, only where it is read from.

Source of the codes: PostgreSQL, appendix A; MariaDB and MySQL, server and client error references.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from adapters.db_triggers.config import DbEndpoint
from adapters.db_triggers.faults import Fault, FaultKind, fault_of

NAMES = {
    "postgresql": "PostgreSQL",
    "mariadb": "MariaDB",
    "mysql": "MySQL",
    "mssql": "SQL Server",
    "oracle": "Oracle",
}
NO_WAY = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN})


class NoLogInError(OSError):
    """There is no connection. ``fault`` says why, and where."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.told)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class _Cause:
    kind: FaultKind
    found: str
    remedy: str


def log_in_fault(settings: DbEndpoint, error: BaseException) -> Fault:
    """Say why a server gave no connection."""
    known = fault_of(settings.dialect, error)
    cause = _cause(settings, list(_chain(error)), known)
    if cause is None:
        return Fault(known.kind, f"{where(settings)}: {known.told}")
    return Fault(cause.kind, f"{where(settings)}: {cause.found}", cause.remedy)


def where(settings: DbEndpoint) -> str:
    """Name a server, the database in it, and who we are there."""
    if settings.dialect == "sqlite":
        return f"SQLite file {settings.file}"
    port = f":{settings.port}" if settings.port is not None else ""
    name = NAMES[settings.dialect]
    return f"{name} at {settings.host}{port}, database {settings.database}, user {settings.user}"


def _cause(settings: DbEndpoint, errors: list[BaseException], known: Fault) -> _Cause | None:
    text = " ".join(str(each) for each in errors)
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in errors):
        return _not_trusted(settings, text)
    if settings.dialect == "postgresql" and "rejected SSL upgrade" in text:
        return _no_tls()
    if any(isinstance(each, ssl.SSLError) for each in errors) and "WRONG_VERSION_NUMBER" in text:
        return _no_tls()  # MariaDB answers the hello of TLS in its own protocol
    if any(isinstance(each, socket.gaierror) for each in errors) or "Name or service not known" in text:
        return _no_host(settings)
    if any(isinstance(each, ConnectionRefusedError) for each in errors) or "Errno 111" in text:
        return _no_port()
    if any(isinstance(each, OSError) and each.errno in NO_WAY for each in errors):
        return _silent("no way leads to this host")
    server = _of_server(settings, known, text)
    if server is not None:
        return server
    if any(isinstance(each, TimeoutError) for each in errors) or "timeout" in known.told:
        return _silent(f"no answer within {settings.connect_timeout.total_seconds():g} s")
    return None


def _of_server(settings: DbEndpoint, known: Fault, text: str) -> _Cause | None:
    """Read what the server itself says about this log-in."""
    code = known.state
    if code in ("3D000", 1049):
        return _no_database(known)
    if (code == "28000" and "no encryption" in text) or "insecure transport" in text:
        return _wants_tls()
    if (code == "28000" and "pg_hba.conf" in text) or code == 1130:
        return _not_let_in(known)
    if known.kind is FaultKind.CREDENTIAL:
        return _refused(settings, known)
    return None


def _refused(settings: DbEndpoint, known: Fault) -> _Cause:
    given = f"read from {settings.password}" if settings.password is not None else "none is set"
    found = f"the server refuses this user or its password, {given} (it says: {known.told})"
    remedy = "set the endpoint's `user` and `password` right"
    if settings.dialect == "mariadb" and settings.plaintext:  # tried: it says the same where it wants TLS
        remedy += "; or take `plaintext` out, if it lets this user in by TLS alone"
    return _Cause(FaultKind.CREDENTIAL, found, remedy)


def _no_database(known: Fault) -> _Cause:
    remedy = "set the endpoint's `database` right, or let the DBA make it"
    return _Cause(
        FaultKind.MISSING, f"the server has no database of this name (it says: {known.told})", remedy
    )


def _no_host(settings: DbEndpoint) -> _Cause:
    found = f"the name server knows no address for '{settings.host}'"
    return _Cause(FaultKind.OUTAGE, found, "set the endpoint's `host` right")


def _no_port() -> _Cause:
    found = "the host answers, and nothing listens at this port (connection refused)"
    remedy = "start the database, or set the endpoint's `host` and `port` right"
    return _Cause(FaultKind.OUTAGE, found, remedy)


def _silent(found: str) -> _Cause:
    remedy = "look whether `host` and `port` are right, the machine runs, and the firewall lets us through"
    return _Cause(FaultKind.OUTAGE, found, remedy)


def _no_tls() -> _Cause:
    remedy = (
        "let the DBA turn TLS on; `plaintext: true` at the endpoint does without, where the network between "
        "is trusted"
    )
    return _Cause(FaultKind.TLS, "the server speaks no TLS, and this endpoint asks for it", remedy)


def _wants_tls() -> _Cause:
    found = "the server takes no connection without TLS, and the endpoint says `plaintext: true`"
    remedy = "take `plaintext` out; name the authority of the server's certificate in `ca` if it is your own"
    return _Cause(FaultKind.TLS, found, remedy)


def _not_trusted(settings: DbEndpoint, text: str) -> _Cause:
    reason = text.partition("certificate verify failed: ")[2].partition(" (_ssl")[0] or "it is not valid"
    remedy = (
        "name the authority that issued it in the endpoint's `ca`, or let the DBA install one that is valid "
        f"for '{settings.host}'"
    )
    return _Cause(FaultKind.TLS, f"the server's certificate is not trusted: {reason}", remedy)


def _not_let_in(known: Fault) -> _Cause:
    remedy = (
        "let the DBA allow this user and database from this machine (PostgreSQL: pg_hba.conf; MariaDB: the "
        "user's host)"
    )
    found = f"the server lets nobody in from here like this (it says: {known.told})"
    return _Cause(FaultKind.CREDENTIAL, found, remedy)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Give an error and what caused it, outermost first."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [getattr(each, "orig", None), each.__cause__, each.__context__]
