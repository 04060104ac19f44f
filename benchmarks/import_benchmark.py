"""Measure an import of generated books from CSV, beside a bare COPY of the same rows.

    python -m benchmarks.import_benchmark --books 1000000 [--gutenberg FOLDER] [--again]

On DATABASE_URL's server, or else on an embedded one of its own; in a database made for it and dropped.
"""

import argparse
import asyncio
import csv
import os
import tempfile
import time
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from rich.console import Console
from rich.table import Table

from db import embedded
from db.importing.progress import progress_on
from db.importing.readers import Delivery, open_delivery
from db.importing.readers.flat import FIELDS
from db.importing.records import BookRecord
from db.importing.run import Summary, import_delivery
from db.importing.seed import seeded_books
from db.migrations import migrate

BARE_TABLE = """
/* bare_table */
CREATE TABLE bare (
    source_id text, isbn text, title text, subtitle text, authors text, categories text, price numeric, currency text,
    published text, pages integer, language text, description text, cover_url text, stock integer,
    rating_average numeric, rating_count integer
)
"""

CATALOG_BYTES = """
/* catalog_bytes */
SELECT pg_database_size(current_database())
"""


@dataclass(frozen=True, slots=True)
class Measure:
    """One import, and how long a bare COPY of its rows takes."""

    title: str
    summary: Summary
    bare_seconds: float
    catalog_bytes: int


async def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the import.")
    parser.add_argument("--books", type=int, default=1_000_000, help="how many books to generate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--gutenberg", type=Path, help="a folder with Project Gutenberg's catalog, measured too"
    )
    parser.add_argument("--again", action="store_true", help="import everything a second time")
    options = parser.parse_args()
    console = Console()
    measures: list[Measure] = []
    with server() as dsn, tempfile.TemporaryDirectory() as folder:
        generated, listed = Path(folder) / "generated.csv", Path(folder) / "gutenberg.csv"
        if options.gutenberg:
            delivery = await open_delivery("gutenberg", [options.gutenberg])
            await write_batches(delivery, listed)
            deliveries = [
                await open_delivery("gutenberg", [options.gutenberg]) for _ in range(1 + options.again)
            ]
            measures += await measured("Gutenberg", dsn, deliveries, listed, console)
        write_csv(seeded_books(options.books, options.seed), generated)
        deliveries = [await open_delivery("csv", [generated]) for _ in range(1 + options.again)]
        measures += await measured(f"{options.books:,} generated", dsn, deliveries, generated, console)
    console.print(table_of(measures))


async def measured(
    title: str, server_dsn: str, deliveries: list[Delivery], flat: Path, console: Console
) -> list[Measure]:
    """Import the deliveries one after the other into a database of their own."""
    measures: list[Measure] = []
    async with database(server_dsn) as dsn:
        bare_seconds = await bare_copy(dsn, flat)
        await asyncio.to_thread(migrate, dsn)
        for nth, delivery in enumerate(deliveries):
            with progress_on(console) as progress:
                summary = await import_delivery(
                    dsn, delivery, rejects=flat.with_suffix(".rejects.csv"), progress=progress
                )
            connection = await asyncpg.connect(dsn)
            size: int = await connection.fetchval(CATALOG_BYTES)
            await connection.close()
            measures.append(Measure(f"{title}, again" if nth else title, summary, bare_seconds, size))
    return measures


async def bare_copy(dsn: str, flat: Path) -> float:
    connection = await asyncpg.connect(dsn)
    await connection.execute(BARE_TABLE)
    started = time.monotonic()
    with flat.open("rb") as file:
        await connection.copy_to_table("bare", source=file, format="csv", header=True)
    seconds = time.monotonic() - started
    await connection.execute("DROP TABLE bare")
    await connection.close()
    return seconds


def table_of(measures: Iterable[Measure]) -> Table:
    steps = list(dict.fromkeys(step for measure in measures for step, _ in measure.summary.phases))
    table = Table("", *(measure.title for measure in measures))

    def line(name: str, cells: Iterable[object]) -> None:
        table.add_row(name, *map(str, cells))

    line("rows", (f"{m.summary.read:,}" for m in measures))
    line(
        "new / changed / rejected",
        (f"{m.summary.new:,} / {m.summary.changed:,} / {m.summary.rejected:,}" for m in measures),
    )
    line("links written", (f"{m.summary.written.new_links:,}" for m in measures))
    for step in steps:
        line(f"  {step}, s", (f"{dict(m.summary.phases).get(step, 0):.1f}" for m in measures))
    line("import, s", (f"{m.summary.seconds:.1f}" for m in measures))
    line("bare COPY, s", (f"{m.bare_seconds:.1f}" for m in measures))
    line("peak memory, MB", (f"{m.summary.peak_memory_mb:.0f}" for m in measures))
    line("database, MB", (f"{m.catalog_bytes / 2**20:.0f}" for m in measures))
    return table


async def write_batches(delivery: Delivery, path: Path) -> None:
    records = [
        record async for batch in delivery.batches for record in batch if isinstance(record, BookRecord)
    ]
    write_csv(records, path)


def write_csv(books: Iterable[BookRecord], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(FIELDS)
        writer.writerows(map(cells, books))


def cells(book: BookRecord) -> tuple[object, ...]:
    return (
        book.source_id, book.isbn, book.title, book.subtitle, "; ".join(credits(book)),
        "; ".join(" > ".join(path) for path in book.categories), book.price, book.currency,
        book.published_on or book.published_year, book.page_count, book.language, book.description, book.cover_url,
        book.stock, book.rating_average, book.rating_count if book.rating_count else None,
    )  # fmt: skip


def credits(book: BookRecord) -> Generator[str]:  # noqa: A001 - the bookseller's word
    for author in book.authors:
        yield author.name if author.role == "AUTHOR" else f"{author.name} ({author.role.lower()})"


@contextmanager
def server() -> Generator[str]:
    """The address of a server on which a database can be made."""
    if dsn := os.environ.get("DATABASE_URL"):
        yield dsn
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            yield embedded.start(folder).dsn
        finally:
            embedded.stop(folder)


@asynccontextmanager
async def database(server_dsn: str) -> AsyncGenerator[str]:
    name = f"import_benchmark_{os.getpid()}"
    connection = await asyncpg.connect(server_dsn)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    try:
        yield urlunsplit(urlsplit(server_dsn)._replace(path=f"/{name}"))
    finally:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()


if __name__ == "__main__":
    asyncio.run(main())
