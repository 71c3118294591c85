"""What keeps a gateway from starting, as one sentence for whoever starts it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from adapters.base import Finding
from adapters.base.registry import EndpointError
from gateway.control import ControlError
from gateway.facade_routes import FacadeError
from gateway.journal.base import JournalError
from gateway.security.partners import PartnerError
from gateway.security.secrets import SecretError
from gateway.security.tls import TlsError


class ServeError(Exception):
    """The gateway cannot start; the text is a sentence for whoever starts it, ``findings`` say more."""

    def __init__(self, text: str, findings: list[Finding] | None = None) -> None:
        super().__init__(text)
        self.findings = findings or []


@contextlib.contextmanager
def in_one_sentence() -> Iterator[None]:
    """Turn whatever keeps a configuration from running into one sentence. Errors: ServeError."""
    try:
        yield
    except (SecretError, TlsError) as error:
        raise ServeError(error.finding.text, [error.finding]) from error
    except PartnerError as error:
        raise ServeError("the partners' certificates do not tell them apart", list(error.findings)) from error
    except EndpointError as error:
        raise ServeError("an endpoint does not fit its files", list(error.findings)) from error
    except (JournalError, ControlError, FacadeError) as error:
        raise ServeError(str(error)) from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        raise ServeError(f"the gateway cannot start: {where}{error.strerror or error}") from error
