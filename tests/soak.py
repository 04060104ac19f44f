"""The soak test: a server under a steady load, and then under ten times its peak load.

python -m tests.soak [--minutes 15] [--seconds 60] [--books 5000]

Server, PostgreSQL and load use about 1.3 cores at 70 % of the peak: run it on an otherwise idle machine with two
cores. The peak is measured every minute, because the speed of a virtual machine's cores varies by half.
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
from tests.open_load import NOT_SENT, LoadResult, OpenLoad
from tests.serving import embedded_catalog, run_bookstore, run_server

OPERATIONS = [
    "query ($n: Int) { books(first: $n, orderBy: {field: PUBLICATION, direction: DESC}) "
    "{ totalCount nodes { title isbn price { amount currencyCode } authors { name } } pageInfo { endCursor } } }",
    "query ($n: Int) { authors(first: $n) { nodes { name bookCount } } }",
    "query ($n: Int) { categories(first: $n, rootsOnly: true) { nodes { name bookCount children { nodes { name } } } } }",
]
SIZES = range(5, 21)
PEAK_SECONDS = 4.0
"""Seconds of each minute in which the peak is measured."""


def memory_of(pid: int) -> int:
    """Return the resident memory of a process in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) * 1024


def cpu_of(pid: int) -> float:
    """Return the CPU time of a process in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_of_machine() -> float:
    """Return the CPU time that the machine has used in seconds, without idle time and waits for disks."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    return sum(int(each) for index, each in enumerate(fields) if index not in (3, 4)) / os.sysconf(
        "SC_CLK_TCK"
    )


class CoreSpeed:
    """Measures the speed of a core in each second, because that of a virtual machine varies."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.costs: dict[int, float] = {}

    async def run(self) -> None:
        """Record the CPU time of a fixed piece of work, until cancelled."""
        while True:
            before = time.thread_time()
            sum(range(20_000))
            second = int(time.perf_counter() - self.began)
            self.costs[second] = max(self.costs.get(second, 0), time.thread_time() - before)
            await asyncio.sleep(0.1)

    def relative_speed(self, second: int) -> float:
        """Return the slowest speed in a second and its neighbours, relative to the median."""
        near = [self.costs[each] for each in range(second - 1, second + 2) if each in self.costs]
        return median(self.costs.values()) / max(near)


async def measure_peak(client: Client, requests: list[bytes], seconds: float) -> float:
    """Return the responses per second with 32 requests in flight."""
    deadline, succeeded = time.perf_counter() + seconds, 0

    async def send_requests(number: int) -> None:
        nonlocal succeeded
        while time.perf_counter() < deadline:
            response = await client.send(requests[number % len(requests)])
            succeeded += response.status == 200
            number += 32

    await asyncio.gather(*(send_requests(number) for number in range(32)))
    return succeeded / seconds


async def soak(url: str, pid: int, minutes: int, seconds: float) -> bool:
    """Run the loads, print the measurements, and return whether there were no errors and no memory growth."""
    client, port = Client(url), urlsplit(url).port or 0
    requests = [client.build_post(operation, {"n": n}) for n in SIZES for operation in OPERATIONS]
    await measure_peak(client, requests, 3)
    load = OpenLoad(port, requests)
    peak = await measure_peak(client, requests, 10)
    # Open the maximum of connections once: 800 take 11 MB, which the process keeps.
    await load.run(peak * 10, 5)
    await load.run(peak * 0.7, 20)
    before, cpu_before = memory_of(pid), [cpu_of(pid), time.process_time(), cpu_of_machine()]
    steady, peaks, speed = LoadResult(), list[float](), CoreSpeed()
    measuring = asyncio.create_task(speed.run())
    for _ in range(minutes):
        peaks.append(await measure_peak(client, requests, PEAK_SECONDS))
        await load.run(peaks[-1] * 0.7, 60 - PEAK_SECONDS, steady)
    measuring.cancel()
    peak = median(peaks)
    growth = memory_of(pid) / before - 1
    server, own, everything = (
        (after - start) / (minutes * 60)
        for after, start in zip([cpu_of(pid), time.process_time(), cpu_of_machine()], cpu_before, strict=True)
    )
    errors = steady.total() - steady.count(200) + steady.not_sent
    print(
        f"peak: {peak:,.0f} requests a second, {min(peaks):,.0f} to {max(peaks):,.0f} from minute to minute"
    )
    print(
        f"{len(peaks)} minutes at 70 % of each: {steady.total():,} requests, {errors:,} errors, "
        f"p50 {steady.percentile(200, 0.5) * 1000:.1f} ms, p99 {steady.percentile(200, 0.99) * 1000:.1f} ms, "
        f"memory {before / 2**20:.0f} MB {growth:+.1%}"
    )
    print(
        f"cores in use: {server:.2f} by the server, {own:.2f} by the load, {everything - server - own:.2f} "
        f"by PostgreSQL and other processes, of {os.cpu_count()}; the load was delayed by {steady.delay:.1f} s"
    )

    for (status, second), count in sorted(steady.failures.items()):
        outcome = "not sent, no free connection" if status == NOT_SENT else f"responses with {status}"
        print(f"  {count:,} {outcome} in second {second}, a core at {speed.relative_speed(second):.0%}")
    slow = sum(speed.relative_speed(second) < 0.7 for second in speed.costs)
    print(f"{slow} of {len(speed.costs)} seconds had a core at less than 70 % of its usual speed")

    flood = await load.run(peak * 10, seconds)
    accepted = flood.count(200) / seconds
    print(
        f"{seconds:g} seconds at ten times the peak: {flood.total() / seconds:,.0f} requests a second "
        f"({flood.not_sent / seconds:,.0f} more were not sent, no free connection), "
        f"accepted {accepted:,.0f} a second with p99 {flood.percentile(200, 0.99) * 1000:.0f} ms, "
        f"rejected {flood.count(503) / seconds:,.0f} a second in p50 {flood.percentile(503, 0.5) * 1000:.1f} ms, "
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
    options = parser.parse_args()
    with embedded_catalog() as folder:
        run_bookstore("seed", "--books", str(options.books), cwd=folder)
        with run_server(folder) as server:
            passed = uvloop.run(soak(server.url, server.process.pid, options.minutes, options.seconds))
    sys.exit(not passed)


if __name__ == "__main__":
    main()
