"""View counts of books: views are counted in memory during requests and flushed later in one statement."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

import asyncpg

from db.database import Database, WriteDatabase
from db.errors import CatalogError
from db.records import align_to_keys
from db.statements import ReadStatement
from db.trends import COUNT_VIEWS, MAX_TRENDING_BOOKS, RECOUNT_TREND, TRIM_TREND

logger = logging.getLogger("bookstore.views")

_RECENT_VIEWS_BY_BOOK_IDS = ReadStatement(
    "recent_views_by_book_ids",
    """
SELECT book_id, sum(views)::bigint AS views
FROM book_view
WHERE book_id = ANY ($1::bigint[]) AND viewed_on > (now() AT TIME ZONE 'UTC')::date - 30
GROUP BY book_id
""",
)


async def recent_views_by_book_ids(database: Database, book_ids: Sequence[int]) -> list[int]:
    """Return the number of views of each book in the last 30 days of UTC, including today."""
    rows = await database.fetch(_RECENT_VIEWS_BY_BOOK_IDS, book_ids)
    views = {row["book_id"]: row["views"] for row in rows}
    return [count or 0 for count in align_to_keys(book_ids, views)]


def _utc_today() -> date:
    return datetime.now(UTC).date()


class ViewCounter:
    """Counts views in memory and flushes them to the database every `flush_interval` seconds.

    It keeps the trending books with them, also on a day without views. `today` returns the day of the views.

    Views whose flush fails are kept for the next one; the first failure in a row is logged. At most
    `capacity` different books are pending; views of further books are dropped, and their number is logged.
    """

    def __init__(
        self,
        database: WriteDatabase,
        *,
        flush_interval: float = 5.0,
        capacity: int = 10_000,
        today: Callable[[], date] = _utc_today,
    ) -> None:
        self.database = database
        self.flush_interval = flush_interval
        self.capacity = capacity
        self.today = today
        self.pending: Counter[int] = Counter()
        self.dropped = 0
        self._is_failing = False
        self._day_of_trend: date | None = None

    def record(self, book_id: int) -> None:
        """Count a view of a book."""
        if book_id in self.pending or len(self.pending) < self.capacity:
            self.pending[book_id] += 1
        else:
            self.dropped += 1

    async def flush(self) -> None:
        """Write the pending views, and recount the trending books on a new day.

        Views of books that no longer exist are discarded.
        """
        batch, self.pending = self.pending, Counter()
        dropped, self.dropped = self.dropped, 0
        if dropped:
            logger.warning("%d views dropped: more than %d books had pending views", dropped, self.capacity)
        day = self.today()
        if not batch and self._day_of_trend in (None, day):
            return
        try:
            if batch:
                await self.database.execute_write(
                    COUNT_VIEWS, list(batch), list(batch.values()), day, MAX_TRENDING_BOOKS - 1
                )
                batch.clear()
            if day != self._day_of_trend:
                await self.database.execute_write(RECOUNT_TREND, day)
            await self.database.execute_write(TRIM_TREND, MAX_TRENDING_BOOKS)
            self._day_of_trend = day
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
