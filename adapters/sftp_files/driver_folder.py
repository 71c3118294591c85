"""The port on a folder of this machine, or of a share that is mounted here.

Everything blocking runs in a few threads of its own, so that a hanging share holds up nobody else.
Links are never followed: a partner who may write into the folder could point them anywhere.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import stat
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from adapters.sftp_files.port import LINKING, Entry, EntryKind, PortError, PortErrorKind

READ_BYTES = 256 * 1024
THREADS = 4

P = ParamSpec("P")
T = TypeVar("T")

_KINDS = {
    errno.ENOENT: PortErrorKind.MISSING,
    errno.EEXIST: PortErrorKind.TAKEN,
    errno.ENOTEMPTY: PortErrorKind.TAKEN,
    errno.EACCES: PortErrorKind.DENIED,
    errno.EPERM: PortErrorKind.DENIED,
    errno.EROFS: PortErrorKind.DENIED,
    errno.ELOOP: PortErrorKind.DENIED,  # a link where a file was expected
    errno.ENOSPC: PortErrorKind.FULL,
    errno.EDQUOT: PortErrorKind.FULL,
    errno.ENAMETOOLONG: PortErrorKind.NAME,
    errno.EINVAL: PortErrorKind.NAME,
    errno.EILSEQ: PortErrorKind.NAME,
    errno.ESTALE: PortErrorKind.OUTAGE,
    errno.ENOTCONN: PortErrorKind.OUTAGE,
    errno.EHOSTDOWN: PortErrorKind.OUTAGE,
    errno.ETIMEDOUT: PortErrorKind.OUTAGE,
    errno.EIO: PortErrorKind.OUTAGE,
}
_NO_SUCH_FLAG = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})
_RENAME_NOREPLACE = 1  # linux/fs.h
_AT_FDCWD = -100


class FolderPort:
    """A local folder. ``token`` gives 16 characters that were never given before."""

    def __init__(self, root: Path, token: Callable[[], str]) -> None:
        self._root = root
        self._token = token
        self._threads: ThreadPoolExecutor | None = None

    async def prepare(self, folders: Sequence[str]) -> None:
        """Make folders. The endpoint's own folder must be there: else a share is not mounted."""
        await self._run(self._prepare, folders)

    async def list(self, folder: str, limit: int) -> Sequence[Entry]:
        """Give entries in the order of the file system."""
        return await self._run(self._list, folder, limit)

    async def stat(self, path: str) -> Entry | None:
        """Give one entry."""
        return await self._run(self._stat, path)

    async def open_read(self, path: str) -> AsyncGenerator[bytes]:
        """Give a file's bytes."""
        descriptor, piece = await self._run(self._open, path)
        try:
            while piece:
                yield piece
                if len(piece) < READ_BYTES:
                    return
                piece = await self._run(os.read, descriptor, READ_BYTES)
        finally:
            os.close(descriptor)

    async def write_atomic(self, path: str, body: bytes) -> None:
        """Write beside the name, fsync, rename over it, fsync the folder."""
        await self._run(self._write, path, body)

    async def claim(self, path: str, claimed: str) -> bool:
        """Rename; nobody else knows the new name, so nothing can be replaced."""
        return await self._run(self._claim, path, claimed)

    async def move(self, path: str, to: str, *, durably: bool = False) -> None:
        """Rename without replacing; ``durably``: and fsync the folder."""
        await self._run(self._move, path, to, durably)

    async def remove(self, path: str) -> bool:
        """Delete."""
        return await self._run(self._remove, path)

    async def server_time_ns(self) -> int:
        """Give the file system's time: of a share, that is the server's."""
        return await self._run(self._server_time_ns)

    async def close(self) -> None:
        """Let go of the threads; one that hangs in a dead share is not waited for."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    async def _run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="folder")
        try:
            return await loop.run_in_executor(self._threads, partial(function, *args, **kwargs))
        except OSError as error:
            raise port_error(error) from error

    # Below: what runs in the threads.

    def _at(self, path: str) -> Path:
        parts = path.split("/")
        if len(parts) > 2 or any(part in ("", ".", "..") or "\0" in part for part in parts):
            raise OSError(errno.EINVAL, "the name would lead out of the folder", path)
        return self._root.joinpath(*parts)

    def _prepare(self, folders: Sequence[str]) -> None:
        if not self._root.is_dir():
            raise OSError(errno.ENOENT, "there is no such folder (is the share mounted?)", str(self._root))
        for folder in folders:
            place = self._at(folder)
            place.mkdir(mode=0o770, exist_ok=True)
            if not stat.S_ISDIR(place.lstat().st_mode):
                raise OSError(errno.ELOOP, "expected a folder of our own, found a link", str(place))

    def _list(self, folder: str, limit: int) -> tuple[Entry, ...]:
        found = []
        with os.scandir(self._at(folder) if folder else self._root) as entries:
            for entry in entries:
                try:
                    found.append(_entry(entry.name, entry.stat(follow_symlinks=False)))
                except FileNotFoundError:
                    continue  # gone since the folder was read
                if len(found) >= limit:
                    break
        return tuple(found)

    def _stat(self, path: str) -> Entry | None:
        place = self._at(path)
        try:
            return _entry(place.name, place.lstat())
        except FileNotFoundError:
            return None

    def _open(self, path: str) -> tuple[int, bytes]:
        # O_NONBLOCK: opening a pipe that somebody put under this name must not hang.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(self._at(path), flags)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.ELOOP, "expected a regular file", path)
            return descriptor, os.read(descriptor, READ_BYTES)
        except OSError:
            os.close(descriptor)
            raise

    def _write(self, path: str, body: bytes) -> None:
        place = self._at(path)
        # A name of its own for each writer: a paused one that wakes up late writes into no file
        # that another has already published.
        part = place.with_name(f".{self._token()}.part")
        try:
            descriptor = os.open(
                part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o660
            )
            with os.fdopen(descriptor, "wb") as file:
                self._fill(file.fileno(), body)
            part.replace(place)
            _sync_folder(place.parent)
        except OSError:
            part.unlink(missing_ok=True)
            raise

    def _fill(self, descriptor: int, body: bytes) -> None:
        rest = memoryview(body)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)

    def _claim(self, path: str, claimed: str) -> bool:
        try:
            self._at(path).rename(self._at(claimed))
        except FileNotFoundError:
            if not self._at(claimed).parent.is_dir():
                raise  # it is the work folder that is missing
            return False
        return True

    def _move(self, path: str, to: str, durably: bool) -> None:
        wanted = self._at(to)
        _rename_new(self._at(path), wanted, marks=durably)
        if durably:
            _sync_folder(wanted.parent)

    def _remove(self, path: str) -> bool:
        try:
            self._at(path).unlink()
        except FileNotFoundError:
            return False
        return True

    def _server_time_ns(self) -> int:
        place = self._root / f".{self._token()}.part"
        try:
            with place.open("xb"):
                return place.lstat().st_mtime_ns
        finally:
            place.unlink(missing_ok=True)


def port_error(error: OSError) -> PortError:
    """Give our error for one of the operating system."""
    kind = _KINDS.get(error.errno or 0, PortErrorKind.OTHER)
    text = f"{error.strerror or type(error).__name__}: {error.filename}" if error.filename else str(error)
    return PortError(kind, text)


def _entry(name: str, status: os.stat_result) -> Entry:
    return Entry(
        name=name,
        kind=_kind(status.st_mode),
        size_bytes=status.st_size,
        modified_ns=status.st_mtime_ns,
        identity=f"{status.st_dev}:{status.st_ino}",
    )


def _kind(mode: int) -> EntryKind:
    if stat.S_ISREG(mode):
        return EntryKind.FILE
    if stat.S_ISDIR(mode):
        return EntryKind.FOLDER
    return EntryKind.LINK if stat.S_ISLNK(mode) else EntryKind.OTHER


def _rename_new(place: Path, wanted: Path, *, marks: bool = False) -> None:
    """Rename, failing where the new name exists: one step of the kernel where it offers that.

    ``marks``: where it takes two steps, the first name says so in between, so that a crash there is told
    from one before it, even if a receiver has taken the file by then.
    """
    if _renameat2 is not None:
        if _renameat2(_AT_FDCWD, os.fsencode(place), _AT_FDCWD, os.fsencode(wanted), _RENAME_NOREPLACE) == 0:
            return
        number = ctypes.get_errno()
        if number not in _NO_SUCH_FLAG:
            raise OSError(number, os.strerror(number), str(wanted if number == errno.EEXIST else place))
    if not marks:
        _link_new(place, wanted)
        return
    marked = place.with_name(place.name + LINKING)
    place.rename(marked)
    try:
        _link_new(marked, wanted)
    except OSError:
        if marked.exists():
            marked.rename(place)
        raise


def _link_new(place: Path, wanted: Path) -> None:
    """Rename in two steps: a crash between them leaves one file under two names, which we recognise."""
    try:
        os.link(place, wanted, follow_symlinks=False)
    except FileExistsError:
        if not os.path.samestat(place.lstat(), wanted.lstat()):
            raise
    place.unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _find_renameat2() -> Callable[[int, bytes, int, bytes, int], int] | None:
    """Give the C library's function (Linux, glibc 2.28 or musl 1.2.5), None elsewhere."""
    try:
        function = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    function.restype = ctypes.c_int
    return function


_renameat2 = _find_renameat2()
