"""View counts of books: views are counted in memory during requests and flushed later in one statement."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence

import asyncpg

from db.database import Database, WriteDatabase
from db.errors import CatalogError
from db.records import align_to_keys
from db.statements import ReadStatement, WriteStatement

logger = logging.getLogger("bookstore.views")

_COUNT_VIEWS = WriteStatement(
    "count_views",
    """
INSERT INTO book_view AS v (book_id, viewed_on, views)
SELECT pending.book_id, current_date, pending.views
FROM unnest($1::bigint[], $2::integer[]) AS pending (book_id, views)
JOIN book AS b ON b.id = pending.book_id
ORDER BY pending.book_id
ON CONFLICT (book_id, viewed_on) DO UPDATE SET views = v.views + excluded.views
""",
)

_RECENT_VIEWS_BY_BOOK_IDS = ReadStatement(
    "recent_views_by_book_ids",
    """
SELECT book_id, sum(views)::bigint AS views
FROM book_view
WHERE book_id = ANY ($1::bigint[]) AND viewed_on > current_date - 30
GROUP BY book_id
""",
)


async def recent_views_by_book_ids(database: Database, book_ids: Sequence[int]) -> list[int]:
    """Return the number of views of each book in the last 30 days, including today."""
    rows = await database.fetch(_RECENT_VIEWS_BY_BOOK_IDS, book_ids)
    views = {row["book_id"]: row["views"] for row in rows}
    return [count or 0 for count in align_to_keys(book_ids, views)]


class ViewCounter:
    """Counts views in memory and flushes them to the database every `flush_interval` seconds.

    Views whose flush fails are kept for the next one; the first failure in a row is logged. At most
    `capacity` different books are pending; views of further books are dropped, and their number is logged.
    """

    def __init__(
        self, database: WriteDatabase, *, flush_interval: float = 5.0, capacity: int = 10_000
    ) -> None:
        self.database = database
        self.flush_interval = flush_interval
        self.capacity = capacity
        self.pending: Counter[int] = Counter()
        self.dropped = 0
        self._is_failing = False

    def record(self, book_id: int) -> None:
        """Count a view of a book."""
        if book_id in self.pending or len(self.pending) < self.capacity:
            self.pending[book_id] += 1
        else:
            self.dropped += 1

    async def flush(self) -> None:
        """Write the pending views. Views of books that no longer exist are discarded."""
        batch, self.pending = self.pending, Counter()
        dropped, self.dropped = self.dropped, 0
        if dropped:
            logger.warning("%d views dropped: more than %d books had pending views", dropped, self.capacity)
        if not batch:
            return
        try:
            await self.database.execute_write(_COUNT_VIEWS, list(batch), list(batch.values()))
        except (CatalogError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if not self._is_failing:
                logger.warning(
                    "%d views not written, retrying at each flush: %s", batch.total(), type(error).__name__
                )
            self._is_failing = True
            for book_id, views in batch.items():
                self.pending[book_id] += views
        else:
            self._is_failing = False

    async def run(self) -> None:
        """Flush every `flush_interval` seconds, and once more when cancelled."""
        try:
            while True:
                await asyncio.sleep(self.flush_interval)
                await self.flush()
        finally:
            await self.flush()
