"""Tables that an import rebuilds keep everything that depends on them, and readers are not blocked."""

import asyncio
import logging

import asyncpg
import pytest

from db.errors import CatalogImportError
from db.importing import import_transaction, table_rebuild
from db.importing.records import AuthorRecord
from tests.db.importing.feeds import Catalog, book
from tests.waiting import GUARD, until

REBUILT_TABLES = (*table_rebuild.BOOK_TABLES, *table_rebuild.LISTING_TABLES)
BOOKS = [
    book(str(n), f"Title {n}", authors=(AuthorRecord(f"Name {n % 3}"),), categories=(("A", f"B {n % 2}"),))
    for n in range(9)
]

# The definitions of all tables and of the objects that depend on them, without ids and row counts.
DEFINITIONS = """
SELECT c.relname, c.relkind::text, c.reloptions::text, c.relacl::text, pg_get_userbyid(c.relowner),
       (SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                                    a.attidentity, a.attgenerated, a.attstorage, a.attcollation::regcollation),
                          ', ' ORDER BY a.attnum)
        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0)
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT conname, contype::text, convalidated::text, pg_get_constraintdef(oid), conrelid::regclass::text, NULL
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT tgname, tgenabled::text, tgrelid::regclass::text, pg_get_triggerdef(oid), NULL, NULL
FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT indexname, tablename, indexdef, NULL, NULL, NULL FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT typname, NULL, NULL, NULL, NULL, NULL FROM pg_type WHERE typnamespace = 'public'::regnamespace
ORDER BY 1, 2, 3, 4, 5
"""


# The import waits for a lock that another transaction holds.
WAITS_FOR_LOCK = """
SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
               WHERE a.application_name = 'bookstore import' AND a.datname = current_database() AND NOT l.granted)
"""

# The import has released its locks, and waits to retry.
HAS_RELEASED_LOCKS = """
SELECT EXISTS (SELECT FROM pg_stat_activity
               WHERE application_name = 'bookstore import' AND datname = current_database()
                 AND state = 'idle in transaction' AND query LIKE 'ROLLBACK TO %')
"""


@pytest.fixture(autouse=True)
def rebuild_at_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_transaction, "BULK_MIN_BOOKS", 0)


async def test_definitions_options_and_grants_are_kept(catalog: Catalog) -> None:
    await catalog.connection.execute("CREATE ROLE bulk_reader")
    try:
        await catalog.connection.execute(
            "GRANT SELECT ON book, category_listing TO bulk_reader;"
            "GRANT UPDATE ON book_author TO bulk_reader WITH GRANT OPTION;"
            "GRANT SELECT ON author TO PUBLIC;"
            "ALTER TABLE author_listing SET (fillfactor = 90)"
        )
        before = await catalog.rows(DEFINITIONS)

        summary = await catalog.import_records(*BOOKS)

        assert set(summary.rebuilt) == set(REBUILT_TABLES)
        assert await catalog.rows(DEFINITIONS) == before
    finally:
        await catalog.connection.execute("DROP OWNED BY bulk_reader; DROP ROLE bulk_reader")


async def test_ids_continue_and_triggers_work_after_a_rebuild(catalog: Catalog) -> None:
    await catalog.import_records(*BOOKS)

    book_id = await catalog.connection.fetchval(
        "INSERT INTO book (source, source_id, title) VALUES ('hand', '1', 'By hand') RETURNING id"
    )
    await catalog.connection.execute(
        "INSERT INTO book_author SELECT $1, 1, id FROM author WHERE slug = 'name-0'", book_id
    )

    assert book_id == len(BOOKS) + 1
    assert await catalog.rows("SELECT slug, book_count FROM author ORDER BY slug") == [
        ("name-0", 4),
        ("name-1", 3),
        ("name-2", 3),
    ]
    assert await catalog.rows("SELECT books, authors, categories FROM catalog_size") == [(10, 3, 3)]
    await catalog.checksum()


async def test_foreign_keys_from_other_tables_are_kept(catalog: Catalog) -> None:
    await catalog.import_records(BOOKS[0])
    await catalog.connection.execute("INSERT INTO book_view SELECT id, current_date, 7 FROM book")

    summary = await catalog.import_records(*BOOKS)

    assert "book" in summary.rebuilt
    assert await catalog.rows("SELECT source_id, views FROM book JOIN book_view ON book_id = id") == [
        ("0", 7)
    ]
    await catalog.connection.execute("DELETE FROM book WHERE source_id = '0'")
    assert await catalog.rows("SELECT views FROM book_view") == []


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("CREATE VIEW shelf AS SELECT title_key FROM category_listing", "category_listing: pg_rewrite"),
        ("CREATE STATISTICS keys ON price, title_key FROM author_listing", "author_listing: statistics keys"),
        ("ALTER TABLE book DISABLE TRIGGER book_rekey", "book: trigger book_rekey"),
        (
            "ALTER TABLE book_author ENABLE ROW LEVEL SECURITY",
            "book_author: row security or replica identity",
        ),
        ("CREATE PUBLICATION feed FOR TABLE book", "book: publication"),
        ("CREATE TABLE part () INHERITS (author)", "author: inheritance"),
        ("GRANT SELECT (title) ON book TO PUBLIC", "book: grants on columns"),
    ],
)
async def test_a_table_with_an_unsupported_dependency_is_not_rebuilt(
    catalog: Catalog, caplog: pytest.LogCaptureFixture, statement: str, reason: str
) -> None:
    await catalog.connection.execute(statement)

    with caplog.at_level(logging.WARNING, logger="db.importing.importer"):
        summary = await catalog.import_records(*BOOKS)

    table = reason.partition(":")[0]
    assert summary.new == len(BOOKS)
    assert summary.rebuilt == (() if table in table_rebuild.LISTING_TABLES else table_rebuild.LISTING_TABLES)
    assert f"cannot rebuild {reason}" in caplog.text
    assert await catalog.rows("SELECT count(*) FROM category_listing") == [(18,)]


async def test_a_table_owner_without_superuser_rights_can_import(catalog: Catalog) -> None:
    connection = catalog.connection
    await connection.execute("CREATE ROLE shopkeeper LOGIN")
    try:
        await connection.execute("GRANT CREATE ON SCHEMA public TO shopkeeper")
        for (statement,) in await connection.fetch(
            "SELECT format('ALTER %s %I OWNER TO shopkeeper',"
            " CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, relname)"
            " FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        ):
            await connection.execute(statement)
        as_owner = Catalog(catalog.dsn.replace("app@", "shopkeeper@"), connection, catalog.rejects)

        summary = await as_owner.import_records(*BOOKS)
        again = await as_owner.import_records(*BOOKS)

        assert set(summary.rebuilt) == set(REBUILT_TABLES)
        assert again.changed_nothing
        await as_owner.checksum()
    finally:
        await connection.execute("REASSIGN OWNED BY shopkeeper TO app; DROP OWNED BY shopkeeper")
        await connection.execute("DROP ROLE shopkeeper")


async def test_an_import_waits_for_a_reader_without_blocking_others(catalog: Catalog) -> None:
    reader = await asyncpg.connect(catalog.dsn)
    other = await asyncpg.connect(catalog.dsn)
    reading = reader.transaction()
    await reading.start()
    await reader.fetch("SELECT 1 FROM category_listing")

    importing = asyncio.create_task(catalog.import_records(*BOOKS))
    for _ in range(3):
        await until(lambda: catalog.connection.fetchval(WAITS_FOR_LOCK))
        # The import releases its lock request, which would block every later reader of the table.
        count = other.fetchval("SELECT count(*) FROM category_listing")
        assert await asyncio.wait_for(count, GUARD) == 0
    assert not importing.done()
    await reading.rollback()

    assert (await importing).new == len(BOOKS)
    await reader.close()
    await other.close()


async def test_an_import_waits_for_an_older_snapshot_which_would_see_empty_tables(
    catalog: Catalog,
) -> None:
    await catalog.import_records(BOOKS[0])
    reader = await asyncpg.connect(catalog.dsn)
    reading = reader.transaction(isolation="repeatable_read")
    await reading.start()
    await reader.fetch("SELECT 1")
    await until(lambda: has_old_snapshot(reader, catalog.connection))

    importing = asyncio.create_task(catalog.import_records(*BOOKS))
    await until(lambda: catalog.connection.fetchval(HAS_RELEASED_LOCKS))
    assert not importing.done()
    assert await reader.fetchval("SELECT count(*) FROM book") == 1
    await reading.rollback()

    assert (await importing).new == len(BOOKS) - 1
    await reader.close()


async def has_old_snapshot(reader: asyncpg.Connection, observer: asyncpg.Connection) -> bool:
    """Run a statement in the reader, and return whether its snapshot counts as older than the statement."""
    await reader.fetch("SELECT 1")
    return bool(await observer.fetchval(table_rebuild._COUNT_OLD_SNAPSHOTS))


async def test_an_import_that_gets_no_lock_in_time_fails_and_writes_nothing(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_transaction, "CATALOG_LOCK_TIMEOUT", 0.5)
    writer = await asyncpg.connect(catalog.dsn)
    writing = writer.transaction()
    await writing.start()
    await writer.execute("INSERT INTO category (name) VALUES ('Uncommitted')")

    with pytest.raises(CatalogImportError, match="have blocked the catalog's locks for 0 s: end them"):
        await catalog.import_records(*BOOKS)

    await writing.rollback()
    await writer.close()
    assert await catalog.rows("SELECT count(*) FROM book") == [(0,)]


def test_placeholders_are_filled_with_the_names_of_the_rebuilt_tables() -> None:
    statement = "INSERT INTO {book} (id)\nSELECT id FROM\n{book_author} ba JOIN {author_listing} USING (id)"

    assert statement.format_map(table_rebuild.table_names(table_rebuild.BOOK_TABLES)) == (
        "INSERT INTO book_rebuilt (id)\nSELECT id FROM\nbook_author_rebuilt ba JOIN author_listing USING (id)"
    )
    assert statement.format_map(table_rebuild.table_names(())) == (
        "INSERT INTO book (id)\nSELECT id FROM\nbook_author ba JOIN author_listing USING (id)"
    )
