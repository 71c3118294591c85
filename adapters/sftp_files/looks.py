"""How the looks into a folder go: how many have failed in a row, and what a person is told of it.

Pure. Of single files it keeps the newest that failed, until one goes well: a file that cannot be taken is
left alone while the others go on; where it is every one of them, the folder itself is in trouble.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from adapters.sftp_files.port import PortError, PortErrorKind

OUTAGES_COUNTED = 10
HANGS_S = 60.0  # a dead share neither answers nor refuses: a look that takes longer is told

ADVICE: Mapping[PortErrorKind, str] = MappingProxyType(
    {
        PortErrorKind.MISSING: "make the folder, or mount its share; then it goes on by itself",
        PortErrorKind.DENIED: "give the gateway's user the right to list, rename and write there; then it "
        "goes on by itself",
        PortErrorKind.FULL: "make room there; then it goes on by itself",
        PortErrorKind.CREDENTIAL: "set the log-in or the pinned key right, or have the partner do so; then "
        "it goes on by itself",
        PortErrorKind.OUTAGE: "it goes on by itself once the other side is back",
    }
)
OTHERWISE = "it is tried again by itself; where it lasts, ask whoever runs that folder"


class Looks:
    """What is known of the looks into one endpoint's folder."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._began_s: float | None = None  # the look that is going on
        self._error: PortError | None = None  # of the newest one
        self._failed: tuple[str, Exception] | None = None  # the newest file, while none goes well
        self.outages = 0  # in a row, so far as they are counted

    def begin(self, now_s: float) -> None:
        """Note that a look begins."""
        self._began_s = now_s

    def succeed(self, *, leaves_files: bool = False) -> None:
        """Note that it found what lies there. ``leaves_files``: some that failed before still lie there."""
        self.outages, self._error = 0, None
        self._failed = self._failed if leaves_files else None

    def file_read(self) -> None:
        """Note that a file was claimed and read."""
        self._failed = None

    def file_failed(self, name: str, error: Exception) -> None:
        """Note that one could not be."""
        self._failed = (name, error)

    def fail(self, error: PortError) -> None:
        """Note what it failed with."""
        self.outages, self._error = min(self.outages + 1, OUTAGES_COUNTED), error

    def end(self) -> None:
        """Note that it is over, however it went."""
        self._began_s = None

    def trouble(self, now_s: float) -> str | None:
        """Say why nothing is taken from the folder, and what to do; None where the newest look went well."""
        where = f"endpoint '{self._endpoint}'"
        if self._error is not None:
            return f"{where}: {self._error}; {_advice(self._error)}"
        if self._began_s is not None and now_s - self._began_s >= HANGS_S:
            return (
                f"{where}: the look that began {now_s - self._began_s:.0f} s ago is not over yet; see "
                "whether the share or the server hangs, and mount the share anew where it does"
            )
        if self._failed is not None:
            name, error = self._failed
            return f"{where}: no file can be taken, {name} was the last one tried: {error}; {_advice(error)}"
        return None


def _advice(error: Exception) -> str:
    return ADVICE.get(error.kind, OTHERWISE) if isinstance(error, PortError) else OTHERWISE
