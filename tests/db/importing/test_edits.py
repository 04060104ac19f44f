"""Edits by hand are recorded by triggers, whoever makes them, and no import overwrites them."""

from decimal import Decimal
from importlib import import_module

import pytest

from db.book_columns import BOOK_FIELDS
from db.importing.options import ImportOptions
from db.importing.ownership import KeptField
from db.importing.records import AuthorRecord
from tests.db.importing.feeds import Catalog, book

EDITED = "SELECT field FROM book_field WHERE edited_at IS NOT NULL ORDER BY field"
OVERWRITES = ImportOptions(overwrite_edits=True)

SEA = book(
    "1",
    "The Sea",
    price=Decimal(9),
    currency="EUR",
    stock=3,
    authors=(AuthorRecord("Jane Do", sort_name="Do, Jane"),),
    categories=(("Fiction", "Crime"),),
)


def test_the_migration_knows_each_field_and_its_columns() -> None:
    names = ("0012_journal", "0023_works", "0024_series")
    revisions = [import_module(f"migrations.versions.{name}") for name in names]
    fields = {name: columns for each in revisions for name, columns in each.EDITED_FIELDS.items()}

    assert {name: columns.split() for name, columns in fields.items()} == {
        field.name: [column.name for column in field.columns] for field in BOOK_FIELDS
    }


@pytest.mark.parametrize(
    ("statement", "fields"),
    [
        ("UPDATE book SET stock = 4", ["stock"]),
        ("UPDATE book SET stock = 3", []),
        ("UPDATE book SET price = 8, title = 'A Sea'", ["price", "title"]),
        ("UPDATE book SET currency = 'USD'", ["price"]),
        (
            "UPDATE book SET published_year = 1999, rating_count = 2, rating_average = 3",
            ["published", "rating_average"],
        ),
        ("UPDATE book_author SET role = 'EDITOR'", ["authors"]),
        ("DELETE FROM book_author", ["authors"]),
        ("INSERT INTO book_author SELECT book_id, 2, author_id, 'EDITOR' FROM book_author", ["authors"]),
        ("DELETE FROM book_category", ["categories"]),
        ("UPDATE author SET name = 'JANE DO'", []),
        ("UPDATE author SET name = 'Jane Doe', source_id = 'jane-doe'", ["authors"]),
        ("UPDATE category SET name = 'CRIME' WHERE name = 'Crime'", []),
        ("UPDATE category SET name = 'Thrillers' WHERE name = 'Crime'", ["categories"]),
        ("UPDATE category SET name = 'Novels' WHERE name = 'Fiction'", ["categories"]),
        ("UPDATE category SET parent_id = NULL WHERE name = 'Crime'", ["categories"]),
        ("DELETE FROM book", []),
    ],
)
async def test_an_edit_is_recorded_under_its_fields(
    catalog: Catalog, statement: str, fields: list[str]
) -> None:
    await catalog.import_records(SEA)

    await catalog.connection.execute(statement)

    assert [row[0] for row in await catalog.rows(EDITED)] == fields


async def test_an_import_is_no_edit_and_so_is_what_says_so(catalog: Catalog) -> None:
    await catalog.import_records(SEA)
    await catalog.import_records(book("1", "A Sea", stock=9, authors=(AuthorRecord("Ann"),)))
    async with catalog.connection.transaction():
        await catalog.connection.execute("SET LOCAL bookstore.writer = 'import'")
        await catalog.connection.execute("UPDATE book SET stock = 4")

    assert await catalog.rows(EDITED) == []


@pytest.mark.parametrize(
    ("statement", "query", "edited", "kept"),
    [
        (
            "UPDATE book SET title = 'By hand', stock = 7",
            "SELECT title, stock FROM book",
            ("By hand", 7),
            [KeptField("title", "editor", 1), KeptField("stock", "editor", 1)],
        ),
        (
            "UPDATE author SET name = 'JANE DO', sort_name = 'DO, JANE'",
            "SELECT name, sort_name FROM author",
            ("JANE DO", "DO, JANE"),
            [KeptField("name", "editor", 1, "authors")],
        ),
        (
            "UPDATE author SET name = 'Ann', sort_name = 'Ann', source_id = 'ann'",
            "SELECT a.name, a.book_count FROM author a",
            ("Ann", 1),
            [KeptField("authors", "editor", 1)],
        ),
        (
            "UPDATE category SET name = 'CRIME' WHERE name = 'Crime'",
            "SELECT name FROM category WHERE path = 'fiction/crime'",
            ("CRIME",),
            [KeptField("name", "editor", 1, "categories")],
        ),
        (
            "UPDATE category SET name = 'Thrillers' WHERE name = 'Crime'",
            "SELECT k.path FROM category k JOIN book_category ON category_id = id",
            ("fiction/thrillers",),
            [KeptField("categories", "editor", 1)],
        ),
    ],
)
async def test_an_import_keeps_an_edit_until_it_is_told_to_overwrite_it(
    catalog: Catalog, statement: str, query: str, edited: tuple[object, ...], kept: list[KeptField]
) -> None:
    await catalog.import_records(SEA)
    imported = await catalog.rows(query)
    await catalog.connection.execute(statement)

    summary = await catalog.import_records(SEA)
    after = await catalog.rows(query)
    await catalog.import_records(SEA, options=OVERWRITES)
    overwritten = await catalog.rows(query)
    again = await catalog.import_records(SEA)

    assert list(summary.kept) == kept
    assert after == [edited]
    assert overwritten == imported
    assert (again.kept, again.changed_nothing) == ((), True)
    await catalog.checksum()
