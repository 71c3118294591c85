"""One process from one routes.yaml: listeners, partners, the control socket, reloads, and how it ends."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.control import call
from gateway.journal.base import JournalError
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.types import MessageState
from gateway.parts import Parts
from gateway.serving import Served, reload, serve, serving
from gateway.start_errors import ServeError
from tests.gateway.http_rig import Answer, post
from tests.gateway.rig import order
from tests.gateway.support import Certificates
from tests.gateway.test_x12_through import interchange

ROUTES = """\
version: 1
gateway:
  environment: test
  organisation: mercy
  journal: {journal}
  workers: 0
  listen:
    http: 127.0.0.1:0
    https: 127.0.0.1:0
    tls: {{certificate: "file:{server}.pem", key: "file:{server}.key", client_ca: "file:{ca}.pem"}}
endpoints:
  mms: {{kind: sftp_files, environment: test, folder: mms}}
  hub: {{kind: sftp_files, environment: test, folder: hub}}
partners:
  acme: {{environment: test, certificates: ["cn:acme"]}}
routes:
  - id: po
    from: {{http: true, format: edi_x12, partner: acme, set: "850"}}
    targets: {{legacy: mms}}
    stage: legacy
  - id: portal
    from: {{http: true, document: purchase_order}}
    targets: {{legacy: hub}}
    stage: legacy
"""


class Site:
    """A folder with a routes.yaml."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        self.folder = folder
        self.certificates = certificates
        self.path = folder / "routes.yaml"
        for name in ("mms", "hub", "mms2", "in"):
            (folder / name).mkdir()
        self.write()

    def write(self, change: Callable[[str], str] = str, journal: str = "memory:") -> None:
        server, ca = (self.certificates.folder / name for name in ("server", "ca"))
        text = ROUTES.format(journal=f'"{journal}"', server=server, ca=ca)
        changed = change(text)
        assert change is str or changed != text
        self.path.write_text(changed)

    def tls(self, client: str | None = "client") -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.certificates.pem("ca")))
        if client is not None:
            context.load_cert_chain(self.certificates.pem(client), self.certificates.key(client))
        return context


@pytest.fixture
def site(tmp_path: Path, certificates: Certificates) -> Site:
    return Site(tmp_path, certificates)


def port_of(served: Served, scheme: str) -> int:
    (address,) = [each for each in served.addresses if each.startswith(f"{scheme}://")]
    return int(address.rpartition(":")[2])


async def sent(site: Site, served: Served, path: str, body: bytes, client: str | None = "client") -> Answer:
    kind = "application/json" if "documents" in path else "application/edi-x12"
    port = port_of(served, "https")
    return await post(port, path, body, headers={"Content-Type": kind}, tls=site.tls(client))


async def refused(path: Path, parts: Parts | None = None) -> ServeError:
    with pytest.raises(ServeError) as caught:
        async with serving(path, *([parts] if parts is not None else [])):
            raise AssertionError("it started")
    assert "\n" not in str(caught.value)
    return caught.value


async def test_a_partner_is_known_by_its_certificate(site: Site) -> None:
    async with serving(site.path) as served:
        answer = await sent(site, served, "/v1/inbound/po", interchange(["04"]))

        assert answer.status == 202
        message = await served.gateway.journal.message(answer.json["message_id"])
        assert message.partner == "acme"
        assert "acme" in message.origin.identity


async def test_a_certificate_of_our_authority_that_stands_for_nobody_is_refused(site: Site) -> None:
    site.write(lambda text: text.replace("cn:acme", "cn:someone-else"))
    async with serving(site.path) as served:
        answer = await sent(site, served, "/v1/inbound/po", interchange(["04"]))

        assert answer.status == 403
        assert answer.json["code"] == "HTTP-CERTIFICATE"


@pytest.mark.parametrize("client", [None, "stranger", "expired"])
async def test_a_caller_without_a_good_certificate_does_not_get_in(site: Site, client: str | None) -> None:
    async with serving(site.path) as served:
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            await sent(site, served, "/v1/inbound/po", interchange(["04"]), client)

        await asyncio.sleep(0.1)
        (refused,) = await served.gateway.journal.messages()
        assert (refused.state, refused.size_bytes) == (MessageState.REFUSED, 0)
        assert [each.code for each in refused.findings] == ["HTTP-CERTIFICATE"]


async def test_a_route_of_a_partner_that_must_prove_itself_is_closed_without_tls(site: Site) -> None:
    async with serving(site.path) as served:
        headers = {"Content-Type": "application/edi-x12"}
        answer = await post(port_of(served, "http"), "/v1/inbound/po", interchange(["04"]), headers=headers)

        assert answer.status == 403


@pytest.mark.parametrize(
    "path, kind, status",
    [
        ("/v1/inbound/po", "application/json", 415),
        ("/v1/inbound/po", "text/plain; charset=us-ascii", 202),
        ("/v1/documents/purchase_order", "application/edi-x12", 415),
        ("/v1/documents/purchase_order", "application/json; charset=utf-8", 202),
    ],
)
async def test_a_body_of_another_form_is_refused(site: Site, path: str, kind: str, status: int) -> None:
    body = interchange(["04"]) if "inbound" in path else order("1")
    async with serving(site.path) as served:
        port = port_of(served, "https")
        answer = await post(port, path, body, headers={"Content-Type": kind}, tls=site.tls())

        assert answer.status == status
        if status == 415:
            assert answer.json["code"] == "HTTP-CONTENT-TYPE"


async def test_readiness_is_told_and_ends_with_the_journal(site: Site) -> None:
    async with serving(site.path) as served:
        port = port_of(served, "http")
        assert (await post(port, "/readyz", b"", method="GET")).status == 200

        async def sick() -> bool:
            return False

        served.gateway.journal.is_healthy = sick  # type: ignore[method-assign]
        assert (await post(port, "/readyz", b"", method="GET")).status == 503
        assert (await post(port, "/healthz", b"", method="GET")).status == 200
        answer = await sent(site, served, "/v1/inbound/po", interchange(["04"]))
        assert answer.status == 503


async def test_the_control_socket_answers_while_the_gateway_runs(site: Site) -> None:
    site.write(journal="sqlite:journal.db")
    path = site.folder / "journal.db.sock"
    async with serving(site.path):
        found = await asyncio.to_thread(call, path, "routes.list", {})
        assert [route["route"] for route in found] == ["po", "portal"]

    assert not path.exists()


async def test_a_reload_brings_a_new_route_and_keeps_what_did_not_change(site: Site) -> None:
    async with serving(site.path) as served:
        before = dict(served.gateway.destinations())
        site.write(
            lambda text: (
                text.replace("folder: mms}", "folder: mms2}")
                + "  - id: fresh\n    from: {http: true, document: invoice}\n    follows: po\n"
                "    targets: {legacy: hub}\n"
            )
        )
        assert (await sent(site, served, "/v1/inbound/fresh", b"{}")).status == 404
        assert await reload(site.path, served.gateway, "ann")

        after = served.gateway.destinations()
        assert after["hub"] is before["hub"]
        assert after["mms"] is not before["mms"]
        assert (await sent(site, served, "/v1/inbound/fresh", b"{}")).status != 404
        answer = await sent(site, served, "/v1/inbound/po", interchange(["04"]))
        assert answer.status == 202
        async with asyncio.timeout(10):
            while not [each for each in (site.folder / "mms2").iterdir() if each.is_file()]:
                await asyncio.sleep(0.01)


FIXED: dict[str, Callable[[str], str]] = {
    "the environment": lambda text: text.replace("environment: test", "environment: production"),
    "the organisation": lambda text: text.replace("organisation: mercy", "organisation: grace"),
    "the journal": lambda text: text.replace("journal.db", "another.db"),
}


@pytest.mark.parametrize("what", FIXED)
async def test_a_reload_never_changes_what_open_orders_are_found_by(
    site: Site, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    journal = f"sqlite:{site.folder}/journal.db"
    site.write(journal=journal)
    async with serving(site.path) as served:
        before = served.gateway.configuration
        site.write(FIXED[what], journal=journal)
        with caplog.at_level(logging.ERROR):
            assert not await reload(site.path, served.gateway, "ann")

        assert "CONFIG-RELOAD" in caplog.text
        assert f"gateway.{what.split()[1]} is another one" in caplog.text
        assert served.gateway.configuration is before


async def test_a_reload_names_what_only_a_restart_takes_over(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(site.path) as served:
        site.write(lambda text: text.replace("  workers: 0\n", "  workers: 1\n"))
        with caplog.at_level(logging.WARNING):
            assert await reload(site.path, served.gateway, "ann")

        assert "configuration.waits_for_restart setting=gateway.workers" in caplog.text
        caplog.clear()
        site.write()
        with caplog.at_level(logging.WARNING):
            assert await reload(site.path, served.gateway, "ann")
        assert "waits_for_restart" not in caplog.text


async def test_a_reload_knows_new_partners(site: Site) -> None:
    site.write(lambda text: text.replace("cn:acme", "cn:someone-else"))
    async with serving(site.path) as served:
        assert (await sent(site, served, "/v1/inbound/po", interchange(["04"]))).status == 403
        site.write()
        assert await reload(site.path, served.gateway, "ann")

        assert (await sent(site, served, "/v1/inbound/po", interchange(["04"]))).status == 202


BAD_FILES: dict[str, Callable[[str], str]] = {
    "an unknown key": lambda text: text.replace("stage: legacy", "stagee: legacy"),
    "no YAML": lambda text: text + "  - ][",
    "two partners of one certificate": lambda text: text.replace(
        "routes:\n", "  other: {environment: test, certificates: ['cn:ACME', 'cn:acme']}\nroutes:\n"
    ),
    "an answer that is not there": lambda text: text.replace(
        "document: purchase_order}",
        "document: purchase_order}\n    reply: {mode: wait, within: 1s, pending: nowhere.xml}",
    ),
    "a secret that is not there": lambda text: text.replace(
        "  workers: 0\n",
        '  workers: 0\n  alarms: {webhook: {url: "http://127.0.0.1:9/", secret: "env:NOT_SET_ANYWHERE"}}\n',
    ),
}


@pytest.mark.parametrize("what", BAD_FILES)
async def test_a_file_that_cannot_be_run_changes_nothing(
    site: Site, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(site.path) as served:
        before = served.gateway.configuration
        destinations = dict(served.gateway.destinations())
        site.write(BAD_FILES[what])
        with caplog.at_level(logging.ERROR):
            assert not await reload(site.path, served.gateway, "ann")

        assert "configuration.refused" in caplog.text
        assert served.gateway.configuration is before
        assert served.gateway.destinations() == destinations
        answer = await sent(site, served, "/v1/inbound/po", interchange(["04"]))
        assert answer.status == 202
        await planned(served, answer.json["message_id"])  # by the revision that is in force


@pytest.mark.parametrize("what", BAD_FILES)
async def test_a_file_that_cannot_be_run_starts_nothing(site: Site, what: str) -> None:
    site.write(BAD_FILES[what])

    await refused(site.path)


async def planned(served: Served, message_id: str) -> None:
    async with asyncio.timeout(10):
        while (await served.gateway.journal.message(message_id)).state is not MessageState.PLANNED:
            await asyncio.sleep(0.01)


async def test_a_caller_whose_time_is_up_gets_the_answer_from_the_file(site: Site) -> None:
    (site.folder / "pending.xml").write_text("<Pending id='{message_id}'/>")
    site.write(
        lambda text: text.replace(
            "document: purchase_order}",
            "document: purchase_order}\n    reply: {mode: wait, within: 100ms, pending: pending.xml}",
        )
    )
    async with serving(site.path) as served:
        served.gateway.worker.stop_claiming()
        answer = await sent(site, served, "/v1/documents/purchase_order", order("1"))

        assert answer.status == 202
        assert answer.headers["content-type"] in ("text/xml", "application/xml")
        (message,) = await served.gateway.journal.messages()
        assert answer.body.decode() == f"<Pending id='{message.message_id}'/>"


async def test_a_port_in_use_is_one_sentence(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        site.write(lambda text: text.replace("http: 127.0.0.1:0", f"http: 127.0.0.1:{port}", 1))
        error = await refused(site.path)

    assert f"127.0.0.1:{port}" in str(error)
    assert "another program" in str(error)


async def test_a_missing_server_certificate_is_one_sentence(site: Site) -> None:
    site.write(lambda text: text.replace("/server.pem", "/nowhere.pem"))

    assert "nowhere.pem" in str(await refused(site.path))


async def test_a_second_gateway_on_the_same_journal_is_refused(site: Site) -> None:
    site.write(journal="sqlite:journal.db")
    async with serving(site.path):
        assert "journal.db" in str(await refused(site.path))


async def test_a_journal_of_the_other_environment_is_refused(site: Site) -> None:
    site.write(journal="sqlite:journal.db")
    async with serving(site.path):
        pass
    site.write(lambda text: text.replace("environment: test", "environment: production"), "sqlite:journal.db")

    error = await refused(site.path)
    assert "test" in str(error)
    assert "production" in str(error)


def secret(site: Site, key: bytes) -> None:
    (site.folder / "journal.key").write_bytes(base64.b64encode(key))


def encrypted(text: str) -> str:
    return text.replace("  workers: 0\n", "  workers: 0\n  journal_key: file:journal.key\n")


async def test_an_encrypted_journal_is_opened_with_its_key_and_no_other(site: Site) -> None:
    site.write(encrypted, "sqlite:journal.db")
    secret(site, os.urandom(32))
    async with serving(site.path) as served:
        answer = await sent(site, served, "/v1/inbound/po", interchange(["04"]))
        await planned(served, answer.json["message_id"])
    assert b"FACILITY 04" not in (site.folder / "journal.db").read_bytes()
    async with serving(site.path) as served:
        body = [piece async for piece in served.gateway.journal.body(answer.json["message_id"])]
        assert b"".join(body) == interchange(["04"])

    secret(site, os.urandom(32))
    await refused(site.path)


BAD = (
    b"ISA*00*          *00*          *ZZ*MERCYMMS       *ZZ*BRIDGE         *260199*0830*U*00401*"
    b"000000042*0*T*>~"
    b"GS*PO*MERCYMMS*BRIDGE*20260115*0830*42*X*004010~ST*850*0000~BEG*00*NE*4700**MARKER01~CUR*BY*MARKER02~"
    b"REF*IA*MARKER03~PER*BD*MARKER04*TE*MARKER05~DTM*002*MARKER06~N9*ZZ*MARKER07~MSG*MARKER08~"
    b"N1*ST*MARKER09*92*04~N3*MARKER10~N4*MARKER11~PO1*MARKER12*MARKER13*EA*MARKER14**VC*MARKER15~"
    b"PID*F****MARKER16~CTT*MARKER17~SE*15*0000~GE*1*42~IEA*1*000000042~"
)


async def test_no_element_of_a_bad_order_stands_in_the_clear_in_an_encrypted_journal_or_in_the_log(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    site.write(encrypted, "sqlite:journal.db")
    secret(site, os.urandom(32))
    async with serving(site.path) as served:
        answer = await sent(site, served, "/v1/inbound/po", BAD)
        await planned(served, answer.json["message_id"])
        journal = served.gateway.journal
        message = await journal.message(answer.json["message_id"])
        documents = await journal.documents(message_id=message.message_id)
        told = " ".join(str(each.to_json()) for view in documents for each in view.plan.findings)
        stored = b"".join(each.read_bytes() for each in site.folder.glob("journal.db*") if each.is_file())

    assert "MARKER13" in told  # what must not be in the file is there to be told
    assert message.interchanges[0].facts
    assert b"MARKER" not in stored
    assert b"260199" not in stored
    assert "MARKER" not in caplog.text


@pytest.mark.parametrize("text", ["", "short", base64.b64encode(b"x" * 16).decode(), "not base64 at all!"])
async def test_a_key_that_is_none_is_one_sentence(site: Site, text: str) -> None:
    site.write(encrypted, "sqlite:journal.db")
    (site.folder / "journal.key").write_text(text)

    assert text not in str(await refused(site.path)) or not text


class Failing:
    """A journal's opener: the journal's deliveries fail once it is told so."""

    def __init__(self) -> None:
        self.journal: SqliteJournal | None = None

    async def __call__(self, *args: Any, **named: Any) -> SqliteJournal:
        self.journal = await SqliteJournal.open(*args, **named)
        return self.journal

    def fail(self) -> None:
        async def fails(*args: Any) -> Any:
            raise JournalError("the journal's disk is full")

        assert self.journal is not None
        self.journal.claim = fails  # type: ignore[assignment, method-assign]


async def test_a_journal_that_fails_ends_the_gateway_and_readiness_goes_down_first(site: Site) -> None:
    site.write(journal="sqlite:journal.db")
    failing = Failing()
    up: asyncio.Future[Served] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(
        serve(site.path, up=up.set_result, parts=Parts(journal=failing), stop=asyncio.Event())
    )
    served = await up
    failing.fail()
    served.gateway.look_again()
    async with asyncio.timeout(10):
        with pytest.raises(JournalError, match="disk is full"):
            await running
    assert not await served.gateway.is_healthy()


async def test_a_stopped_gateway_leaves_no_task_and_no_listener(site: Site) -> None:
    async with serving(site.path) as served:
        port = port_of(served, "http")
        await sent(site, served, "/v1/inbound/po", interchange(["04"]))

    with pytest.raises(OSError, match=r"refused|failed"):
        await asyncio.open_connection("127.0.0.1", port)
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


async def test_a_gateway_that_fails_to_start_lets_go_of_everything(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        site.write(
            lambda text: text.replace("http: 127.0.0.1:0", f"http: 127.0.0.1:{port}", 1), "sqlite:journal.db"
        )
        await refused(site.path)

    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
    site.write(journal="sqlite:journal.db")
    async with serving(site.path):
        pass


async def test_the_gateway_ends_when_it_is_told_to(site: Site) -> None:
    ending, up = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(serve(site.path, stop=ending, up=lambda served: up.set()))
    await up.wait()
    ending.set()
    async with asyncio.timeout(10):
        await running


INBOX = "{kind: sftp_files, environment: test, folder: in, ready: rename, poll: 50ms}"

PICKED_UP = """\
  - id: NAME
    from: {endpoint: in, format: edi_x12, partner: acme, set: "850", pattern: "*.NAME"}
    targets: {legacy: mms}
    stage: legacy
"""


async def test_files_of_one_endpoint_are_picked_up_for_each_pattern(site: Site) -> None:
    site.write(
        lambda text: (
            text.replace("endpoints:\n", f"endpoints:\n  in: {INBOX}\n")
            + "".join(PICKED_UP.replace("NAME", name) for name in ("one", "two"))
        )
    )
    (site.folder / "in" / "a.one").write_bytes(interchange(["04"], control=1))
    (site.folder / "in" / "a.two").write_bytes(interchange(["04"], control=2))
    async with serving(site.path) as served:
        async with asyncio.timeout(20):
            while len(await served.gateway.journal.messages()) < 2:
                await asyncio.sleep(0.05)

        assert {each.route for each in await served.gateway.journal.messages()} == {"one", "two"}
