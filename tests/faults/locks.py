"""Block statements that read books, or commits, and count the statements that PostgreSQL runs."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg

from tests.waiting import until

COUNT_ACTIVE = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bookstore' AND state = 'active'"
)


IS_WAITING = "SELECT wait_event = 'SyncRep' FROM pg_stat_activity WHERE pid = $1"
"""Whether the commit of a process waits for a standby."""

SMALL_WRITE = "SELECT pg_logical_emit_message(true, 'bookstore', '')"
"""A transaction that writes to the log alone."""


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
    writer, observer = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    try:
        await set_synchronous_standby(observer, "missing")
        await until(lambda: has_waited(writer, observer))
        yield observer
    finally:
        await set_synchronous_standby(observer, "")
        await writer.close()
        await observer.close()


async def has_waited(writer: asyncpg.Connection, observer: asyncpg.Connection) -> bool:
    """Commit a small write, and return whether it waited for a standby.

    Commits wait as soon as the checkpointer has read the setting, which may be later than any connection.
    """
    committing = asyncio.create_task(writer.execute(SMALL_WRITE))
    pid = writer.get_server_pid()
    await until(lambda: committing.done() or observer.fetchval(IS_WAITING, pid))
    waited = not committing.done()
    if waited:
        await observer.execute("SELECT pg_cancel_backend($1)", pid)
    await committing
    return waited


async def set_synchronous_standby(connection: asyncpg.Connection, name: str) -> None:
    await connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
    await connection.execute("SELECT pg_reload_conf()")
    await until(
        lambda: connection.fetchval("SELECT current_setting('synchronous_standby_names') = $1::text", name)
    )


async def has_active_statements(observer: asyncpg.Connection, count: int) -> bool:
    """Return whether PostgreSQL runs exactly `count` statements of bookstore servers."""
    return await observer.fetchval(COUNT_ACTIVE) == count
