"""Measure what a catalog takes for each book, and what changing one takes; every change is rolled back.

python -m benchmarks.catalog_costs --at DSN [--runs 50]
"""

import argparse
import asyncio
import statistics
import time

import asyncpg
from rich.console import Console
from rich.table import Table

SIZES = """
/* bytes_of_tables */
SELECT c.relname AS name, pg_table_size(c.oid) AS heap, pg_indexes_size(c.oid) AS indexes
FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND pg_total_relation_size(c.oid) > 2^20
ORDER BY pg_total_relation_size(c.oid) DESC
"""

CHANGES = {
    "stock": "stock = stock + 1",
    "price": "price = coalesce(price, 1) + 1, currency = coalesce(currency, 'EUR')",
    "ratings": "rating_count = rating_count + 1, rating_average = coalesce(rating_average, 4)",
    "ratings, to another band": "rating_count = (CASE WHEN rating_count < 100 THEN 200 ELSE 20 END),"
    " rating_average = coalesce(rating_average, 4)",
    "title": "title = title || ' revisited'",
}

BUFFERS = """
/* buffers_touched */
SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = current_database()
"""


async def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what a book takes.")
    parser.add_argument(
        "--at", required=True, metavar="DSN", help="a catalog that nobody else uses meanwhile"
    )
    parser.add_argument("--runs", type=int, default=50)
    options = parser.parse_args()
    connection = await asyncpg.connect(options.at)
    console = Console()
    console.print(await sizes(connection))
    console.print(await changes(connection, options.runs))
    await connection.close()


async def sizes(connection: asyncpg.Connection) -> Table:
    books: int = await connection.fetchval("SELECT count(*) FROM book")
    table = Table("table", "bytes a book", "of its indexes", title=f"{books:,} books")
    rows = [(row["name"], row["heap"], row["indexes"]) for row in await connection.fetch(SIZES)]
    rows.append(("all", sum(row[1] for row in rows), sum(row[2] for row in rows)))
    for name, heap, indexes in rows:
        table.add_row(name, f"{heap / books:,.0f}", f"{indexes / books:,.0f}")
    return table


async def changes(connection: asyncpg.Connection, runs: int) -> Table:
    ids = [
        row[0] for row in await connection.fetch("SELECT id FROM book ORDER BY md5(id::text) LIMIT $1", runs)
    ]
    table = Table("an update of", "ms, median", "WAL bytes, median", "buffers, mean", title="one book each")
    for title, change in CHANGES.items():
        statement = f"UPDATE book SET {change} WHERE id = $1"
        # What a page takes in WAL when it is first changed after a checkpoint is left out.
        for book_id in ids:
            await rolled_back(connection, statement, book_id)
        taken: list[float] = []
        written: list[int] = []
        before = await buffers(connection)
        for book_id in ids:
            milliseconds, wal = await rolled_back(connection, statement, book_id)
            taken.append(milliseconds)
            written.append(wal)
        touched = (await buffers(connection) - before) / len(ids)
        table.add_row(
            title, f"{statistics.median(taken):.2f}", f"{statistics.median(written):,.0f}", f"{touched:,.0f}"
        )
    return table


async def rolled_back(connection: asyncpg.Connection, statement: str, book_id: int) -> tuple[float, int]:
    """Milliseconds and bytes of WAL of one update with its triggers."""
    transaction = connection.transaction()
    await transaction.start()
    start = await connection.fetchval("SELECT pg_current_wal_insert_lsn()")
    began = time.perf_counter()
    await connection.execute(statement, book_id)
    milliseconds = (time.perf_counter() - began) * 1000
    wal: int = await connection.fetchval(
        "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1)::bigint", start
    )
    await transaction.rollback()
    return milliseconds, wal


async def buffers(connection: asyncpg.Connection) -> int:
    await connection.execute("SELECT pg_stat_force_next_flush()")
    await connection.execute("SELECT pg_stat_clear_snapshot()")
    return await connection.fetchval(BUFFERS)


if __name__ == "__main__":
    asyncio.run(main())
