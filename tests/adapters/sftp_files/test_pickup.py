"""The decisions of picking up, without a folder."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sftp_files import pickup
from adapters.sftp_files.config import FilesEndpoint, Ready
from adapters.sftp_files.pickup import Rules, Seen
from adapters.sftp_files.port import Entry, EntryKind

NAMES = st.binary(min_size=1, max_size=255).map(lambda raw: raw.decode("utf-8", "surrogateescape"))


def rules(**settings: object) -> Rules:
    endpoint = FilesEndpoint.model_validate({"folder": "in", **settings})
    return pickup.rules_of(endpoint, (), 1_000)


def entry(name: str = "a", size: int = 1, modified_s: float = 0.0, kind: EntryKind = EntryKind.FILE) -> Entry:
    return Entry(name, kind, size, int(modified_s * 1e9))


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/b", "/etc/passwd", "a\\b", "a\0b"])
def test_a_server_that_lists_a_name_leading_elsewhere_is_not_followed(name: str) -> None:
    assert not pickup.is_ours(name, rules())
    assert pickup.odd_entry(entry(name)) is not None


@given(NAMES)
def test_any_name_can_be_shown_stored_and_claimed(name: str) -> None:
    assert pickup.shown(name).isprintable()
    fitted = pickup.fitted(name)
    assert pickup.fitted(fitted) == fitted
    work = pickup.work_name("a" * 16, "b" * 16, name)
    assert len(work.encode("utf-8", "surrogateescape")) <= 255
    assert pickup.read_work_name(work) == pickup.WorkFile("a" * 16, "b" * 16, fitted)
    for archived in pickup.archived_names(name, "c" * 16):
        assert len((archived + pickup.REASON_SUFFIX).encode("utf-8", "surrogateescape")) <= 255


def test_two_long_names_stay_two() -> None:
    assert pickup.fitted("x" * 250 + "1") != pickup.fitted("x" * 250 + "2")


def test_a_file_counts_its_looks_only_while_it_stays_the_same() -> None:
    seen = pickup.observed({}, [entry("a"), entry("b")], 1.0)
    seen = pickup.observed(seen, [entry("a"), entry("b", size=2)], 2.0)

    assert seen == {"a": Seen(entry("a"), 2, 1.0), "b": Seen(entry("b", size=2), 1, 2.0)}
    assert pickup.observed(seen, [], 3.0) == {}


@pytest.mark.parametrize(
    ("looks", "server_s", "now_s", "is_ready"),
    [
        (1, 1_000.0, 0.0, False),  # old, but seen only once
        (2, 1_000.0, 0.0, True),
        (2, 5.0, 5.0, False),  # young
        (2, -500.0, 9.0, False),  # from the future: our own watching decides
        (2, -500.0, 10.0, True),
    ],
)
def test_stable_means_looked_at_twice_and_old_enough(
    looks: int, server_s: float, now_s: float, is_ready: bool
) -> None:
    seen = Seen(entry(), looks, 0.0)
    found = pickup.is_ready(seen, rules(), {}, server_ns=int(server_s * 1e9), now_s=now_s)

    assert found is is_ready


def test_a_done_file_is_never_picked_up_itself() -> None:
    marked = rules(ready=Ready(done_file="{stem}.ok"))

    assert pickup.is_ours("po.850", marked)
    assert not pickup.is_ours("po.ok", marked)


def test_the_smaller_size_limit_holds() -> None:
    assert rules(size_max="10").size_bytes_max == 10
    assert rules(size_max="1MB").size_bytes_max == 1_000
    assert pickup.refusal(entry(size=1_001), "a", rules()) is not None
    assert pickup.refusal(entry(size=1_000), "a", rules()) is None


def test_each_identity_gives_its_key() -> None:
    found = [
        pickup.arrival_key(word, "a.850", entry("work", 3, 1.0), "f00", "claim") for word in pickup.IDENTITIES
    ]

    assert found == ["a.850|3|1000000000|f00", "sha256:f00", None, "claim:claim"]
    assert (
        pickup.arrival_key("none", "a.850", entry("a.850", 3, 1.0), "f00", None) == "a.850|3|1000000000|f00"
    )
