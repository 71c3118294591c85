"""What a journal's file tells without a key: the configuration that a gateway last ran with on it."""

from __future__ import annotations

from pathlib import Path

from gateway.journal.base import JournalError
from gateway.journal.sqlite.opening import as_ours, open_unsealed
from gateway.journal.sqlite.settings import configuration


def last_configuration(path: Path) -> tuple[int, str]:
    """Give the revision that a gateway last ran with, and its text; it holds no secrets, so no key seals it.

    Errors: JournalError, where the file is no journal or no gateway has run on it.
    """
    try:
        database = open_unsealed(path)
        try:
            revision = database.value("meta.get", ("configuration",))
            if revision is None:
                raise JournalError(f"{path}: no gateway has run on this journal: it keeps no configuration")
            return int(revision), configuration(database, int(revision))
        finally:
            database.connection.close()
    except Exception as error:
        raise as_ours(error, path) from error
