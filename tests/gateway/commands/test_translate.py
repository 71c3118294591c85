from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateway.commands.conftest import Command
from tests.gateway.commands.documents import interchange, order_set
from tests.samples import sample_files

PROJECT = Path(__file__).parents[3]


def test_an_order_becomes_one_line_of_canonical_json_without_any_configuration(
    bridge: Command, folder: Path
) -> None:
    (folder / "order.edi").write_bytes(interchange(order_set("PO-77"), order_set("PO-78")))

    ended = bridge("translate", "order.edi")

    documents = [json.loads(line) for line in ended.out.splitlines()]
    assert ended.code == 0, ended.err
    assert [each["number"] for each in documents] == ["PO-77", "PO-78"]
    assert "source" not in documents[0]


@pytest.mark.parametrize("usage", ["T", "P"])
def test_test_and_production_input_alike_are_translated_where_no_configuration_says_which_is_right(
    bridge: Command, folder: Path, usage: str
) -> None:
    (folder / "order.edi").write_bytes(interchange(order_set(), usage=usage))

    ended = bridge("translate", "order.edi")

    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["number"] == "PO-1001"


def test_documents_of_several_files_tell_their_source(bridge: Command, folder: Path) -> None:
    (folder / "a.edi").write_bytes(interchange(order_set("PO-1")))
    (folder / "b.edi").write_bytes(interchange(order_set("PO-2")))

    ended = bridge("translate", "a.edi", "b.edi")

    told = [(each["source"], each["number"]) for each in map(json.loads, ended.out.splitlines())]
    assert told == [("a.edi", "PO-1"), ("b.edi", "PO-2")]

    again = bridge("translate", "-", stdin=ended.out.encode())  # what it prints, it reads

    assert again.code == 0, again.err
    assert [json.loads(line)["number"] for line in again.out.splitlines()] == ["PO-1", "PO-2"]


def test_standard_input_is_read_where_the_file_is_a_dash(bridge: Command) -> None:
    ended = bridge("translate", "-", stdin=interchange(order_set("PO-9")))

    assert (ended.code, json.loads(ended.out)["number"]) == (0, "PO-9")


def test_a_bad_set_is_a_finding_with_its_position_and_the_good_one_is_still_translated(
    bridge: Command, folder: Path
) -> None:
    (folder / "half.edi").write_bytes(interchange(order_set("PO-1", quantity="three"), order_set("PO-2")))

    ended = bridge("translate", "half.edi", "--ack", "half.997")

    assert ended.code == 1
    assert [json.loads(line)["number"] for line in ended.out.splitlines()] == ["PO-2"]
    assert any(line.startswith("half.edi:") and "PO102" in line for line in ended.err.splitlines())
    acknowledgment = (folder / "half.997").read_text()
    assert acknowledgment.count("AK5*R") == 1
    assert acknowledgment.count("AK5*A") == 1


def test_an_acknowledgment_carries_the_control_number_and_time_that_were_asked_for(
    bridge: Command, folder: Path
) -> None:
    (folder / "order.edi").write_bytes(interchange(order_set()))
    ask = ("translate", "order.edi", "--control-number", "4711", "--at", "2026-03-04T05:06Z", "--ack")

    bridge(*ask, "one.997")
    bridge(*ask, "two.997")

    first = (folder / "one.997").read_text()
    assert "*260304*0506*" in first
    assert "*000004711*" in first
    assert first == (folder / "two.997").read_text()


def test_canonical_json_is_read_and_written_again(bridge: Command, folder: Path) -> None:
    (folder / "order.edi").write_bytes(interchange(order_set()))
    (folder / "order.json").write_text(bridge("translate", "order.edi").out)

    assert bridge("translate", "order.json").out == (folder / "order.json").read_text()


def test_findings_can_be_read_by_machines(bridge: Command, folder: Path) -> None:
    (folder / "bad.edi").write_bytes(interchange(order_set(quantity="three")))

    ended = bridge("translate", "bad.edi", "--json")

    levels = {json.loads(line)["level"] for line in ended.err.splitlines()}
    assert (ended.code, ended.out) == (1, "")
    assert "rejected" in levels


def test_a_set_without_a_guide_is_said_to_be_unsupported(bridge: Command, folder: Path) -> None:
    body = interchange(order_set()).replace(b"ST*850*", b"ST*846*").replace(b"GS*PO*", b"GS*IB*")
    (folder / "stock.edi").write_bytes(body)

    ended = bridge("translate", "stock.edi")

    assert (ended.code, ended.out) == (1, "")
    assert "846" in ended.err


BINARY = bytes(range(256)) * 64


@pytest.mark.parametrize(
    "name, content, told",
    [
        ("missing.edi", None, "missing.edi: cannot be read (No such file or directory)"),
        ("folder.edi", "folder", "folder.edi: cannot be read (Is a directory)"),
        ("empty.edi", b"", "empty.edi: the input is empty; expected a document [INPUT-UNKNOWN]"),
        ("blank.edi", b" \r\n\t", "the input is empty"),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + BINARY, "picture.png: the content is of no format"),
        ("garbage.edi", BINARY, "garbage.edi: the content is of no format"),
        ("letter.txt", b"Dear supplier, please send gloves.\n", "say so with --from"),
        ("nul\0.edi", None, "cannot be read"),
        ("long" * 100, None, "cannot be read (File name too long)"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_sentence_and_ends_with_2(
    bridge: Command, folder: Path, name: str, content: bytes | str | None, told: str
) -> None:
    if content == "folder":
        (folder / name).mkdir()
    elif isinstance(content, bytes):
        (folder / name).write_bytes(content)

    ended = bridge("translate", name)

    assert ended.code == 2
    assert told in ended.err
    assert len(ended.err.splitlines()) == 1
    assert ended.out == ""


def test_garbage_that_is_said_to_be_x12_is_a_finding_not_a_crash(bridge: Command, folder: Path) -> None:
    (folder / "garbage.bin").write_bytes(BINARY)

    ended = bridge("translate", "--from", "edi_x12", "garbage.bin")

    assert ended.code == 2
    assert ended.err.startswith("garbage.bin")


def test_one_unreadable_file_does_not_keep_the_others_back(bridge: Command, folder: Path) -> None:
    (folder / "good.edi").write_bytes(interchange(order_set("PO-5")))

    ended = bridge("translate", "missing.edi", "good.edi")

    assert ended.code == 2
    assert json.loads(ended.out)["number"] == "PO-5"


@pytest.mark.parametrize(
    "arguments, told",
    [
        (("--from", "edifact"), "there is no format 'edifact'; there are: canonical, "),
        (("--to", "edifact"), "there is no format 'edifact'"),
        (("--at", "yesterday"), "'yesterday' is no time"),
        (("--control-number", "0"), "'0' is no control number"),
        (("--partner", "acme", "-c", "none.yaml"), "none.yaml"),
        (("--ack", "no/such/folder/order.997"), "cannot be written"),
    ],
)
def test_wrong_options_are_explained_and_end_with_2(
    bridge: Command, folder: Path, arguments: tuple[str, ...], told: str
) -> None:
    (folder / "order.edi").write_bytes(interchange(order_set()))

    ended = bridge("translate", "order.edi", *arguments)

    assert ended.code == 2
    assert told in ended.err


def test_a_reader_that_stops_early_ends_the_command_quietly(tmp_path: Path) -> None:
    (tmp_path / "many.edi").write_bytes(interchange(*(order_set(f"PO-{n}") for n in range(2_000))))

    ended = subprocess.run(
        f"{sys.executable} -m gateway translate {tmp_path}/many.edi | head -n 1",
        shell=True, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip

    assert json.loads(ended.stdout)["number"] == "PO-0"
    assert ended.stderr == ""


@pytest.mark.parametrize("path", sample_files("x12/*.edi"))
def test_every_real_x12_file_gives_documents_or_findings_with_a_position(bridge: Command, path: Path) -> None:
    ended = bridge("translate", path)

    assert ended.code in (0, 1, 2)
    assert ended.out or ended.err
    for line in ended.out.splitlines():
        assert json.loads(line)["document_type"]
    for line in ended.err.splitlines():
        assert line.startswith(str(path)), line
        assert line.endswith("]"), line


def test_a_999_is_written_where_it_is_asked_for(bridge: Command, folder: Path) -> None:
    (folder / "order.edi").write_bytes(interchange(order_set("PO-1")))

    ended = bridge("translate", "order.edi", "--ack", "order.999", "--ack-type", "999")

    assert ended.code == 0, ended.err
    assert b"ST*999*0001*005010X231A1" in (folder / "order.999").read_bytes()


NETWORK = (
    "aiohttp", "yarl", "requests", "urllib3", "httpx", "http.client", "smtplib", "ftplib", "paramiko", "zeep",
    "asyncpg", "asyncmy", "sqlalchemy", "apsw",
)  # fmt: skip


def test_translating_x12_imports_no_network_library_and_no_database(folder: Path) -> None:
    (folder / "order.edi").write_bytes(interchange(order_set("PO-1")))
    program = (
        "import sys\n"
        "from gateway.cli import main\n"
        "sys.argv = ['legacy-bridge', 'translate', 'order.edi', '--ack', 'order.997']\n"
        "code = main()\n"
        f"print([name for name in {NETWORK!r} if name in sys.modules], code, file=sys.stderr)\n"
    )
    environment = {"PYTHONPATH": str(Path.cwd()), "PATH": ""}
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, check=False, cwd=folder, env=environment, capture_output=True, text=True)

    assert ended.stderr.strip() == "[] 0"
    assert json.loads(ended.stdout)["number"] == "PO-1"


def test_a_finding_says_whether_its_set_is_taken_all_the_same(bridge: Command, folder: Path) -> None:
    body = interchange(order_set("PO-1"))
    (folder / "lax.edi").write_bytes(body.replace(b"BEG*00*", b"BEG**", 1))
    (folder / "bad.edi").write_bytes(body.replace(b"PO1*1*", b"PO1*1*x", 1))

    lax, bad = (bridge("translate", name) for name in ("lax.edi", "bad.edi"))

    assert "BEG/BEG01: accepted with errors: BEG01 (purpose of the set) is missing" in lax.err
    assert lax.out
    assert "accepted" not in bad.err
    assert not bad.out


def test_what_the_written_bytes_do_not_say_is_a_note_and_no_failure(bridge: Command, folder: Path) -> None:
    line = {
        "sequence": 1, "line_id": "1", "quantity": {"value": "5", "unit": "EA"}, "price": {"amount": "9.99"},
        "category": "IMPLANTS",
    }  # fmt: skip
    order = {"document_type": "purchase_order", "number": "PO-1", "order_date": {"date": "2026-03-04"}}
    (folder / "order.json").write_text(json.dumps({**order, "lines": [line]}))

    ended = bridge(
        "translate", "order.json", "--to", "edi_x12", "--partner", "acme", "-c", str(PROJECT / "routes.yaml")
    )

    assert ended.code == 0, ended.err
    assert "PO1*1*5*EA*9.99" in ended.out
    assert ended.err.startswith("canonical lines[0].category: category is not written")
    assert "[X12-OUT-LEFT]" in ended.err
