"""The catalog that all servers read: an embedded PostgreSQL with generated books, kept between runs."""

import asyncio
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from rich.console import Console

from benchmarks.serving.meters import process_tree
from db import embedded
from db.importing.importer import import_feed
from db.importing.progress import progress_for
from db.importing.readers import open_generated
from db.migrations import migrate

WORK_FOLDER = Path(__file__).parents[1] / ".work"
"""Folder of catalogs, logs and results. Git ignores it."""

SEED = 1
# No background work may run during measurements. Durability is off: the catalog can be generated again.
POSTGRES_OPTIONS = {
    "shared_buffers": "1GB",
    "effective_cache_size": "8GB",
    "max_connections": "100",
    "autovacuum": "off",
    "fsync": "off",
    "synchronous_commit": "off",
    "max_wal_size": "8GB",
}
PEER_FUNCTIONS = Path(__file__).with_name("peers") / "postgraphile.sql"


COUNT_BOOKS = """
/* books */
SELECT count(*) FROM book
"""


class BenchmarkCatalogError(Exception):
    """The catalog does not have the expected number of books."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """A running PostgreSQL with the catalog; `postmaster` is the id of its main process."""

    dsn: str
    postmaster: int
    books: int


@contextmanager
def open_catalog(books: int, folder: Path, console: Console) -> Generator[Catalog]:
    """Yield the catalog with that number of books, generated in `folder` if missing; then stop its server."""
    data = folder / f"catalog-{books}"
    server = embedded.start(data, options=POSTGRES_OPTIONS)
    try:
        migrate(server.dsn)
        asyncio.run(import_if_empty(server.dsn, books, data, console))
        pids = [status.pid for status in embedded.status(data) if status.pid]
        pin_server(pids[0])
        yield Catalog(server.dsn, pids[0], books)
    finally:
        embedded.stop(data)


def pin_server(postmaster: int) -> None:
    """Pin the server to this process's cores; it may have been running before."""
    for pid in process_tree(postmaster):
        with suppress(ProcessLookupError):
            os.sched_setaffinity(pid, os.sched_getaffinity(0))


async def import_if_empty(dsn: str, books: int, data: Path, console: Console) -> None:
    """Import the books into an empty catalog, and create the functions that only PostGraphile needs."""
    connection = await asyncpg.connect(dsn)
    try:
        if await connection.fetchval(COUNT_BOOKS) == 0:
            console.print(f"Importing {books:,} books; the catalog is kept in {data}")
            with progress_for(console) as progress:
                delivery = open_generated(books, SEED)
                await import_feed(dsn, delivery, rejects=data / "rejects.csv", progress=progress)
        count = await connection.fetchval(COUNT_BOOKS)
        if count != books:
            raise BenchmarkCatalogError(
                f"{data} holds {count:,} books instead of {books:,}: delete the folder."
            )
        await connection.execute(PEER_FUNCTIONS.read_text())
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
