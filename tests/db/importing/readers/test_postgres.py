from datetime import date
from decimal import Decimal

import asyncpg
import pytest

from db.errors import CatalogImportError
from db.importing.readers import open_feed
from db.importing.readers.flat_fields import FLAT_FIELDS
from db.importing.records import AuthorRecord, BookRecord, Reject
from tests.db.importing.readers.sources import import_error, read_books, read_one_book, read_records

FLAT = """
CREATE TABLE books_flat (
    sku integer PRIMARY KEY, isbn char(13), title varchar(80), author text, category text,
    price numeric(8, 2), currency text, published date, pages smallint, language text, stock bigint,
    rating_average real, rating_count integer, shelf text
)
"""


async def execute(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_flat_table_is_read_with_author_and_category_as_text(dsn: str):
    await execute(
        dsn,
        FLAT,
        """
        INSERT INTO books_flat VALUES
            (2, NULL, 'Zadig', NULL, NULL, NULL, 'EUR', NULL, NULL, NULL, NULL, NULL, NULL, 'x'),
            (1, '9780131103627', 'C', 'B. Kernighan; D. Ritchie', 'Computing > C; Textbooks', 12.50, 'EUR',
             '1988-04-01', 272, 'eng', 3, 4.3, 10, 'y')
        """,
    )
    mapping = {"sku": "source_id"}

    feed = await open_feed("postgres", [dsn], table="books_flat", mapping=mapping, source="shop")
    found = [record async for batch in feed.batches for record in batch]

    assert found == [
        BookRecord(
            row=1,
            source_id="1",
            isbn="9780131103627",
            title="C",
            authors=(
                AuthorRecord("B. Kernighan", sort_name="Kernighan, B."),
                AuthorRecord("D. Ritchie", sort_name="Ritchie, D."),
            ),
            categories=(("Computing", "C"), ("Textbooks",)),
            price=Decimal("12.50"),
            currency="EUR",
            published_year=1988,
            published_on=date(1988, 4, 1),
            page_count=272,
            language="en",
            stock=3,
            rating_average=Decimal("4.30"),
            rating_count=10,
        ),
        BookRecord(row=2, source_id="2", title="Zadig"),
    ]
    assert (feed.source, feed.unit, feed.total, feed.completed()) == ("shop", "rows", 2, 2)
    assert feed.ignored_headings == ("shelf",)


async def test_the_isbn_10_is_read_where_there_is_no_isbn_13(dsn: str):
    await execute(
        dsn,
        "CREATE TABLE pairs (source_id integer, title text, isbn text, isbn13 text)",
        "INSERT INTO pairs VALUES (1, 'A', '0306406152', NULL), (2, 'B', '0306406152', '9780141439518')",
    )

    one, two, reject = await read_records("postgres", dsn, table="pairs")

    assert (one, two) == (
        BookRecord(1, "1", "A", isbn="9780306406157"),
        BookRecord(2, "2", "B", isbn="9780141439518"),
    )
    assert isinstance(reject, Reject)
    assert (reject.row, reject.field, reject.value) == (2, "isbn", "0306406152")


async def test_arrays_and_json_are_lists_of_authors_and_categories(dsn: str):
    await execute(
        dsn,
        """
        CREATE TABLE lists (
            source_id text, title text, authors text[], categories jsonb, price money, published timestamptz
        )
        """,
        """
        INSERT INTO lists VALUES
            ('1', 'Emma', ARRAY['Austen; Jane', NULL, 'X Y (editor)'], '["A > B", ["C", "D"]]', 3.5,
             '1815-12-23'),
            ('2', 'Bad', ARRAY[' '], '[7]', NULL, NULL),
            ('3', 'Text', NULL, '"[A > B"', NULL, '0044-03-15 12:00:00 BC')
        """,
    )

    found = await read_records("postgres", dsn, table="lists", currency="USD")

    assert found == [
        BookRecord(
            row=1,
            source_id="1",
            title="Emma",
            authors=(AuthorRecord("Austen; Jane"), AuthorRecord("X Y", "EDITOR", sort_name="Y, X")),
            categories=(("A", "B"), ("C", "D")),
            price=Decimal("3.50"),
            currency="USD",
            published_year=1815,
            published_on=date(1815, 12, 23),
        ),
        Reject(2, "categories", "7", "neither a path of names nor a list of names"),
        BookRecord(row=3, source_id="3", title="Text", published_year=-44, categories=(('"[A', 'B"'),)),
    ]


async def test_a_list_instead_of_one_value_is_rejected(dsn: str):
    await execute(
        dsn,
        "CREATE TABLE odd (source_id text, title text[], authors text)",
        "INSERT INTO odd VALUES ('1', ARRAY['a'], NULL), ('2', NULL, '[pseud.]')",
    )

    assert await read_records("postgres", dsn, table="odd") == [
        Reject(1, "title", "['a']", "a list instead of one value"),
        BookRecord(2, "2", None, authors=(AuthorRecord("[pseud.]"),)),
    ]


async def test_many_rows_come_in_batches_in_the_order_of_their_identity(dsn: str):
    await execute(
        dsn,
        "CREATE TABLE many AS SELECT 'isbn' || n AS source_id, 'Book ' || n AS title"
        " FROM generate_series(1, 4500) AS n ORDER BY n DESC",
    )
    feed = await open_feed("postgres", [dsn], table="public.many")

    batches = [batch async for batch in feed.batches]

    assert [len(batch) for batch in batches] == [2_000, 2_000, 500]
    found = [record for batch in batches for record in batch]
    assert [record.row for record in found] == list(range(1, 4_501))
    identities = [record.source_id for record in found if isinstance(record, BookRecord)]
    assert identities == sorted(identities)


async def test_names_with_special_characters_are_quoted(dsn: str):
    table = '"We""ird.schema"."Bo""oks; --"'
    await execute(
        dsn,
        'CREATE SCHEMA "We""ird.schema"',
        f'CREATE TABLE {table} ("so""urce" text, "Tit le" text)',
        f"INSERT INTO {table} VALUES ('1', 'Emma')",
    )
    mapping = {'so"urce': "source_id", "Tit le": "title"}

    assert await read_one_book("postgres", dsn, table=table, mapping=mapping) == BookRecord(1, "1", "Emma")


@pytest.mark.parametrize("table", ["a.b.c", ".books", "shop.", '""'])
async def test_an_invalid_table_name_is_rejected(dsn: str, table: str):
    assert await import_error("postgres", dsn, table=table) == (
        f"--table {table}: write it as table or schema.table."
    )


async def test_a_view_and_a_table_of_another_schema_are_read(dsn: str):
    await execute(
        dsn,
        "CREATE SCHEMA shop",
        "CREATE TABLE shop.books (isbn text, title text)",
        "INSERT INTO shop.books VALUES ('0131103628', 'C')",
        "CREATE VIEW visible AS SELECT * FROM shop.books",
    )

    expected = [BookRecord(1, "9780131103627", "C", isbn="9780131103627")]
    assert await read_books("postgres", dsn, table="shop.books") == expected
    assert await read_books("postgres", dsn, table="visible") == expected
    assert await import_error("postgres", dsn, table="books") == (
        "table books: there is no such table; write schema.table in exact case."
    )


async def test_a_table_without_the_needed_columns_is_rejected(dsn: str):
    await execute(dsn, "CREATE TABLE names (shelf integer, name text)")

    assert await import_error("postgres", dsn, table="names") == (
        "table names: there is no column for source_id or isbn; its headings are: shelf, name."
        " Name one with --map COLUMN=source_id or --map COLUMN=isbn."
    )
    assert await import_error("postgres", dsn, table="names", mapping={"nr": "number"}) == (
        f"--map nr=number: there is no field number; the fields are: {', '.join(FLAT_FIELDS)}."
    )


async def test_a_table_without_select_permission_is_rejected(dsn: str):
    await execute(
        dsn,
        "CREATE TABLE secret (source_id text, title text)",
        "DROP ROLE IF EXISTS stranger",
        "CREATE ROLE stranger LOGIN",
    )
    stranger = dsn.replace(dsn[dsn.index("//") + 2 : dsn.index("@")], "stranger")

    try:
        line = await import_error("postgres", stranger, table="secret")
    finally:
        await execute(dsn, "DROP ROLE stranger")

    assert line == "table secret: the user has no permission to read it; GRANT SELECT on it."


async def test_a_table_that_cannot_be_counted_is_one_clear_error(dsn: str):
    await execute(dsn, "CREATE VIEW broken AS SELECT 1 / (random() * 0) AS source_id, 'x'::text AS title")

    assert await import_error("postgres", dsn, table="broken") == "table broken: division by zero."


@pytest.mark.parametrize(
    ("sources", "table", "line"),
    [
        (["postgresql://a/b", "postgresql://a/c"], "books", "give one --from postgresql://user@host/database."),
        (["postgresql://a/b"], None, "name the table to read with --table."),
        (["mysql://me:hush@host/x"], "books", "--from: the address is not like postgresql://user:password@host:5432/database"),
        (
            ["postgresql://me:hush@host:hush/x"],
            "books",
            "--from: the address has a port that is not a number from 1 to 65535; write / as %2F, # as %23, ? as %3F,"
            " @ as %40 and % as %25 in a user and a password",
        ),
    ],
)  # fmt: skip
async def test_an_invalid_dsn_is_rejected(sources: list[str], table: str | None, line: str):
    assert await import_error("postgres", *sources, table=table) == line


async def test_a_server_that_is_not_there_is_one_clear_error_without_the_password():
    line = await import_error("postgres", "postgresql://me:hush@127.0.0.1:9/shop", table="books")

    assert line.startswith("--from: PostgreSQL cannot be reached at 127.0.0.1:9: ")
    assert "hush" not in line
    assert "me:" not in line


async def test_a_database_that_is_not_there_is_one_clear_error_without_the_password(dsn: str):
    user = dsn[dsn.index("//") + 2 : dsn.index("@")].partition(":")[0]
    address = dsn.replace(f"//{dsn[dsn.index('//') + 2 : dsn.index('@')]}@", f"//{user}:hush@")
    path = address[address.index("@") + 1 :].partition("/")[2].partition("?")[0]

    line = await import_error("postgres", address.replace(f"/{path}?", "/nowhere?"), table="books")

    assert line.startswith("--from: PostgreSQL cannot be reached at /")
    assert line.endswith(': database "nowhere" does not exist')


async def test_a_lost_connection_is_one_clear_error(dsn: str):
    await execute(
        dsn,
        "CREATE TABLE many AS SELECT n::text AS source_id, 'x' AS title FROM generate_series(1, 5000) AS n",
    )
    feed = await open_feed("postgres", [dsn], table="many")
    await anext(feed.batches)

    await execute(
        dsn,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'bookstore import' AND datname = current_database()",
    )

    with pytest.raises(CatalogImportError, match=r"reading stopped after 2,000 rows \(") as failed:
        await anext(feed.batches)
    assert "\n" not in str(failed.value)
