"""Moving the log into the file beside the writer, which goes on committing meanwhile.

Nearly all pages of a checkpoint are ones that no commit touches just then; moved by the writer's own
thread they were a fifth of what an acceptance among many took. The writer moves the rest, which came
meanwhile, and the log begins anew. SQLite lets it do so only once all of it is in the file and flushed:
whatever this thread does or fails to do, what was acknowledged is in the log until then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

import apsw

OnFailure = Callable[[BaseException], object]


class Checkpointer:
    """A thread with a connection of its own that moves the log whenever the writer asks for it."""

    def __init__(self, connection: apsw.Connection, flush: Callable[[], None]) -> None:
        """``flush`` makes durable what was written to the file. Errors of that: OSError."""
        self.is_moving = False
        self._connection = connection
        self._flush = flush
        self._asked: SimpleQueue[OnFailure | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="journal-checkpoint", daemon=True)
        self._thread.start()

    def begin(self, on_failure: OnFailure) -> None:
        """Move what the log holds by now, unless that is under way; ``on_failure``: called on the thread."""
        if not self.is_moving:
            self.is_moving = True
            self._asked.put(on_failure)

    def close(self) -> None:
        """End the thread and close its connection, which leaves the log as it is."""
        self._asked.put(None)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while (on_failure := self._asked.get()) is not None:
            try:
                self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
                # SQLite flushes the file where it moves the last of the log; that is left to the writer, and
                # would hold it up for as long as all of these pages take.
                self._flush()
            except (apsw.Error, OSError, MemoryError) as error:
                on_failure(error)
                return  # still "moving": a lost page is told once, and no other checkpoint may pass over it
            self.is_moving = False
