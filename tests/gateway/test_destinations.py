"""Where deliveries go, built from the configuration: what a reload keeps, replaces and lets go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config import Configuration, load_text
from gateway.destinations import SHADOW_REPLY_BYTES_MAX, Destinations
from tests.gateway.support import FakeClock, SeededRng

TEXT = """\
version: 1
gateway: {environment: test, organisation: mercy, journal: "memory:", listen: {http: 127.0.0.1:8080}}
endpoints:
  a: {kind: sftp_files, environment: test, folder: a}
  b: {kind: raw_http, environment: test, base: "http://127.0.0.1:9", plaintext: true}
routes:
  - {id: po, from: {http: true, document: purchase_order}, targets: {legacy: a, cloud: b}, stage: legacy}
"""


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Configuration]:
    def loaded(text: str) -> Configuration:
        made = load_text(text, folder=tmp_path)
        assert isinstance(made, Configuration), made
        return made

    return loaded


def destinations() -> Destinations:
    return Destinations(FakeClock(), SeededRng(), lambda reference: "secret")


def take(found: Destinations, configuration: Configuration) -> None:
    found.take_over(found.prepared(configuration))


async def test_what_did_not_change_keeps_its_object(load: Callable[[str], Configuration]) -> None:
    found = destinations()
    take(found, load(TEXT))
    before = dict(found())
    take(found, load(TEXT.replace("127.0.0.1:9", "127.0.0.1:10")))

    assert found()["a"] is before["a"]
    assert found()["b"] is not before["b"]
    await found.close()


async def test_a_change_of_retry_makes_a_new_destination(load: Callable[[str], Configuration]) -> None:
    found = destinations()
    take(found, load(TEXT))
    before = dict(found())
    take(found, load(TEXT + "defaults: {retry: {attempts: 2}}\n"))

    assert found()["a"] is not before["a"]
    assert found()["a"].retry.attempts_max == 2
    await found.close()


async def test_a_removed_endpoint_is_gone_and_one_that_comes_back_is_new(
    load: Callable[[str], Configuration],
) -> None:
    found = destinations()
    take(found, load(TEXT))
    before = dict(found())
    only_a = TEXT.replace(", cloud: b", "").replace(TEXT.splitlines()[4] + "\n", "")
    take(found, load(only_a))
    assert list(found()) == ["a"]
    take(found, load(TEXT))

    assert found()["b"] is not before["b"]
    await found.close()


async def test_what_cannot_be_built_changes_nothing_and_is_built_at_the_next_try(
    load: Callable[[str], Configuration], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = destinations()
    take(found, load(TEXT))
    before = dict(found())
    changed = load(TEXT.replace("folder: a", "folder: c").replace("127.0.0.1:9", "127.0.0.1:10"))
    build, builds = found._build, 0

    def fails_second(*args: object) -> object:
        nonlocal builds
        builds += 1
        if builds == 2:
            raise ValueError("no such certificate")
        return build(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(found, "_build", fails_second)
    with pytest.raises(ValueError, match="certificate"):
        found.prepared(changed)
    assert found() == before

    take(found, changed)
    assert found()["a"] is not before["a"]
    assert found()["b"] is not before["b"]
    await found.close()


async def test_closing_lets_go_of_what_a_reload_replaced_too(load: Callable[[str], Configuration]) -> None:
    found = destinations()
    take(found, load(TEXT))
    replaced = found()["b"].sink
    closed: list[object] = []

    async def close() -> None:
        closed.append(replaced)

    replaced.close = close  # type: ignore[method-assign]
    take(found, load(TEXT.replace("127.0.0.1:9", "127.0.0.1:10")))
    await found.close()

    assert closed == [replaced]


SHADOWED = """\
version: 1
gateway:
  environment: test
  organisation: mercy
  journal: "memory:"
  listen: {http: 127.0.0.1:8080}
endpoints:
  old: {kind: raw_http, environment: test, base: "http://127.0.0.1:9", plaintext: true}
  erp: {kind: generic_rest, environment: test, base: "http://127.0.0.1:10", plaintext: true}
  tenant: {kind: generic_rest, environment: test, base: "http://127.0.0.1:11", plaintext: true}
routes:
  - id: po
    from: {http: true, document: purchase_order}
    targets: {legacy: old, cloud: erp}
    stage: shadow
    compare: {with: reply, reads: {seller_number: number}}
    reply: {mode: pass_through, within: 20s}
    shadow: {mode: sandbox, to: tenant, allow: [{host: 127.0.0.1, methods: [GET, POST]}]}
"""


async def test_less_is_read_of_what_a_shadows_tenant_answers(load: Callable[[str], Configuration]) -> None:
    found = destinations()
    take(found, load(SHADOWED))
    sinks = {name: found()[name].sink for name in ("erp", "tenant")}
    limits = {name: sink._settings.reply_bytes_max for name, sink in sinks.items()}  # type: ignore[attr-defined]

    assert limits == {"erp": 8 * 1024 * 1024, "tenant": SHADOW_REPLY_BYTES_MAX}
    await found.close()
