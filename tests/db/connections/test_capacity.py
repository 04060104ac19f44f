"""The capacity for connections: what the workers may open is compared with what PostgreSQL leaves them."""

from collections.abc import AsyncGenerator

import asyncpg
import pytest

from db.connections.capacity import check_capacity
from db.connections.connect import Connection, connect
from tests.pgbouncer import database_of


@pytest.fixture
async def clerk(dsn: str, observer: asyncpg.Connection) -> AsyncGenerator[Connection]:
    """A connection of a role that is no superuser."""
    await observer.execute("CREATE ROLE clerk LOGIN")
    connection = await connect(dsn.replace("//app@", "//clerk@"), application_name="bookstore serve")
    yield connection
    await connection.close()
    await observer.execute("DROP ROLE clerk")


async def test_pools_within_the_limit_are_not_named(clerk: Connection, connection: Connection) -> None:
    assert await check_capacity(clerk, workers=1, pool_size=5) is None
    assert await check_capacity(clerk, workers=3, pool_size=23) is None
    assert await check_capacity(connection, workers=3, pool_size=24) is None


async def test_pools_above_max_connections_are_named(clerk: Connection, connection: Connection) -> None:
    assert await check_capacity(clerk, workers=4, pool_size=19) == (
        "4 workers, and one more during a SIGHUP, may open 100 connections (POOL_SIZE + 1 each), but "
        "max_connections leaves 97: set POOL_SIZE to at most 18, or raise that limit by 3"
    )
    assert await check_capacity(connection, workers=4, pool_size=20) == (
        "4 workers, and one more during a SIGHUP, may open 105 connections (POOL_SIZE + 1 each), but "
        "max_connections leaves 100: set POOL_SIZE to at most 19, or raise that limit by 5"
    )


async def test_pools_above_the_limit_of_the_role_are_named(
    clerk: Connection, observer: asyncpg.Connection
) -> None:
    await observer.execute("ALTER ROLE clerk CONNECTION LIMIT 3")

    assert await check_capacity(clerk, workers=1, pool_size=5) == (
        "1 worker, and one more during a SIGHUP, may open 12 connections (POOL_SIZE + 1 each), but the limit "
        "of the role clerk leaves 3: use fewer workers, or raise that limit by 9"
    )


async def test_pools_above_the_limit_of_the_database_are_named(
    clerk: Connection, observer: asyncpg.Connection, dsn: str
) -> None:
    name = database_of(dsn)
    await observer.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 10")

    assert await check_capacity(clerk, workers=1, pool_size=5) == (
        "1 worker, and one more during a SIGHUP, may open 12 connections (POOL_SIZE + 1 each), but the limit "
        f"of the database {name} leaves 10: set POOL_SIZE to at most 4, or raise that limit by 2"
    )
