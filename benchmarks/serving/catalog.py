"""The catalog that all servers read: a PostgreSQL of the benchmark's own, with seeded books that are kept."""

import asyncio
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from rich.console import Console

from benchmarks.serving.meters import family
from db import embedded
from db.importing.progress import progress_on
from db.importing.readers import open_seeded
from db.importing.run import import_delivery
from db.migrations import migrate

WORK_FOLDER = Path(__file__).parents[1] / ".work"
"""What is made and kept: catalogs, logs, results. Git ignores it."""

SEED = 1
# Nothing may run on the side while servers are measured; the catalog can be made again.
OPTIONS = {
    "shared_buffers": "1GB",
    "effective_cache_size": "8GB",
    "max_connections": "100",
    "autovacuum": "off",
    "fsync": "off",
    "synchronous_commit": "off",
    "max_wal_size": "8GB",
}
PEER_FUNCTIONS = Path(__file__).with_name("peers") / "postgraphile.sql"


BOOKS = """
/* books */
SELECT count(*) FROM book
"""


class CatalogError(Exception):
    """The catalog is not what it should be."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """A running server with so many books; `postmaster` is its main process."""

    dsn: str
    postmaster: int
    books: int


@contextmanager
def catalog_of(books: int, folder: Path, console: Console) -> Generator[Catalog]:
    """The catalog of so many books, made in `folder` if it is not there; its server ends with the block."""
    data = folder / f"catalog-{books}"
    server = embedded.start(data, options=OPTIONS)
    try:
        migrate(server.dsn)
        asyncio.run(stocked(server.dsn, books, data, console))
        pids = [status.pid for status in embedded.status(data) if status.pid]
        follow(pids[0])
        yield Catalog(server.dsn, pids[0], books)
    finally:
        embedded.stop(data)


def follow(postmaster: int) -> None:
    """Keep the server, had it been running already, on the cores that this process may use."""
    for pid in family(postmaster):
        with suppress(ProcessLookupError):
            os.sched_setaffinity(pid, os.sched_getaffinity(0))


async def stocked(dsn: str, books: int, data: Path, console: Console) -> None:
    """Import the books unless they are there, and create what only PostGraphile needs."""
    connection = await asyncpg.connect(dsn)
    try:
        if await connection.fetchval(BOOKS) == 0:
            console.print(f"Importing {books:,} books; they are kept in {data}")
            with progress_on(console) as progress:
                delivery = open_seeded(books, SEED)
                await import_delivery(dsn, delivery, rejects=data / "rejects.csv", progress=progress)
        found = await connection.fetchval(BOOKS)
        if found != books:
            raise CatalogError(f"{data} holds {found:,} books instead of {books:,}: delete it.")
        await connection.execute(PEER_FUNCTIONS.read_text())
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
