"""Rebuilding the search documents, after a dump was restored into another version of PostgreSQL."""

from db.connections.connect import Connection, connect
from db.connections.error_mapping import database_errors
from db.revision import require_head
from db.statements import WriteStatement
from db.timeouts import lift_timeouts

CHUNK_SIZE = 1_000
"""Number of books in a transaction. Mutations wait for its end."""

# Mutations lock this table before they change documents.
_LOCK_CATALOG = WriteStatement(
    "lock_catalog",
    """
LOCK TABLE catalog_size IN SHARE ROW EXCLUSIVE MODE
""",
)

_REBUILD_CHUNK = WriteStatement(
    "rebuild_search_documents",
    """
WITH chunk AS (
    SELECT id FROM book WHERE id > $1::bigint ORDER BY id LIMIT $2::integer
), changed AS (
    SELECT search_refresh(array_agg(id)) FROM chunk
)
SELECT max(chunk.id) AS last_id, count(*) AS books FROM chunk, changed
""",
)

_ANALYZE = WriteStatement(
    "analyze",
    """
ANALYZE
""",
)


async def rebuild_search_documents(dsn: str) -> int:
    """Write each document that differs from what this server makes of its book. Return the number of books.

    The tables are analyzed, too. Raises DatabaseError if the database is unreachable, not
    migrated, or fails; the transactions before are written then.
    """
    connection = await connect(dsn, application_name="bookstore rebuild")
    try:
        with database_errors("The search documents cannot be rebuilt"):
            await require_head(connection)
            books = await _rebuild_chunks(connection)
            async with connection.transaction():
                await lift_timeouts(connection)
                await connection.execute_write(_ANALYZE)
            return books
    finally:
        connection.terminate()


async def _rebuild_chunks(connection: Connection) -> int:
    last_id, total = 0, 0
    while last_id is not None:
        async with connection.transaction():
            await lift_timeouts(connection)
            await connection.execute_write(_LOCK_CATALOG)
            [row] = await connection.fetch(_REBUILD_CHUNK.text, last_id, CHUNK_SIZE)
        last_id, total = row["last_id"], total + row["books"]
    return total
