"""Opening the file: which SQLite, whose file, which version, which key. One sentence for each refusal."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import apsw

from gateway.journal.base import JournalError
from gateway.journal.sqlite.anchor import OWNER_ONLY, owner_only, sync_folder
from gateway.journal.sqlite.cipher import NO_KEY, Cipher, Plaintext, check_key
from gateway.journal.sqlite.database import Database
from gateway.journal.sqlite.named_sql import load_migrations

APPLICATION_ID = 0x4C42_4A31  # "LBJ1": the file says whose it is
BUSY_MS = 5_000
# As many as apsw keeps at all. It drops a statement that was not among the last so many that ran: with 300,
# those of a claim were prepared anew for each claim, 50 to 170 microseconds apiece.
CACHED_STATEMENTS = 512
FIXED_IN = (3, 51, 3)  # and backported to the last releases of two older series:
BACKPORTED = {(3, 44): 6, (3, 50): 7}


class JournalInUseError(JournalError):
    """Another process owns the journal."""


class Ownership:
    """The right to write to a store: a lock on the file itself, which ends with the process in any case.

    Not on a file beside it, which another name of the store goes round and anybody may remove;
    ``<store>.lock`` only tells who the owner is. A new store is readable by its owner alone, and SQLite
    gives its companions the same mode.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY)
        note = path.resolve().with_name(path.resolve().name + ".lock")
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # The descriptor stays open: where the owner is this very process, closing it would end the
            # locks that SQLite holds on the file (sqlite.org/howtocorrupt.html, section 2.2).
            owner = (note.read_text().strip() if note.exists() else "") or "unknown"
            raise JournalInUseError(
                f"{path}: process {owner} owns this journal, and one process may; stop it first, "
                "or use another journal"
            ) from error
        with open(note, "w", opener=owner_only) as file:
            file.write(f"{os.getpid()}\n")

    def flush(self) -> None:
        """Make durable what was written to the file, by whatever connection. Errors: OSError."""
        os.fdatasync(self._descriptor)

    def release(self) -> None:
        """Give the store back; its connections are closed by now."""
        os.close(self._descriptor)


def require_sound_sqlite(version: str) -> None:
    """Refuse a SQLite whose WAL-reset bug can lose commits.

    Source: sqlite.org/wal.html#walresetbug; fixed in 3.51.3, backported to 3.44.6 and 3.50.7.
    """
    if is_affected(version):
        raise JournalError(
            f"SQLite {version} has the WAL-reset bug that can lose commits; 3.51.3 or later is needed: "
            "install the apsw of requirements.lock, which brings its own"
        )


def is_affected(version: str) -> bool:
    """Tell whether a SQLite version has the WAL-reset bug."""
    major, minor, patch = (int(part) for part in version.split(".")[:3])
    backported_in = BACKPORTED.get((major, minor))
    if backported_in is not None:
        return patch < backported_in
    return (major, minor, patch) < FIXED_IN


def open_writer(path: Path, cipher: Cipher, *, vfs: str | None, synchronous: bool, dedupes: bool) -> Database:
    """Open the one writing connection, making the store or bringing it up to date. Errors: JournalError."""
    require_sound_sqlite(apsw.sqlite_lib_version())
    is_new = not path.exists() or not path.stat().st_size
    connection = apsw.Connection(
        str(path),
        flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE,
        vfs=vfs,
        statementcachesize=CACHED_STATEMENTS,
    )
    connection.set_busy_timeout(BUSY_MS)
    _require_ours(connection, path)
    if vfs is not None:
        # A VFS written in Python has no shared memory: WAL works only in exclusive mode.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")  # while nobody was told anything yet
    connection.execute("PRAGMA foreign_keys = ON")
    keep_plans(connection)
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    connection.wal_autocheckpoint(0)  # the writer has it done, where an error is seen
    migrate(connection, path)
    # The first flush from here on makes the migrations durable too: it is one log.
    connection.execute(f"PRAGMA synchronous = {'FULL' if synchronous else 'OFF'}")
    if is_new and vfs is None:
        sync_folder(path.parent)
    database = Database(connection, cipher, dedupes=dedupes)
    _take_key(database, path)
    database.start_counters()
    return database


def open_beside(path: Path) -> apsw.Connection:
    """Open the connection that moves the log into the file; nothing else is asked of it."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.wal_autocheckpoint(0)
    connection.execute("PRAGMA synchronous = FULL")  # or a checkpoint would flush nothing
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.pragma("user_version")  # it finds the log now, not at the first checkpoint
    return connection


def open_reader(path: Path, cipher: Cipher, *, dedupes: bool = True) -> Database:
    """Open a connection that cannot write. Errors: JournalError."""
    database = Database(_reading(path), cipher, dedupes=dedupes)
    check_key(cipher, database.value("meta.get", ("key_id",)) or NO_KEY, str(path))
    return database


def open_unsealed(path: Path) -> Database:
    """Open a connection to what no key seals; it cannot write. Errors: JournalError."""
    return Database(_reading(path), Plaintext())


def as_ours(error: BaseException, path: Path) -> BaseException:
    """Give an error of opening as ours, naming the file."""
    if isinstance(error, (apsw.Error, OSError)):
        return JournalError(f"{path}: the journal cannot be opened: {error}")
    return error


def _reading(path: Path) -> apsw.Connection:
    if not path.exists():
        raise JournalError(f"{path}: there is no journal here")
    connection = apsw.Connection(
        _readable_name(path),
        flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI,
        statementcachesize=CACHED_STATEMENTS,
    )
    connection.set_busy_timeout(BUSY_MS)
    keep_plans(connection)
    _require_ours(connection, path)
    version, newest = connection.pragma("user_version"), load_migrations()[-1][0]
    if version < newest:
        raise JournalError(
            f"{path}: this journal has version {version}; the gateway brings it to {newest}, start it once"
        )
    return connection


def keep_plans(connection: apsw.Connection) -> None:
    """Have statements planned once, not anew whenever a bound value differs.

    SQLite looks at the values bound to LIMIT and to columns of partial indexes while planning, and
    prepares again for each other one: measured, 25 to 60 microseconds for each such statement.
    """
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)


def migrate(connection: apsw.Connection, path: Path, up_to: int | None = None) -> None:
    """Apply what is missing, each migration in a transaction of its own; ``up_to`` is for tests."""
    for version, script in load_migrations():
        if version <= connection.pragma("user_version") or (up_to is not None and version > up_to):
            continue
        with connection:
            connection.execute(script)
            connection.execute(f"PRAGMA user_version = {version}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _require_ours(connection: apsw.Connection, path: Path) -> None:
    try:
        version = connection.pragma("user_version")
        is_empty = connection.execute("SELECT count(*) FROM sqlite_schema").get == 0
    except apsw.NotADBError as error:
        raise JournalError(f"{path}: this file is not a journal") from error
    if not is_empty and connection.pragma("application_id") != APPLICATION_ID:
        raise JournalError(f"{path}: this SQLite file is not a journal")
    newest = load_migrations()[-1][0]
    if version > newest:
        raise JournalError(
            f"{path}: this journal has version {version}, and this gateway knows versions up to {newest}; "
            "use the newer gateway that wrote it, or a copy from before"
        )


def _take_key(database: Database, path: Path) -> None:
    """Note which key a new store is written under, and refuse another one later."""
    stored = database.value("meta.get", ("key_id",))
    if stored is None:
        with database.connection:
            database.run("meta.set", ("key_id", database.cipher.key_id))
    else:
        check_key(database.cipher, stored, str(path))


def _readable_name(path: Path) -> str:
    """Name the file for reading; one that nobody can write beside is opened as it lies there.

    Without a write-ahead log SQLite would still make one to read; in a folder without write access
    the file is declared immutable instead, which is true there.
    """
    log = path.with_name(path.name + "-wal")
    has_log = log.exists() and log.stat().st_size > 0
    is_immutable = not has_log and not os.access(path.parent, os.W_OK)
    return path.absolute().as_uri() + ("?immutable=1" if is_immutable else "")
