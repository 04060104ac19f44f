"""The sequences that number the rows of the catalog's tables."""

import asyncpg

_IDENTITY_SEQUENCE = """
/* identity_sequence */
SELECT pg_get_serial_sequence($1::text, 'id')
"""


async def identity_sequence(connection: asyncpg.Connection, table: str) -> str:
    """Return the name of the sequence behind the table's ids, quoted as in SQL.

    It is passed to statements as a parameter: within them, it would be looked up again for each row.
    """
    return await connection.fetchval(_IDENTITY_SEQUENCE, table)
