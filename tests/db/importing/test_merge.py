"""Merge feeds into a catalog: precedence, shared authors and categories, and pruning."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.importing import import_transaction
from db.importing.options import ImportOptions
from db.importing.records import AuthorRecord, BookRecord
from tests.db.importing.feeds import Catalog, book

REPLACE = ImportOptions(replace=True)
UNPUBLISHES = ImportOptions(missing="unpublish", missing_limit=100)
ISBNS = ("9780306406157", "9780199535811", "9780141439518")
AUTHORS = "SELECT source, source_id, name, sort_name, birth_year, death_year FROM author ORDER BY 1, 2"
SLUGS = "SELECT slug, book_count FROM author ORDER BY 1"
PATHS = "SELECT path, name FROM category ORDER BY path"


async def test_an_isbn_of_another_source_is_rejected_and_the_book_is_named(catalog: Catalog) -> None:
    await catalog.import_records(book("7", isbn=ISBNS[0]), source="other")

    summary = await catalog.import_records(book("1", isbn=ISBNS[0]), book("2"))

    assert (summary.new, summary.rejected) == (1, 1)
    assert catalog.rejected() == [
        (
            *("1", "isbn", ISBNS[0]),
            "ISBN 9780306406157 is already book other/7; name the fields that this source may set in books "
            "of others with --owner-of, such as --owner-of price,stock",
        ),
    ]


async def test_of_rows_with_equal_id_or_isbn_the_first_wins_and_is_named(catalog: Catalog) -> None:
    summary = await catalog.import_records(
        book("1", "First"), book("1", "Second"), book("2", isbn=ISBNS[0]), book("3", isbn=ISBNS[0])
    )

    assert (summary.read, summary.new, summary.rejected) == (4, 2, 2)
    assert catalog.rejected() == [
        ("2", "source_id", "1", "is already in row 1; keep one of the two rows"),
        ("4", "isbn", ISBNS[0], "is already in row 3; keep one of the two rows"),
    ]
    assert await catalog.rows("SELECT source_id, title FROM book ORDER BY id") == [
        ("1", "First"),
        ("2", "A title"),
    ]


async def test_a_row_with_the_isbn_of_a_book_of_the_same_source_is_rejected_and_both_are_named(
    catalog: Catalog,
) -> None:
    await catalog.import_records(book("old", isbn=ISBNS[0]), book("other", isbn=ISBNS[1]))

    summary = await catalog.import_records(book("new", isbn=ISBNS[0]), book("other", isbn=ISBNS[0]))

    assert (summary.new, summary.changed, summary.rejected) == (0, 0, 2)
    taken = (
        "ISBN 9780306406157 is already book shop/old; give this row the source_id old, "
        "or give that book another ISBN in this file"
    )
    assert catalog.rejected() == [
        ("1", "isbn", ISBNS[0], taken),
        ("2", "isbn", ISBNS[0], "is already in row 1; keep one of the two rows"),
    ]
    assert await catalog.rows("SELECT source_id, isbn FROM book ORDER BY id") == [
        ("old", ISBNS[0]),
        ("other", ISBNS[1]),
    ]


async def test_three_books_can_rotate_their_isbns(catalog: Catalog) -> None:
    await catalog.import_records(*(book(str(n), isbn=isbn) for n, isbn in enumerate(ISBNS)))

    summary = await catalog.import_records(*(book(str(n), isbn=ISBNS[n - 1]) for n in range(3)))

    assert (summary.changed, summary.rejected) == (3, 0)
    assert await catalog.rows("SELECT isbn FROM book ORDER BY id") == [
        (ISBNS[2],),
        (ISBNS[0],),
        (ISBNS[1],),
    ]


async def test_an_author_is_listed_once_per_role_at_the_first_position(catalog: Catalog) -> None:
    await catalog.import_records(
        book(
            "1",
            authors=(
                AuthorRecord("Bo"),
                AuthorRecord("Ann"),
                AuthorRecord("BO."),
                AuthorRecord("Ann", role="EDITOR"),
            ),
        )
    )

    assert await catalog.rows(
        "SELECT position, role, slug FROM book_author JOIN author ON author_id = author.id ORDER BY position"
    ) == [(1, "AUTHOR", "bo"), (2, "AUTHOR", "ann"), (3, "EDITOR", "ann")]


async def test_the_order_of_authors_follows_the_feed(catalog: Catalog) -> None:
    people = [AuthorRecord(name) for name in ("Ann", "Bo", "Cy")]
    await catalog.import_records(book("1", authors=tuple(people)))

    summary = await catalog.import_records(book("1", authors=tuple(reversed(people))))

    assert (summary.changed, summary.merged.new_links, summary.merged.removed_links) == (1, 2, 2)
    assert await catalog.rows(
        "SELECT slug FROM book_author JOIN author ON author_id = author.id ORDER BY position"
    ) == [("cy",), ("bo",), ("ann",)]


async def test_contradictory_author_data_is_resolved_independently_of_row_order(catalog: Catalog) -> None:
    spellings = [
        AuthorRecord("Twain", source_id="9"),
        AuthorRecord("Mark Twain", source_id="9", sort_name="Twain, Mark", birth_year=1835),
        AuthorRecord("Clemens", source_id="9", sort_name="Clemens", birth_year=1835, death_year=1910),
    ]

    for order in permutations(spellings):
        await catalog.clear()
        await catalog.import_records(*(book(str(n), authors=(author,)) for n, author in enumerate(order)))
        assert await catalog.rows(AUTHORS) == [("shop", "9", "Mark Twain", "Twain, Mark", 1835, 1910)]


async def test_the_newest_feed_determines_an_author_with_an_id(catalog: Catalog) -> None:
    await catalog.import_records(
        book("1", authors=(AuthorRecord("Old", source_id="9", sort_name="Old, A", birth_year=1),))
    )

    summary = await catalog.import_records(book("1", authors=(AuthorRecord("New", source_id="9"),)))

    assert (summary.changed, summary.merged.changed_authors) == (0, 1)
    assert await catalog.rows(AUTHORS) == [("shop", "9", "New", "New", None, None)]


async def test_authors_with_one_name_and_two_ids_stay_distinct(catalog: Catalog) -> None:
    await catalog.import_records(
        book("1", authors=(AuthorRecord("John Smith", source_id="1"),)),
        book("2", authors=(AuthorRecord("John Smith", source_id="2"), AuthorRecord("John Smith"))),
    )

    assert await catalog.rows(SLUGS) == [
        ("john-smith", 1),
        ("john-smith-shop-1", 1),
        ("john-smith-shop-2", 1),
    ]


async def test_a_row_whose_author_has_the_slug_of_another_is_rejected(catalog: Catalog) -> None:
    await catalog.import_records(book("1", authors=(AuthorRecord("Ann", source_id="a 1"),)))

    summary = await catalog.import_records(
        book("1", authors=(AuthorRecord("Ann", source_id="a 1"),)),
        book("2", authors=(AuthorRecord("Ann", source_id="A-1"),)),
        book("3", authors=(AuthorRecord("Ann shop a 1"), AuthorRecord("Bo"))),
        book("4", authors=(AuthorRecord("Cy", source_id="c 1"),)),
        book("5", authors=(AuthorRecord("Cy", source_id="C.1"), AuthorRecord("Di"))),
    )

    assert (summary.new, summary.unchanged, summary.rejected) == (1, 1, 3)
    assert catalog.rejected() == [
        ("2", "authors", "Ann", "its slug ann-shop-a-1 is already that of author shop/a 1"),
        ("3", "authors", "Ann shop a 1", "its slug ann-shop-a-1 is already that of author shop/a 1"),
        ("4", "authors", "Cy", "its slug cy-shop-c-1 is already that of author shop/C.1"),
    ]
    assert await catalog.rows(SLUGS) == [("ann-shop-a-1", 1), ("cy-shop-c-1", 1), ("di", 1)]
    await catalog.checksum()


async def test_the_spelling_of_a_shared_name_is_independent_of_import_order(catalog: Catalog) -> None:
    sources = {
        "one": AuthorRecord("HOMER", sort_name="Homer", birth_year=-800),
        "two": AuthorRecord("Homer"),
        "three": AuthorRecord("Homér", birth_year=-750, death_year=-701),
    }

    for order in permutations(sources):
        await catalog.clear()
        for source in order:
            await catalog.import_records(
                book("1", authors=(sources[source],), categories=((sources[source].name,),)), source=source
            )
        assert await catalog.rows(AUTHORS) == [("name", "homer", "Homér", "Homér", -750, -701)]
        assert await catalog.rows(PATHS) == [("homer", "Homér")]
        for source in order:
            again = book("1", authors=(sources[source],), categories=((sources[source].name,),))
            assert (await catalog.import_records(again, source=source)).changed_nothing


async def test_a_name_used_only_by_this_feed_takes_its_spelling(catalog: Catalog) -> None:
    await catalog.import_records(book("1", authors=(AuthorRecord("ANN"),), categories=(("ART",),)))

    summary = await catalog.import_records(book("1", authors=(AuthorRecord("Ann"),), categories=(("Art",),)))

    assert (summary.merged.changed_authors, summary.merged.changed_categories, summary.changed) == (1, 1, 1)
    assert await catalog.rows(AUTHORS) == [("name", "ann", "Ann", "Ann", None, None)]
    assert await catalog.rows(PATHS) == [("art", "Art")]


async def test_authors_and_categories_are_pruned_only_when_they_lose_their_last_link(
    catalog: Catalog,
) -> None:
    await catalog.connection.execute("INSERT INTO category (name) VALUES ('Made by hand')")
    ann, bo = AuthorRecord("Ann"), AuthorRecord("Bo")
    await catalog.import_records(
        book("1", authors=(ann, bo), categories=(("A", "B", "C"), ("A", "D"), ("E",))),
        book("2", authors=(bo,), categories=(("E",),)),
    )

    summary = await catalog.import_records(
        book("1", categories=(("A", "D", "F"),)), book("2", authors=(bo,)), options=REPLACE
    )

    written = summary.merged
    assert (written.removed_authors, written.removed_categories, written.new_categories) == (1, 3, 1)
    assert await catalog.rows(SLUGS) == [("bo", 1)]
    assert await catalog.rows("SELECT path, book_count, direct_book_count FROM category ORDER BY path") == [
        ("a", 1, 0),
        ("a/d", 1, 0),
        ("a/d/f", 1, 1),
        ("made-by-hand", 0, 0),
    ]
    await catalog.checksum()


async def test_categories_that_differ_only_in_spelling_are_one(catalog: Catalog) -> None:
    await catalog.import_records(
        book("1", categories=(("Arts & Crafts", "C++"), ("arts and crafts", "c plus plus"))),
        book("2", categories=(("Arts and Crafts",),)),
    )

    assert await catalog.rows("SELECT path, name, book_count FROM category ORDER BY path") == [
        ("arts-and-crafts", "Arts & Crafts", 2),
        ("arts-and-crafts/c-plus-plus", "C++", 1),
    ]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (tuple("abcdefghijklmnopqrstuvwxyz0123456"), "has more than 32 levels"),
        (("書" * 400, "籍" * 400), "is longer than 2000 bytes"),
        (("x" * 501,), "has a name of more than 500 characters"),
        (("A", " "), "has a blank name"),
    ],
)
async def test_an_invalid_category_is_rejected_with_its_row(
    catalog: Catalog, path: tuple[str, ...], reason: str
) -> None:
    summary = await catalog.import_records(
        book("1", categories=(("Good",), path)), book("2", categories=(("Good",),))
    )

    assert (summary.new, summary.rejected) == (1, 1)
    assert [(row, field, why) for row, field, _, why in catalog.rejected()] == [("1", "categories", reason)]
    assert await catalog.rows(PATHS) == [("good", "Good")]


async def test_new_books_get_ids_in_the_order_of_the_feed(catalog: Catalog) -> None:
    await catalog.import_records(*(book(source_id) for source_id in ("m", "z", "a", "k", "b")))

    assert await catalog.rows("SELECT source_id FROM book ORDER BY id") == [
        ("m",),
        ("z",),
        ("a",),
        ("k",),
        ("b",),
    ]


async def test_equal_numbers_written_differently_are_no_change(catalog: Catalog) -> None:
    from decimal import Decimal

    await catalog.import_records(book("1", price=Decimal("9.90"), currency="EUR"))

    assert (await catalog.import_records(book("1", price=Decimal("9.9"), currency="EUR"))).changed_nothing


@pytest.mark.parametrize("source", ["name", "editor", " "])
async def test_a_reserved_source_is_rejected(catalog: Catalog, source: str) -> None:
    from db.errors import CatalogImportError

    with pytest.raises(CatalogImportError, match="cannot be called"):
        await catalog.import_records(book("1"), source=source)


people = st.builds(
    AuthorRecord,
    name=st.sampled_from(["Ann", "ANN", "Bo", "Zola"]),
    source_id=st.sampled_from([None, None, "1", "2"]),
    role=st.sampled_from(["AUTHOR", "AUTHOR", "EDITOR"]),
    sort_name=st.sampled_from([None, "Ann, A"]),
    birth_year=st.sampled_from([None, 1800, 1810]),
    death_year=st.sampled_from([None, 1880]),
)
shelves = st.sampled_from([("A",), ("a",), ("A", "B"), ("a", "b"), ("A", "C", "D"), ("E",), ("F", "b")])


def feed_records(ids: int) -> st.SearchStrategy[list[BookRecord]]:
    return st.lists(
        st.builds(
            BookRecord,
            row=st.just(0),
            source_id=st.integers(1, ids).map(str),
            title=st.sampled_from(["The Sea", "Sea", "Zola"]),
            isbn=st.sampled_from((None, *ISBNS)),
            published_year=st.sampled_from([None, 1900]),
            authors=st.lists(people, max_size=3).map(tuple),
            categories=st.lists(shelves, max_size=3, unique=True).map(tuple),
        ),
        max_size=5,
        unique_by=(lambda record: record.source_id, lambda record: record.isbn or record.source_id),
    )


drawn = settings(max_examples=12, database=None)
SMALL, LARGE = 10**9, 0


@drawn
@given(older=feed_records(5), newer=feed_records(5))
async def test_a_replacing_feed_with_the_same_books_gives_the_same_catalog_as_alone(
    catalog: Catalog, older: list[BookRecord], newer: list[BookRecord]
) -> None:
    listed = {record.source_id for record in newer}
    older = [record for record in older if record.source_id in listed]
    await catalog.clear()
    await catalog.import_records(*newer)
    alone = await catalog.checksum()

    await catalog.clear()
    await catalog.import_records(*older)
    await catalog.import_records(*newer, options=REPLACE)

    assert await catalog.checksum() == alone
    assert (await catalog.import_records(*newer)).changed_nothing
    assert (await catalog.import_records(*newer, options=REPLACE)).changed_nothing


@drawn
@given(first=feed_records(4), second=feed_records(4), third=feed_records(4))
async def test_the_catalog_is_independent_of_the_order_of_sources(
    catalog: Catalog, first: list[BookRecord], second: list[BookRecord], third: list[BookRecord]
) -> None:
    # The first import gets an ISBN, so ISBNs would depend on the order.
    sources = [
        (name, [replace(record, isbn=None) for record in records])
        for name, records in (("one", first), ("two", second), ("three", third))
    ]
    outcomes: set[str] = set()

    for order in (sources, sources[::-1], sources[1:] + sources[:1]):
        await catalog.clear()
        for name, records in order:
            await catalog.import_records(*records, source=name)
        outcomes.add(await catalog.checksum())

    assert len(outcomes) == 1


@drawn
@given(
    older=feed_records(6),
    newer=feed_records(6),
    newest=feed_records(6),
    options=st.sampled_from([ImportOptions(), ImportOptions(empty_clears=True), REPLACE, UNPUBLISHES]),
)
async def test_row_by_row_and_rebuilt_imports_give_the_same_catalog(
    catalog: Catalog,
    older: list[BookRecord],
    newer: list[BookRecord],
    newest: list[BookRecord],
    options: ImportOptions,
) -> None:
    summaries: list[list[tuple[object, ...]]] = []
    outcomes: set[str] = set()

    with pytest.MonkeyPatch.context() as patch:
        for sizes in ((SMALL,) * 3, (LARGE,) * 3, (SMALL, LARGE, LARGE)):
            await catalog.clear()
            counts: list[tuple[object, ...]] = []
            for size, records in zip(sizes, (older, newer, newest), strict=True):
                patch.setattr(import_transaction, "BULK_MIN_BOOKS", size)
                summary = await catalog.import_records(*records, options=options)
                counts.append(
                    (
                        *(summary.new, summary.changed, summary.missing_from_feed, summary.merged),
                        *(summary.plan.unpublished, summary.plan.counts.published),
                    )
                )
            summaries.append(counts)
            outcomes.add(await catalog.checksum())

    assert len(outcomes) == 1
    assert summaries[0] == summaries[1] == summaries[2]
