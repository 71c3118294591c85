"""Putting files away once the gateway has spoken: archived, deleted, or refused with the reason beside."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from adapters.base import Finding, Judged, Refused, Settlement
from adapters.sftp_files import pickup
from adapters.sftp_files.config import FilesEndpoint
from adapters.sftp_files.pickup import Rules
from adapters.sftp_files.port import Entry, FilePort, PortError, PortErrorKind

log = logging.getLogger("legacy_bridge.sftp_files")


class Filing:
    """Moves settled files; never loses one that changed since it was read. Errors: PortError."""

    def __init__(
        self, port: FilePort, settings: FilesEndpoint, rules: Rules, token: Callable[[], str]
    ) -> None:
        self._port = port
        self._settings = settings
        self._rules = rules
        self._token = token

    async def put_away(
        self, path: str, name: str, claim: str | None, read: Entry, settlement: Settlement, now: datetime
    ) -> None:
        """Put one file away. ``read``: the version that was read.

        A sender that kept the file open may have written more since: then what the gateway has is not
        the whole file, and it stays where it is, to be taken again as the new version it is.
        """
        if self._settings.after == "keep":
            return
        found = await self._port.stat(path)
        if found is None:
            return  # put away by the owner of a newer lease
        if not found.is_version_of(read):
            log.warning("file.changed_after_read file=%s", pickup.shown(name))
            return
        match settlement:
            case Refused(finding):
                await self._refuse(path, name, claim, finding, now)
            case _ if self._settings.after == "delete":
                await self._port.remove(path)
            case _:
                await self._archive(path, name, claim)
        await self._remove_marker(path, name, claim)

    async def tell(self, judged: Judged) -> None:
        """Tell the sender what was found in a file that is put away; told again it is the same file."""
        place = f"{self._settings.error}/{pickup.late_reason_name(judged)}"
        await self._port.write_atomic(
            place, pickup.late_reason_text(judged).encode("utf-8", "backslashreplace")
        )

    async def _archive(self, path: str, name: str, claim: str | None) -> None:
        plain, unique = pickup.archived_names(name, claim or self._token())
        try:
            await self._port.move(path, f"{self._settings.done}/{plain}")
        except PortError as error:
            if error.kind is not PortErrorKind.TAKEN:
                raise
            await self._port.move(path, f"{self._settings.done}/{unique}")

    async def _refuse(self, path: str, name: str, claim: str | None, finding: Finding, now: datetime) -> None:
        """Write the reason first: a file in the error folder never lacks one."""
        text = pickup.reason_text(name, finding, now).encode()
        for wanted in pickup.archived_names(name, claim or self._token()):
            place = f"{self._settings.error}/{wanted}"
            if await self._port.stat(place) is not None:
                continue
            await self._port.write_atomic(place + pickup.REASON_SUFFIX, text)
            await self._port.move(path, place)
            return
        raise PortError(
            PortErrorKind.TAKEN, f"both names for {pickup.shown(name)} are taken in the error folder"
        )

    async def _remove_marker(self, path: str, name: str, claim: str | None) -> None:
        template = self._rules.ready.done_file
        work = pickup.read_work_name(path.rpartition("/")[2])
        if work is not None:
            await self._port.remove(f"{self._settings.work}/{pickup.work_marker(work.owner, work.claim)}")
        elif template is not None and claim is None:
            await self._port.remove(pickup.marker_name(template, name))
