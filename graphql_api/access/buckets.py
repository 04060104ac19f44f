"""Buckets of cost: how much each client may ask for, refilled at a steady rate."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MAX_BUCKETS = 100_000
"""Maximum number of clients whose buckets are kept; the one that asked longest ago is forgotten first."""


@dataclass(slots=True)
class Bucket:
    """The cost that a client may still ask for, as of a time of the clock."""

    available: float
    counted_at: float


class Buckets:
    """A bucket for each client, of `capacity`, refilled by `restore_rate` a second. Costs are in rows."""

    def __init__(
        self, capacity: int, restore_rate: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.capacity = capacity
        self.restore_rate = restore_rate
        self._clock = clock
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, identity: str, cost: int) -> float:
        """Take a cost from a client's bucket and return 0, or return the seconds until it has enough.

        A cost above the capacity needs a full bucket.
        """
        bucket = self._refill(identity)
        missing = min(cost, self.capacity) - bucket.available
        if missing > 0:
            return missing / self.restore_rate
        bucket.available -= cost
        return 0.0

    def give_back(self, identity: str, cost: int) -> None:
        """Return what an operation has not used."""
        bucket = self._refill(identity)
        bucket.available = min(self.capacity, bucket.available + cost)

    def available(self, identity: str) -> int:
        """Return the cost that the client may ask for now."""
        return int(self._refill(identity).available)

    def _refill(self, identity: str) -> Bucket:
        now = self._clock()
        bucket = self._buckets.get(identity)
        if bucket is None:
            if len(self._buckets) >= MAX_BUCKETS:
                self._buckets.popitem(last=False)
            bucket = self._buckets[identity] = Bucket(self.capacity, now)
        else:
            self._buckets.move_to_end(identity)
            restored = (now - bucket.counted_at) * self.restore_rate
            bucket.available = min(self.capacity, bucket.available + restored)
            bucket.counted_at = now
        return bucket
