"""How far a cursor may read: below every open transaction, and not before a value has settled."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.db_triggers.horizon import Horizon, Seen


def test_a_value_is_read_once_every_transaction_of_its_moment_has_ended() -> None:
    horizon = Horizon(settle_s=0.0, by_snapshot=True)

    assert horizon.note(Seen(5, 0.0, xmin=10, xmax=12)) is None  # 10 and 11 may still write smaller ones
    assert horizon.note(Seen(6, 1.0, xmin=11, xmax=13)) is None
    assert horizon.note(Seen(6, 2.0, xmin=13, xmax=14)) == 5
    assert horizon.note(Seen(6, 3.0, xmin=14, xmax=14)) == 6


def test_without_snapshots_a_value_is_read_when_it_has_settled() -> None:
    horizon = Horizon(settle_s=30.0, by_snapshot=False)

    assert horizon.note(Seen(5, 100.0)) is None
    assert horizon.note(Seen(9, 120.0)) is None
    assert horizon.note(Seen(9, 131.0)) == 5
    assert horizon.note(Seen(9, 150.0)) == 9


@given(
    st.lists(st.tuples(st.integers(0, 11), st.integers(1, 8), st.booleans()), min_size=1, max_size=60),
)
def test_no_value_of_an_open_transaction_is_ever_passed(
    writes: list[tuple[int, int, bool]],
) -> None:
    """A model of PostgreSQL: transactions begin, draw rising values, stay open for a while, and commit."""
    horizon = Horizon(settle_s=0.0, by_snapshot=True)
    open_until: dict[int, tuple[int, list[int]]] = {}  # transaction -> step at which it ends, values
    committed: set[int] = set()
    seen: set[int] = set()
    value, number = 0, 100
    safe = 0
    for step, (length, count, looks) in enumerate(writes):
        ids = [value + each + 1 for each in range(count)]
        value += count
        open_until[number] = (step + length, ids)
        number += 1
        for each in [name for name, (ends, _) in open_until.items() if ends <= step]:
            committed.update(open_until.pop(each)[1])
        if looks:
            xmin = min(open_until, default=number)
            found = horizon.note(Seen(max(committed, default=None), float(step), xmin, number))
            if found is not None:
                seen |= {each for each in committed if safe < each <= found}
                safe = max(safe, found)
            assert not {each for _, values in open_until.values() for each in values if each <= safe}
    for _, values in open_until.values():
        committed.update(values)
    horizon.note(Seen(max(committed, default=None), 1_000.0, number, number))
    found = horizon.note(Seen(max(committed, default=None), 1_001.0, number, number))
    assert found is not None
    assert seen | {each for each in committed if safe < each <= found} == committed
