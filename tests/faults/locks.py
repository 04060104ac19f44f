"""Reads that wait for a lock, and how many of them PostgreSQL knows."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg

ACTIVE = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bookstore' AND state = 'active'"


@asynccontextmanager
async def locked(dsn: str) -> AsyncGenerator[asyncpg.Connection]:
    """All reads of books wait while the context lasts; gives a connection to look with."""
    connection, observer = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    async with connection.transaction():
        await connection.execute("LOCK TABLE book IN ACCESS EXCLUSIVE MODE")
        yield observer
    await connection.close()
    await observer.close()


async def are_active(observer: asyncpg.Connection, many: int) -> bool:
    """Whether exactly so many statements of servers run in PostgreSQL."""
    return await observer.fetchval(ACTIVE) == many
