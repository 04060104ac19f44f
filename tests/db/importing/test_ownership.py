"""Fields that do not follow the source of their book: owned by another source, or edited by hand."""

from dataclasses import replace
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.errors import CatalogImportError
from db.importing.options import ImportOptions
from db.importing.ownership import KeptField
from db.importing.records import AuthorRecord, BookRecord, Reject
from tests.db.importing.feeds import Catalog, book

ISBN, OTHER_ISBN = "9780306406157", "9780199535811"
PRICES = frozenset(("isbn", "title", "price", "currency"))
OWNS_PRICES = ImportOptions(owner_of=frozenset(("price",)))
OVERWRITES = ImportOptions(overwrite_edits=True)
FIELDS = "SELECT b.source_id, f.field, f.owner, f.edited_at IS NOT NULL FROM book_field f JOIN book b ON b.id = f.book_id ORDER BY 1, 2"
PRICES_OF_BOOKS = "SELECT title, price FROM book ORDER BY source_id"


def wholesale(price: int, title: str = "The Sea") -> BookRecord:
    return book("w1", title, isbn=ISBN, price=Decimal(price), currency="EUR", stock=5)


def shop(price: int | None, title: str | None = None) -> BookRecord:
    return BookRecord(0, ISBN, title, isbn=ISBN, price=amount(price), currency="EUR" if price else None)


def amount(price: int | None) -> Decimal | None:
    return None if price is None else Decimal(price)


async def test_a_price_list_over_the_catalog_of_a_wholesaler(catalog: Catalog) -> None:
    await catalog.import_records(wholesale(10), book("w2", isbn=OTHER_ISBN), source="wholesaler")

    refused = await catalog.import_records(shop(12), fields=PRICES)
    reason = catalog.rejected()
    owned = await catalog.import_records(shop(12, "THE SEA"), fields=PRICES, options=OWNS_PRICES)
    again = await catalog.import_records(shop(12, "THE SEA"), fields=PRICES, options=OWNS_PRICES)
    later = await catalog.import_records(shop(13), fields=PRICES)
    delivered = await catalog.import_records(wholesale(11, "The Sea, 2nd"), source="wholesaler")

    assert (refused.changed, refused.rejected) == (0, 1)
    assert reason == [
        (
            *("1", "isbn", ISBN),
            f"ISBN {ISBN} is already book wholesaler/w1; name the fields that this source may set in books "
            "of others with --owner-of, such as --owner-of price,stock",
        )
    ]
    assert (owned.changed, owned.new, owned.missing_from_feed) == (1, 0, 0)
    assert owned.kept == (KeptField("title", "wholesaler", 1),)
    assert (again.changed, later.changed) == (0, 1)
    assert (delivered.changed, delivered.kept) == (1, (KeptField("price", "shop", 1),))
    assert await catalog.rows(PRICES_OF_BOOKS) == [("The Sea, 2nd", Decimal(13)), ("A title", None)]
    assert await catalog.rows(FIELDS) == [("w1", "price", "shop", False)]
    await catalog.checksum()


@pytest.mark.parametrize("unsaid", ["absent", "invalid"])
async def test_a_field_of_which_a_row_says_nothing_gets_no_owner(catalog: Catalog, unsaid: str) -> None:
    await catalog.import_records(wholesale(10), source="wholesaler")
    clears = replace(OWNS_PRICES, empty_clears=True)
    row = replace(shop(None), row=1, absent=("price",) if unsaid == "absent" else ())
    invalid = (
        [Reject(1, "price", "?", "is no price; imported without it", "field")] if unsaid == "invalid" else []
    )

    summary = await catalog.import_records(row, *invalid, fields=PRICES, options=clears)

    assert summary.changed_nothing
    assert await catalog.rows(FIELDS) == []
    assert await catalog.rows(PRICES_OF_BOOKS) == [("The Sea", Decimal(10))]


async def test_a_source_takes_its_field_back(catalog: Catalog) -> None:
    await catalog.import_records(wholesale(10), source="wholesaler")
    await catalog.import_records(shop(12), fields=PRICES, options=OWNS_PRICES)

    taken = await catalog.import_records(shop(15), fields=PRICES, options=OWNS_PRICES, source="other")
    given_back = await catalog.import_records(wholesale(11), source="wholesaler", options=OWNS_PRICES)

    assert (taken.changed, given_back.changed, given_back.kept) == (1, 1, ())
    assert await catalog.rows(PRICES_OF_BOOKS) == [("The Sea", Decimal(11))]
    assert await catalog.rows(FIELDS) == []


async def test_a_row_owns_no_field_that_it_leaves_empty(catalog: Catalog) -> None:
    await catalog.import_records(wholesale(10), source="wholesaler")

    await catalog.import_records(shop(None), fields=PRICES, options=OWNS_PRICES)

    assert await catalog.rows(FIELDS) == []


async def test_authors_of_another_source_are_kept_and_can_be_owned(catalog: Catalog) -> None:
    sea = book("w1", "The Sea", isbn=ISBN, authors=(AuthorRecord("Jane Doe"),), categories=(("Sea",),))
    ours = book(ISBN, "The Sea", isbn=ISBN, authors=(AuthorRecord("J. Doe"),), categories=(("Ships",),))
    await catalog.import_records(sea, source="wholesaler")

    owned = ImportOptions(owner_of=frozenset(("categories",)))
    summary = await catalog.import_records(ours, options=owned)
    delivered = await catalog.import_records(sea, source="wholesaler")

    assert (summary.changed, summary.kept) == (1, (KeptField("authors", "wholesaler", 1),))
    assert (delivered.changed, delivered.kept) == (0, (KeptField("categories", "shop", 1),))
    assert await catalog.rows("SELECT name FROM author UNION ALL SELECT name FROM category") == [
        ("Jane Doe",),
        ("Ships",),
    ]


async def test_a_field_edited_by_hand_stays(catalog: Catalog) -> None:
    await catalog.import_records(wholesale(10))
    await catalog.connection.execute("UPDATE book SET price = 9, title = 'Sea'")

    kept = await catalog.import_records(wholesale(11, "The Seas"))
    again = await catalog.import_records(wholesale(9, "The Seas"))
    overwritten = await catalog.import_records(wholesale(11, "The Seas"), options=OVERWRITES)
    after = await catalog.rows(FIELDS)
    followed = await catalog.import_records(wholesale(12, "The Seas"))

    assert (kept.changed, kept.kept) == (
        0,
        (KeptField("title", "editor", 1), KeptField("price", "editor", 1)),
    )
    assert again.kept == (KeptField("title", "editor", 1),)
    assert (overwritten.changed, overwritten.kept, after) == (1, (), [])
    assert followed.changed == 1
    assert await catalog.rows(PRICES_OF_BOOKS) == [("The Seas", Decimal(12))]


async def test_an_edit_of_a_field_that_another_source_owns(catalog: Catalog) -> None:
    await catalog.import_records(wholesale(10), source="wholesaler")
    await catalog.import_records(shop(12), fields=PRICES, options=OWNS_PRICES)
    await catalog.connection.execute("UPDATE book SET price = 9")

    by_owner = await catalog.import_records(shop(13), fields=PRICES)
    by_source = await catalog.import_records(wholesale(14), source="wholesaler", options=OVERWRITES)
    overwritten = await catalog.import_records(shop(13), fields=PRICES, options=OVERWRITES)

    assert by_owner.kept == (KeptField("price", "editor", 1),)
    assert by_source.kept == (KeptField("price", "shop", 1),)
    assert overwritten.changed == 1
    assert await catalog.rows(PRICES_OF_BOOKS) == [("The Sea", Decimal(13))]
    assert await catalog.rows(FIELDS) == [("w1", "price", "shop", False)]


async def test_a_kept_list_is_counted_only_if_the_feed_has_another_one(catalog: Catalog) -> None:
    jane, john = AuthorRecord("Jane Doe"), AuthorRecord("John Roe", role="EDITOR")
    await catalog.import_records(book("w1", authors=(jane,), categories=(("A", "B"), ("C",))))
    await catalog.connection.execute("UPDATE book_author SET role = 'EDITOR'")
    await catalog.connection.execute(
        "DELETE FROM book_category WHERE category_id = (SELECT id FROM category WHERE name = 'B')"
    )

    same = await catalog.import_records(
        book("w1", authors=(AuthorRecord("jane doe", role="EDITOR"),) * 2, categories=(("c",), ("C",)))
    )
    other = await catalog.import_records(book("w1", authors=(jane, john), categories=(("C",), ("D",))))

    assert same.kept == ()
    assert other.kept == (KeptField("authors", "editor", 1), KeptField("categories", "editor", 1))


async def test_edited_authors_stay_even_if_the_feed_empties_them(catalog: Catalog) -> None:
    sea = book("w1", authors=(AuthorRecord("Jane Doe"),))
    await catalog.import_records(sea)
    await catalog.connection.execute("UPDATE book_author SET role = 'EDITOR'")

    summary = await catalog.import_records(book("w1"), options=ImportOptions(replace=True))

    assert summary.kept == (KeptField("authors", "editor", 1),)
    assert await catalog.rows("SELECT name, book_count FROM author") == [("Jane Doe", 1)]


def test_a_source_cannot_own_the_isbn() -> None:
    with pytest.raises(
        CatalogImportError, match="--owner-of isbn: a source cannot own this field; the fields are: title"
    ):
        ImportOptions(owner_of=frozenset(("isbn",)))


prices = st.lists(st.sampled_from([1, 2, 3, None]), min_size=2, max_size=2)


@settings(max_examples=15, database=None)
@given(catalog_prices=prices, shop_prices=prices)
async def test_the_order_of_two_sources_does_not_matter_once_both_know_the_books(
    catalog: Catalog, catalog_prices: list[int | None], shop_prices: list[int | None]
) -> None:
    def rows(prices: list[int | None]) -> list[BookRecord]:
        return [
            BookRecord(0, isbn, "T", isbn=isbn, price=amount(price), currency="EUR" if price else None)
            for isbn, price in zip((ISBN, OTHER_ISBN), prices, strict=True)
        ]

    async def import_wholesale() -> None:
        await catalog.import_records(*rows(catalog_prices), source="wholesaler")

    async def import_shop() -> None:
        await catalog.import_records(*rows(shop_prices), fields=PRICES, options=OWNS_PRICES)

    outcomes: set[str] = set()
    for order in permutations((import_wholesale, import_shop)):
        await catalog.clear()
        await import_wholesale()
        for run in order:
            await run()
        outcomes.add(await catalog.checksum())

    assert len(outcomes) == 1
