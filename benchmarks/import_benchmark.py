"""Measure an import of generated books from CSV, and a bare COPY of the same rows for comparison.

    python -m benchmarks.import_benchmark --books 1000000 [--gutenberg FOLDER] [--again]

Uses DATABASE_URL's server, or else an embedded server, with a temporary database.
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
from db.book_columns import BOOK_COLUMNS
from db.importing.importer import Summary, import_feed
from db.importing.progress import progress_for
from db.importing.readers import Feed, open_feed
from db.importing.readers.flat_fields import FLAT_FIELDS
from db.importing.records import BookRecord
from db.importing.seed import generate_books
from db.migrations import migrate

COLUMN_BY_FIELD = {column.flat_field: column for column in BOOK_COLUMNS if column.flat_field != "published"}
"""The column of each field that one column holds unchanged."""

BARE_COLUMNS_SQL = ", ".join(
    f"{field} {COLUMN_BY_FIELD[field].sql_type.removesuffix(' NOT NULL') if field in COLUMN_BY_FIELD else 'text'}"
    for field in FLAT_FIELDS
)
BARE_TABLE = f"""
/* bare_table */
CREATE TABLE bare ({BARE_COLUMNS_SQL})
"""

CATALOG_BYTES = """
/* catalog_bytes */
SELECT pg_database_size(current_database())
"""


@dataclass(frozen=True, slots=True)
class Measure:
    """One import, and the duration of a bare COPY of its rows in seconds."""

    title: str
    summary: Summary
    bare_seconds: float
    catalog_bytes: int


async def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the import.")
    parser.add_argument("--books", type=int, default=1_000_000, help="number of books to generate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--gutenberg", type=Path, help="folder with Project Gutenberg's catalog, to measure too"
    )
    parser.add_argument("--again", action="store_true", help="import everything a second time")
    options = parser.parse_args()
    console = Console()
    measures: list[Measure] = []
    with benchmark_server() as dsn, tempfile.TemporaryDirectory() as folder:
        generated_csv, gutenberg_csv = Path(folder) / "generated.csv", Path(folder) / "gutenberg.csv"
        if options.gutenberg:
            delivery = await open_feed("gutenberg", [options.gutenberg])
            await write_delivery(delivery, gutenberg_csv)
            deliveries = [await open_feed("gutenberg", [options.gutenberg]) for _ in range(1 + options.again)]
            measures += await measure_imports("Gutenberg", dsn, deliveries, gutenberg_csv, console)
        write_csv(generate_books(options.books, options.seed), generated_csv)
        deliveries = [await open_feed("csv", [generated_csv]) for _ in range(1 + options.again)]
        measures += await measure_imports(
            f"{options.books:,} generated", dsn, deliveries, generated_csv, console
        )
    console.print(build_table(measures))


async def measure_imports(
    title: str, server_dsn: str, deliveries: list[Feed], flat: Path, console: Console
) -> list[Measure]:
    """Import the deliveries one after the other into one temporary database."""
    measures: list[Measure] = []
    async with temporary_database(server_dsn) as dsn:
        bare_seconds = await measure_bare_copy(dsn, flat)
        await asyncio.to_thread(migrate, dsn)
        for nth, delivery in enumerate(deliveries):
            with progress_for(console) as progress:
                summary = await import_feed(
                    dsn, delivery, rejects=flat.with_suffix(".rejects.csv"), progress=progress
                )
            connection = await asyncpg.connect(dsn)
            size: int = await connection.fetchval(CATALOG_BYTES)
            await connection.close()
            measures.append(Measure(f"{title}, again" if nth else title, summary, bare_seconds, size))
    return measures


async def measure_bare_copy(dsn: str, flat: Path) -> float:
    """Return the duration of a bare COPY of the file in seconds."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(BARE_TABLE)
    started_at = time.monotonic()
    with flat.open("rb") as file:
        await connection.copy_to_table("bare", source=file, format="csv", header=True)
    seconds = time.monotonic() - started_at
    await connection.execute("DROP TABLE bare")
    await connection.close()
    return seconds


def build_table(measures: Iterable[Measure]) -> Table:
    steps = list(dict.fromkeys(step for measure in measures for step, _ in measure.summary.phases))
    table = Table("", *(measure.title for measure in measures))

    def line(name: str, cells: Iterable[object]) -> None:
        table.add_row(name, *map(str, cells))

    line("rows", (f"{m.summary.read:,}" for m in measures))
    line(
        "new / changed / rejected",
        (f"{m.summary.new:,} / {m.summary.changed:,} / {m.summary.rejected:,}" for m in measures),
    )
    line("links written", (f"{m.summary.merged.new_links:,}" for m in measures))
    for step in steps:
        line(f"  {step}, s", (f"{dict(m.summary.phases).get(step, 0):.1f}" for m in measures))
    line("import, s", (f"{m.summary.seconds:.1f}" for m in measures))
    line("bare COPY, s", (f"{m.bare_seconds:.1f}" for m in measures))
    line("peak memory, MB", (f"{m.summary.peak_memory_mb:.0f}" for m in measures))
    line("database, MB", (f"{m.catalog_bytes / 2**20:.0f}" for m in measures))
    return table


async def write_delivery(delivery: Feed, path: Path) -> None:
    records = [
        record async for batch in delivery.batches for record in batch if isinstance(record, BookRecord)
    ]
    write_csv(records, path)


def write_csv(books: Iterable[BookRecord], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(FLAT_FIELDS)
        writer.writerows(map(csv_cells, books))


def csv_cells(book: BookRecord) -> list[object]:
    """Return the cells of the book's flat record, in the order of FLAT_FIELDS."""
    composed = {
        "source_id": book.source_id,
        "authors": "; ".join(format_credits(book)),
        "author_sort": None,
        "categories": "; ".join(" > ".join(path) for path in book.categories),
        "published": book.published_on or book.published_year,
        "rating_count": book.rating_count or None,
    }
    return [
        composed[field] if field in composed else getattr(book, COLUMN_BY_FIELD[field].name)
        for field in FLAT_FIELDS
    ]


def format_credits(book: BookRecord) -> Generator[str]:
    for author in book.authors:
        yield author.name if author.role == "AUTHOR" else f"{author.name} ({author.role.lower()})"


@contextmanager
def benchmark_server() -> Generator[str]:
    """Yield the DSN of a server on which databases can be created."""
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
async def temporary_database(server_dsn: str) -> AsyncGenerator[str]:
    """Yield the DSN of a new database, and drop it at the end."""
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
