"""How far replicas are behind the primary, by the clock of this process."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from db.connections.positions import Position


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a replica is behind: bytes of the log, and seconds since the primary had the first of them."""

    byte_count: int
    seconds: float


class PrimaryTrace:
    """The positions that the primary had in the last `window` seconds of `clock`.

    The time of the last replayed transaction would not do: it is old on a primary that is idle.
    """

    def __init__(self, window: float, clock: Callable[[], float]) -> None:
        self._window = window
        self._clock = clock
        self._timeline = 0
        self._samples: deque[tuple[float, int]] = deque()

    def record(self, position: Position) -> None:
        """Record where the primary is now."""
        if position.timeline != self._timeline:
            self._timeline = position.timeline
            self._samples.clear()
        now = self._clock()
        while len(self._samples) > 1 and self._samples[1][0] < now - self._window:
            self._samples.popleft()
        if not self._samples or self._samples[-1][1] < position.lsn:
            self._samples.append((now, position.lsn))

    def measure_lag(self, position: Position) -> Lag:
        """Return how far a replica at `position` is behind the last recorded position."""
        newest = self._samples[-1][1] if self._samples else 0
        missing = next((time for time, lsn in self._samples if lsn > position.lsn), None)
        seconds = 0.0 if missing is None else self._clock() - missing
        return Lag(max(0, newest - position.lsn), seconds)
