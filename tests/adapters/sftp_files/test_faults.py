"""What goes wrong between us and a partner's server: cuts, silence, full disks, missing rights, keys."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest

from adapters.sftp_files.driver_sftp import SftpPort
from adapters.sftp_files.port import PortError, PortErrorKind
from adapters.sftp_files.server import SftpServer
from gateway.system import SystemClock, SystemRng
from simulators.sftp_partner.keys import make_key
from simulators.sftp_partner.proxy import FaultProxy
from simulators.sftp_partner.server import PartnerServer, Settings
from tests.adapters.sftp_files.double import PASSWORD, Double
from tests.adapters.sftp_files.partner import Partner
from tests.adapters.sftp_files.rig import KilledError, Points, Rig

MIB = 1024 * 1024
LARGE = os.urandom(MIB) * 12


async def read(port: SftpPort, path: str) -> bytes:
    return b"".join([piece async for piece in port.open_read(path)])


@pytest.fixture
def proxy(partner: Partner) -> Iterator[FaultProxy]:
    with FaultProxy(partner.server.port) as found:
        yield found


@pytest.fixture
def double(tmp_path: Path) -> Iterator[Double]:
    found = Double(tmp_path / "double")
    yield found
    found.close()


def port_to(double: Double, password: str = PASSWORD, **settings: Any) -> SftpPort:
    account = {
        "host": "127.0.0.1", "port": str(double.port), "user": "gw", "password": "env:SFTP_TEST_PASSWORD",
        "host_key": double.host_key, "reconnect_for": "0s", "answer_timeout": "5s", **settings,
    }  # fmt: skip
    return SftpPort(
        SftpServer.model_validate(account), lambda reference: password, SystemClock(), SystemRng().token
    )


# -- two gateways, and deaths ----------------------------------------------------------------------


async def test_two_gateways_on_one_server_never_both_take_a_file(partner: Partner) -> None:  # 10
    one, two = (Rig(partner.folder, partner=partner, ahead=3) for _ in range(2))
    for number in range(30):
        one.put(f"po{number}.850", str(number).encode())
    await asyncio.gather(one.run(6), two.run(6))

    names = [name for name, _ in one.taken + two.taken]
    assert sorted(names) == sorted(f"po{number}.850" for number in range(30))
    assert len(one.names(".done")) == 30
    assert one.repeats == two.repeats == []


@pytest.mark.parametrize("claim", ["rename", "in_place"])
async def test_a_death_at_a_servers_folder_loses_nothing_and_doubles_nothing(
    partner: Partner, claim: str
) -> None:  # 11, 12, 13
    held = partner.port()  # keeps the connection for all the runs
    await held.stat("nobody")
    deaths = 0
    for dies_at in range(1, 200, 3):
        here = Partner(partner.server, f"{partner.name}-{dies_at}")
        rig = Rig(here.folder, partner=here, ahead=1, settings={"claim": claim})
        expected = {("a.850", b"alpha"), ("b.850", b"beta")}
        for name, body in expected:
            rig.put(name, body)
        try:
            await rig.run(2, points=Points(dies_at))
        except KilledError:
            deaths += 1
        else:
            break
        rig.clock.seconds += 120
        await rig.run(4)
        assert set(rig.taken) == expected, dies_at
        assert len(rig.taken) == 2, dies_at
        assert rig.names(".done") == ["a.850", "b.850"], dies_at
        assert rig.names(".work") == rig.names() == [], dies_at
    await held.close()

    assert deaths > 8


# -- rights ----------------------------------------------------------------------------------------


async def test_without_rights_to_rename_or_delete_each_version_is_taken_once_where_it_lies(
    tmp_path: Path,
) -> None:  # 15
    server = PartnerServer(tmp_path / "s", Settings(is_read_only=True))
    try:
        server.start()
        partner = Partner(server, "out")
        rig = Rig(partner.folder, partner=partner, settings={"claim": "in_place", "after": "keep"})
        rig.put("a.850", b"alpha")
        rig.put("empty.850", b"")
        await rig.run(6)
        assert (rig.taken, rig.repeats) == ([("a.850", b"alpha")], [])
        assert [code for _, code in rig.refused] == ["FILE-EMPTY"]

        rig.put("a.850", b"omega", age_s=60)  # the sender replaced it
        await rig.run(6)  # another process: it reads once more, and what it reads is known
        await rig.run(6)
        assert [body for _, body in rig.taken] == [b"alpha", b"omega"]
        assert rig.names() == ["a.850", "empty.850"]
    finally:
        server.stop()


async def test_a_file_that_may_not_be_claimed_is_neither_taken_nor_a_block(partner: Partner) -> None:  # 15
    rig = Rig(partner.folder, partner=partner)
    rig.put("a.850")
    work = partner.folder / ".work"
    work.mkdir()
    work.chmod(0o555)  # as root it is not ours anyway
    await rig.run(3)

    assert rig.taken == []
    assert rig.names() == ["a.850"]


async def test_a_file_in_its_own_second_waits_where_a_replacement_would_look_the_same(
    partner: Partner,
) -> None:  # 4
    rig = Rig(partner.folder, partner=partner, settings={"claim": "in_place", "poll": "500ms"})
    rig.put("a.850", b"old", age_s=0)
    port = partner.port()
    now_ns = await port.server_time_ns()
    await port.close()
    os.utime(partner.folder / "a.850", ns=(now_ns + 60 * 10**9,) * 2)  # never old by the server's clock
    await rig.run(2)
    assert rig.taken == []

    await rig.run(8)
    assert rig.taken == [("a.850", b"old")]


# -- the network -----------------------------------------------------------------------------------


async def test_a_download_that_is_cut_goes_on_where_it_was(partner: Partner, proxy: FaultProxy) -> None:  # 16
    partner.put("large", LARGE)
    port = partner.port(port=str(proxy.port))
    await port.stat("large")
    for share in (5 * MIB, 4 * MIB):
        proxy.cut_after(share, from_server=True)
        assert await read(port, "large") == LARGE

    assert proxy.connections == 3
    assert proxy.passed[True] < 3 * len(LARGE)  # two whole files and what was under way when it was cut
    await port.close()


async def test_a_file_that_changed_while_the_connection_was_away_is_not_put_together_of_two(
    partner: Partner, proxy: FaultProxy
) -> None:  # 4, 16
    place = partner.put("large", LARGE)
    stamp = place.stat().st_mtime_ns
    port = partner.port(port=str(proxy.port))

    async def read_while_it_changes() -> None:
        got = 0
        async for piece in port.open_read("large"):
            got += len(piece)
            if got == 512 * 1024:
                place.write_bytes(LARGE[::-1])  # as long as before
                os.utime(place, ns=(stamp, stamp))  # and as old
                proxy.cut()

    with pytest.raises(PortError, match="changed"):
        await read_while_it_changes()
    await port.close()


async def test_an_upload_that_is_cut_leaves_no_part_under_the_name_and_is_swept_later(
    partner: Partner, proxy: FaultProxy
) -> None:  # 17
    port = partner.port(port=str(proxy.port))
    await port.write_atomic("first", b"1")
    proxy.cut_after(3 * MIB, from_server=False)
    with pytest.raises(PortError) as cut:
        await port.write_atomic("large", LARGE)

    assert cut.value.kind is PortErrorKind.OUTAGE
    assert cut.value.may_have_happened
    (left_over,) = [name for name in partner.names() if name != "first"]
    assert left_over.endswith(".part")

    await port.write_atomic("large", LARGE)
    assert (partner.folder / "large").read_bytes() == LARGE
    await port.close()
    os.utime(partner.folder / left_over, (1, 1))
    next_port = partner.port()
    await next_port.write_atomic("next", b"1")
    assert partner.names() == ["first", "large", "next"]
    await next_port.close()


@pytest.mark.parametrize("how", ["frozen", "stalled"])
async def test_a_silent_server_is_given_up_on_and_used_again_when_it_speaks(
    own_partner: Partner, how: str
) -> None:  # 20
    own_partner.put("a", LARGE)
    with FaultProxy(own_partner.server.port) as proxy:
        port = own_partner.port(port=str(proxy.port), answer_timeout="700ms", connect_timeout="700ms")
        assert await port.stat("a") is not None
        frozen = own_partner.server.sessions()
        stop(how, proxy, frozen)
        began = time.monotonic()
        with pytest.raises(PortError) as silent:
            await port.move("a", "b")
        assert silent.value.kind is PortErrorKind.OUTAGE
        assert silent.value.may_have_happened
        if how == "stalled":
            with pytest.raises(PortError):
                await asyncio.wait_for(port.write_atomic("c", LARGE), 20)
        else:  # the server still takes new connections, and a new one is made
            await port.write_atomic("c", LARGE)
        assert time.monotonic() - began < 20

        go_on(how, proxy, frozen)
        assert await port.stat("a") is not None or await port.stat("b") is not None
        await port.close()


def stop(how: str, proxy: FaultProxy, processes: list[int]) -> None:
    if how == "stalled":
        proxy.stall()
    for number in processes if how == "frozen" else ():
        os.kill(number, signal.SIGSTOP)


def go_on(how: str, proxy: FaultProxy, processes: list[int]) -> None:
    proxy.flow()
    for number in processes if how == "frozen" else ():
        os.kill(number, signal.SIGCONT)


async def test_whoever_stops_waiting_frees_the_thread_that_waits(
    partner: Partner, proxy: FaultProxy
) -> None:  # 20
    before = set(threading.enumerate())
    port = partner.port(port=str(proxy.port), answer_timeout="300s")
    await port.stat("a")
    proxy.stall()
    for _ in range(8):  # twice as many as there are channels
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(port.move("a", "b"), 0.05)
    proxy.flow()
    async with asyncio.timeout(10):
        assert await port.stat("a") is None
        await port.close()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)  # each is on its way out
    assert [each.name for each in threading.enumerate() if each not in before] == []


async def test_a_server_that_is_away_is_tried_again_at_once_and_then_left_to_the_poll(
    own_partner: Partner,
) -> None:
    own_partner.put("a")
    port = own_partner.port(reconnect_for="5s")
    await port.stat("a")
    own_partner.server.kill()
    restart = asyncio.get_running_loop().call_later(0.5, own_partner.server.start)
    assert await port.stat("a") is not None
    await port.close()
    restart.cancel()

    own_partner.server.kill()
    impatient = own_partner.port(reconnect_for="0s")
    with pytest.raises(PortError) as away:
        await impatient.stat("a")
    assert away.value.kind is PortErrorKind.OUTAGE
    await impatient.close()


async def test_a_server_that_opens_few_sessions_serves_many_by_turns(tmp_path: Path) -> None:
    server = PartnerServer(tmp_path / "s", Settings(sshd_lines=("MaxSessions 1",)))
    try:
        # The first line of a kind counts for sshd; ours must come before the default.
        server.start()
        partner = Partner(server, "out")
        port = partner.port(channels="4")
        for number in range(12):
            partner.put(str(number), b"x" * 100)
        found = await asyncio.gather(*(read(port, str(number)) for number in range(12)))
        assert found == [b"x" * 100] * 12
        await port.close()
    finally:
        server.stop()


async def test_cuts_without_number_are_lived_through(partner: Partner, proxy: FaultProxy) -> None:
    partner.put("a", b"1")
    port = partner.port(port=str(proxy.port), channels="1")
    for _ in range(12):
        async with asyncio.timeout(10):
            assert await read(port, "a") == b"1"
        proxy.cut()
        await asyncio.sleep(0.02)
    await port.close()
    assert proxy.connections == 12


async def test_a_refusal_costs_neither_connection_nor_session(own_partner: Partner) -> None:
    own_partner.put("a")
    own_partner.put("b")
    with FaultProxy(own_partner.server.port) as proxy:
        port = own_partner.port(port=str(proxy.port), channels="2")
        await port.prepare([".work"])
        for _ in range(20):
            assert not await port.claim("nobody", ".work/nobody")
            assert await port.stat("nobody") is None
            with pytest.raises(PortError, match="taken"):
                await port.move("a", "b")
            with pytest.raises(PortError, match="No such file"):
                await read(port, "nobody")
            with pytest.raises(PortError, match="expected a regular file"):
                await read(port, ".work")
        await port.close()
        assert proxy.connections == 1
    assert own_partner.server.log.read_text().count("Starting session") <= 2


async def test_endpoints_of_one_account_share_one_connection(partner: Partner, proxy: FaultProxy) -> None:
    ports = [partner.port(port=str(proxy.port)) for _ in range(3)]
    await asyncio.gather(*(port.stat("a") for port in ports))
    assert proxy.connections == 1

    for port in ports[:2]:
        await port.close()
    assert await ports[2].stat("a") is None
    await ports[2].close()
    assert await ports[0].stat("a") is None  # a closed one opens again
    assert proxy.connections == 2
    await ports[0].close()


# -- disks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [20_000, 200_000, 2_000_000])
@pytest.mark.parametrize("is_lying", [False, True])
async def test_a_full_disk_never_gets_a_part_under_the_name(
    double: Double, size: int, is_lying: bool
) -> None:  # 18
    double.room_bytes, double.is_lying = size - 1, is_lying
    port = port_to(double)
    with pytest.raises(PortError) as full:
        await port.write_atomic("a", b"x" * size)

    assert full.value.kind is (PortErrorKind.FULL if is_lying else PortErrorKind.OTHER)
    assert list(double.folder.iterdir()) == []
    double.room_bytes = size
    await port.write_atomic("a", b"x" * size)
    assert (double.folder / "a").read_bytes() == b"x" * size
    await port.close()


# -- who is who ------------------------------------------------------------------------------------


async def test_another_host_key_ends_the_connection_before_our_log_in(own_partner: Partner) -> None:  # 21
    port = own_partner.port()
    assert await port.stat("a") is None
    await port.close()
    own_partner.server.kill()
    old = own_partner.server.host_key
    own_partner.server.change_host_key()
    own_partner.server.start()
    changed = own_partner.port(host_key=old.public)
    with FaultProxy(own_partner.server.port) as proxy:
        changed = own_partner.port(host_key=old.public, port=str(proxy.port))
        for _ in range(5):
            with pytest.raises(PortError, match="SHA256:") as refused:
                await changed.stat("a")
            assert refused.value.kind is PortErrorKind.CREDENTIAL
        assert proxy.connections == 1  # it is not tried again and again
        await changed.close()
    assert "Accepted" not in own_partner.server.log.read_text().rpartition("Server listening")[2]


async def test_a_refused_password_is_not_tried_again_and_again(double: Double) -> None:
    port = port_to(double, "wrong")
    for _ in range(5):
        with pytest.raises(PortError, match="refused to log in 'gw' by password") as refused:
            await port.stat("a")
        assert refused.value.kind is PortErrorKind.CREDENTIAL
        assert "wrong" not in str(refused.value)
    await port.close()

    assert double.logins == ["wrong"]


async def test_the_right_password_opens(double: Double) -> None:
    port = port_to(double)
    await port.write_atomic("a", b"1")
    assert await read(port, "a") == b"1"
    await port.close()


@pytest.mark.parametrize("has_password", [True, False])
async def test_a_server_that_wants_key_and_password_gets_both(
    double: Double, tmp_path: Path, has_password: bool
) -> None:
    pair = make_key(tmp_path / "key")
    double.client_key = paramiko.Ed25519Key.from_private_key_file(str(pair.path))
    secrets = {"env:KEY": pair.path.read_text(), "env:PASSWORD": PASSWORD}
    account = {
        "host": "127.0.0.1", "port": str(double.port), "user": "gw", "key": "env:KEY",
        "host_key": double.host_key, "reconnect_for": "0s",
        **({"password": "env:PASSWORD"} if has_password else {}),
    }  # fmt: skip
    settings = SftpServer.model_validate(account)
    port = SftpPort(settings, secrets.__getitem__, SystemClock(), SystemRng().token)
    if has_password:
        assert await port.stat("a") is None
    else:
        with pytest.raises(PortError, match="the server wants more than that: password"):
            await port.stat("a")
    await port.close()


async def test_a_user_certificate_opens_where_its_key_alone_does_not(tmp_path: Path) -> None:
    ca, pair = make_key(tmp_path / "ca"), make_key(tmp_path / "ours")
    server = PartnerServer(tmp_path / "s", Settings(sshd_lines=(f"TrustedUserCAKeys {tmp_path}/ca.pub",)))
    subprocess.run(
        ["ssh-keygen", "-q", "-s", ca.path, "-I", "gateway", "-n", server.user, f"{pair.path}.pub"],
        check=True, capture_output=True,
    )  # fmt: skip
    try:
        server.start()
        partner = Partner(server, "out")
        alone = partner.port(key=f"file:{pair.path}")
        with pytest.raises(PortError, match="refused to log in"):
            await alone.stat("a")
        await alone.close()
        port = partner.port(key=f"file:{pair.path}", certificate=f"file:{pair.path}-cert.pub")
        assert await port.stat("a") is None
        await port.close()
        foreign = partner.port(certificate=f"file:{pair.path.with_name('nonsense')}")
        (tmp_path / "nonsense").write_text("ssh-rsa AAAA")
        with pytest.raises(PortError, match="is not one for this key"):
            await foreign.stat("a")
        await foreign.close()
    finally:
        server.stop()


async def test_a_thread_that_nothing_wakes_is_cut_loose_and_the_next_call_connects_anew(
    partner: Partner, proxy: FaultProxy
) -> None:
    stuck = threading.Event()
    # The server itself must answer within it, on a busy machine, too; twice that is what is told as 0 s.
    port = partner.port(port=str(proxy.port), answer_timeout="240ms")
    assert await port.stat("a") is None
    async with port._leased() as leased:
        with pytest.raises(PortError, match="waiting: stuck for 0 s"):
            await leased.pool.work(leased, "waiting", stuck.wait, bytes_max=0)
    assert await port.stat("a") is None
    assert proxy.connections == 2
    stuck.set()
    await port.close()


@pytest.mark.parametrize("how", ["fingerprint", "line", "known_hosts", "other port"])
async def test_a_host_key_is_pinned_in_any_of_its_forms(partner: Partner, tmp_path: Path, how: str) -> None:
    key = partner.server.host_key.public
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{partner.server.port} {key}\n[127.0.0.1]:1 {key}\n")
    if how == "other port":
        known.write_text(f"[127.0.0.1]:1 {key}\n127.0.0.1 {key}\n")
    pins: dict[str, Any] = {
        "fingerprint": {"host_key": fingerprint(key)},
        "line": {"host_key": [key, "SHA256:" + "A" * 43]},
    }
    port = partner.port(**pins.get(how, {"host_key": (), "known_hosts": str(known)}))
    if how == "other port":
        with pytest.raises(PortError, match="none for this host and port"):
            await port.stat("a")
    else:
        assert await port.stat("a") is None
    await port.close()


async def test_a_revoked_key_is_no_pinned_key(partner: Partner, tmp_path: Path) -> None:
    key, known = partner.server.host_key.public, tmp_path / "known_hosts"
    host = f"[127.0.0.1]:{partner.server.port}"
    known.write_text(f"{host} {key}\n@revoked {host} {key}\n")
    port = partner.port(host_key=(), known_hosts=str(known))
    with pytest.raises(PortError, match="none for this host and port"):
        await port.stat("a")
    await port.close()


def fingerprint(line: str) -> str:

    from adapters.sftp_files.driver_ssh import fingerprint as of

    return of(base64.b64decode(line.split()[1]))


@pytest.mark.parametrize(
    ("key", "passphrase", "told"),
    [
        ("sealed", "right", None),
        ("sealed", None, "is encrypted; set passphrase"),
        ("sealed", "wrong", "cannot be read by this passphrase"),
        ("nonsense", None, "cannot be read; expected a private key"),
        ("missing", None, "missing"),
        ("other", None, "refused to log in"),
    ],
)
async def test_our_key_opens_or_says_what_is_wrong_with_it(
    own_partner: Partner, tmp_path: Path, key: str, passphrase: str | None, told: str | None
) -> None:
    server = own_partner.server
    sealed = make_key(tmp_path / "sealed", passphrase="right")
    make_key(tmp_path / "other")
    (tmp_path / "nonsense").write_text("-----BEGIN SOMETHING-----\nabc\n")
    server.kill()
    server.client_key = sealed
    server.start()
    (tmp_path / "passphrase").write_text(passphrase or "")
    more: dict[str, Any] = {} if passphrase is None else {"passphrase": f"file:{tmp_path / 'passphrase'}"}
    port = own_partner.port(key=f"file:{tmp_path / key}", **more)
    if told is None:
        assert await port.stat("a") is None
    else:
        with pytest.raises(PortError, match=told) as refused:
            await port.stat("a")
        assert refused.value.kind is PortErrorKind.CREDENTIAL
    await port.close()
