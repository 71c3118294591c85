"""The documentation is true: links lead somewhere, commands parse, sessions print what they print."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from adapters.base.registry import adapters
from gateway import cli
from gateway.erp.kinds import erp_kinds
from tests.docs import findings
from tests.docs.pages import (
    PROJECT,
    Step,
    blocks,
    command_lines,
    commands_named,
    links,
    name_of,
    pages,
    prose,
    session,
)
from tests.docs.sessions import check

PAGES = pages()
ACTED_OUT = [page for page in PAGES if any(isinstance(each, Step) for each in session(page.read_text()))]
README_LINES_MAX = 230
WIDTH_MAX = 130


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_of_a_page_leads_to_a_file_of_the_project(page: Path) -> None:
    relative = [link for link in links(page.read_text()) if "://" not in link]
    broken = [link for link in relative if not (page.parent / link.partition("#")[0]).exists()]

    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_anchor_that_is_linked_is_a_heading(page: Path) -> None:
    for link in links(page.read_text()):
        path, _, anchor = link.partition("#")
        if "://" not in link and anchor:
            target = page if not path else page.parent / path
            headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_to_type_is_one_that_the_real_parser_takes(page: Path) -> None:
    assert [told for each in command_lines(page.read_text()) if (told := _refusal(each))] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_that_prose_names_is_the_beginning_of_one(page: Path) -> None:
    refusals = [_refusal(each) for each in commands_named(page.read_text())]

    assert [told for told in refusals if told and " required" not in told] == []


def test_a_command_that_does_not_exist_would_be_found() -> None:
    text = "Say `legacy-bridge routes sett x`.\n\n```console\n$ legacy-bridge nothing 2> log | cat\n```\n"

    assert list(command_lines(text)) == [["nothing"]]
    assert list(commands_named(text)) == [["routes", "sett", "x"]]
    assert "invalid choice" in _refusal(["nothing"])
    assert "invalid choice" in _refusal(["routes", "sett", "x"])
    assert "required" in _refusal(["routes", "set", "po.metro"])


def test_pages_show_commands_at_all() -> None:
    shown = {
        arguments[0]
        for page in PAGES
        for arguments in (*command_lines(page.read_text()), *commands_named(page.read_text()))
    }

    assert shown >= set(cli.COMMANDS) - {"demo"}  # which is make demo


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", ACTED_OUT, ids=name_of)
def test_a_page_prints_what_its_commands_really_print(page: Path, tmp_path: Path) -> None:
    """To capture anew, where a difference is meant: ``python -m tests.docs.sessions PAGE``."""
    differences = check(page.read_text(), tmp_path)

    assert not differences, "\n\n".join(differences)


def test_a_page_that_prints_something_else_would_be_found(tmp_path: Path) -> None:
    text = "```console\n$ echo one\none\n$ ls nowhere; echo code $?\ncode 0\n```\n"

    [difference] = check(text, tmp_path, within_s=2.0)

    assert "nowhere" in difference


def test_the_readme_is_acted_out_and_short() -> None:
    readme = PROJECT / "README.md"

    assert readme in ACTED_OUT
    assert len(readme.read_text().splitlines()) <= README_LINES_MAX


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "mapping.md"], ids=name_of)
def test_a_page_reads_on_a_plain_terminal(page: Path) -> None:
    """Prose and code fit; tables and what a program prints are as wide as they are."""
    text = page.read_text()
    printed = {line for each in session(text) if isinstance(each, Step) for line in each.output}
    wide = [
        line
        for line in text.splitlines()
        if len(line) > WIDTH_MAX and not line.startswith("|") and line not in printed
    ]

    assert wide == []
    assert "\t" not in text


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_finding_code_of_a_page_exists(page: Path) -> None:
    families = {code.partition("-")[0] for code in findings.raised()}
    named = {word for word in findings.CODE.findall(page.read_text()) if word.partition("-")[0] in families}

    known = frozenset(findings.raised()) | findings.NO_CODES
    assert {code for code in named if not findings.is_raised(code, known)} == set()


def test_the_page_of_findings_has_every_code_of_the_sources_and_no_other() -> None:
    """To add one: python -m tests.docs.findings, then write what it means into docs/findings.md."""
    assert set(findings.rows()) == set(findings.raised())


def test_what_a_finding_means_and_asks_for_has_its_code_marks_in_pairs() -> None:
    odd = [code for code, row in findings.rows().items() if row.means.count("`") % 2 or row.do.count("`") % 2]

    assert odd == []


def test_the_page_of_findings_is_current_and_every_code_has_a_meaning_and_an_advice() -> None:
    assert findings.PAGE.read_text() == findings.page()
    empty = [code for code, row in findings.rows().items() if not (row.level and row.means and row.do)]
    assert empty == []
    assert "?" not in {row.means for row in findings.rows().values()}


def test_levels_on_the_page_of_findings_are_levels() -> None:
    assert {row.level for row in findings.rows().values()} <= findings.LEVELS


def test_levels_of_x12_findings_agree_with_what_the_golden_files_show() -> None:
    shown = re.compile(r"^(note|accepted_with_errors|rejected)\b.*\[(X12-[A-Z0-9-]+)\]$")
    words = {"note": "note", "accepted_with_errors": "error", "rejected": "rejected"}
    rows = findings.rows()
    for golden in (PROJECT / "fixtures" / "edi_x12").glob("*.findings.txt"):
        if golden.name.startswith("partner_"):
            continue  # a partner's profile changes levels
        for line in golden.read_text().splitlines():
            if found := shown.match(line):
                level = rows[found[2]].level
                assert level in (words[found[1]], "varies"), f"{golden.name}: {line}"


def test_the_words_that_our_style_asks_for_are_in_the_glossary() -> None:
    words = {
        "interchange", "functional group", "transaction set", "segment", "element", "component", "loop",
        "partner", "control number", "acknowledgment", "canonical document", "route", "stage", "journal",
        "message", "delivery", "attempt", "finding", "exception",
    }  # fmt: skip

    assert words - _glossary() == set()


def test_every_state_stage_role_and_side_is_explained() -> None:
    words = {"legacy", "shadow", "canary", "cloud", "retired"}
    explained = (PROJECT / "docs/concepts.md").read_text() + (PROJECT / "docs/glossary.md").read_text()

    assert {word for word in words if word not in explained} == set()


def test_the_readme_says_which_adapters_and_targets_there_are_and_no_others() -> None:
    """When one is added, the Status section must say so."""
    status = (PROJECT / "README.md").read_text().partition("## Status")[2].partition("\n## ")[0]
    there, _, missing = status.partition("**Not there yet:**")

    for name in {*adapters(), *erp_kinds()}:
        assert f"`{name}`" in there, "say in README, Status, what it does"
    for word in ("SFTP itself", "SOAP", "855 and 810", "Oracle", "SAP", "Dynamics", "Shadow"):
        assert word in missing, "say what is not there"


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "mapping.md"], ids=name_of)
def test_pieces_of_configuration_use_keys_that_exist(page: Path) -> None:
    """Whole files are loaded where the page is acted out; these are shown only."""
    reference = (PROJECT / "docs/configuration.md").read_text()
    known = set(re.findall(r"[`.]([a-z_]+)(?:`|:|\[\])", reference)) | set(
        re.findall(r"^## ([a-z]+)$", reference, re.MULTILINE)
    )
    pieces = [block for block in blocks(page.read_text()) if block.language == "yaml" and not block.file]
    lines = [line for block in pieces for line in block.lines if not line.startswith("crosswalks:")]

    assert set(re.findall(r"(?:^|[{,])\s*([a-z_]+):", "\n".join(lines), re.MULTILINE)) <= known


def test_prose_says_every_make_target_that_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        for name in re.findall(r"`make ([a-z]+)", prose(page.read_text())):
            assert name in targets, f"{name_of(page)}: make {name}"


def _refusal(arguments: list[str]) -> str:
    """Give what the real parser says against a command; nothing where it takes it."""
    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told), contextlib.redirect_stdout(told):
            cli._parser(arguments).parse_args(arguments)
    except SystemExit as ended:
        return "" if ended.code in (None, 0) else f"{' '.join(arguments)}: {told.getvalue()}"  # --help
    return ""


def _glossary() -> set[str]:
    lines = (PROJECT / "docs/glossary.md").read_text().splitlines()
    heads = (re.match(r"\| \*\*(.+?)\*\* \|", line) for line in lines)
    return {word for head in heads if head for word in head[1].split(", ")}
