"""Run Alembic's migrations over asyncpg, each in a transaction."""

import asyncio

from alembic import context
from sqlalchemy import Connection, event, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from db.connections.connect import connect

TIMEOUTS = """
/* migration_timeouts */
SELECT set_config(name, CASE name WHEN 'lock_timeout' THEN '5s' ELSE '0' END, true)
FROM pg_settings
WHERE name IN ('lock_timeout', 'statement_timeout', 'transaction_timeout',
               'idle_in_transaction_session_timeout')
"""
"""A role's or a database's timeouts are for its requests. No migration waits longer than this for a lock."""


LOCK = """
/* migration_lock */
SET LOCAL lock_timeout = 0;
SELECT pg_advisory_xact_lock(hashtext('bookstore migrate'))
"""
"""Held by a transaction of its own: a pooler may give each transaction another session.

Of two programs that migrate at once, the second one finds nothing to do.
"""


def set_timeouts(connection: Connection) -> None:
    connection.execute(text(TIMEOUTS))


def run(connection: Connection) -> None:
    event.listen(connection, "begin", set_timeouts)
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


async def run_online(dsn: str) -> None:
    # asyncpg parses the DSN itself: SQLAlchemy's parser supports fewer of libpq's parameters.
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: connect(dsn, application_name="bookstore migrate"),
        poolclass=pool.NullPool,
    )
    holder = await connect(dsn, application_name="bookstore migrate")
    try:
        async with holder.transaction():
            await holder.execute(TIMEOUTS)
            await holder.execute(LOCK)
            async with engine.connect() as connection:
                await connection.run_sync(run)
    finally:
        holder.terminate()
    await engine.dispose()


asyncio.run(run_online(context.config.attributes["dsn"]))
