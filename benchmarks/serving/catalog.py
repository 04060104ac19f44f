"""The catalog of all servers: an embedded PostgreSQL with generated books, kept between runs.

Works that write run on a copy of it, which is dropped afterwards.
"""

import asyncio
import os
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncpg
from rich.console import Console

from benchmarks.serving.meters import process_tree
from db import embedded
from db.access_keys import create_access_key
from db.connections.connect import connect
from db.importing.importer import import_feed
from db.importing.progress import progress_for
from db.importing.readers import open_generated
from db.migrations import migrate
from graphql_api.access.keys import generate_key, hash_key
from graphql_api.access.roles import Role

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
COPY = "benchmark_copy"
"""Name of the database that is written."""


COUNT_BOOKS = """
/* books */
SELECT count(*) FROM book
"""


class BenchmarkCatalogError(Exception):
    """The catalog does not have the expected number of books."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """A running PostgreSQL with the catalog; `postmaster` is the id of its main process.

    A copy that can be written has an editor's access `key`.
    """

    dsn: str
    postmaster: int
    books: int
    key: str | None = field(default=None, repr=False)


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


@contextmanager
def open_copy(catalog: Catalog) -> Generator[Catalog]:
    """Yield a copy of the catalog to write, with an editor's key; then drop it.

    No other session may use the catalog meanwhile.
    """
    maintenance = catalog.dsn.replace(f"/{embedded.DATABASE}?", "/postgres?")
    copy = replace(
        catalog, dsn=catalog.dsn.replace(f"/{embedded.DATABASE}?", f"/{COPY}?"), key=generate_key()
    )
    drop = f"DROP DATABASE IF EXISTS {COPY} WITH (FORCE)"
    asyncio.run(execute(maintenance, drop))
    asyncio.run(
        execute(maintenance, f"CREATE DATABASE {COPY} TEMPLATE {embedded.DATABASE} STRATEGY file_copy")
    )
    try:
        asyncio.run(add_editor(copy))
        yield copy
    finally:
        asyncio.run(execute(maintenance, drop))


def open_for(catalog: Catalog, *, writes: bool) -> AbstractContextManager[Catalog]:
    """Return the context of what works run on: the catalog itself, or a copy if they write."""
    return open_copy(catalog) if writes else nullcontext(catalog)


async def execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def add_editor(copy: Catalog) -> None:
    assert copy.key is not None  # noqa: S101 - every copy has one
    connection = await connect(copy.dsn, application_name="benchmark")
    try:
        await create_access_key(connection, "benchmark", Role.EDITOR.name, hash_key(copy.key), None)
    finally:
        await connection.close()


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
