"""Measure upsertBooks beside an import of the same rows, one in a hundred of them wrong.

    python -m benchmarks.upsert_benchmark --books 10000

Uses DATABASE_URL's server, or else an embedded server, with temporary databases.
"""

import argparse
import asyncio
import csv
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table
from strawberry.utils.str_converters import to_camel_case

from benchmarks.import_benchmark import benchmark_server, csv_cells, temporary_database
from db.access_keys import create_access_key
from db.connections.connect import connect
from db.importing.importer import import_feed
from db.importing.readers import open_feed
from db.importing.readers.flat_fields import FLAT_FIELDS
from db.importing.seed import generate_books
from db.migrations import migrate
from db.verify import audit_catalog
from graphql_api.access.keys import generate_key, hash_key
from graphql_api.app import create_app
from graphql_api.settings import Settings

WRONG_EVERY = 100
"""One record in as many has a wrong ISBN."""

UPSERT = """
mutation ($books: [BookRecordInput!]!) {
  upsertBooks(source: "bench", books: $books, onError: SKIP_ROW) { results { outcome } errors { path code } }
}
"""


async def main() -> None:
    parser = argparse.ArgumentParser(description="Measure upsertBooks.")
    parser.add_argument("--books", type=int, default=10_000, help="number of records")
    parser.add_argument("--call", type=int, default=1_000, help="number of records of a call")
    options = parser.parse_args()
    records = generate_records(options.books)
    calls = [records[start : start + options.call] for start in range(0, len(records), options.call)]
    table = Table("", "rows/s", "s", "outcomes", "errors", "errors at a wrong row")
    with benchmark_server() as server, tempfile.TemporaryDirectory() as name:
        async with temporary_database(server) as dsn:
            await asyncio.to_thread(migrate, dsn)
            for title in ("upsertBooks", "the same again"):
                started = time.monotonic()
                outcomes, paths = await upsert_all(dsn, calls)
                add_row(table, title, len(records), time.monotonic() - started, outcomes, paths)
            findings = [finding for finding in await audit_catalog(dsn) if finding.count]
        async with temporary_database(server) as dsn:
            await asyncio.to_thread(migrate, dsn)
            summary = await import_records(dsn, Path(name), records)
            table.add_row("bookstore import", f"{len(records) / summary:,.0f}", f"{summary:.1f}", "", "", "")
    Console().print(table)
    Console().print(f"verify: {len(findings)} findings")


def generate_records(number: int) -> list[dict[str, Any]]:
    """Return flat records of generated books, with a wrong ISBN in one of WRONG_EVERY."""
    records: list[dict[str, Any]] = []
    for place, book in enumerate(generate_books(number, 1)):
        cells = dict(zip(FLAT_FIELDS, csv_cells(book), strict=True))
        record = {name: str(value) for name, value in cells.items() if value is not None}
        if place % WRONG_EVERY == WRONG_EVERY - 1:
            record["isbn"] = "9780000000000x"
        records.append(record)
    return records


async def upsert_all(dsn: str, calls: list[list[dict[str, Any]]]) -> tuple[Counter[str], list[int]]:
    """Send the calls one after the other. Return the outcomes, and the places of the records with errors."""
    key = generate_key()
    connection = await connect(dsn, application_name="bookstore benchmark")
    await create_access_key(connection, key[-20:], "EDITOR", hash_key(key), None)
    await connection.close()
    app = create_app(Settings(command_timeout=60, request_timeout=60), dsn)
    outcomes, places = Counter[str](), list[int]()
    headers = {"Authorization": f"Bearer {key}"}
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://shop", headers=headers, timeout=60) as client,
    ):
        for number, call in enumerate(calls):
            books = [to_input(record) for record in call]
            body = {"query": UPSERT, "variables": {"books": books}}
            done = (await client.post("/graphql", json=body)).json()["data"]["upsertBooks"]
            outcomes.update(row["outcome"] for row in done["results"])
            places += [number * len(calls[0]) + int(error["path"][1]) for error in done["errors"]]
    return outcomes, places


def to_input(record: dict[str, Any]) -> dict[str, Any]:
    """Return a flat record as the input of the API has it."""
    return {
        to_camel_case(name): int(value) if name in ("pages", "stock", "rating_count") else value
        for name, value in record.items()
    }


def add_row(
    table: Table, title: str, rows: int, seconds: float, outcomes: Counter[str], places: list[int]
) -> None:
    told = ", ".join(f"{number:,} {name}" for name, number in outcomes.items())
    right = sum(place % WRONG_EVERY == WRONG_EVERY - 1 for place in places)
    table.add_row(title, f"{rows / seconds:,.0f}", f"{seconds:.1f}", told, f"{len(places)}", f"{right}")


async def import_records(dsn: str, folder: Path, records: list[dict[str, Any]]) -> float:
    """Import the same records from a file. Return the seconds."""
    path = folder / "records.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FLAT_FIELDS)
        writer.writeheader()
        writer.writerows(records)
    feed = await open_feed("csv", [path], source="bench")
    return (await import_feed(dsn, feed, rejects=folder / "rejects.csv")).seconds


if __name__ == "__main__":
    asyncio.run(main())
