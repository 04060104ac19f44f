"""How far a standby falls behind its primary during some work, and what its replay costs."""

import asyncio
import threading
import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType

from benchmarks.scale.private_postgres import postmaster_of
from benchmarks.serving.meters import cpu_seconds_of
from db import embedded
from db.connections.connect import Connection, connect
from db.connections.positions import read_server_state

SAMPLE_INTERVAL = 0.1
"""Seconds between two readings of both positions."""

CATCH_UP_TIMEOUT = 1_800.0
"""Seconds in which a standby replays all of the work."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A time in seconds, the primary's insert position and the standby's replay position in bytes."""

    at: float
    inserted: int
    replayed: int


@dataclass(frozen=True, slots=True)
class Replay:
    """The WAL of the work in bytes, and how the standby replayed it, in seconds and bytes.

    `catch_up_seconds` is the time from the end of the work until the standby had replayed all of it.
    `cpu_seconds` is the CPU time of the standby.
    """

    wal_bytes: int
    max_lag_bytes: int
    max_lag_seconds: float
    catch_up_seconds: float
    cpu_seconds: float


@dataclass(slots=True)
class ReplayWatch:
    """Samples both positions within a block, in a thread of its own. Afterwards `measure` has the result.

    The end of the block waits until the standby has caught up.
    """

    primary: embedded.Server
    standby: embedded.Server
    samples: list[Sample] = field(default_factory=list[Sample])
    _has_started: threading.Event = field(default_factory=threading.Event)
    _has_ended: threading.Event = field(default_factory=threading.Event)
    _ended_at: float = 0.0
    _cpu: float = 0.0
    _thread: threading.Thread | None = None

    def __enter__(self) -> "ReplayWatch":
        self._cpu = cpu_seconds_of(postmaster_of(self.standby))
        self._thread = threading.Thread(target=lambda: asyncio.run(self._sample()))
        self._thread.start()
        self._has_started.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended_at = time.monotonic()
        self._has_ended.set()
        if self._thread is not None:
            self._thread.join()
        self._cpu = cpu_seconds_of(postmaster_of(self.standby)) - self._cpu

    def measure(self) -> Replay:
        """Return the result. Raises TimeoutError if the standby had not caught up in CATCH_UP_TIMEOUT."""
        last = self.samples[-1]
        if last.replayed < last.inserted:
            raise TimeoutError(
                f"The standby is {last.inserted - last.replayed:,} bytes behind after"
                f" {CATCH_UP_TIMEOUT:,.0f} s: take fewer books."
            )
        return Replay(
            wal_bytes=last.inserted - self.samples[0].inserted,
            max_lag_bytes=max(each.inserted - each.replayed for each in self.samples),
            max_lag_seconds=measure_max_lag(self.samples),
            catch_up_seconds=max(0.0, last.at - self._ended_at),
            cpu_seconds=self._cpu,
        )

    async def _sample(self) -> None:
        primary, standby = [
            await connect(each.dsn, application_name="benchmark") for each in (self.primary, self.standby)
        ]
        try:
            while True:
                has_ended = self._has_ended.is_set()
                sample = Sample(time.monotonic(), await read_lsn(primary), await read_lsn(standby))
                self.samples.append(sample)
                self._has_started.set()
                if has_ended and (
                    sample.replayed >= sample.inserted or sample.at > self._ended_at + CATCH_UP_TIMEOUT
                ):
                    return
                await asyncio.sleep(SAMPLE_INTERVAL)
        finally:
            primary.terminate()
            standby.terminate()
            self._has_started.set()


async def read_lsn(connection: Connection) -> int:
    return (await read_server_state(connection)).position.lsn


def measure_max_lag(samples: Sequence[Sample]) -> float:
    """Return the longest time in seconds since the primary was where the standby is."""
    inserted = [sample.inserted for sample in samples]
    lags = [
        sample.at - samples[bisect_right(inserted, sample.replayed)].at
        for sample in samples
        if sample.replayed < sample.inserted
    ]
    return max([0.0, *lags])
