"""A generated catalog and the sample have views, and so trending books."""

from datetime import date, timedelta

import pytest

from db.connections.connect import Connection
from db.importing import seed_views
from db.importing.importer import import_feed
from db.importing.readers import open_generated
from tests.db.importing.feeds import Catalog

TODAY = date(2026, 3, 10)
TREND = "SELECT b.source_id, t.views FROM book_trend t JOIN book b ON b.id = t.book_id ORDER BY views DESC, book_id DESC"


async def count_views(connection: Connection) -> int:
    return await connection.fetchval("SELECT sum(views) FROM book_view")


async def test_the_most_rated_books_are_viewed_on_the_last_days(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seed_views, "MAX_VIEWED_BOOKS", 20)
    monkeypatch.setattr(seed_views, "MAX_TRENDING_BOOKS", 10)
    await import_feed(catalog.dsn, open_generated(50, 1), rejects=catalog.rejects)

    await seed_views.seed_views(catalog.dsn, TODAY)
    viewed, trend = await count_views(catalog.connection), await catalog.rows(TREND)
    await seed_views.seed_views(catalog.dsn, TODAY)

    days = await catalog.rows("SELECT DISTINCT viewed_on FROM book_view ORDER BY viewed_on")
    assert days == [(TODAY - timedelta(days=day),) for day in range(6, -1, -1)]
    assert await catalog.rows("SELECT count(DISTINCT book_id) FROM book_view") == [(20,)]
    assert len(trend) == 10
    assert (await count_views(catalog.connection), await catalog.rows(TREND)) == (viewed, trend)
    await catalog.checksum()
