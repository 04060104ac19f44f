"""The audit trail: which client wrote what, and when."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg

from db.statements import WriteStatement
from db.writes.session import WriteTransaction

_ADD_ENTRY = WriteStatement(
    "add_audit_entry",
    """
INSERT INTO audit_entry (client, mutation, items) VALUES ($1::text, $2::text, $3::text[])
""",
)

_LAST_ENTRIES = """
/* last_audit_entries */
SELECT id, written_at, client, mutation, items
FROM audit_entry
WHERE ($2::text IS NULL OR client = $2::text) AND ($3::text IS NULL OR $3::text = ANY (items))
ORDER BY written_at DESC, id DESC LIMIT $1::integer
"""


class AuditEntry(NamedTuple):
    """One mutation that wrote. `items` are the types and ids of what it wrote, such as "Book 12"."""

    id: int
    written_at: datetime
    client: str
    mutation: str
    items: list[str]


async def add_audit_entry(
    transaction: WriteTransaction, client: str, mutation: str, items: Sequence[str]
) -> None:
    """Record a mutation, in its transaction."""
    await transaction.fetch(_ADD_ENTRY, client, mutation, items)


async def last_audit_entries(
    connection: asyncpg.Connection, limit: int, *, client: str | None = None, item: str | None = None
) -> list[AuditEntry]:
    """Return the last entries, the newest first, optionally of one client or one item."""
    return [AuditEntry(*row) for row in await connection.fetch(_LAST_ENTRIES, limit, client, item)]
