"""Imports that do not come to their end: what is said, what is left, what is closed."""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator

import asyncpg
import pytest

from db.errors import CatalogImportError, DatabaseError
from db.importing import run
from db.importing.progress import Progress
from db.importing.readers import Batch, Delivery
from db.importing.run import import_delivery
from tests.db.importing.deliveries import Catalog, book, delivery

END_IMPORTS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'bookstore import' AND datname = current_database()
"""


async def end_imports(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(END_IMPORTS)
    await connection.close()


class EndsAt(Progress):
    """Takes the import's connection away when a step begins."""

    def __init__(self, dsn: str, step: str) -> None:
        self.dsn = dsn
        self.step = step

    def phase(self, title: str) -> None:
        if title == self.step:
            ending = threading.Thread(target=lambda: asyncio.run(end_imports(self.dsn)))
            ending.start()
            ending.join()


class Closing:
    """A delivery that remembers whether it was closed."""

    def __init__(self, dsn: str | None = None) -> None:
        self.dsn = dsn
        self.closed = False

    async def batches(self) -> AsyncGenerator[Batch]:
        try:
            for n in range(1, 9):
                yield [book(str(n), row=n)]
                if self.dsn and n == 4:
                    await end_imports(self.dsn)
        finally:
            self.closed = True

    def delivery(self) -> Delivery:
        return Delivery("shop", self.batches(), total=8, unit="rows", position=lambda: 0)


async def test_a_server_that_goes_away_while_reading_is_one_clear_line(catalog: Catalog) -> None:
    source = Closing(catalog.dsn)

    with pytest.raises(
        CatalogImportError, match=r"The database failed during the import: .* Nothing was written\."
    ):
        await import_delivery(catalog.dsn, source.delivery(), rejects=catalog.rejects)

    assert source.closed
    assert await catalog.rows("SELECT count(*) FROM book") == [(0,)]


@pytest.mark.parametrize("step", ["Comparing with the catalog", "Writing books, authors and categories"])
async def test_a_server_that_goes_away_while_merging_leaves_nothing(catalog: Catalog, step: str) -> None:
    with pytest.raises(CatalogImportError, match="Nothing was written"):
        await import_delivery(
            catalog.dsn, delivery([book("1")]), rejects=catalog.rejects, progress=EndsAt(catalog.dsn, step)
        )

    assert await catalog.rows("SELECT count(*) FROM book") == [(0,)]


async def test_a_server_that_goes_away_while_committing_leaves_it_open_what_was_written(
    catalog: Catalog,
) -> None:
    with pytest.raises(CatalogImportError, match=r"may have been written or not\. Import it again"):
        await import_delivery(
            catalog.dsn,
            delivery([book("1")]),
            rejects=catalog.rejects,
            progress=EndsAt(catalog.dsn, "Committing"),
        )

    await catalog.bring(book("1"))
    assert await catalog.rows("SELECT count(*) FROM book") == [(1,)]


async def test_a_vacuum_that_fails_is_only_a_warning(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(run, "LARGE", 0)

    with caplog.at_level(logging.WARNING, logger="db.importing.run"):
        summary = await import_delivery(
            catalog.dsn,
            delivery([book("1")]),
            rejects=catalog.rejects,
            progress=EndsAt(catalog.dsn, "Vacuuming"),
        )

    assert summary.new == 1
    assert "The import is complete, but VACUUM failed" in caplog.text
    assert await catalog.rows("SELECT count(*) FROM book") == [(1,)]


async def test_a_cancelled_import_closes_its_delivery_and_writes_nothing(catalog: Catalog) -> None:
    source = Closing()
    waiting = asyncio.Event()

    async def endless() -> AsyncGenerator[Batch]:
        async for batch in source.batches():
            yield batch
            waiting.set()
            await asyncio.sleep(0.05)

    importing = asyncio.create_task(
        import_delivery(
            catalog.dsn,
            Delivery("shop", endless(), total=8, unit="rows", position=lambda: 0),
            rejects=catalog.rejects,
        )
    )
    await waiting.wait()
    importing.cancel()

    with pytest.raises(asyncio.CancelledError):
        await importing
    assert await catalog.rows("SELECT count(*) FROM book") == [(0,)]
    assert (await catalog.bring(book("1"))).new == 1


async def test_a_delivery_is_closed_when_the_database_is_not_there(catalog: Catalog) -> None:
    with pytest.raises(DatabaseError, match="cannot be reached"):
        await import_delivery(
            catalog.dsn.replace("/test_", "/nowhere_"), delivery([book("1")]), rejects=catalog.rejects
        )
    await catalog.connection.execute("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(DatabaseError, match="run `bookstore migrate`"):
        await catalog.bring(book("1"))
