"""How far a replica is behind, by an injected clock."""

from db.connections.positions import Position
from db.connections.replica_lag import Lag, PrimaryTrace


class Clock:
    """A clock that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def at(lsn: int, timeline: int = 1) -> Position:
    return Position(1, timeline, lsn)


def trace_of(samples: dict[float, int], clock: Clock, window: float = 10.0) -> PrimaryTrace:
    """Return a trace of the LSN at each time."""
    trace = PrimaryTrace(window, clock)
    for clock.now, lsn in samples.items():
        trace.record(at(lsn))
    return trace


def test_a_replica_that_has_everything_is_not_behind() -> None:
    clock = Clock()
    trace = trace_of({1.0: 100, 2.0: 200}, clock)
    clock.now = 9.0

    assert trace.measure_lag(at(200)) == Lag(0, 0.0)
    assert trace.measure_lag(at(250)) == Lag(0, 0.0)


def test_the_lag_counts_from_the_first_position_that_is_missing() -> None:
    clock = Clock()
    trace = trace_of({1.0: 100, 2.0: 200, 3.0: 300}, clock)
    clock.now = 3.5

    assert trace.measure_lag(at(299)) == Lag(1, 0.5)
    assert trace.measure_lag(at(100)) == Lag(200, 1.5)
    assert trace.measure_lag(at(0)) == Lag(300, 2.5)


def test_an_idle_primary_makes_no_lag() -> None:
    """The first write after an hour is missing since now, not since an hour."""
    clock = Clock()
    trace = trace_of({0.0: 100, 3600.0: 100, 3600.5: 200}, clock)

    assert trace.measure_lag(at(100)) == Lag(100, 0.0)


def test_positions_before_the_window_are_dropped_but_for_one() -> None:
    clock = Clock()
    trace = trace_of({float(second): 100 * second for second in range(1, 101)}, clock)

    assert len(trace._samples) == 12
    assert trace.measure_lag(at(0)) == Lag(10_000, 11.0)


def test_a_promotion_begins_a_new_trace() -> None:
    clock = Clock()
    trace = trace_of({1.0: 100, 2.0: 200}, clock)

    trace.record(at(150, timeline=2))
    clock.now = 5.0

    assert trace.measure_lag(at(149, timeline=2)) == Lag(1, 3.0)


def test_without_a_primary_there_is_no_lag() -> None:
    assert PrimaryTrace(10.0, Clock()).measure_lag(at(5)) == Lag(0, 0.0)
