"""The long run: a server under a steady load, then under ten times as much as it can bear.

python -m tests.soak [--minutes 15] [--seconds 60] [--books 5000]

Server, PostgreSQL and load take about 1.3 of two cores at 70 % of the peak: run it on a machine that has nothing
else to do. The peak is measured anew each minute: a virtual machine's cores are half as fast again at times, and
70 % of what one does then may be all that it can a minute later.
"""

import asyncio
import os
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import uvloop

from tests.http_client import Client
from tests.open_load import HELD_BACK, Answers, OpenLoad
from tests.serving import embedded_catalog, run_bookstore, run_server

OPERATIONS = [
    "query ($n: Int) { books(first: $n, orderBy: {field: PUBLICATION, direction: DESC}) "
    "{ totalCount nodes { title isbn price { amount currencyCode } authors { name } } pageInfo { endCursor } } }",
    "query ($n: Int) { authors(first: $n) { nodes { name bookCount } } }",
    "query ($n: Int) { categories(first: $n, rootsOnly: true) { nodes { name bookCount children { nodes { name } } } } }",
]
SIZES = range(5, 21)
PEAK = 4.0
"""For how many seconds of each minute the peak is measured."""


def memory_of(pid: int) -> int:
    """Bytes of a process in memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) * 1024


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_of_all() -> float:
    """Seconds of CPU that the machine has used: all but those in which it was idle or waited for a disk."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    return sum(int(each) for place, each in enumerate(fields) if place not in (3, 4)) / os.sysconf(
        "SC_CLK_TCK"
    )


class Speedometer:
    """How fast a core is from second to second: that of a virtual machine is not always as fast."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.costs: dict[int, float] = {}

    async def run(self) -> None:
        """Note what the same work costs, in seconds of CPU, until cancelled."""
        while True:
            before = time.thread_time()
            sum(range(20_000))
            second = int(time.perf_counter() - self.began)
            self.costs[second] = max(self.costs.get(second, 0), time.thread_time() - before)
            await asyncio.sleep(0.1)

    def share(self, second: int) -> float:
        """The slowest speed of a second and those beside it, as a share of the usual one."""
        near = [self.costs[each] for each in range(second - 1, second + 2) if each in self.costs]
        return median(self.costs.values()) / max(near)


async def peak(client: Client, requests: list[bytes], seconds: float) -> float:
    """How many requests a second are answered when 32 are always under way."""
    until, answered = time.perf_counter() + seconds, 0

    async def ask(number: int) -> None:
        nonlocal answered
        while time.perf_counter() < until:
            reply = await client.send(requests[number % len(requests)])
            answered += reply.status == 200
            number += 32

    await asyncio.gather(*(ask(number) for number in range(32)))
    return answered / seconds


async def soak(url: str, pid: int, minutes: int, seconds: float) -> bool:
    """Run, print what was measured; whether it is as it should be."""
    client, port = Client(url), urlsplit(url).port or 0
    requests = [client.build_post(operation, {"n": n}) for n in SIZES for operation in OPERATIONS]
    await peak(client, requests, 3)
    load = OpenLoad(port, requests)
    most = await peak(client, requests, 10)
    # All that can be held at once has been held once: 800 connections take 11 MB, which stay with the process.
    await load.run(most * 10, 5)
    await load.run(most * 0.7, 20)
    before, used = memory_of(pid), [cpu_of(pid), time.process_time(), cpu_of_all()]
    steady, peaks, speed = Answers(), list[float](), Speedometer()
    measuring = asyncio.create_task(speed.run())
    for _ in range(minutes):
        peaks.append(await peak(client, requests, PEAK))
        await load.run(peaks[-1] * 0.7, 60 - PEAK, steady)
    measuring.cancel()
    most = median(peaks)
    growth = memory_of(pid) / before - 1
    server, own, everything = (
        (after - until) / (minutes * 60)
        for after, until in zip([cpu_of(pid), time.process_time(), cpu_of_all()], used, strict=True)
    )
    errors = steady.total() - steady.count(200) + steady.held_back
    print(
        f"peak: {most:,.0f} requests a second, {min(peaks):,.0f} to {max(peaks):,.0f} from minute to minute"
    )
    print(
        f"{len(peaks)} minutes at 70 % of each: {steady.total():,} requests, {errors:,} errors, "
        f"p50 {steady.percentile(200, 0.5) * 1000:.1f} ms, p99 {steady.percentile(200, 0.99) * 1000:.1f} ms, "
        f"memory {before / 2**20:.0f} MB {growth:+.1%}"
    )
    print(
        f"cores used meanwhile: {server:.2f} by the server, {own:.2f} by the load, {everything - server - own:.2f} "
        f"by PostgreSQL and whatever else ran, of {os.cpu_count()}; the load was held up for {steady.late:.1f} s"
    )

    for (status, second), count in sorted(steady.failed_at.items()):
        what = "held back for want of connections" if status == HELD_BACK else f"answers with {status}"
        print(f"  {count:,} {what} in second {second}, a core at {speed.share(second):.0%}")
    slow = sum(speed.share(second) < 0.7 for second in speed.costs)
    print(f"{slow} of {len(speed.costs)} seconds had a core at less than 70 % of its usual speed")

    flood = await load.run(most * 10, seconds)
    accepted = flood.count(200) / seconds
    print(
        f"{seconds:g} seconds at ten times the peak: {flood.total() / seconds:,.0f} requests a second "
        f"({flood.held_back / seconds:,.0f} more were held back for want of connections), "
        f"accepted {accepted:,.0f} a second with p99 {flood.percentile(200, 0.99) * 1000:.0f} ms, "
        f"refused {flood.count(503) / seconds:,.0f} a second in p50 {flood.percentile(503, 0.5) * 1000:.1f} ms, "
        f"p99 {flood.percentile(503, 0.99) * 1000:.1f} ms, others {flood.total() - flood.count(200) - flood.count(503)}"
    )
    after = await client.send(requests[0])
    print(f"afterwards: {after.status}")
    client.close()
    return errors == 0 and growth < 0.05 and after.status == 200 and flood.seconds.keys() <= {200, 503}


def main() -> None:
    parser = ArgumentParser()
    parser.add_argument("--minutes", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--books", type=int, default=5_000)
    chosen = parser.parse_args()
    with embedded_catalog() as folder:
        run_bookstore("seed", "--books", str(chosen.books), cwd=folder)
        with run_server(folder) as served:
            well = uvloop.run(soak(served.url, served.process.pid, chosen.minutes, chosen.seconds))
    sys.exit(not well)


if __name__ == "__main__":
    main()
