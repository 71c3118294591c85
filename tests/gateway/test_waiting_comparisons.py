"""When what waits for its other side is looked at again: in time, once, and sooner where there is news."""

from __future__ import annotations

from gateway.waiting_comparisons import FIRST_AGAIN_S, WaitingComparisons

ONE, TWO = ("m1", 0), ("m2", 0)


def test_what_is_due_is_given_once_in_the_order_of_its_time() -> None:
    waiting = WaitingComparisons()
    waiting.look_at(TWO, 20.0, 10.0)
    waiting.look_at(ONE, 15.0, 5.0)

    assert waiting.next_at() == 15.0
    assert [each.key for each in waiting.due(14.9, 9)] == []
    assert [(each.key, each.since, each.wait_s) for each in waiting.due(30.0, 9)] == [
        (ONE, 15.0, 5.0),
        (TWO, 20.0, 10.0),
    ]
    assert waiting.due(30.0, 9) == []
    assert ONE in waiting  # until somebody says what came of the look


def test_news_overtake_the_look_that_was_planned() -> None:
    waiting = WaitingComparisons()
    waiting.look_at(ONE, 600.0, 600.0)
    waiting.look_at(ONE, 1.0, 0.0)

    (due,) = waiting.due(1.0, 9)
    assert (due.since, due.wait_s) == (1.0, FIRST_AGAIN_S)
    assert waiting.due(600.0, 9) == []


def test_what_is_forgotten_is_not_looked_at_and_a_batch_has_an_end() -> None:
    waiting = WaitingComparisons()
    for number in range(5):
        waiting.look_at((f"m{number}", 0), float(number), 1.0)
    waiting.forget(("m0", 0))

    assert ("m0", 0) not in waiting
    assert [each.key[0] for each in waiting.due(9.0, 2)] == ["m1", "m2"]
    assert [each.key[0] for each in waiting.due(9.0, 9)] == ["m3", "m4"]
