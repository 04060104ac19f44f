"""Books that a feed lacks are unpublished if told, and published again by a later feed of their source."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.errors import CatalogImportError
from db.importing import import_transaction
from db.importing.options import ImportOptions
from db.importing.ownership import KeptField
from db.importing.records import AuthorRecord, BookRecord
from db.importing.summary import Summary
from tests.db.importing.feeds import Catalog, book

UNPUBLISHES = ImportOptions(missing="unpublish", missing_limit=100)
STATES = "SELECT source_id, is_published FROM book ORDER BY source_id"
EDITS = "SELECT field FROM book_field"
ISBN = "9780306406157"


def listed(catalog: Catalog) -> str:
    return catalog.rejects.with_name("shop.missing.csv").read_text(encoding="utf-8")


async def unpublish_by_hand(catalog: Catalog, source_id: str, *, is_published: bool = False) -> None:
    await catalog.connection.execute(
        "UPDATE book SET is_published = $2 WHERE source_id = $1", source_id, is_published
    )


def counts(summary: Summary) -> tuple[int, ...]:
    """Return the numbers of changed, unpublished and published books, and of those that are missing and stay."""
    plan = summary.plan
    return summary.changed, plan.unpublished, plan.counts.published, summary.missing_kept


async def test_missing_books_are_unpublished_and_listed_once(catalog: Catalog) -> None:
    jane = AuthorRecord("Jane")
    await catalog.import_records(
        book("1"), book("2", "Sea", isbn=ISBN, authors=(jane,), categories=(("A",),))
    )

    summary = await catalog.import_records(book("1"), options=UNPUBLISHES)
    first_list = listed(catalog)
    again = await catalog.import_records(book("1"), options=UNPUBLISHES)

    assert counts(summary) == (0, 1, 0, 0)
    assert first_list.splitlines() == ["source_id,isbn,title", f"2,{ISBN},Sea"]
    assert [example.key for example in summary.plan.missing_examples] == ["shop/2"]
    assert await catalog.rows(STATES) == [("1", True), ("2", False)]
    assert await catalog.rows("SELECT name, book_count FROM author") == [("Jane", 0)]
    assert await catalog.rows(EDITS) == []
    assert (again.changed_nothing, counts(again)) == (True, (0, 0, 0, 1))
    assert listed(catalog) == first_list
    await catalog.checksum()


async def test_a_book_that_comes_back_is_published_again(catalog: Catalog) -> None:
    await catalog.import_records(book("1"), book("2"), book("3"))
    await catalog.import_records(book("1"), options=UNPUBLISHES)

    summary = await catalog.import_records(book("1"), book("2"), book("3", "New title"))

    assert counts(summary) == (2, 0, 2, 0)
    assert summary.read == summary.changed + summary.unchanged == 3
    assert [example.key for example in summary.plan.published_examples] == ["shop/2", "shop/3"]
    assert await catalog.rows(STATES) == [("1", True), ("2", True), ("3", True)]
    await catalog.checksum()


async def test_a_sparse_file_publishes_books_of_its_own_source_only(catalog: Catalog) -> None:
    await catalog.import_records(book("1", isbn=ISBN), book("2"))
    await catalog.import_records(book("2"), options=UNPUBLISHES)
    price = BookRecord(0, ISBN, None, isbn=ISBN, price=Decimal(9), currency="EUR")
    fields = ("isbn", "price", "currency")

    other = await catalog.import_records(
        price, source="prices", fields=fields, options=ImportOptions(owner_of=frozenset(("price",)))
    )
    after_other = await catalog.rows(STATES)
    own = await catalog.import_records(price, fields=fields)

    assert (counts(other), after_other) == ((1, 0, 0, 0), [("1", False), ("2", True)])
    assert (counts(own), await catalog.rows(STATES)) == ((1, 0, 1, 1), [("1", True), ("2", True)])


async def test_what_was_published_or_unpublished_by_hand_stays_and_is_counted(catalog: Catalog) -> None:
    await catalog.import_records(book("1"), book("2"), book("3"))
    await unpublish_by_hand(catalog, "1")
    await unpublish_by_hand(catalog, "2")
    await unpublish_by_hand(catalog, "2", is_published=True)

    summary = await catalog.import_records(book("1", "New"), book("3"), options=UNPUBLISHES)

    assert counts(summary) == (1, 0, 0, 1)
    assert summary.kept == (KeptField("is_published", "editor", 2),)
    assert await catalog.rows(STATES) == [("1", False), ("2", True), ("3", True)]


async def test_overwritten_edits_of_publishing_are_forgotten(catalog: Catalog) -> None:
    await catalog.import_records(book("1"), book("2"))
    await unpublish_by_hand(catalog, "1")
    await unpublish_by_hand(catalog, "2")
    await unpublish_by_hand(catalog, "2", is_published=True)
    overwriting = replace(UNPUBLISHES, overwrite_edits=True)

    summary = await catalog.import_records(book("1"), options=overwriting)
    states = await catalog.rows(STATES)
    back = await catalog.import_records(book("1"), book("2"))

    assert (counts(summary), summary.kept) == ((1, 1, 1, 0), ())
    assert states == [("1", True), ("2", False)]
    assert await catalog.rows(EDITS) == []
    assert counts(back) == (1, 0, 1, 0)


async def test_an_import_publishes_no_book_that_an_editor_added_unpublished(catalog: Catalog) -> None:
    await catalog.connection.execute(
        "INSERT INTO book (source, source_id, title, is_published) VALUES ('shop', '1', 'Draft', false)"
    )

    summary = await catalog.import_records(book("1"))

    assert summary.kept == (KeptField("is_published", "editor", 1),)
    assert await catalog.rows("SELECT title, is_published FROM book") == [("A title", False)]


async def test_the_limit_is_a_share_of_the_published_books(catalog: Catalog) -> None:
    await catalog.import_records(*(book(str(n)) for n in range(10)))
    await catalog.import_records(*(book(str(n)) for n in range(4)), options=UNPUBLISHES)
    before = await catalog.checksum()
    feed = [book(str(n)) for n in range(3)]

    with pytest.raises(
        CatalogImportError,
        match=r"1 of the 4 published books of shop are not in this import \(25\.0%\), and at most 20% may be unpublished\. ",
    ):
        await catalog.import_records(*feed, options=replace(UNPUBLISHES, missing_limit=20))
    unchanged = await catalog.checksum()
    allowed = await catalog.import_records(*feed, options=replace(UNPUBLISHES, missing_limit=25))

    assert unchanged == before
    assert counts(allowed) == (0, 1, 0, 6)


async def test_many_unpublished_books_are_a_large_change(catalog: Catalog) -> None:
    await catalog.import_records(*(book(str(n)) for n in range(30)))

    small = await catalog.import_records(*(book(str(n)) for n in range(20)), options=UNPUBLISHES)
    large = await catalog.import_records(*(book(str(n)) for n in range(9)), options=UNPUBLISHES)

    assert (small.plan.touched, small.plan.is_large) == (10, False)
    assert (large.plan.touched, large.plan.is_large) == (11, True)


async def test_deleting_missing_books_deletes_unpublished_ones_too(catalog: Catalog) -> None:
    await catalog.import_records(book("1"), book("2"))
    await catalog.import_records(book("1"), options=UNPUBLISHES)

    summary = await catalog.import_records(
        book("1"), options=ImportOptions(missing="delete", missing_limit=100)
    )

    assert summary.plan.deleted == 1
    assert await catalog.rows(STATES) == [("1", True)]


async def test_a_category_of_unpublished_books_keeps_its_shared_spelling(catalog: Catalog) -> None:
    oil = (("ART", "Oil"),)
    await catalog.import_records(book("1", categories=oil), book("3", categories=oil), source="one")
    await unpublish_by_hand(catalog, "1")
    await unpublish_by_hand(catalog, "3")

    await catalog.import_records(book("2", categories=(("Art",),)), source="two")

    assert await catalog.rows("SELECT path, name FROM category ORDER BY path") == [
        ("art", "ART"),
        ("art/oil", "Oil"),
    ]


async def test_the_file_of_another_program_is_not_overwritten(catalog: Catalog, tmp_path: Path) -> None:
    await catalog.import_records(book("1"), book("2"))
    other = tmp_path / "shop.missing.csv"
    other.write_text("not a list", encoding="utf-8")

    with pytest.raises(CatalogImportError, match="is not a list of missing books"):
        await catalog.import_records(book("1"), options=UNPUBLISHES)

    assert other.read_text(encoding="utf-8") == "not a list"
    assert await catalog.rows(STATES) == [("1", True), ("2", True)]


people = st.lists(st.sampled_from([AuthorRecord("Ann"), AuthorRecord("Bo", role="EDITOR")]), max_size=2).map(
    tuple
)
paths = st.lists(st.sampled_from([("A",), ("A", "B"), ("C",)]), max_size=2, unique=True).map(tuple)
feeds = st.lists(
    st.builds(
        lambda key, title, authors, categories: book(key, title, authors=authors, categories=categories),
        st.sampled_from(["1", "2", "3", "4"]), st.sampled_from(["Sea", "Hill"]), people, paths,
    ),
    max_size=4, unique_by=lambda record: record.source_id,
)  # fmt: skip
BY_HAND = (
    "UPDATE book SET is_published = NOT is_published WHERE id % 2 = 0",
    "UPDATE book SET is_published = false WHERE id % 3 = 0",
    "DELETE FROM book_author WHERE book_id % 2 = 0",
    "INSERT INTO book_category SELECT b.id, k.id FROM book b, category k WHERE (b.id + k.id) % 2 = 0 ON CONFLICT DO NOTHING",
    "UPDATE author SET name = upper(name)",
)
choices = st.sampled_from(
    [
        ImportOptions(),
        UNPUBLISHES,
        replace(UNPUBLISHES, replace=True),
        replace(UNPUBLISHES, overwrite_edits=True),
    ]
)
steps = st.lists(st.sampled_from(BY_HAND) | st.tuples(feeds, choices), min_size=1, max_size=5)


@settings(max_examples=15, database=None)
@given(steps=steps)
async def test_row_by_row_and_rebuilt_imports_between_edits_give_the_same_catalog(
    catalog: Catalog, steps: list[str | tuple[list[BookRecord], ImportOptions]]
) -> None:
    outcomes: list[list[tuple[object, ...]]] = []

    with pytest.MonkeyPatch.context() as patch:
        for size in (10**9, 0):
            patch.setattr(import_transaction, "BULK_MIN_BOOKS", size)
            await catalog.clear()
            for table in ("book", "author", "category"):
                await catalog.connection.execute(f"ALTER TABLE {table} ALTER COLUMN id RESTART")
            outcome: list[tuple[object, ...]] = []
            for step in steps:
                if isinstance(step, str):
                    await catalog.connection.execute(step)
                else:
                    summary = await catalog.import_records(*step[0], options=step[1])
                    outcome.append((*counts(summary), summary.kept))
                outcome.append((await catalog.checksum(), *await catalog.rows(STATES)))
            outcomes.append(outcome)

    assert outcomes[0] == outcomes[1]
