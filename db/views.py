"""Views of books: noted while a request runs, written later in one statement."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence

import asyncpg

from db.database import Database
from db.errors import CatalogError
from db.rows import aligned

logger = logging.getLogger("bookstore.views")

COUNT_VIEWS = """
/* count_views */
INSERT INTO book_view AS v (book_id, viewed_on, views)
SELECT noted.book_id, current_date, noted.views
FROM unnest($1::bigint[], $2::integer[]) AS noted (book_id, views)
JOIN book AS b ON b.id = noted.book_id
ORDER BY noted.book_id
ON CONFLICT (book_id, viewed_on) DO UPDATE SET views = v.views + excluded.views
"""

RECENT_VIEWS_BY_BOOK_IDS = """
/* recent_views_by_book_ids */
SELECT book_id, sum(views)::bigint AS views
FROM book_view
WHERE book_id = ANY ($1::bigint[]) AND viewed_on > current_date - 30
GROUP BY book_id
"""


async def recent_views_by_book_ids(database: Database, book_ids: Sequence[int]) -> list[int]:
    """How often each book was viewed in the last 30 days, today included."""
    rows = await database.fetch(RECENT_VIEWS_BY_BOOK_IDS, book_ids)
    views = {row["book_id"]: row["views"] for row in rows}
    return [count or 0 for count in aligned(book_ids, views)]


class ViewLog:
    """Takes views without waiting and writes them every few seconds.

    What cannot be written is kept for the next time. At most `capacity` different books are held;
    views of further ones are dropped, and the log says how many.
    """

    def __init__(self, database: Database, *, every: float = 5.0, capacity: int = 10_000) -> None:
        self.database = database
        self.every = every
        self.capacity = capacity
        self.noted: Counter[int] = Counter()
        self.dropped = 0

    def note(self, book_id: int) -> None:
        """Remember that a book was viewed now."""
        if book_id in self.noted or len(self.noted) < self.capacity:
            self.noted[book_id] += 1
        else:
            self.dropped += 1

    async def write(self) -> None:
        """Write what was noted. Views of books that are gone by now are forgotten."""
        taken, self.noted = self.noted, Counter()
        dropped, self.dropped = self.dropped, 0
        if dropped:
            logger.warning("%d views were dropped: more than %d books at once", dropped, self.capacity)
        if not taken:
            return
        try:
            await self.database.fetch(COUNT_VIEWS, list(taken), list(taken.values()))
        except (CatalogError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            logger.warning("%d views wait to be written: %s", taken.total(), type(error).__name__)
            for book_id, views in taken.items():
                self.noted[book_id] += views

    async def run(self) -> None:
        """Write every few seconds, and once more when cancelled."""
        try:
            while True:
                await asyncio.sleep(self.every)
                await self.write()
        finally:
            await self.write()
