from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base.settings import DurationRange, LocalPath
from gateway.config import Configuration, load, load_text
from gateway.stage import Stage
from tests.gateway.config.sample import (
    CATALOGUE,
    FIXTURES,
    GOOD,
    X12,
    Files,
    Rest,
    changed,
    configured,
    refused,
)


def test_ten_mistakes_show_all_ten_at_their_line_and_column() -> None:
    found = load(FIXTURES / "ten_mistakes.yaml", CATALOGUE)

    assert isinstance(found, list)
    shown = [str(finding).replace(f"{FIXTURES}/", "") for finding in found]
    assert shown == (FIXTURES / "ten_mistakes.findings.txt").read_text().splitlines()
    assert len(shown) == 10


def test_a_good_file_becomes_models_of_the_right_types() -> None:
    configuration = configured()

    route = configuration.routes["po"]
    assert route.stage is Stage.CANARY
    assert configuration.share_percent(route) == Decimal(10)
    assert configuration.rule(route).select == {"facility": frozenset({"04"})}
    assert configuration.defaults.retry.backoff == DurationRange(timedelta(seconds=1), timedelta(seconds=30))
    assert configuration.endpoints["in"].settings == Files(folder=LocalPath("in"))
    assert configuration.endpoints["erp"].settings == Rest(base="http://127.0.0.1:9")
    assert configuration.partners["acme"].adapters == {"x12": X12(isa=("ZZ", "01"))}


@pytest.mark.parametrize(
    "word", ["01", "004010", "NO", "no", "on", "22:30", "1e3", "null", "~", "0x1F", "1_000"]
)
def test_what_other_yaml_readers_convert_stays_text(word: str) -> None:
    configuration = configured(changed('[ZZ, "01"]', f"[ZZ, {word}]"))

    profile = configuration.partners["acme"].adapters["x12"]
    assert isinstance(profile, X12)
    assert profile.isa == ("ZZ", word)


@pytest.mark.parametrize("word", ["yes", "on", "True", "TRUE", "1", "y", '""'])
def test_only_true_and_false_are_truths(word: str) -> None:
    found = refused(changed('base: "http://127.0.0.1:9"', f"base: x, verbose: {word}"))

    assert [str(each.at) for each in found] == ["routes.yaml:12:49 endpoints.erp.verbose"]
    assert "expected true or false" in found[0].text


@pytest.mark.parametrize("word", ["007", "1_000", "1.0", "1e3", "+1", "٣", " 1x"])
def test_numbers_are_read_from_plain_digits_only(word: str) -> None:
    found = refused(changed("attempts: 4", f"attempts: {word}"))

    assert [(each.at.line, each.at.column, each.at.path) for each in found] == [
        (8, 11, "defaults.retry.attempts")
    ]


def test_a_key_without_a_value_is_refused() -> None:
    (found,) = refused(changed("organisation: mercy", "organisation:"))

    assert (found.code, str(found.at)) == ("CONFIG-EMPTY", "routes.yaml:4:3 gateway.organisation")


@pytest.mark.parametrize("written", ["attempts:4", "attempts 4"])
def test_a_value_that_is_taken_for_a_part_of_its_key_is_told_with_what_to_write(written: str) -> None:
    (found,) = refused(changed("attempts: 4", written))

    assert found.code == "CONFIG-EMPTY"
    assert found.text == "a colon with a space behind it is missing; write 'attempts: ...'"


def test_a_secret_written_in_place_of_its_reference_is_refused_and_not_repeated() -> None:
    (found,) = refused(changed('base: "http://127.0.0.1:9"', "base: x, token: hunter2"))

    assert "env:NAME" in found.text
    assert "hunter2" not in str(found)


def test_a_repeated_key_hides_no_other_mistake() -> None:
    text = changed("retry: {attempts", "retry: {atempts") + "\nroutes: []\n"

    assert [each.code for each in refused(text)] == ["CONFIG-UNKNOWN-KEY", "YAML-REPEATED-KEY"]


def test_an_unknown_key_names_the_one_that_was_probably_meant() -> None:
    found = refused(changed("retry: {attempts", "retry: {atempts"))

    assert [each.text for each in found] == ["unknown key 'atempts'; did you mean 'attempts'?"]


def test_a_key_of_another_kind_is_unknown_and_both_sets_of_keys_are_offered() -> None:
    (found,) = refused(
        changed(
            "kind: files, environment: test, folder: in",
            "kind: files, environment: test, folder: in, limts: x",
        )
    )

    assert found.text == "unknown key 'limts'; did you mean 'limits'?"


def test_python_names_of_fields_are_no_keys() -> None:
    found = refused(changed("  - id: json\n    from:", "  - id: json\n    source:"))

    assert {each.code for each in found} == {"CONFIG-MISSING", "CONFIG-UNKNOWN-KEY"}


def test_hidden_fields_cannot_be_written() -> None:
    for old, new in [
        ("    x12: {isa", "    adapters: {a: b}\n    x12: {isa"),
        ("endpoint: in,", "endpoint: in, source_settings: {},"),
        ('base: "http://127.0.0.1:9"', "base: x, settings: {}"),
    ]:
        assert [each.code for each in refused(changed(old, new))] == ["CONFIG-UNKNOWN-KEY"]


def test_mistakes_of_shape_hide_no_mistakes_across_the_file() -> None:
    text = changed("attempts: 4", "attempts: x")
    text = changed("share: 10%", "share: ten", text)
    text = changed("stage: canary", "stage: canary\n    reply: wait", text)
    text = changed("follows: po", "follows: poo", text)

    assert [(each.at.line, each.code) for each in refused(text)] == [
        (8, "CONFIG-VALUE"),
        (23, "CONFIG-REPLY"),
        (26, "CONFIG-VALUE"),
        (30, "CONFIG-REFERENCE"),
    ]


def test_yaml_mistakes_are_findings_too() -> None:
    found = refused(GOOD + "gateway: {}\n")

    assert [(each.code, each.at.line) for each in found][:1] == [("YAML-REPEATED-KEY", 36)]


def test_an_empty_file_says_so() -> None:
    assert [each.code for each in refused("")] == ["CONFIG-EMPTY"]


def test_a_missing_file_is_a_finding(tmp_path: Path) -> None:
    found = load(tmp_path / "routes.yaml", CATALOGUE)

    assert isinstance(found, list)
    assert [each.code for each in found] == ["CONFIG-FILE"]


# --- includes and revisions ---------------------------------------------------------------------------


MAPPING = (
    "mapping: orders\ndocument: acknowledgment\nfields:\n  response: {const: accepted}\n  order.number: NO\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "partners").mkdir()
    partner = "partners:\n  beta:\n    environment: test\n    owner: nobody"  # no line feed at the end
    (tmp_path / "partners" / "beta.yaml").write_bytes(partner.replace("\n", "\r\n").encode())
    (tmp_path / "partners" / "gamma.yaml").write_text("partners: {gamma: {environment: test}}\n")
    (tmp_path / "map.yaml").write_text(MAPPING)
    text = GOOD + "include: partners/*.yaml\nmappings: {orders: map.yaml}\n"
    (tmp_path / "routes.yaml").write_text(text)
    return tmp_path


def test_included_files_and_mappings_are_part_of_the_revision(folder: Path) -> None:
    configuration = load(folder / "routes.yaml", CATALOGUE)

    assert isinstance(configuration, Configuration)
    assert set(configuration.partners) == {"acme", "beta", "gamma"}
    assert configuration.mappings["orders"].text == MAPPING
    again = load_text(configuration.text, "revision 7", folder=folder, catalogue=CATALOGUE)
    assert again == configuration
    assert isinstance(again, Configuration)
    assert again.sha256 == configuration.sha256
    assert str(again.places.at("partners", "beta", "owner")) == (
        "revision 7: partners/beta.yaml:4:5 partners.beta.owner"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("anything: goes\n", "map.yaml:1:1 anything: 'anything' is not a key here [MAP-FORM]"),
        (
            MAPPING.replace("response", "responze"),
            "map.yaml:4:3 fields.responze: Acknowledgment has no 'responze'",
        ),
        ("mapping: a\nmapping: b\n", "[YAML-REPEATED-KEY]"),
    ],
)
def test_a_mistake_in_a_mapping_that_nothing_names_yet_is_told_with_its_place(
    folder: Path, text: str, told: str
) -> None:
    (folder / "map.yaml").write_text(text)

    found = load(folder / "routes.yaml", CATALOGUE)

    assert isinstance(found, list)
    assert any(told in str(each) for each in found), "\n".join(map(str, found))


def test_a_mistake_in_an_included_file_names_that_file(folder: Path) -> None:
    (folder / "partners" / "gamma.yaml").write_text("partners:\n  gamma: {environment: tst}\n")

    found = load(folder / "routes.yaml", CATALOGUE)

    assert isinstance(found, list)
    assert [(each.at.source, each.at.line) for each in found] == [(str(folder / "partners/gamma.yaml"), 2)]


def test_a_name_declared_in_two_files_is_refused(folder: Path) -> None:
    (folder / "partners" / "gamma.yaml").write_text("partners: {beta: {environment: test}}\n")

    found = load(folder / "routes.yaml", CATALOGUE)

    assert isinstance(found, list)
    assert [each.code for each in found] == ["CONFIG-TWICE"]


@pytest.mark.parametrize(
    "name",
    ["../other.yaml", "/etc/hostname", "partners/../../x.yaml", "**/*.yaml", "none/*.yaml", "none.yaml"],
)
def test_includes_stay_below_the_folder_and_must_be_there(folder: Path, name: str) -> None:
    (folder / "routes.yaml").write_text(GOOD + f"include: ['{name}']\n")

    found = load(folder / "routes.yaml", CATALOGUE)

    assert isinstance(found, list)
    assert [(each.code, each.at.line) for each in found] == [("CONFIG-INCLUDE", 36)]


def test_a_link_out_of_the_folder_is_not_followed(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.yaml"
    outside.write_text("partners: {delta: {environment: test}}\n")
    (folder / "partners" / "delta.yaml").symlink_to(outside)

    found = load(folder / "routes.yaml", CATALOGUE)

    assert isinstance(found, list)
    assert [each.code for each in found] == ["CONFIG-INCLUDE"]


def test_a_comment_that_looks_like_our_file_mark_is_refused(folder: Path) -> None:
    (folder / "routes.yaml").write_text(GOOD + "#@ file partners/evil.yaml\n")

    found = load(folder / "routes.yaml", CATALOGUE)

    assert isinstance(found, list)
    assert [(each.code, each.at.line) for each in found] == [("CONFIG-RESERVED", 36)]


def test_relative_paths_count_from_the_folder_of_the_file(folder: Path) -> None:
    configuration = load(folder / "routes.yaml", CATALOGUE)

    assert isinstance(configuration, Configuration)
    settings = configuration.endpoints["in"].settings
    assert isinstance(settings, Files)
    assert settings.folder.path == folder / "in"


DURATIONS = st.sampled_from(["500ms", "2s", "15m", "2h", "30d", "1.5h"])
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12)


@given(
    window=DURATIONS,
    backoff=st.sampled_from(["1s..1s", "2s..5m", "1ms..2h"]),
    share=st.integers(0, 100),
    words=st.lists(TEXTS, min_size=1, max_size=3),
    comment=TEXTS,
    ending=st.sampled_from(["", "\n", "\r\n", "\n\n"]),
)
def test_the_canonical_text_gives_the_same_configuration_again(
    window: str, backoff: str, share: int, words: list[str], comment: str, ending: str
) -> None:
    quoted = ", ".join("'" + word.replace("'", "''") + "'" for word in words)
    text = changed("1s..30s", backoff)
    text = changed("    x12: {isa", f"    resend: {{window: {window}}}\n    x12: {{isa", text)
    text = changed('facility: "04"', f"facility: [{quoted}]", text)
    text = changed("share: 10%", f"share: {share}%  # {comment}", text)
    configuration = configured(text.rstrip("\n") + ending)

    assert configured(configuration.text) == configuration
    assert configured(configuration.text).text == configuration.text
    assert set(configuration.rule(configuration.routes["po"]).select["facility"]) == set(words)


JUNK = [
    "",
    '""',
    "x",
    "[]",
    "{}",
    "[x]",
    "{x: y}",
    "[[{}]]",
    "-1",
    "null",
    "*a",
    "!!int 1",
    "99999999999999999999",
    "\t",
]


@given(st.data())
def test_whatever_is_written_gives_a_configuration_or_findings_with_places(data: st.DataObject) -> None:
    lines = GOOD.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        index = data.draw(st.integers(0, len(lines) - 1))
        words = re.split(r"(?<=[:,{\[] )", lines[index])
        words[data.draw(st.integers(0, len(words) - 1))] = data.draw(st.sampled_from(JUNK))
        lines[index] = "".join(words)

    loaded = load_text("\n".join(lines), catalogue=CATALOGUE)

    if isinstance(loaded, Configuration):
        assert load_text(loaded.text, catalogue=CATALOGUE) == loaded
    else:
        assert loaded
        assert all(each.at.line is not None for each in loaded)
