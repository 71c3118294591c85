"""The log-ins that one run of a command has tried: a password that an ERP refused is not sent there again.

Several endpoints often share one communication user, which the ERP locks after a few wrong passwords. The
sink of each holds back what was refused to itself; this holds it back for all sinks of the run.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from urllib.parse import urlsplit

from adapters.base import NoReply, Reply, Request
from gateway.erp.http import HttpSink
from gateway.erp.settings import HttpSettings
from gateway.security.secrets import SecretError, SecretStore

AGAIN = (
    "each run of this command sends them once, and an ERP may lock the user after a few: correct the secret"
    " before you run it again"
)

_Login = tuple[str, str, bytes]


class TriedLogins:
    """What was tried in this run. Passwords are kept as hashes only."""

    def __init__(self, secret: SecretStore) -> None:
        self._secret = secret
        self._refused: set[_Login] = set()
        self._trials: defaultdict[_Login, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def send(self, sink: HttpSink, settings: HttpSettings, request: Request) -> Reply | NoReply:
        """Send a request with its log-in, or say that this very one was refused already."""
        login = self._login(settings)
        if login is None:
            return await sink.send(request)
        async with self._trials[login]:
            if login in self._refused:
                return NoReply(
                    "none",
                    f"the password of {login[1]} was refused already, and not sent again",
                    "credential",
                )
            reply = await sink.send(request)
            if isinstance(reply, Reply) and reply.status == 401:
                self._refused.add(login)
            return reply

    def is_refused(self, settings: HttpSettings) -> bool:
        """Tell whether the log-in of an endpoint was refused in this run."""
        return self._login(settings) in self._refused

    def _login(self, settings: HttpSettings) -> _Login | None:
        if settings.basic is None:
            return None
        try:
            password = self._secret(settings.basic.password)
            base = settings.base
            host = urlsplit(self._secret(base) if base.startswith(("env:", "file:")) else base).netloc
        except (SecretError, ValueError):
            return None  # the sink tells that, and sends nothing
        return host, settings.basic.user, hashlib.sha256(password.encode()).digest()
