"""Capacity: whether PostgreSQL leaves a role as many connections as its clients open."""

from db.connections.connect import Connection
from db.statements import ReadStatement

_LIMITS = ReadStatement(
    "connection_limits",
    """
SELECT name, available
FROM (
    SELECT 'max_connections' AS name,
           current_setting('max_connections')::integer
           - CASE WHEN role.rolsuper THEN 0 ELSE
                 current_setting('superuser_reserved_connections')::integer
                 + coalesce(current_setting('reserved_connections', true)::integer, 0) END AS available
    FROM pg_roles AS role
    WHERE role.rolname = session_user
    UNION ALL
    SELECT format('the limit of the role %I', rolname), rolconnlimit
    FROM pg_roles
    WHERE rolname = session_user AND rolconnlimit >= 0 AND NOT rolsuper
    UNION ALL
    SELECT format('the limit of the database %I', datname), datconnlimit
    FROM pg_database, pg_roles
    WHERE datname = current_database() AND datconnlimit >= 0 AND rolname = session_user AND NOT rolsuper
) AS limits
ORDER BY available, name COLLATE "C"
LIMIT 1
""",
)
"""The lowest limit on the connections of the session's role. The other limits do not hold for a superuser."""


async def check_capacity(connection: Connection, *, workers: int, pool_size: int) -> str | None:
    """Return a line if the pools of all workers may need more connections than PostgreSQL leaves them.

    A worker opens a connection for health checks beside its pool. SIGHUP starts one more worker. Behind a
    pooler nothing is returned: its own limits count, and they cannot be read.
    """
    if connection.is_pooled:
        return None
    [(name, available)] = await connection.fetch(_LIMITS)
    processes = workers + 1
    needed = processes * (pool_size + 1)
    if needed <= available:
        return None
    largest = available // processes - 1
    return (
        f"{workers} worker{'s' if workers > 1 else ''}, and one more during a SIGHUP, may open {needed:,} "
        f"connections (POOL_SIZE + 1 each), but {name} leaves {available:,}: "
        f"{f'set POOL_SIZE to at most {largest}' if largest > 0 else 'use fewer workers'}, "
        f"or raise that limit by {needed - available:,}"
    )
