from __future__ import annotations

import asyncio
import json
import socket
import stat
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway import control
from gateway.control import ControlError, ControlServer, NotRunningError, call
from gateway.operations.errors import OperationError


class Echo:
    """Carries out three verbs: what to say back, to refuse, and to break."""

    async def perform(self, verb: str, arguments: Mapping[str, Any]) -> Any:
        match verb:
            case "refuse":
                raise OperationError("stale", "it moved", ({"code": "X"},))
            case "break":
                raise RuntimeError("a secret: hunter2")
            case "sleep":
                await asyncio.sleep(30)
        return {"verb": verb, **arguments}


@pytest.fixture
async def path(tmp_path: Path) -> AsyncIterator[Path]:
    server = ControlServer(tmp_path / "gateway.sock", Echo())
    await server.start()
    yield tmp_path / "gateway.sock"
    await server.stop()


async def ask(path: Path, verb: str, timeout_s: float = 10.0, **arguments: Any) -> Any:
    return await asyncio.to_thread(call, path, verb, arguments, timeout_s)


async def test_a_question_is_answered_whatever_it_holds(path: Path) -> None:
    assert await ask(path, "hello", text="Ünïcode\nand line ends") == {
        "verb": "hello",
        "text": "Ünïcode\nand line ends",
    }


async def test_only_the_owner_may_open_the_socket(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_refusal_arrives_as_it_was_meant(path: Path) -> None:
    with pytest.raises(OperationError, match="it moved") as refused:
        await ask(path, "refuse")

    assert (refused.value.code, refused.value.findings) == ("stale", ({"code": "X"},))


async def test_what_breaks_inside_is_told_without_its_text_and_the_server_goes_on(path: Path) -> None:
    with pytest.raises(OperationError) as broken:
        await ask(path, "break")

    assert "RuntimeError" in str(broken.value)
    assert "hunter2" not in str(broken.value)
    assert await ask(path, "hello") == {"verb": "hello"}


@pytest.mark.parametrize(
    "line", [b"no json\n", b"[1]\n", b'{"verb": 1}\n', b'{"verb": "a", "arguments": 2}\n']
)
async def test_what_is_no_request_is_refused_and_the_next_one_answered(path: Path, line: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(line + b'{"verb": "hello"}\n')

    refused, answered = json.loads(await reader.readline()), json.loads(await reader.readline())

    writer.close()
    assert (refused["ok"], refused["code"]) == (False, "bad_request")
    assert answered == {"ok": True, "result": {"verb": "hello"}}


async def test_a_request_beyond_the_bound_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "LINE_BYTES_MAX", 64 * 1024)
    server = ControlServer(tmp_path / "s", Echo())
    await server.start()
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
    writer.write(b"x" * 200_000)

    refused = json.loads(await reader.readline())

    assert refused["code"] == "too_large"
    assert await reader.read() == b""
    writer.close()
    await server.stop()


async def test_many_may_ask_at_the_same_time(path: Path) -> None:
    answers = await asyncio.gather(*(ask(path, "hello", number=n) for n in range(60)))

    assert [each["number"] for each in answers] == list(range(60))


async def test_a_caller_that_leaves_early_costs_nothing(path: Path) -> None:
    _, writer = await asyncio.open_unix_connection(str(path))
    writer.write(b'{"verb": "he')
    writer.close()

    assert await ask(path, "hello") == {"verb": "hello"}


async def test_an_answer_that_does_not_come_in_time_is_told(path: Path) -> None:
    with pytest.raises(ControlError, match=r"no answer within 0 s; what was asked may still happen"):
        await ask(path, "sleep", timeout_s=0.2)


async def test_a_second_gateway_is_refused_and_the_first_one_goes_on(path: Path) -> None:
    with pytest.raises(ControlError, match="another gateway is running"):
        await ControlServer(path, Echo()).start()

    assert await ask(path, "hello") == {"verb": "hello"}


async def test_the_socket_of_a_dead_gateway_is_cleared_away(tmp_path: Path) -> None:
    path = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    server = ControlServer(path, Echo())

    await server.start()

    assert await ask(path, "hello") == {"verb": "hello"}
    await server.stop()
    assert not path.exists()


async def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("mine")

    with pytest.raises(ControlError, match="is no socket"):
        await ControlServer(path, Echo()).start()

    assert path.read_text() == "mine"


async def test_stopping_leaves_the_socket_of_a_successor_alone(tmp_path: Path) -> None:
    path = tmp_path / "gateway.sock"
    first, second = ControlServer(path, Echo()), ControlServer(path, Echo())
    await first.start()
    path.unlink()
    await second.start()

    await first.stop()

    assert await ask(path, "hello") == {"verb": "hello"}
    await second.stop()


async def test_stopping_ends_open_calls(tmp_path: Path) -> None:
    server = ControlServer(tmp_path / "s", Echo())
    await server.start()
    asking = asyncio.create_task(ask(tmp_path / "s", "sleep"))
    await asyncio.sleep(0.1)

    await server.stop()

    with pytest.raises(ControlError):
        await asking


async def test_a_socket_in_a_folder_with_a_very_long_name_works(tmp_path: Path) -> None:
    path = tmp_path / ("a long name" * 10) / ("and another" * 10) / "gateway.sock"
    server = ControlServer(path, Echo())
    await server.start()

    assert await ask(path, "hello") == {"verb": "hello"}

    await server.stop()
    assert not path.exists()


@pytest.mark.parametrize("name", ["missing.sock", "no/folder/there.sock"])
def test_where_nobody_listens_no_gateway_is_running(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotRunningError, match="no gateway is running"):
        call(tmp_path / name, "hello", {})


def test_another_programs_answer_is_not_taken_for_a_gateways(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "s"))
        other.listen()

        async def stranger() -> None:
            loop = asyncio.get_running_loop()
            other.setblocking(False)
            asked = asyncio.create_task(ask(tmp_path / "s", "hello"))
            connection, _ = await loop.sock_accept(other)
            await loop.sock_sendall(connection, b"HTTP/1.1 400 Bad Request\r\n\r\n")
            with pytest.raises(ControlError, match="not one of a gateway"):
                await asked
            connection.close()

        asyncio.run(stranger())
