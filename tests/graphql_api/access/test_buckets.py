"""Buckets of cost, with a clock that the test turns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphql_api.access import buckets
from graphql_api.access.buckets import Buckets


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_is_emptied_and_refilled() -> None:
    clock = Clock()
    limits = Buckets(100, 10, clock=clock)

    waits = [limits.take("a", cost) for cost in (60, 40, 5)]
    clock.now = 0.5
    refilled = limits.take("a", 5), limits.available("a"), limits.available("b")

    assert waits == [0, 0, 0.5]
    assert refilled == (0, 0, 100)


def test_what_was_not_used_is_given_back_up_to_the_capacity() -> None:
    limits = Buckets(100, 10, clock=Clock())

    limits.take("a", 60)
    limits.give_back("a", 50)
    some = limits.available("a")
    limits.give_back("a", 50)

    assert (some, limits.available("a")) == (90, 100)


def test_a_cost_above_the_capacity_needs_a_full_bucket() -> None:
    clock = Clock()
    limits = Buckets(100, 10, clock=clock)

    full, then = limits.take("a", 150), limits.take("a", 150)
    clock.now = 15

    assert (full, then, limits.take("a", 150)) == (0, 15, 0)


def test_the_client_that_asked_longest_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Buckets(100, 10, clock=Clock())
    monkeypatch.setattr(buckets, "MAX_BUCKETS", 2)

    for identity in ("a", "b", "a", "c"):
        limits.take(identity, 10)

    assert [limits.available(identity) for identity in ("a", "c")] == [80, 90]


@given(st.lists(st.tuples(st.integers(0, 200), st.floats(0, 20)), max_size=50))
def test_a_client_never_gets_more_than_capacity_and_rate(asked: list[tuple[int, float]]) -> None:
    clock = Clock()
    limits, taken = Buckets(100, 10, clock=clock), 0

    for cost, pause in asked:
        clock.now += pause
        if limits.take("a", cost) == 0:
            taken += cost

    assert taken <= 100 + 10 * clock.now + 100
