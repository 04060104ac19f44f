"""A load of a hundred reads a second, and the outcome of each read."""

import asyncio
import math
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.http_client import Client
from tests.tables import note

RATE = 100
QUERY = "query ($first: Int) { books(first: $first) { nodes { title authors { name } } } }"


@dataclass(frozen=True, slots=True)
class Read:
    """One request: when it was sent, its status (0: no response), its error codes and its duration."""

    sent: float
    status: int
    codes: tuple[str, ...]
    seconds: float

    @property
    def succeeded(self) -> bool:
        return self.status == 200 and not self.codes


@dataclass
class ReadLoad:
    """Sends reads to a server while the context lasts. With `max_in_flight` reads in flight, it skips further ones."""

    url: str
    max_in_flight: float = math.inf
    reads: list[Read] = field(default_factory=list[Read])
    _in_flight: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def __aenter__(self) -> "ReadLoad":
        self._client = Client(self.url)
        self._sending = asyncio.create_task(self._send_reads())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._sending.cancel()
        await asyncio.gather(*self._in_flight)
        self._client.close()

    async def _send_reads(self) -> None:
        began, number = time.monotonic(), 0
        while True:
            if len(self._in_flight) < self.max_in_flight:
                task = asyncio.create_task(self._send_read(number))
                self._in_flight.add(task)
                task.add_done_callback(self._in_flight.discard)
            number += 1
            await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))

    async def _send_read(self, number: int) -> None:
        sent = time.monotonic()
        response = await self._client.send(self._client.build_post(QUERY, {"first": number % 20 + 1}))
        errors = response.json().get("errors", ()) if response.body else ()
        codes = tuple(error["extensions"]["code"] for error in errors)
        self.reads.append(Read(sent, response.status, codes, time.monotonic() - sent))

    def count_outcomes(self) -> dict[str, int]:
        """Return the number of reads by status and error codes, such as "503 TIMEOUT"."""
        counted = Counter(" ".join([str(read.status), *sorted(set(read.codes))]) for read in self.reads)
        return dict(sorted(counted.items()))

    def count_since(self, start: float) -> int:
        """Return the number of finished reads that were sent after `start`."""
        return sum(read.sent > start for read in self.reads)

    def count_successes_since(self, start: float) -> int:
        """Return the number of successful reads after the last failed one, of those sent after `start`."""
        successes = [read.succeeded for read in self.reads if read.sent > start][::-1]
        return successes.index(False) if False in successes else len(successes)

    def max_seconds(self) -> float:
        """Return the duration of the slowest read."""
        return max(read.seconds for read in self.reads)

    def recovery_seconds(self, fault_end: float) -> float:
        """Return the seconds from the end of the fault until the last failed read was sent."""
        return max((read.sent - fault_end for read in self.reads if not read.succeeded), default=0.0)

    def report(self, fault: str, recovery: float = 0.0) -> None:
        """Add the outcomes to the table of faults."""
        outcomes = ", ".join(f"{count} × {outcome}" for outcome, count in self.count_outcomes().items())
        note(
            "fault | requests | responses | slowest | recovery",
            fault,
            len(self.reads),
            outcomes,
            f"{self.max_seconds():.2f} s",
            f"{max(0.0, recovery):.2f} s",
        )
