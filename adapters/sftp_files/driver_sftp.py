"""The port on an SFTP server. It decides nothing: it says what the server did, in the port's words.

Version 3 of the protocol is all that can be counted on: no inode, whole seconds, one status for most
failures. Where a status says too little, one more look finds out (is the name taken? is the disk full?).
"""

from __future__ import annotations

import contextlib
import logging
import re
import stat
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import TypeVar

from adapters.base import Clock
from adapters.sftp_files import protocol
from adapters.sftp_files.driver_pool import Leased, Pool, joined, left
from adapters.sftp_files.driver_session import Download, Session, StatusError
from adapters.sftp_files.driver_ssh import Secret
from adapters.sftp_files.pickup import shown
from adapters.sftp_files.port import Entry, EntryKind, PortError, PortErrorKind
from adapters.sftp_files.protocol import Attributes, Flag, Status
from adapters.sftp_files.server import SftpServer

log = logging.getLogger("legacy_bridge.sftp_files")

PIECE_BYTES = 256 * 1024
WRITE_BYTES = 4 * 1024 * 1024  # of one call; the watchdog's bound counts on it
OVERLAP_BYTES = 32 * 1024  # read again when a download is resumed, to see that it is the same file
RESUMES_MAX = 20  # of one download
CLOCK_S = 60.0  # how long a look at the server's clock holds
ORPHAN_S = 86_400.0

_PART = re.compile(r"\.[a-z2-7]{16}\.part")
_KINDS = {
    Status.NO_SUCH_FILE: PortErrorKind.MISSING,
    Status.NO_SUCH_PATH: PortErrorKind.MISSING,
    Status.PERMISSION_DENIED: PortErrorKind.DENIED,
    Status.WRITE_PROTECT: PortErrorKind.DENIED,
    Status.BAD_MESSAGE: PortErrorKind.NAME,  # OpenSSH's word for a name that is too long
    Status.NO_CONNECTION: PortErrorKind.OUTAGE,
    Status.CONNECTION_LOST: PortErrorKind.OUTAGE,
    Status.FILE_ALREADY_EXISTS: PortErrorKind.TAKEN,
    Status.NO_SPACE: PortErrorKind.FULL,
    Status.QUOTA_EXCEEDED: PortErrorKind.FULL,
}

_CODES = frozenset(Status)

T = TypeVar("T")


class SftpPort:
    """A folder on an SFTP server. ``token`` gives 16 characters that were never given before."""

    def __init__(self, server: SftpServer, secret: Secret, clock: Clock, token: Callable[[], str]) -> None:
        self._server = server
        self._secret = secret
        self._clock = clock
        self._token = token
        self._root = server.folder.rstrip("/").encode() or b""
        self._pool: Pool | None = None
        self._ahead: tuple[float, int] | None = None  # our seconds, and how far the server's are ahead (ns)
        self._is_swept = False

    async def prepare(self, folders: Sequence[str]) -> None:
        """Make folders. The endpoint's own folder must be there."""
        await self._read("preparing the folder", lambda session: self._prepare(session, folders))

    async def list(self, folder: str, limit: int) -> Sequence[Entry]:
        """Give entries in the server's order."""
        place = self._at(folder) if folder else self._root or b"/"
        return await self._read("listing", lambda session: _list(session, place, limit))

    async def stat(self, path: str) -> Entry | None:
        """Give one entry."""
        return await self._read(f"looking at {path}", lambda session: self._stat(session, path))

    async def open_read(self, path: str) -> AsyncGenerator[bytes]:
        """Give a file's bytes. A connection that is cut is made again, and the file goes on where it was."""
        place, done, tail = self._at(path), 0, b""
        first: Attributes | None = None
        for attempt in range(RESUMES_MAX + 1):
            overlap = len(tail)
            try:
                async with self._leased() as leased:
                    download = await self._opened(leased, path, place, done - overlap)
                    leased.is_broken = True  # until all that is asked for ahead has come
                    first = first or download.attributes
                    _same(first, download.attributes, path)
                    while piece := await leased.call(f"reading {path}", download.piece, PIECE_BYTES):
                        if piece[:overlap] != tail[:overlap]:
                            raise PortError(PortErrorKind.OTHER, f"{path} changed while it was read")
                        piece, overlap = piece[overlap:], 0
                        done += len(piece)
                        tail = piece[-OVERLAP_BYTES:] or tail
                        yield piece
                    await leased.call(f"closing {path}", download.close)
                    leased.is_broken = False
                return
            except PortError as error:
                if error.kind is not PortErrorKind.OUTAGE or attempt == RESUMES_MAX:
                    raise
                log.info("file.resumed file=%s offset=%d reason=%s", shown(path), done, error)
            except StatusError as error:
                raise self._refused(error, path) from error

    async def write_atomic(self, path: str, body: bytes) -> None:
        """Write beside the name, flush where the server can, see that all is there, rename over it."""
        self._at(path)
        await self._sweep(path)
        part = f"{path.rpartition('/')[0]}/.{self._token()}.part".removeprefix("/")
        async with self._leased() as leased:
            try:
                await self._upload(leased, part, body)
                await leased.call(f"renaming to {path}", self._replace, leased.session, part, path)
            except StatusError as error:
                await self._remove_quietly(leased, part)
                if error.code == Status.FAILURE and await self._is_full(leased):
                    raise PortError(PortErrorKind.FULL, f"{path}: the server's disk is full") from error
                raise self._refused(error, path) from error

    async def claim(self, path: str, claimed: str) -> bool:
        """Rename; nobody else knows the new name, so nothing can be replaced."""
        try:
            await self.move(path, claimed)
        except PortError as error:
            if error.kind is not PortErrorKind.MISSING:
                raise
            folder = claimed.rpartition("/")[0]
            if folder and await self.stat(folder) is None:
                raise  # it is the work folder that is missing
            return False
        return True

    async def move(self, path: str, to: str, *, durably: bool = False) -> None:
        """Rename without replacing: version 3 refuses that, and servers that do not are looked at first."""
        async with self._leased() as leased:
            try:
                await leased.call(f"renaming {path}", self._move, leased.session, path, to)
            except StatusError as error:
                raise self._refused(error, path) from error

    async def remove(self, path: str) -> bool:
        """Delete."""
        async with self._leased() as leased:
            try:
                return await leased.call(f"removing {path}", self._remove, leased.session, path)
            except StatusError as error:
                raise self._refused(error, path) from error

    async def server_time_ns(self) -> int:
        """Give the server's time, by a file that it stamps; whole seconds, never too late.

        Looked up once a minute. 0 where we may not write there.
        """
        now_s = self._clock.monotonic()
        if self._ahead is None or now_s - self._ahead[0] > CLOCK_S:
            stamped_ns = await self._stamped_ns()
            self._ahead = (now_s, stamped_ns)
        since_s, stamped_ns = self._ahead
        return stamped_ns + int((now_s - since_s) * 1e9) if stamped_ns else 0

    async def close(self) -> None:
        """Let go of the connection, unless another endpoint uses it."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await left(pool)

    # -- leasing -------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _leased(self) -> AsyncIterator[Leased]:
        if self._pool is None:
            self._pool = joined(self._server, self._secret, self._clock)
        async with self._pool.lease() as leased:
            yield leased

    async def _read(self, doing: str, work: Callable[[Session], T]) -> T:
        """Do what changes nothing; once more where a connection turned out to have died of age."""
        for is_last in (False, True):
            async with self._leased() as leased:
                is_fresh = leased.is_fresh
                try:
                    return await leased.call(doing, work, leased.session)
                except StatusError as error:
                    raise self._refused(error, doing) from error
                except PortError as error:
                    if is_last or is_fresh or error.kind is not PortErrorKind.OUTAGE:
                        raise PortError(error.kind, str(error)) from error
                    leased.connection.is_condemned = True
        raise AssertionError("the second round returns or raises")

    async def _opened(self, leased: Leased, path: str, place: bytes, offset: int) -> Download:
        window = self._server.requests
        download = await leased.call(f"opening {path}", leased.session.download, place, offset, window)
        if not download.attributes.is_file:
            await leased.call(f"closing {path}", download.close)
            raise PortError(PortErrorKind.DENIED, f"expected a regular file: {path}")
        return download

    # -- what runs in the threads ----------------------------------------------------------------

    def _at(self, path: str) -> bytes:
        parts = path.split("/")
        if len(parts) > 2 or any(part in ("", ".", "..") or "\0" in part for part in parts):
            raise PortError(PortErrorKind.NAME, f"the name would lead out of the folder: {shown(path)}")
        return self._root + b"/" + path.encode("utf-8", "surrogateescape")

    def _prepare(self, session: Session, folders: Sequence[str]) -> None:
        try:
            session.lstat(
                self._root + b"/."
            )  # the dot: the account's folder may be a link of the server's own
        except StatusError as error:
            if error.code not in (Status.NO_SUCH_FILE, Status.NO_SUCH_PATH):
                raise
            text = f"there is no folder '{self._server.folder}' on the server"
            raise PortError(PortErrorKind.MISSING, text) from error
        for folder in folders:
            found = self._stat(session, folder)
            if found is None:
                session.mkdir(self._at(folder), 0o770)
            elif found.kind is not EntryKind.FOLDER:
                raise PortError(
                    PortErrorKind.DENIED, f"expected a folder of our own, found a {found.kind}: {folder}"
                )

    def _stat(self, session: Session, path: str) -> Entry | None:
        place = self._at(path)
        try:
            return _entry(place.rpartition(b"/")[2], session.lstat(place))
        except StatusError as error:
            if error.code in (Status.NO_SUCH_FILE, Status.NO_SUCH_PATH):
                return None
            raise

    def _move(self, session: Session, path: str, to: str) -> None:
        try:
            session.rename(self._at(path), self._at(to))
        except StatusError as error:
            if self._stat(session, to) is not None:
                if self._are_one(session, path, to) and self._remove(session, path):
                    return
                raise PortError(PortErrorKind.TAKEN, f"the name is taken: {shown(to)}") from error
            if self._stat(session, path) is None:
                raise PortError(PortErrorKind.MISSING, f"there is no file {shown(path)}") from error
            raise

    def _are_one(self, session: Session, path: str, to: str) -> bool:
        """Tell whether two names are one file: a server that renames in two steps died between them."""
        found = []
        for each in (path, to):
            folder, _, name = self._at(each).rpartition(b"/")
            listed = session.entries(folder or b"/")
            found.append(next((attributes for at, attributes in listed if at == name), None))
        one, two = found
        return one is not None and one.links > 1 and one == two

    def _replace(self, session: Session, part: str, path: str) -> None:
        """Rename over whatever is there; without the extension there is a moment when nothing is."""
        if protocol.POSIX_RENAME in session.extensions:
            session.posix_rename(self._at(part), self._at(path))
            return
        try:
            session.rename(self._at(part), self._at(path))
        except StatusError:
            if not self._remove(session, path):
                raise
            session.rename(self._at(part), self._at(path))

    def _remove(self, session: Session, path: str) -> bool:
        try:
            session.remove(self._at(path))
        except StatusError:
            if self._stat(session, path) is None:
                return False
            raise
        return True

    async def _upload(self, leased: Leased, part: str, body: bytes) -> None:
        """Write a new file and see that the server has all of it."""
        session, place, view = leased.session, self._at(part), memoryview(body)
        flags = Flag.WRITE | Flag.CREATE | Flag.EXCLUSIVE
        handle = await leased.call(f"writing {part}", session.open, place, flags, 0o660)
        try:
            for start in range(0, len(body), WRITE_BYTES):
                piece = view[start : start + WRITE_BYTES]
                await leased.call(
                    f"writing {part}", session.write, handle, start, piece, self._server.requests
                )
            size = await leased.call(f"closing {part}", _finish, session, handle, place)
        except StatusError:
            await leased.call(f"closing {part}", session.close_later, handle)
            raise
        if size != len(body):
            await self._remove_quietly(leased, part)
            raise PortError(
                PortErrorKind.FULL, f"the server kept {size} of {len(body)} bytes; is its disk full?"
            )

    async def _remove_quietly(self, leased: Leased, part: str) -> None:
        try:
            await leased.call(f"removing {part}", self._remove, leased.session, part)
        except (PortError, StatusError) as error:
            log.info("file.left_over file=%s reason=%s", part, error)

    async def _is_full(self, leased: Leased) -> bool:
        """Tell whether the server has no room for us; most say only that something failed."""
        try:
            root = self._root or b"/"
            return await leased.call("looking at the disk", leased.session.free_blocks, root) == 0
        except (PortError, StatusError):
            return False

    async def _sweep(self, path: str) -> None:
        """Remove what uploads that were cut left in a folder more than a day ago; once, before the first."""
        if self._is_swept:
            return
        self._is_swept = True
        folder = path.rpartition("/")[0]
        left_over = [entry for entry in await self.list(folder, 100_000) if _PART.fullmatch(entry.name)]
        if not left_over:
            return
        before_ns = await self.server_time_ns() - int(ORPHAN_S * 1e9)
        for entry in left_over:
            if entry.modified_ns < before_ns:
                await self.remove(f"{folder}/{entry.name}".removeprefix("/"))

    async def _stamped_ns(self) -> int:
        """Give the time that the server stamps on a file of ours; 0 where it lets us write none."""
        part = f".{self._token()}.part"

        def stamped(session: Session) -> int:
            place = self._at(part)
            session.close_file(session.open(place, Flag.WRITE | Flag.CREATE | Flag.EXCLUSIVE, 0o660))
            seconds = session.lstat(place).modified_s
            session.remove(place)
            return (seconds or 0) * 1_000_000_000

        try:
            return await self._read("looking at the server's clock", stamped)
        except PortError as error:
            if error.kind not in (PortErrorKind.DENIED, PortErrorKind.FULL):
                raise
            return 0

    def _refused(self, error: StatusError, path: str) -> PortError:
        kind = _KINDS.get(Status(error.code), PortErrorKind.OTHER) if error.code in _CODES else None
        return PortError(kind or PortErrorKind.OTHER, f"{shown(path)}: the server says '{error}'")


def _finish(session: Session, handle: bytes, place: bytes) -> int | None:
    """Flush and close a written file; give the size that the server then has."""
    session.fsync(handle)
    session.close_file(handle)
    return session.lstat(place).size_bytes


def _list(session: Session, folder: bytes, limit: int) -> tuple[Entry, ...]:
    found = []
    for name, attributes in session.entries(folder):
        if name not in (b".", b".."):
            found.append(_entry(name, attributes))
        if len(found) >= limit:
            break
    return tuple(found)


def _entry(name: bytes, attributes: Attributes) -> Entry:
    return Entry(
        name=name.decode("utf-8", "surrogateescape"),
        kind=_kind(attributes.mode),
        size_bytes=attributes.size_bytes or 0,
        modified_ns=(attributes.modified_s or 0) * 1_000_000_000,
    )


def _kind(mode: int | None) -> EntryKind:
    match stat.S_IFMT(mode or 0):
        case 0 | stat.S_IFREG:
            return EntryKind.FILE
        case stat.S_IFDIR:
            return EntryKind.FOLDER
        case stat.S_IFLNK:
            return EntryKind.LINK
    return EntryKind.OTHER


def _same(first: Attributes, now: Attributes, path: str) -> None:
    if (first.size_bytes, first.modified_s) != (now.size_bytes, now.modified_s):
        raise PortError(PortErrorKind.OTHER, f"{shown(path)} changed while it was read")
