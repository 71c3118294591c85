"""Tokens: fetched once, renewed in time, and what happens when the provider is away or refuses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from adapters.base import Effect, NoReply, Reply, Request
from gateway.erp.http import HttpSink
from gateway.erp.settings import HttpSettings
from gateway.security.oauth2 import TokenError, TokenSource
from gateway.security.secrets import SecretStore
from gateway.security.settings import OAuth2Settings, TlsSettings
from gateway.security.tls import ClientTls
from simulators.cloud_erp import CloudErp, Settings
from simulators.serving import Serving
from tests.gateway.support import FakeClock, RealClock, SeededRng

SECRET = SecretStore(Path(), {"ID": "gate:way", "SECRET": "s/e c"})
BODY = b'{"reference": "R", "document": {"number": "1"}}'


class Provider:
    """A token endpoint that gives t-1, t-2 ... or what `answers` says first."""

    def __init__(self) -> None:
        self.answers: list[web.Response | None] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.given = 0
        self.expires_in: object = 3600
        self.delay_s = 0.0
        app = web.Application()
        app.router.add_post("/token", self._answer)
        self.serving = Serving(app)

    @property
    def url(self) -> str:
        return f"{self.serving.url}/token"

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        self.asked.append((request.headers.get("Authorization", ""), {k: str(v) for k, v in form.items()}))
        await asyncio.sleep(self.delay_s)
        if self.answers and (answer := self.answers.pop(0)) is not None:
            return answer
        self.given += 1
        return web.json_response({"access_token": f"t-{self.given}", "expires_in": self.expires_in})


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    await made.serving.start()
    yield made
    await made.serving.stop()


@pytest.fixture
async def source(provider: Provider) -> AsyncIterator[Callable[..., TokenSource]]:
    made: list[TokenSource] = []

    def make(clock: FakeClock, **settings) -> TokenSource:
        tokens = TokenSource(
            oauth(provider, **settings), clock=clock, rng=SeededRng(), secret=SECRET,
            tls=ClientTls(TlsSettings(), SECRET, clock),
        )  # fmt: skip
        made.append(tokens)
        return tokens

    yield make
    for tokens in made:
        await tokens.close()


def oauth(provider: Provider, **settings) -> OAuth2Settings:
    values = {
        "token_url": provider.url,
        "plaintext": True,
        "client_id": "env:ID",
        "client_secret": "env:SECRET",
    }
    return OAuth2Settings.model_validate(values | settings)


def refusal(status: int = 401, error: str = "invalid_client") -> web.Response:
    return web.json_response({"error": error}, status=status)


async def test_one_token_serves_until_shortly_before_its_end(provider, source) -> None:
    clock = FakeClock()
    tokens = source(clock)
    assert await tokens.token() == "t-1"
    clock.elapsed_s = 3_539
    assert await tokens.token() == "t-1"
    clock.elapsed_s = 3_540
    assert await tokens.token() == "t-2"


async def test_callers_that_come_together_ask_once(provider, source) -> None:
    provider.delay_s = 0.02
    tokens = source(FakeClock())
    assert set(await asyncio.gather(*(tokens.token() for _ in range(20)))) == {"t-1"}
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    "expires_in, used_for_s", [(20, 10), ("120", 60), (None, 240), ("soon", 240), (-5, 240)]
)
async def test_odd_lifetimes_are_used_with_care(
    provider, source, expires_in: object, used_for_s: float
) -> None:
    provider.expires_in = expires_in
    clock = FakeClock()
    tokens = source(clock)
    await tokens.token()
    clock.elapsed_s = used_for_s - 0.1
    assert await tokens.token() == "t-1"
    clock.elapsed_s = used_for_s + 0.1
    assert await tokens.token() == "t-2"


async def test_id_and_secret_are_form_encoded_in_the_header_or_stand_in_the_form(provider, source) -> None:
    await source(FakeClock(), scope="po.write", audience="erp").token()
    await source(FakeClock(), authenticate="body").token()

    (header, form), (no_header, full_form) = provider.asked
    assert header == "Basic Z2F0ZSUzQXdheTpzJTJGZStj"  # gate%3Away:s%2Fe+c
    assert form == {"grant_type": "client_credentials", "scope": "po.write", "audience": "erp"}
    assert no_header == ""
    assert full_form == {
        "grant_type": "client_credentials",
        "client_id": "gate:way",
        "client_secret": "s/e c",
    }


@pytest.mark.parametrize("bad", [web.Response(status=503), web.Response(status=200, text="<html>")])
async def test_a_provider_that_stumbles_is_asked_again_with_growing_pauses(provider, source, bad) -> None:
    provider.answers = [web.Response(status=bad.status, text=bad.text) for _ in range(2)]
    clock = FakeClock()

    assert await source(clock).token() == "t-1"
    assert len(clock.sleeps) == 2
    assert clock.sleeps[1] > clock.sleeps[0] * 0.9


async def test_a_provider_that_stays_away_is_an_outage_after_a_few_tries(provider, source) -> None:
    await provider.serving.stop()
    clock = FakeClock()

    with pytest.raises(TokenError, match="does not answer") as error:
        await source(clock).token()

    assert error.value.kind == "outage"
    assert len(clock.sleeps) == 2


@pytest.mark.parametrize(
    "status, error", [(401, "invalid_client"), (400, "invalid_scope"), (403, "x<script>")]
)
async def test_refused_credentials_are_not_tried_again(provider, source, status: int, error: str) -> None:
    provider.answers = [refusal(status, error)]

    with pytest.raises(TokenError) as raised:
        await source(FakeClock()).token()

    assert raised.value.kind == "credential"
    assert (error if error.isidentifier() else f"status {status}") in str(raised.value)
    assert len(provider.asked) == 1


async def test_a_token_that_is_still_good_bridges_an_outage_of_the_provider(provider, source) -> None:
    clock = FakeClock()
    tokens = source(clock, attempts_max=1)
    await tokens.token()
    provider.answers = [web.Response(status=503) for _ in range(9)]
    clock.elapsed_s = 3_590
    assert await tokens.token() == "t-1"
    clock.elapsed_s = 3_601
    with pytest.raises(TokenError):
        await tokens.token()


async def test_a_missing_secret_is_a_credential_problem(provider, source) -> None:
    with pytest.raises(TokenError, match="env:NOPE") as error:
        await source(FakeClock(), client_secret="env:NOPE").token()
    assert error.value.kind == "credential"


def test_tokens_are_not_asked_for_in_the_open(provider) -> None:
    with pytest.raises(ValueError, match="must begin with https://"):
        oauth(provider, plaintext=False)


# --- through the sink ---------------------------------------------------------------------------------


@pytest.fixture
async def sink_to(provider: Provider) -> AsyncIterator[Callable[[CloudErp], HttpSink]]:
    made: list[HttpSink] = []

    def make(erp: CloudErp) -> HttpSink:
        settings = HttpSettings(base=erp.url, plaintext=True, oauth2=oauth(provider, attempts_max=1))
        made.append(HttpSink("erp", settings, clock=RealClock(), rng=SeededRng(), secret=SECRET))
        return made[-1]

    yield make
    for sink in made:
        await sink.close()


def create() -> Request:
    return Request("create", Effect.WRITE, "POST", "documents/purchase_order", BODY)


async def test_a_token_that_ended_early_is_renewed_once_and_nobody_notices(provider, sink_to) -> None:
    async with CloudErp(Settings(token="t-1")) as erp:
        sink = sink_to(erp)
        assert isinstance(await sink.send(create()), Reply)
        erp.token = "t-2"
        reply = await sink.send(create())
        assert [seen.path for seen in erp.requests] == ["/documents/purchase_order"] * 3
        assert len(erp.committed) == 2

    assert isinstance(reply, Reply)
    assert reply.status == 201


async def test_a_token_that_never_pleases_is_tried_twice_and_no_more(provider, sink_to) -> None:
    async with CloudErp(Settings(token="other")) as erp:
        reply = await sink_to(erp).send(create())
        assert len(erp.requests) == 2

    assert isinstance(reply, Reply)
    assert reply.status == 401


async def test_a_slow_provider_takes_no_more_time_than_the_request_has(provider, sink_to) -> None:
    provider.delay_s = 5.0
    async with CloudErp() as erp:
        started_at = time.monotonic()
        reply = await sink_to(erp).send(replace(create(), timeout_s=0.2))
        assert not erp.requests

    assert reply == NoReply("none", "the token endpoint does not answer in time")
    assert time.monotonic() - started_at < 4.0


async def test_without_a_token_nothing_is_written(provider, sink_to) -> None:
    provider.answers = [refusal()]
    async with CloudErp() as erp:
        reply = await sink_to(erp).send(create())
        assert not erp.requests

    assert isinstance(reply, NoReply)
    assert (reply.written, reply.kind) == ("none", "credential")
