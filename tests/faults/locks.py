"""Block statements that read books, and count the statements that PostgreSQL runs."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg

COUNT_ACTIVE = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bookstore' AND state = 'active'"
)


@asynccontextmanager
async def lock_books(dsn: str) -> AsyncGenerator[asyncpg.Connection]:
    """Lock the books, so that each statement that reads them waits. Yield a connection to observe from."""
    connection, observer = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    async with connection.transaction():
        await connection.execute("LOCK TABLE book IN ACCESS EXCLUSIVE MODE")
        yield observer
    await connection.close()
    await observer.close()


async def has_active_statements(observer: asyncpg.Connection, count: int) -> bool:
    """Return whether PostgreSQL runs exactly `count` statements of bookstore servers."""
    return await observer.fetchval(COUNT_ACTIVE) == count
