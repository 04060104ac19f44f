"""Readers: a hundred requests a second, and what came of each."""

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
    """One request: when it was sent, its status (0: the connection failed), its codes, how long it took."""

    sent: float
    status: int
    codes: tuple[str, ...]
    seconds: float

    @property
    def well(self) -> bool:
        return self.status == 200 and not self.codes


@dataclass
class Readers:
    """Reads from a server while the context lasts; with `most` under way, no further ones are sent."""

    url: str
    most: float = math.inf
    reads: list[Read] = field(default_factory=list[Read])
    under_way: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> "Readers":
        self.client = Client(self.url)
        self.sending = asyncio.create_task(self.send())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.sending.cancel()
        await asyncio.gather(*self.under_way)
        self.client.close()

    async def send(self) -> None:
        began, number = time.monotonic(), 0
        while True:
            if len(self.under_way) < self.most:
                task = asyncio.create_task(self.read(number))
                self.under_way.add(task)
                task.add_done_callback(self.under_way.discard)
            number += 1
            await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))

    async def read(self, number: int) -> None:
        sent = time.monotonic()
        reply = await self.client.send(self.client.build_post(QUERY, {"first": number % 20 + 1}))
        errors = reply.json().get("errors", ()) if reply.body else ()
        codes = tuple(error["extensions"]["code"] for error in errors)
        self.reads.append(Read(sent, reply.status, codes, time.monotonic() - sent))

    def kinds(self) -> dict[str, int]:
        """How many reads ended in each way."""
        counted = Counter(" ".join([str(read.status), *sorted(set(read.codes))]) for read in self.reads)
        return dict(sorted(counted.items()))

    def count_since(self, moment: float) -> int:
        """How many answered reads were sent after that moment."""
        return sum(read.sent > moment for read in self.reads)

    def well_since(self, moment: float) -> int:
        """How many reads were well without a bad one between them; all sent after that moment."""
        last = [read.well for read in self.reads if read.sent > moment][::-1]
        return last.index(False) if False in last else len(last)

    def longest(self) -> float:
        return max(read.seconds for read in self.reads)

    def recovery(self, healed: float) -> float:
        """How many seconds after the healing the last request was sent that did not go well."""
        return max((read.sent - healed for read in self.reads if not read.well), default=0.0)

    def note(self, fault: str, recovery: float = 0.0) -> None:
        """Add what came of them to the table of faults."""
        kinds = ", ".join(f"{count} × {kind}" for kind, count in self.kinds().items())
        note(
            "fault | requests | answers | longest | well again after",
            fault,
            len(self.reads),
            kinds,
            f"{self.longest():.2f} s",
            f"{max(0.0, recovery):.2f} s",
        )
