"""Feeds that say little: what they do not speak of stays, and their rows are found by key or by ISBN."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.errors import CatalogImportError
from db.importing.importer import import_feed
from db.importing.options import ImportOptions
from db.importing.records import ALL_FIELDS, AuthorRecord, BookRecord, Reject
from tests.db.importing.feeds import Catalog, book, feed

ISBN, OTHER_ISBN, THIRD_ISBN = "9780306406157", "9780199535811", "9780141439518"
CLEARS, REPLACE, UPDATES = (
    ImportOptions(empty_clears=True),
    ImportOptions(replace=True),
    ImportOptions(update_only=True),
)
FULL = BookRecord(
    row=0,
    source_id=ISBN,
    title="The Sea",
    subtitle="A novel",
    isbn=ISBN,
    description="About it",
    published_year=1999,
    price=Decimal("12.50"),
    currency="EUR",
    stock=5,
    rating_average=Decimal("4.00"),
    rating_count=7,
    authors=(AuthorRecord("Jane Doe"),),
    categories=(("Fiction",),),
)
PRICES = frozenset(("isbn", "price", "currency"))
BOOKS = """
SELECT source_id, isbn, title, subtitle, description, published_year, price, currency, stock, rating_average,
       rating_count, people.names, shelves.paths
FROM book b
CROSS JOIN LATERAL (SELECT array_agg(a.name ORDER BY l.position) AS names
                    FROM book_author l JOIN author a ON a.id = l.author_id WHERE l.book_id = b.id) people
CROSS JOIN LATERAL (SELECT array_agg(k.path ORDER BY k.path) AS paths
                    FROM book_category l JOIN category k ON k.id = l.category_id WHERE l.book_id = b.id) shelves
ORDER BY b.id
"""
STORED = {
    "source_id": ISBN,
    "isbn": ISBN,
    "title": "The Sea",
    "subtitle": "A novel",
    "description": "About it",
    "published_year": 1999,
    "price": Decimal("12.50"),
    "currency": "EUR",
    "stock": 5,
    "rating_average": Decimal("4.00"),
    "rating_count": 7,
    "names": ["Jane Doe"],
    "paths": ["fiction"],
}


async def stored(catalog: Catalog) -> list[dict[str, Any]]:
    await catalog.checksum()
    return [dict(row) for row in await catalog.connection.fetch(BOOKS)]


def price_row(isbn: str = ISBN, price: str = "13.00") -> BookRecord:
    return BookRecord(0, isbn, None, isbn=isbn, price=Decimal(price), currency="EUR")


async def test_a_price_list_changes_prices_and_nothing_else(catalog: Catalog) -> None:
    await catalog.import_records(FULL)

    summary = await catalog.import_records(price_row(), fields=PRICES)

    assert (summary.new, summary.changed, summary.rejected) == (0, 1, 0)
    assert await stored(catalog) == [{**STORED, "price": Decimal("13.00")}]
    assert (await catalog.import_records(price_row(), fields=PRICES)).changed_nothing


async def test_an_empty_cell_empties_only_if_told(catalog: Catalog) -> None:
    await catalog.import_records(FULL)
    empty = BookRecord(0, ISBN, None, isbn=ISBN)
    fields = FULL_FIELDS - {"subtitle"}

    kept = await catalog.import_records(empty, fields=fields)
    after = await stored(catalog)
    cleared = await catalog.import_records(empty, fields=fields, options=CLEARS)

    assert kept.changed_nothing
    assert after == [STORED]
    assert cleared.changed == 1
    nothing = dict.fromkeys(STORED) | {"stock": 0, "rating_count": 0}
    named = {name: STORED[name] for name in ("source_id", "isbn", "title", "subtitle")}
    assert await stored(catalog) == [{**nothing, **named}]


@pytest.mark.parametrize("options", [CLEARS, REPLACE])
async def test_an_invalid_value_empties_nothing(catalog: Catalog, options: ImportOptions) -> None:
    """The reader drops the value and rejects it: what its cell was meant to say is unknown."""
    await catalog.import_records(FULL)
    dropped = [
        Reject(1, name, "?", "is not readable; imported without it", "field")
        for name in ("price", "published", "rating_count", "authors", "categories", "description")
    ]

    summary = await catalog.import_records(BookRecord(1, ISBN, None, isbn=ISBN), *dropped, options=options)

    assert (summary.changed, summary.plan.kept, summary.plan.dropped_values) == (1, (), 6)
    assert await stored(catalog) == [{**STORED, "subtitle": None, "stock": 0}]
    assert (
        await catalog.import_records(BookRecord(1, ISBN, None, isbn=ISBN), *dropped, options=options)
    ).changed_nothing


@pytest.mark.parametrize(("options", "is_kept"), [(CLEARS, True), (REPLACE, False), (ImportOptions(), True)])
async def test_an_absent_field_is_no_empty_cell(
    catalog: Catalog, options: ImportOptions, is_kept: bool
) -> None:
    await catalog.import_records(FULL, book("b"))
    absent = (
        "price",
        "published",
        "rating_average",
        "authors",
        "categories",
        "description",
        "stock",
        "subtitle",
    )
    rows = (
        BookRecord(1, ISBN, None, isbn=ISBN, absent=absent),
        replace(FULL, row=2, source_id="b", isbn=None),
    )

    summary = await catalog.import_records(*rows, options=options)

    assert (summary.changed, summary.plan.kept) == (1 if is_kept else 2, ())
    nothing = dict.fromkeys(STORED) | {"stock": 0, "rating_count": 0}
    named = {name: STORED[name] for name in ("source_id", "isbn", "title")}
    assert (await stored(catalog))[0] == (STORED if is_kept else {**nothing, **named})
    assert (await catalog.import_records(*rows, options=options)).changed_nothing


async def test_an_isbn_that_a_row_does_not_speak_of_stays_with_its_book(catalog: Catalog) -> None:
    await catalog.import_records(book("a", isbn=ISBN), book("b"))

    summary = await catalog.import_records(
        BookRecord(1, "a", None, absent=("isbn",)), BookRecord(2, "b", None, isbn=ISBN), options=CLEARS
    )

    assert summary.rejected == 1
    assert await catalog.rows("SELECT source_id, isbn FROM book ORDER BY source_id") == [
        ("a", ISBN),
        ("b", None),
    ]


async def test_files_with_different_columns_cannot_empty_fields(catalog: Catalog) -> None:
    await catalog.import_records(FULL)
    rows = replace(feed([price_row()]), fields=PRICES, partial_fields=frozenset(("price", "currency")))

    with pytest.raises(CatalogImportError) as error:
        await import_feed(catalog.dsn, rows, rejects=catalog.rejects, options=CLEARS)

    assert str(error.value) == (
        "Not all of these files have a column for currency, price: --empty-clears would empty it in the books of"
        " the others. Import files with different columns one by one."
    )
    assert await stored(catalog) == [STORED]


async def test_an_invalid_category_beside_a_valid_one_is_left_out(catalog: Catalog) -> None:
    await catalog.import_records(FULL)
    row = replace(FULL, row=1, categories=(("Travel",),))

    await catalog.import_records(
        row, Reject(1, "categories", "?", "is not readable; imported without it", "field"), options=CLEARS
    )

    assert await stored(catalog) == [{**STORED, "paths": ["travel"]}]


async def test_replacing_empties_fields_without_a_column(catalog: Catalog) -> None:
    await catalog.import_records(FULL)

    summary = await catalog.import_records(price_row(), fields=PRICES, options=REPLACE)

    assert (summary.changed, summary.merged.removed_authors, summary.merged.removed_categories) == (1, 1, 1)
    nothing = dict.fromkeys(STORED) | {"stock": 0, "rating_count": 0, "price": Decimal("13.00")}
    named = {name: STORED[name] for name in ("source_id", "isbn", "title", "currency")}
    assert await stored(catalog) == [{**nothing, **named}]


async def test_a_value_replaces_the_whole_field(catalog: Catalog) -> None:
    from datetime import date

    await catalog.import_records(replace(FULL, published_on=date(1999, 12, 31)))

    await catalog.import_records(
        replace(FULL, published_year=2000, rating_average=None, rating_count=0, price=None, currency=None)
    )

    assert await stored(catalog) == [
        {**STORED, "published_year": 2000, "rating_average": None, "rating_count": 0}
    ]
    assert await catalog.rows("SELECT published_on FROM book") == [(None,)]


async def test_a_row_is_found_by_its_key_or_by_its_isbn(catalog: Catalog) -> None:
    await catalog.import_records(
        book("a", isbn=ISBN), book("b"), replace(FULL, source_id="c", isbn=OTHER_ISBN)
    )

    summary = await catalog.import_records(
        BookRecord(0, ISBN, None, isbn=ISBN, stock=1),
        BookRecord(0, "b", None, stock=2),
        BookRecord(0, "c", None, isbn=OTHER_ISBN, stock=3),
        fields=("source_id", "isbn", "stock"),
    )

    assert (summary.changed, summary.new, summary.rejected) == (3, 0, 0)
    assert await catalog.rows("SELECT source_id, isbn, stock FROM book ORDER BY source_id") == [
        ("a", ISBN, 1),
        ("b", None, 2),
        ("c", OTHER_ISBN, 3),
    ]


async def test_a_book_known_by_its_isbn_takes_the_key_of_a_later_file(catalog: Catalog) -> None:
    await catalog.import_records(FULL)

    keyed = await catalog.import_records(replace(FULL, source_id="k1"))
    again = await catalog.import_records(replace(FULL, source_id="k1"), replace(FULL, source_id=ISBN))

    assert (keyed.new, keyed.changed) == (0, 1)
    assert (again.changed, again.rejected) == (0, 1)
    assert catalog.rejected() == [("2", "isbn", ISBN, "is already in row 1; keep one of the two rows")]
    assert await stored(catalog) == [{**STORED, "source_id": "k1"}]


async def test_a_book_that_lost_its_isbn_is_found_by_its_former_isbn(catalog: Catalog) -> None:
    await catalog.import_records(FULL)
    await catalog.connection.execute("SET bookstore.writer = 'import'")
    await catalog.connection.execute("UPDATE book SET isbn = NULL")

    summary = await catalog.import_records(price_row(), fields=PRICES)

    assert (summary.new, summary.changed) == (0, 1)
    assert await stored(catalog) == [{**STORED, "price": Decimal("13.00")}]


async def test_two_rows_of_one_book_are_one_and_a_reject(catalog: Catalog) -> None:
    await catalog.import_records(book("a", isbn=ISBN))

    summary = await catalog.import_records(
        BookRecord(0, "a", None, stock=1),
        BookRecord(0, ISBN, None, isbn=ISBN, stock=2),
        fields=("source_id", "isbn", "stock"),
    )

    assert (summary.changed, summary.rejected) == (1, 1)
    assert catalog.rejected() == [
        ("2", "isbn", ISBN, "is the book that is already in row 1; keep one of the two rows")
    ]
    assert await catalog.rows("SELECT stock FROM book") == [(1,)]


async def test_an_isbn_moves_only_if_its_book_gets_another(catalog: Catalog) -> None:
    await catalog.import_records(book("a", isbn=ISBN), book("b", isbn=OTHER_ISBN))

    refused = await catalog.import_records(book("a"), book("c", isbn=ISBN))
    moved = await catalog.import_records(book("a", isbn=THIRD_ISBN), book("c", isbn=ISBN))
    cleared = await catalog.import_records(book("b"), book("d", isbn=OTHER_ISBN), options=CLEARS)

    assert [(each.new, each.changed, each.rejected) for each in (refused, moved, cleared)] == [
        (0, 0, 1),
        (1, 1, 0),
        (1, 1, 0),
    ]
    assert await catalog.rows("SELECT source_id, isbn FROM book ORDER BY source_id") == [
        ("a", THIRD_ISBN),
        ("b", None),
        ("c", ISBN),
        ("d", OTHER_ISBN),
    ]


async def test_a_rejected_row_moves_no_isbn(catalog: Catalog) -> None:
    await catalog.import_records(
        book("a", isbn=ISBN, authors=(AuthorRecord("Ann", source_id="a 1"),)), book("b", isbn=OTHER_ISBN)
    )

    summary = await catalog.import_records(
        book("a", isbn=THIRD_ISBN, authors=(AuthorRecord("Ann", source_id="A-1"),)), book("b", isbn=ISBN)
    )

    assert (summary.changed, summary.rejected) == (0, 2)
    assert [(row, field) for row, field, *_ in catalog.rejected()] == [("1", "authors"), ("2", "isbn")]
    assert await catalog.rows("SELECT source_id, isbn FROM book ORDER BY source_id") == [
        ("a", ISBN),
        ("b", OTHER_ISBN),
    ]


async def test_a_new_book_needs_a_title_and_updates_add_none(catalog: Catalog) -> None:
    rows = (price_row(), BookRecord(0, "k", None, price=Decimal(1), currency="EUR"))
    fields = PRICES | {"source_id"}

    refused = await catalog.import_records(*rows, fields=fields)
    reasons = catalog.rejected()
    skipped = await catalog.import_records(*rows, fields=fields, options=UPDATES)

    assert (refused.new, refused.rejected, refused.skipped) == (0, 2, 0)
    assert reasons == [
        ("1", "title", "", f"no book has the ISBN {ISBN}, and a new one needs a title"),
        ("2", "title", "", "no book has the source_id k, and a new one needs a title"),
    ]
    assert (skipped.new, skipped.rejected, skipped.skipped) == (0, 0, 2)
    assert catalog.rejected() == [
        ("1", "source_id", ISBN, "no such book; --update-only adds none"),
        ("2", "source_id", "k", "no such book; --update-only adds none"),
    ]


FULL_FIELDS = ALL_FIELDS - {"source_id"}
GROUPS = {
    "title": ("title",),
    "subtitle": ("subtitle",),
    "published_year": ("published_year",),
    "price": ("price", "currency"),
    "stock": ("stock",),
    "rating_average": ("rating_average", "rating_count"),
    "authors": ("names",),
    "categories": ("paths",),
}
texts = st.sampled_from([None, "A", "B"])
cells = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["A", "B"]),
        "subtitle": texts,
        "published_year": st.sampled_from([None, 1, 2]),
        "price": st.sampled_from([None, Decimal(1), Decimal(2)]),
        "stock": st.sampled_from([None, 0, 3]),
        "rating_average": st.sampled_from([None, Decimal(1), Decimal(2)]),
        "authors": st.sampled_from([(), (AuthorRecord("Ann"),), (AuthorRecord("Bo"), AuthorRecord("Ann"))]),
        "categories": st.sampled_from([(), (("A",),), (("A", "B"), ("C",))]),
    }
)


def record(isbn: str, values: dict[str, Any]) -> BookRecord:
    given = dict(values)
    given["currency"] = "EUR" if given["price"] is not None else None
    given["rating_count"] = 4 if given["rating_average"] is not None else None
    return BookRecord(row=0, source_id=isbn, isbn=isbn, **given)


@settings(max_examples=25, database=None)
@given(
    old=st.lists(cells, min_size=2, max_size=2),
    new=st.lists(cells, min_size=2, max_size=2),
    columns=st.frozensets(st.sampled_from(sorted(GROUPS))),
    options=st.sampled_from([ImportOptions(), CLEARS]),
)
async def test_what_is_not_in_the_columns_of_a_file_is_untouched(
    catalog: Catalog,
    old: list[dict[str, Any]],
    new: list[dict[str, Any]],
    columns: frozenset[str],
    options: ImportOptions,
) -> None:
    await catalog.clear()
    await catalog.import_records(*map(record, (ISBN, OTHER_ISBN), old))
    before = await stored(catalog)
    extra = {name for column in columns for name in GROUPS[column]} | {"isbn"} | columns

    # A reader leaves fields without a column empty.
    blank = {name: () if name in ("authors", "categories") else None for name in GROUPS}
    given = [{**blank, **{name: row[name] for name in columns}} for row in new]
    await catalog.import_records(
        *map(record, (ISBN, OTHER_ISBN), given), fields=extra - {"names", "paths"}, options=options
    )

    after = await stored(catalog)
    for old_book, new_book, row in zip(before, after, given, strict=True):
        for column, names in GROUPS.items():
            is_set = column in columns and (row[column] not in (None, ()) or options.empty_clears)
            if not is_set:
                assert [new_book[name] for name in names] == [old_book[name] for name in names]
            elif column == "authors":
                assert new_book["names"] == ([author.name for author in row["authors"]] or None)
            elif column == "price":
                assert (new_book["price"], new_book["currency"]) == (row["price"], row["price"] and "EUR")
            elif column not in ("categories", "rating_average"):
                assert new_book[column] == (0 if column == "stock" and row[column] is None else row[column])


@pytest.mark.parametrize("fields", [("isbn",), ("source_id",)])
async def test_a_feed_with_keys_alone_changes_nothing(catalog: Catalog, fields: tuple[str, ...]) -> None:
    await catalog.import_records(FULL)

    summary = await catalog.import_records(BookRecord(0, ISBN, None, isbn=ISBN), fields=fields)

    assert (summary.unchanged, summary.changed_nothing) == (1, True)


async def test_the_triggers_of_book_run_once_for_all_changed_prices(catalog: Catalog) -> None:
    """PostgreSQL keeps the plans of a trigger's first run: a run for no row makes the next one quadratic."""
    await catalog.import_records(book("a", isbn=ISBN), book("b", isbn=OTHER_ISBN))
    await catalog.connection.execute(
        """
        CREATE TABLE update_run (rows bigint);
        CREATE FUNCTION note_update() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO update_run SELECT count(*) FROM after; RETURN NULL; END $$;
        CREATE TRIGGER note_update AFTER UPDATE ON book REFERENCING NEW TABLE AS after
        FOR EACH STATEMENT EXECUTE FUNCTION note_update()
        """
    )

    await catalog.import_records(price_row(), price_row(OTHER_ISBN), fields=PRICES)

    assert await catalog.rows("SELECT rows FROM update_run") == [(2,)]
