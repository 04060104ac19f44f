"""Measure a catalog's disk space per book and the cost of updating a book. All updates are rolled back.

python -m benchmarks.catalog_costs --at DSN [--runs 50]
"""

import argparse
import asyncio
import statistics
import time

import asyncpg
from rich.console import Console
from rich.table import Table

TABLE_SIZES = """
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
    "ratings, to another tier": "rating_count = (CASE WHEN rating_count < 100 THEN 200 ELSE 20 END),"
    " rating_average = coalesce(rating_average, 4)",
    "title": "title = title || ' revisited'",
}

BUFFERS_TOUCHED = """
/* buffers_touched */
SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = current_database()
"""


async def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the cost of a book.")
    parser.add_argument("--at", required=True, metavar="DSN", help="a catalog without other users")
    parser.add_argument("--runs", type=int, default=50)
    options = parser.parse_args()
    connection = await asyncpg.connect(options.at)
    console = Console()
    console.print(await size_table(connection))
    console.print(await update_cost_table(connection, options.runs))
    await connection.close()


async def size_table(connection: asyncpg.Connection) -> Table:
    """Return a table of the bytes per book of each database table."""
    books: int = await connection.fetchval("SELECT count(*) FROM book")
    table = Table("table", "bytes per book", "index bytes per book", title=f"{books:,} books")
    rows = [(row["name"], row["heap"], row["indexes"]) for row in await connection.fetch(TABLE_SIZES)]
    rows.append(("all", sum(row[1] for row in rows), sum(row[2] for row in rows)))
    for name, heap, indexes in rows:
        table.add_row(name, f"{heap / books:,.0f}", f"{indexes / books:,.0f}")
    return table


async def update_cost_table(connection: asyncpg.Connection, runs: int) -> Table:
    """Return a table of the cost of each kind of update."""
    ids = [
        row[0] for row in await connection.fetch("SELECT id FROM book ORDER BY md5(id::text) LIMIT $1", runs)
    ]
    table = Table(
        "update of", "ms, median", "WAL bytes, median", "buffers, mean", title="one book per update"
    )
    for title, change in CHANGES.items():
        statement = f"UPDATE book SET {change} WHERE id = $1"
        # Warm up, so that full-page images after a checkpoint are not counted in the WAL.
        for book_id in ids:
            await measure_update(connection, statement, book_id)
        durations: list[float] = []
        wal_bytes: list[int] = []
        before = await count_buffers_touched(connection)
        for book_id in ids:
            milliseconds, wal = await measure_update(connection, statement, book_id)
            durations.append(milliseconds)
            wal_bytes.append(wal)
        touched = (await count_buffers_touched(connection) - before) / len(ids)
        table.add_row(
            title,
            f"{statistics.median(durations):.2f}",
            f"{statistics.median(wal_bytes):,.0f}",
            f"{touched:,.0f}",
        )
    return table


async def measure_update(connection: asyncpg.Connection, statement: str, book_id: int) -> tuple[float, int]:
    """Return the milliseconds and the bytes of WAL of one update with its triggers."""
    transaction = connection.transaction()
    await transaction.start()
    start = await connection.fetchval("SELECT pg_current_wal_insert_lsn()")
    started_at = time.perf_counter()
    await connection.execute(statement, book_id)
    milliseconds = (time.perf_counter() - started_at) * 1000
    wal: int = await connection.fetchval(
        "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1)::bigint", start
    )
    await transaction.rollback()
    return milliseconds, wal


async def count_buffers_touched(connection: asyncpg.Connection) -> int:
    """Return the number of buffers touched in the database so far."""
    await connection.execute("SELECT pg_stat_force_next_flush()")
    await connection.execute("SELECT pg_stat_clear_snapshot()")
    return await connection.fetchval(BUFFERS_TOUCHED)


if __name__ == "__main__":
    asyncio.run(main())
