"""The timeouts of a role or a database, which are for requests: a command lifts them in its transaction."""

from db.connections.connect import Connection
from db.statements import ReadStatement

_NO_TIMEOUTS = ReadStatement(
    "no_timeouts",
    """
SELECT set_config(name, '0', true) FROM pg_settings
WHERE name IN ('statement_timeout', 'lock_timeout', 'transaction_timeout',
               'idle_in_transaction_session_timeout')
""",
)


async def lift_timeouts(connection: Connection) -> None:
    """Let no timeout of PostgreSQL end a statement until the end of the transaction."""
    await connection.fetch(_NO_TIMEOUTS)
