"""Interrupted imports: their errors, their effect on the catalog, and their cleanup."""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator
from decimal import Decimal

import asyncpg
import pytest

from db.errors import CatalogImportError, DatabaseError
from db.importing import import_transaction
from db.importing.importer import import_feed
from db.importing.progress import ImportProgress
from db.importing.readers import Feed, RecordBatch
from db.importing.records import AuthorRecord
from tests.db.importing.feeds import Catalog, book, feed
from tests.waiting import until

END_IMPORTS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'bookstore import' AND datname = current_database()
"""


async def end_imports(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(END_IMPORTS)
    await connection.close()


class DisconnectsAtStep(ImportProgress):
    """Terminates the import's connection when a step starts."""

    def __init__(self, dsn: str, step: str) -> None:
        self.dsn = dsn
        self.step = step

    def start_phase(self, title: str) -> None:
        if title == self.step:
            ending = threading.Thread(target=lambda: asyncio.run(end_imports(self.dsn)))
            ending.start()
            ending.join()


class ClosableFeed:
    """A feed that records whether it was closed."""

    def __init__(self, dsn: str | None = None) -> None:
        self.dsn = dsn
        self.closed = False

    async def batches(self) -> AsyncGenerator[RecordBatch]:
        try:
            for n in range(1, 9):
                yield [book(str(n), row=n)]
                if self.dsn and n == 4:
                    await end_imports(self.dsn)
        finally:
            self.closed = True

    def feed(self) -> Feed:
        return Feed("shop", self.batches(), total=8, unit="rows", completed=lambda: 0)


async def test_a_disconnect_while_reading_is_one_clear_error(catalog: Catalog) -> None:
    source = ClosableFeed(catalog.dsn)

    with pytest.raises(
        CatalogImportError, match=r"The database failed during the import: .* Nothing was written\."
    ):
        await import_feed(catalog.dsn, source.feed(), rejects=catalog.rejects)

    assert source.closed
    assert await catalog.rows("SELECT count(*) FROM book") == [(0,)]


@pytest.mark.parametrize("step", ["Comparing with the catalog", "Writing books, authors and categories"])
async def test_a_disconnect_while_merging_writes_nothing(catalog: Catalog, step: str) -> None:
    with pytest.raises(CatalogImportError, match="Nothing was written"):
        await import_feed(
            catalog.dsn,
            feed([book("1")]),
            rejects=catalog.rejects,
            progress=DisconnectsAtStep(catalog.dsn, step),
        )

    assert await catalog.rows("SELECT count(*) FROM book") == [(0,)]


async def test_a_disconnect_while_committing_reports_an_unknown_result(
    catalog: Catalog,
) -> None:
    with pytest.raises(CatalogImportError, match=r"may or may not have been written\. Import it again"):
        await import_feed(
            catalog.dsn,
            feed([book("1")]),
            rejects=catalog.rejects,
            progress=DisconnectsAtStep(catalog.dsn, "Committing"),
        )

    await catalog.import_records(book("1"))
    assert await catalog.rows("SELECT count(*) FROM book") == [(1,)]


VACUUMS = """
SELECT relname, vacuum_count, analyze_count FROM pg_stat_user_tables WHERE vacuum_count + analyze_count > 0
"""


async def test_only_changed_tables_are_vacuumed(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    books = [book(str(n), authors=(AuthorRecord("Jane"),), categories=(("Sea",),)) for n in range(6)]
    await catalog.import_records(*books)
    before = set(await catalog.rows(VACUUMS))
    monkeypatch.setattr(import_transaction, "BULK_MIN_BOOKS", 0)

    await catalog.import_records(book("1", price=Decimal(5), currency="EUR"), fields=("price", "currency"))

    assert set(await catalog.rows(VACUUMS)) - before == {
        ("author_listing", 1, 1),
        ("book", 1, 1),
        ("category_listing", 1, 1),
    }


async def test_a_vacuum_that_fails_is_only_a_warning(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(import_transaction, "BULK_MIN_BOOKS", 0)

    with caplog.at_level(logging.WARNING, logger="db.importing.import_transaction"):
        summary = await import_feed(
            catalog.dsn,
            feed([book("1")]),
            rejects=catalog.rejects,
            progress=DisconnectsAtStep(catalog.dsn, "Vacuuming"),
        )

    assert summary.new == 1
    assert "The import is complete, but VACUUM failed" in caplog.text
    assert await catalog.rows("SELECT count(*) FROM book") == [(1,)]


class LocksBooksAtVacuum(ImportProgress):
    """Locks the table of books when VACUUM is about to run."""

    def __init__(self, locking: asyncpg.Connection, loop: asyncio.AbstractEventLoop) -> None:
        self.locking = locking
        self.loop = loop

    def start_phase(self, title: str) -> None:
        if title == "Vacuuming":
            self.locked = self.loop.create_task(self.locking.execute("BEGIN; LOCK TABLE book"))


HAS_WAITED = """
SELECT now() - query_start > '200 milliseconds' FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%VACUUM%'
"""


async def test_a_timeout_of_the_role_does_not_end_vacuum(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(import_transaction, "BULK_MIN_BOOKS", 0)
    locking, observer = [await asyncpg.connect(catalog.dsn) for _ in range(2)]
    name = await observer.fetchval("SELECT current_database()")
    await observer.execute(f"ALTER DATABASE {name} SET statement_timeout = 100")
    progress = LocksBooksAtVacuum(locking, asyncio.get_running_loop())

    importing = asyncio.create_task(
        import_feed(catalog.dsn, feed([book("1")]), rejects=catalog.rejects, progress=progress)
    )
    await until(lambda: importing.done() or observer.fetchval(HAS_WAITED))
    await locking.execute("COMMIT")

    assert (await importing).new == 1
    assert caplog.records == []
    await locking.close()
    await observer.close()


async def test_a_cancelled_import_closes_its_feed_and_writes_nothing(catalog: Catalog) -> None:
    waiting, closed = asyncio.Event(), asyncio.Event()

    async def yield_endlessly() -> AsyncGenerator[RecordBatch]:
        try:
            yield [book("1", row=1)]
            waiting.set()
            await asyncio.Event().wait()
        finally:
            closed.set()

    importing = asyncio.create_task(
        import_feed(
            catalog.dsn,
            Feed("shop", yield_endlessly(), total=8, unit="rows", completed=lambda: 0),
            rejects=catalog.rejects,
        )
    )
    await waiting.wait()
    importing.cancel()

    with pytest.raises(asyncio.CancelledError):
        await importing
    assert closed.is_set()
    assert await catalog.rows("SELECT count(*) FROM book") == [(0,)]
    assert (await catalog.import_records(book("1"))).new == 1


async def test_a_missing_or_unmigrated_database_is_an_error(catalog: Catalog) -> None:
    with pytest.raises(DatabaseError, match="cannot be reached"):
        await import_feed(
            catalog.dsn.replace("/test_", "/nowhere_"), feed([book("1")]), rejects=catalog.rejects
        )
    await catalog.connection.execute("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(DatabaseError, match="run `bookstore migrate`"):
        await catalog.import_records(book("1"))


async def test_the_server_checks_the_connection_of_an_import_until_its_transaction_ends(dsn: str) -> None:
    interval = "SHOW client_connection_check_interval"
    connection = await asyncpg.connect(dsn)

    async with connection.transaction():
        await import_transaction._acquire_import_lock(connection)
        during = await connection.fetchval(interval)
    after = await connection.fetchval(interval)
    await connection.close()

    assert (during, after) == ("1s", "0")
