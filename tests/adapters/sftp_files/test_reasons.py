"""What translation finds after a file was taken goes back to its sender, once, through a whole gateway."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.serving import serving
from simulators.edi_x12.documents import Order, orders
from tests.adapters.sftp_files.partner import Partner

ROUTES = """
version: 1
gateway: {{environment: test, organisation: mercy, journal: "sqlite:journal.db", workers: 0}}
endpoints:
  inbox:
    kind: sftp_files
    environment: test
    sftp:
      {{host: 127.0.0.1, port: {port}, user: {user}, key: "file:{key}", host_key: "{host_key}",
       folder: {folder}}}
    ready: rename
    poll: 20ms
    pickers: {pickers}
  other: {{kind: sftp_files, environment: test, folder: other}}
partners: {{mms: {{environment: test}}}}
routes:
  - id: po
    from: {{endpoint: inbox, format: edi_x12, partner: mms, set: "850", identity: control_numbers}}
    targets: {{{side}: other}}
    stage: {side}
    acknowledge: {{type: none}}
"""
THREE_MISTAKES = Path(__file__).resolve().parents[3] / "fixtures/edi_x12/po_bad_quantity.edi"
GOOD, BAD = orders(1, [Order("1")]), orders(2, [Order("2", quantity="TWELVE")])


def written(folder: Path, partner: Partner, *, side: str = "cloud", pickers: int = 0) -> Path:
    server = partner.server
    (folder / "other").mkdir(exist_ok=True)
    path = folder / "routes.yaml"
    path.write_text(
        ROUTES.format(
            port=server.port, user=server.user, key=server.client_key.path, host_key=server.host_key.public,
            folder=partner.name, side=side, pickers=pickers,
        )
    )  # fmt: skip
    return path


async def until_names(partner: Partner, folder: str, count: int) -> list[str]:
    async with asyncio.timeout(20):
        while len(names := [name for name in partner.names(folder) if name[0] != "."]) < count:
            await asyncio.sleep(0.02)
    return names


@pytest.mark.parametrize("pickers", [0, 2])
async def test_a_file_that_cannot_be_used_gets_a_reason_and_a_good_one_none(
    tmp_path: Path, partner: Partner, pickers: int
) -> None:
    path = written(tmp_path, partner, pickers=pickers)
    async with serving(path):
        partner.put("good.850", GOOD)
        partner.put("bad.850", BAD)
        (name,) = await until_names(partner, ".error", 1)
        assert partner.names(".done") == ["bad.850", "good.850"]

    text = (partner.folder / ".error" / name).read_text()
    assert name.startswith("bad~m")
    assert name.endswith(".850.reason.txt")
    assert text.startswith("bad.850 was taken at 20")
    assert "[X12-CHAR]" in text
    assert "TWELVE" in text

    (partner.folder / ".error" / name).unlink()
    async with serving(path):  # it was told; a restart does not tell it again
        partner.put("bad2.850", orders(3, [Order("3", quantity="NINE")]))
        (name,) = await until_names(partner, ".error", 1)
        assert name.startswith("bad2~m")


async def test_a_reason_lists_all_that_is_wrong_with_an_order_not_only_what_refuses_it(
    tmp_path: Path, partner: Partner
) -> None:
    async with serving(written(tmp_path, partner)):
        partner.put("bad.850", THREE_MISTAKES.read_bytes())
        (name,) = await until_names(partner, ".error", 1)

    text = (partner.folder / ".error" / name).read_text()
    assert [code for code in ("[X12-CHAR]", "[X12-COND]", "[X12-DATE]") if code not in text] == []


async def test_in_stage_legacy_the_file_goes_on_and_its_sender_hears_nothing(
    tmp_path: Path, partner: Partner
) -> None:
    async with serving(written(tmp_path, partner, side="legacy")):
        partner.put("bad.850", BAD)
        async with asyncio.timeout(20):
            while not any((tmp_path / "other").glob("bad*")):
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)
    assert partner.names(".error") == []
