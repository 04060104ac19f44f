"""Poolers between this server and PostgreSQL: what they must keep, and what is set for the role instead."""

from db.connections.connect import Connection, connect
from db.connections.error_mapping import STATEMENTS_NOT_KEPT
from db.errors import DatabaseError
from db.statements import ReadStatement

_PREPARED_NAMES = ReadStatement("prepared_names", "SELECT name FROM pg_prepared_statements")
_CURRENT_PID = ReadStatement("current_pid", "SELECT pg_backend_pid()")
_ROLE_SETTINGS = ReadStatement(
    "role_settings",
    """
SELECT name, setting, format('ALTER ROLE %I IN DATABASE %I SET %I', session_user, current_database(), name)
FROM pg_settings
WHERE name IN ('statement_timeout', 'jit', 'max_parallel_workers_per_gather')
ORDER BY name COLLATE "C"
""",
)


async def check_pooler(connection: Connection, dsn: str, command_timeout: float) -> str | None:
    """Return a line about settings that the role lacks behind a pooler; None if there is nothing to say.

    `connection` is one to `dsn`. `command_timeout` is in seconds. Raises DatabaseError if the pooler keeps no
    prepared statements, and what `connect` raises.
    """
    if not connection.is_pooled:
        return None
    await _require_prepared_statements(connection, dsn)
    timeout = round(command_timeout * 1000)
    wanted = {"jit": "off", "max_parallel_workers_per_gather": "0", "statement_timeout": str(timeout)}
    statements = [
        f"{alter_role} = {wanted[name]};"
        for name, setting, alter_role in await connection.fetch(_ROLE_SETTINGS)
        if not (0 < int(setting) <= timeout if name == "statement_timeout" else setting == wanted[name])
    ]
    if not statements:
        return None
    return (
        "PostgreSQL is behind a pooler, which passes on no settings of a session: run "
        f"`{' '.join(statements)}`, then RECONNECT in the pooler"
    )


async def _require_prepared_statements(connection: Connection, dsn: str) -> None:
    """Raise DatabaseError if prepared statements stay behind when the pooler gives a client another session.

    A pooler that takes them along gives them names of its own. Otherwise each client must have a session to
    itself, so that two clients never share one.
    """
    statement = await connection.prepare(_PREPARED_NAMES.text)
    if statement.get_name() not in [row["name"] for row in await statement.fetch()]:
        return
    other = await connect(dsn, application_name="bookstore serve")
    try:
        if await other.fetchval(_CURRENT_PID.text) == await connection.fetchval(_CURRENT_PID.text):
            raise DatabaseError(f"The database cannot be used: {STATEMENTS_NOT_KEPT}")
    finally:
        other.terminate()
