"""Measure a catalog of one size: imports and their replay, bytes, levels, buffers, VACUUM and REINDEX."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks.import_changes import write_prices
from benchmarks.scale.catalog_size import CatalogSize, measure_size
from benchmarks.scale.private_postgres import SEED, PrivatePostgres, postmaster_of
from benchmarks.scale.replay import Replay, ReplayWatch
from benchmarks.serving.meters import cpu_seconds_of
from db import embedded
from db.connections.connect import Connection, connect
from db.explain import ExplainResult
from db.explain_cases import explain_catalog
from db.importing.importer import import_feed
from db.importing.readers import open_feed, open_generated
from db.importing.summary import Summary

POSTGRES_OPTIONS = {
    "shared_buffers": "512MB",
    "effective_cache_size": "4GB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "8GB",
    "autovacuum": "off",
    "fsync": "off",
}
"""Nothing runs beside the measurements. Without fsync the disk's own delays are left out."""

PRICED_SHARE = 10
"""One book in this many gets another price."""

T = TypeVar("T")

FULL_PAGES = """
/* full_pages */
SELECT wal_fpi FROM pg_stat_wal
"""

DATABASE_TABLES = """
/* tables */
SELECT c.relname FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
ORDER BY pg_total_relation_size(c.oid) DESC, c.relname
"""


@dataclass(frozen=True, slots=True)
class MeasuredImport:
    """An import of `books` books, and its replay by a standby. CPU times are in seconds.

    `full_pages` is the number of pages that the WAL holds as a whole.
    """

    books: int
    summary: Summary
    replay: Replay
    importer_cpu: float
    primary_cpu: float
    full_pages: int


@dataclass(frozen=True, slots=True)
class Growth:
    """Everything that was measured with one size. `vacuum` and `reindex` are seconds by table."""

    books: int
    first: MeasuredImport
    prices: MeasuredImport
    size: CatalogSize
    reads: tuple[ExplainResult, ...]
    vacuum: dict[str, float]
    reindex: dict[str, float]


def measure_growth(postgres: PrivatePostgres, books: int) -> Growth:
    standby = postgres.add_standby()
    primary = postgres.primary
    first = measure_import(
        primary, standby, books, lambda: import_generated(primary.dsn, books, postgres.folder)
    )
    size = asyncio.run(measure_with(primary.dsn, measure_size))
    vacuum = asyncio.run(measure_with(primary.dsn, lambda each: time_each(each, "VACUUM (ANALYZE)")))
    reads = asyncio.run(explain_catalog(primary.dsn))
    priced = books // PRICED_SHARE
    prices = measure_import(
        primary, standby, priced, lambda: import_prices(primary.dsn, priced, postgres.folder)
    )
    reindex = asyncio.run(measure_with(primary.dsn, lambda each: time_each(each, "REINDEX TABLE")))
    return Growth(books, first, prices, size, tuple(reads), vacuum, reindex)


def measure_import(
    primary: embedded.Server,
    standby: embedded.Server,
    books: int,
    run_import: Callable[[], Awaitable[Summary]],
) -> MeasuredImport:
    async def run() -> Summary:
        return await run_import()

    postmaster = postmaster_of(primary)
    full_pages = asyncio.run(measure_with(primary.dsn, count_full_pages))
    with ReplayWatch(primary, standby) as watch:
        importer_cpu, primary_cpu = time.process_time(), cpu_seconds_of(postmaster)
        summary = asyncio.run(run())
        importer_cpu = time.process_time() - importer_cpu
        primary_cpu = cpu_seconds_of(postmaster) - primary_cpu
    full_pages = asyncio.run(measure_with(primary.dsn, count_full_pages)) - full_pages
    return MeasuredImport(books, summary, watch.measure(), importer_cpu, primary_cpu, full_pages)


async def import_generated(dsn: str, books: int, folder: Path) -> Summary:
    return await import_feed(dsn, open_generated(books, SEED), rejects=folder / "rejects.csv")


async def import_prices(dsn: str, prices: int, folder: Path) -> Summary:
    path = folder / "prices.csv"
    await write_prices(dsn, path, prices)
    feed = await open_feed("csv", [path], source="seed", currency="EUR")
    return await import_feed(dsn, feed, rejects=folder / "rejects.csv")


async def measure_with(dsn: str, measure: Callable[[Connection], Awaitable[T]]) -> T:
    connection = await connect(dsn, application_name="benchmark")
    try:
        return await measure(connection)
    finally:
        connection.terminate()


async def count_full_pages(connection: Connection) -> int:
    pages: int = await connection.fetchval(FULL_PAGES)
    return pages


async def time_each(connection: Connection, command: str) -> dict[str, float]:
    """Run a command on each table, the largest first. Return the seconds of each."""
    seconds: dict[str, float] = {}
    for row in await connection.fetch(DATABASE_TABLES):
        started_at = time.monotonic()
        await connection.execute(f'{command} "{row[0]}"')
        seconds[row[0]] = time.monotonic() - started_at
    return seconds
