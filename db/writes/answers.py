"""Answers that are repeated: the first answer to a request with an idempotency key, kept for a day."""

import asyncio
import logging
from dataclasses import dataclass

import asyncpg

from db.database import WriteDatabase
from db.errors import CatalogError
from db.statements import WriteStatement
from db.writes.session import WriteTransaction

logger = logging.getLogger("bookstore.answers")

ANSWER_LIFETIME = "24 hours"
CLEANUP_INTERVAL = 600.0
"""Seconds between two deletions of old answers."""

# While another transaction with the same key runs, this waits for its end.
_CLAIM_KEY = WriteStatement(
    "claim_key",
    f"""
INSERT INTO repeatable_answer AS a (client, key, fingerprint)
VALUES ($1::text, $2::text, $3::bytea)
ON CONFLICT (client, key) DO UPDATE SET fingerprint = excluded.fingerprint, body = NULL, answered_at = now()
WHERE a.answered_at < now() - interval '{ANSWER_LIFETIME}'
RETURNING true AS claimed
""",
)

_FIND_ANSWER = WriteStatement(
    "find_answer",
    """
SELECT fingerprint, body FROM repeatable_answer WHERE client = $1::text AND key = $2::text
""",
)

_KEEP_ANSWER = WriteStatement(
    "keep_answer",
    """
UPDATE repeatable_answer SET body = $3::bytea WHERE client = $1::text AND key = $2::text
""",
)

_DELETE_OLD_ANSWERS = WriteStatement(
    "delete_old_answers",
    f"""
DELETE FROM repeatable_answer WHERE answered_at < now() - interval '{ANSWER_LIFETIME}'
""",
)


@dataclass(frozen=True, slots=True)
class RequestKey:
    """The idempotency key of a request of a client, and the hash of what it asks for."""

    client: str
    key: str
    fingerprint: bytes


class OtherRequestError(Exception):
    """The key was used for another request."""


async def claim_key(transaction: WriteTransaction, request: RequestKey) -> bytes | None:
    """Return the answer that was given to this request, or None if it is the first one.

    It then has the key until the transaction ends. Raises OtherRequestError.
    """
    if await transaction.fetch(_CLAIM_KEY, request.client, request.key, request.fingerprint):
        return None
    row = (await transaction.fetch(_FIND_ANSWER, request.client, request.key))[0]
    if row["fingerprint"] != request.fingerprint:
        raise OtherRequestError
    return row["body"]


async def keep_answer(transaction: WriteTransaction, request: RequestKey, body: bytes) -> None:
    """Keep the answer to a request that has its key."""
    await transaction.fetch(_KEEP_ANSWER, request.client, request.key, body)


async def delete_old_answers(database: WriteDatabase, *, interval: float = CLEANUP_INTERVAL) -> None:
    """Delete old answers every `interval` seconds, until cancelled."""
    while True:
        await asyncio.sleep(interval)
        try:
            await database.execute_write(_DELETE_OLD_ANSWERS)
        except (CatalogError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            logger.warning("old answers not deleted, retrying later: %s", type(error).__name__)
