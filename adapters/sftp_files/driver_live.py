"""``check --live``: whether an endpoint can be used at all. ``sftp check`` tells more."""

from __future__ import annotations

from adapters.sftp_files.config import FilesEndpoint
from adapters.sftp_files.port import FilePort, PortError


async def unusable(name: str, settings: FilesEndpoint, port: FilePort) -> list[str]:
    """Say what keeps an endpoint from being used: missing, out of reach, or not to be written into."""
    try:
        await port.prepare(())
        # It writes and removes a file; 0 where that is refused.
        if settings.after != "keep" and not await port.server_time_ns():
            return [f"endpoint '{name}': we may not write there; `sftp check {name}` tells more"]
    except PortError as error:
        return [f"endpoint '{name}': {error}"]
    finally:
        await port.close()
    return []
