"""`legacy-bridge soap check`: what it prints, for people and for machines, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters.base.yaml import MappingNode, load_yaml
from gateway.cli import main
from tests.adapters.soap.facade_rig import BUDGET, MMS, STOCK


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["soap", "check", *words])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_operations_styles_and_a_beginning_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, str(MMS))

    assert (code, err) == (0, "")
    assert "Soap11  1.1   8" in out
    assert out.count("document/literal wrapped") == 8
    assert "  - id: soap.submit-purchase-order" in out


def test_the_beginning_for_routes_is_yaml_and_names_what_the_answer_needs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, out, _ = run(capsys, str(MMS), "--operation", "SubmitPurchaseOrder")
    text = out.partition("# A beginning for routes.yaml\n")[2]
    routes, _, mapping = text.partition("# A beginning for the mapping of SubmitPurchaseOrder\n")

    assert isinstance(load_yaml(routes, "routes"), MappingNode)
    assert "delivered: {PONumber: TODO, Status: TODO}" in routes
    assert isinstance(load_yaml(mapping, "mapping"), MappingNode)
    assert '"PurchaseOrder.@type"' in mapping
    assert "from: PurchaseOrder.Line" in mapping
    assert "document: purchase_order" in mapping


@pytest.mark.parametrize("path", [MMS, BUDGET, STOCK])
def test_machines_get_json(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    _, out, _ = run(capsys, str(path), "--json")
    said = json.loads(out)

    assert said["wsdl"] == path.name
    for each in said["operations"]:
        assert isinstance(load_yaml(each["mapping"], each["name"]), MappingNode)


def test_what_is_not_supported_is_a_finding_and_the_exit_code_says_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for each in MMS.parent.iterdir():
        (tmp_path / each.name).write_bytes(each.read_bytes())
    path = tmp_path / MMS.name
    path.write_text(path.read_text().replace('message="tns:SubmitInvoice"', 'message="tns:Nobody"'))

    code, out, err = run(capsys, str(path))
    assert code == 1
    assert "SubmitInvoice" not in out
    assert "[SOAP-WSDL]" in err and "SubmitInvoice" in err  # noqa: PT018 - one sentence


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["nobody.wsdl"], 2, "there is no file 'nobody.wsdl'"),
        ([str(MMS), "--operation", "Nobody"], 2, "there is no operation 'Nobody'"),
        ([str(MMS.with_name("common.xsd"))], 1, "SOAP-"),
        ([str(Path(__file__))], 1, "XML-SYNTAX"),
    ],
)
def test_wrong_files_and_words_are_told(
    capsys: pytest.CaptureFixture[str], words: list[str], code: int, told: str
) -> None:
    found, out, err = run(capsys, *words)
    assert (found, out) == (code, "")
    assert told in err
