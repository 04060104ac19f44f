"""Measure a price list over a catalog, the same list again and its undo, and how long readers wait meanwhile.

    python -m benchmarks.import_changes --books 1000000 --prices 100000

Uses DATABASE_URL's server, or else an embedded server, with a temporary database.
"""

import argparse
import asyncio
import csv
import statistics
import tempfile
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from rich.console import Console
from rich.table import Table

from benchmarks.import_benchmark import benchmark_server, temporary_database
from db.importing.importer import import_feed
from db.importing.readers import open_feed, open_generated
from db.importing.summary import Summary
from db.importing.undo import undo_import
from db.migrations import migrate

READER_INTERVAL = 0.01
"""Seconds between two reads of a reader."""

ISBNS = """
/* isbns_for_prices */
SELECT isbn, row_number() OVER (ORDER BY id) AS number FROM book WHERE isbn IS NOT NULL ORDER BY id LIMIT $1::bigint
"""

READ = """
/* read_a_page */
SELECT b.title, b.price FROM category_listing l JOIN book b ON b.id = l.book_id
WHERE l.category_id = $1::bigint AND l.direct ORDER BY l.price DESC, l.book_id LIMIT 20
"""


@dataclass(slots=True)
class Reader:
    """A reader of the cheapest pages of categories, and how long each read took, in milliseconds."""

    dsn: str
    waits: list[float] = field(default_factory=list[float])

    async def read(self, stop: asyncio.Event) -> None:
        connection = await asyncpg.connect(self.dsn)
        categories = [row[0] for row in await connection.fetch("SELECT id FROM category ORDER BY id")]
        while not stop.is_set():
            started = time.perf_counter()
            await connection.fetch(READ, categories[len(self.waits) % len(categories)])
            self.waits.append(1000 * (time.perf_counter() - started))
            await asyncio.sleep(READER_INTERVAL)
        await connection.close()


@dataclass(frozen=True, slots=True)
class Measure:
    """One import of a price list, or nothing at all, with the waits of a reader beside it."""

    title: str
    summary: Summary | None
    waits: list[float]


async def main() -> None:
    parser = argparse.ArgumentParser(description="Measure changes of a catalog.")
    parser.add_argument("--books", type=int, default=1_000_000, help="number of books in the catalog")
    parser.add_argument("--prices", type=int, default=100_000, help="number of prices that change")
    options = parser.parse_args()
    with benchmark_server() as server, tempfile.TemporaryDirectory() as name:
        async with temporary_database(server) as dsn:
            await asyncio.to_thread(migrate, dsn)
            folder = Path(name)
            await import_feed(dsn, open_generated(options.books, 1), rejects=folder / "rejects.csv")
            measures = await measure_changes(dsn, folder, options.prices)
    Console().print(build_table(measures))


async def measure_changes(dsn: str, folder: Path, prices: int) -> list[Measure]:
    path = folder / "prices.csv"
    await write_prices(dsn, path, prices)

    async def import_prices() -> Summary:
        feed = await open_feed("csv", [path], source="seed", currency="EUR")
        return await import_feed(dsn, feed, rejects=folder / "rejects.csv")

    measures = [await measure("nothing", dsn, asyncio.sleep(5))]
    changed = await measure(f"{prices:,} prices by ISBN", dsn, import_prices())
    measures += [changed, await measure("the same again", dsn, import_prices())]
    if changed.summary is not None:
        undone = undo_import(dsn, changed.summary.number)
        measures.append(await measure("undo of the prices", dsn, undone))
    return measures


async def write_prices(dsn: str, path: Path, prices: int) -> None:
    """Write new prices of the first books with an ISBN."""
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch(ISBNS, prices)
    await connection.close()
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("isbn", "price"))
        writer.writerows((isbn, f"{number % 90 + 200}.37") for isbn, number in rows)


async def measure(title: str, dsn: str, work: Awaitable[Any]) -> Measure:
    """Do the work beside a reader."""
    stop, reader = asyncio.Event(), Reader(dsn)
    reading = asyncio.create_task(reader.read(stop))
    summary = await work
    stop.set()
    await reading
    return Measure(title, summary, reader.waits)


def build_table(measures: list[Measure]) -> Table:
    table = Table("", *(each.title for each in measures))
    summaries = [each.summary for each in measures]
    table.add_row("changed books", *(f"{each.changed:,}" if each else "" for each in summaries))
    table.add_row("seconds", *(f"{each.seconds:.1f}" if each else "" for each in summaries))
    for phase in dict.fromkeys(name for each in summaries if each for name, _ in each.phases):
        seconds = (dict(each.phases).get(phase) if each else None for each in summaries)
        table.add_row(f"  {phase}, s", *("" if each is None else f"{each:.1f}" for each in seconds))
    table.add_row("memory, MB", *(f"{each.peak_memory_mb:.0f}" if each else "" for each in summaries))
    table.add_row("reads", *(f"{len(each.waits):,}" for each in measures))
    table.add_row("a read, median ms", *(f"{statistics.median(each.waits):.1f}" for each in measures))
    table.add_row("a read, longest ms", *(f"{max(each.waits):.0f}" for each in measures))
    return table


if __name__ == "__main__":
    asyncio.run(main())
