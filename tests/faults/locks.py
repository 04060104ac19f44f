"""Block statements that read books, or commits, and count the statements that PostgreSQL runs."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg

from tests.waiting import until

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


@asynccontextmanager
async def block_commits(dsn: str) -> AsyncGenerator[asyncpg.Connection]:
    """Let each commit wait for a standby that does not exist. Yield a connection to observe from."""
    observer = await asyncpg.connect(dsn)
    try:
        await set_synchronous_standby(observer, "missing")
        yield observer
    finally:
        await set_synchronous_standby(observer, "")
        await observer.close()


async def set_synchronous_standby(connection: asyncpg.Connection, name: str) -> None:
    await connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
    await connection.execute("SELECT pg_reload_conf()")
    await until(
        lambda: connection.fetchval("SELECT current_setting('synchronous_standby_names') = $1::text", name)
    )


async def has_active_statements(observer: asyncpg.Connection, count: int) -> bool:
    """Return whether PostgreSQL runs exactly `count` statements of bookstore servers."""
    return await observer.fetchval(COUNT_ACTIVE) == count
