"""An import is undone as far as nothing else has changed the catalog since."""

import asyncio
import signal
import sys
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from db.errors import CatalogImportError
from db.importing.importer import import_feed
from db.importing.options import ImportOptions
from db.importing.readers import open_generated
from db.importing.records import AuthorRecord, BookRecord
from db.importing.summary import Summary
from db.importing.undo import undo_import
from tests.db.importing.feeds import Catalog, book
from tests.waiting import until

FIELDS = "SELECT b.source, b.source_id, f.field, f.owner, f.edited_at FROM book_field f JOIN book b ON b.id = f.book_id"
IDS = "SELECT id, source_id FROM book ORDER BY id"
JANE, JOHN = AuthorRecord("Jane Doe", sort_name="Doe, Jane"), AuthorRecord("John Roe", role="TRANSLATOR")
DELETES = ImportOptions(missing="delete", missing_limit=100)
UNPUBLISHES = ImportOptions(missing="unpublish", missing_limit=100)
PUBLISHED = "SELECT source_id, is_published FROM book ORDER BY source_id"


async def state(catalog: Catalog) -> tuple[str, list[str]]:
    """Return the checksum of the catalog, and the owners and edits of fields."""
    return await catalog.checksum(), sorted(map(repr, await catalog.rows(FIELDS)))


async def undo(catalog: Catalog, summary: Summary) -> Summary:
    return await undo_import(catalog.dsn, summary.number)


async def test_a_change_of_every_kind_is_undone_and_done_again(catalog: Catalog) -> None:
    first = book(
        "1", "The Sea", price=Decimal("7.90"), currency="EUR", authors=(JANE,), categories=(("Fiction",),)
    )
    await catalog.import_records(
        first, book("2", "The Hill", authors=(JANE, JOHN), categories=(("Arts", "Music"),))
    )
    before, ids = await state(catalog), await catalog.rows(IDS)
    changed = book(
        "1", "A Sea", price=Decimal(8), currency="EUR", authors=(JOHN,), categories=(("fiction", "Crime"),)
    )
    summary = await catalog.import_records(
        changed, book("3", authors=(AuthorRecord("Ann"),)), options=DELETES
    )
    after = await state(catalog)

    undone = await undo(catalog, summary)
    restored, restored_ids = await state(catalog), await catalog.rows(IDS)
    redone = await undo(catalog, undone)

    assert (summary.number, undone.number, redone.number) == (2, 3, 4)
    assert (undone.new, undone.changed, undone.plan.deleted, undone.kept) == (1, 1, 1, ())
    assert restored == before
    assert restored_ids == ids
    assert await state(catalog) == after
    assert (redone.new, redone.changed, redone.plan.deleted, redone.kept) == (1, 1, 1, ())


async def test_a_field_that_was_changed_since_is_kept_and_counted(catalog: Catalog) -> None:
    await catalog.import_records(book("1", "Old", stock=1), book("2", "Old", stock=1))
    summary = await catalog.import_records(
        book("1", "New", stock=2), book("2", "New", stock=2), book("3", "Added")
    )
    await catalog.import_records(book("1", stock=3), fields=("source_id", "stock"))
    await catalog.connection.execute("UPDATE book SET title = 'By hand' WHERE source_id IN ('2', '3')")

    undone = await undo(catalog, summary)

    assert sorted((kept.field, kept.owner, kept.books) for kept in undone.kept) == [
        ("addition", "later", 1),
        ("stock", "later", 1),
        ("title", "later", 1),
    ]
    assert await catalog.rows("SELECT source_id, title, stock FROM book ORDER BY source_id") == [
        ("1", "Old", 3),
        ("2", "By hand", 1),
        ("3", "By hand", 0),
    ]


async def test_books_that_were_unpublished_and_published_are_set_back(catalog: Catalog) -> None:
    await catalog.import_records(*map(book, ("1", "2", "3")))
    await catalog.import_records(book("1"), book("2"), options=UNPUBLISHES)
    before = await state(catalog)
    summary = await catalog.import_records(book("1", "New"), book("3"), options=UNPUBLISHES)
    after = await state(catalog)

    undone = await undo(catalog, summary)
    restored, published = await state(catalog), await catalog.rows(PUBLISHED)
    redone = await undo(catalog, undone)

    assert (restored, undone.kept) == (before, ())
    assert published == [("1", True), ("2", True), ("3", False)]
    assert (undone.changed, undone.plan.counts.published, undone.plan.counts.unpublished) == (3, 1, 1)
    assert (await state(catalog), redone.kept) == (after, ())
    assert await catalog.rows(PUBLISHED) == [("1", True), ("2", False), ("3", True)]


async def test_a_deleted_book_comes_back_as_it_was_unpublished_and_with_the_edit(catalog: Catalog) -> None:
    await catalog.import_records(book("1"), book("2"))
    await catalog.connection.execute("UPDATE book SET is_published = false WHERE source_id = '2'")
    before = await state(catalog)
    summary = await catalog.import_records(book("1"), options=DELETES)

    undone = await undo(catalog, summary)

    assert (await state(catalog), undone.kept) == (before, ())
    assert await catalog.rows(PUBLISHED) == [("1", True), ("2", False)]


async def test_a_book_that_was_published_again_since_stays_published(catalog: Catalog) -> None:
    await catalog.import_records(book("1"), book("2"))
    summary = await catalog.import_records(book("1"), options=UNPUBLISHES)
    await catalog.import_records(book("1"), book("2"))

    with pytest.raises(CatalogImportError, match="all changed later: is_published of 1 books"):
        await undo(catalog, summary)

    assert await catalog.rows(PUBLISHED) == [("1", True), ("2", True)]


async def test_an_overwritten_edit_of_publishing_is_set_back(catalog: Catalog) -> None:
    await catalog.import_records(book("1"), book("2"))
    await catalog.connection.execute("UPDATE book SET is_published = false WHERE source_id = '2'")
    before = await state(catalog)
    summary = await catalog.import_records(book("2"), options=ImportOptions(overwrite_edits=True))

    undone = await undo(catalog, summary)

    assert summary.plan.counts.published == 1
    assert (await state(catalog), undone.kept) == (before, ())


async def test_owners_of_fields_are_set_back(catalog: Catalog) -> None:
    isbn = "9780306406157"
    await catalog.import_records(
        book("w1", "The Sea", isbn=isbn, price=Decimal(9), currency="EUR"), source="whole"
    )
    before = await state(catalog)
    prices = BookRecord(0, isbn, None, isbn=isbn, price=Decimal(12), currency="EUR")
    summary = await catalog.import_records(
        prices,
        fields=("isbn", "price", "currency"),
        options=ImportOptions(owner_of=frozenset(("price",))),
    )
    owned = await state(catalog)

    undone = await undo(catalog, summary)
    restored = await state(catalog)
    await undo(catalog, undone)

    assert owned != before == restored
    assert await state(catalog) == owned


async def test_books_that_swapped_their_isbns_swap_them_back(catalog: Catalog) -> None:
    one, other = "9780306406157", "9780199535811"
    await catalog.import_records(book("1", isbn=one), book("2", isbn=other))
    before = await state(catalog)
    summary = await catalog.import_records(book("1", isbn=other), book("2", isbn=one))

    undone = await undo(catalog, summary)

    assert undone.kept == ()
    assert await state(catalog) == before


async def test_an_isbn_that_another_book_has_now_is_not_set_back(catalog: Catalog) -> None:
    isbn, other = "9780306406157", "9780199535811"
    await catalog.import_records(book("1", isbn=isbn))
    summary = await catalog.import_records(book("1", isbn=other))
    await catalog.import_records(book("2", isbn=isbn))

    with pytest.raises(CatalogImportError) as refused:
        await undo(catalog, summary)

    assert str(refused.value) == (
        "Nothing of import 2 can be set back, since it was all changed later: isbn of 1 books."
    )
    assert await catalog.rows("SELECT count(*) FROM import") == [(3,)]
    assert await catalog.rows("SELECT source_id, isbn FROM book ORDER BY source_id") == [
        ("1", other),
        ("2", isbn),
    ]


async def test_a_deleted_book_that_exists_again_is_kept(catalog: Catalog) -> None:
    await catalog.import_records(book("1"), book("2", "First"))
    summary = await catalog.import_records(book("1"), options=DELETES)
    await catalog.import_records(book("2", "Second"))

    with pytest.raises(CatalogImportError, match="all changed later: book of 1 books"):
        await undo(catalog, summary)

    assert await catalog.rows("SELECT title FROM book ORDER BY source_id") == [("A title",), ("Second",)]


async def test_names_of_authors_and_categories_are_set_back(catalog: Catalog) -> None:
    jane = AuthorRecord("Jane", source_id="a1")
    await catalog.import_records(book("1", authors=(jane,), categories=(("FICTION",),)))
    before = await state(catalog)
    renamed = AuthorRecord("Jane Doe", source_id="a1", sort_name="Doe, Jane", birth_year=1900)
    summary = await catalog.import_records(book("1", authors=(renamed,), categories=(("Fiction",),)))

    undone = await undo(catalog, summary)

    assert undone.merged.changed_authors == 1
    assert await state(catalog) == before


async def test_a_name_that_was_edited_since_is_kept(catalog: Catalog) -> None:
    await catalog.import_records(book("1", authors=(AuthorRecord("Jane", source_id="a1"),)))
    summary = await catalog.import_records(book("1", authors=(AuthorRecord("Jane Doe", source_id="a1"),)))
    await catalog.connection.execute("UPDATE author SET name = 'J. Doe'")

    with pytest.raises(CatalogImportError, match="all changed later: name of 1 authors"):
        await undo(catalog, summary)

    assert await catalog.rows("SELECT name FROM author") == [("J. Doe",)]


async def test_an_import_is_undone_once(catalog: Catalog) -> None:
    summary = await catalog.import_records(book("1"))
    await undo(catalog, summary)

    with pytest.raises(CatalogImportError) as twice:
        await undo(catalog, summary)
    with pytest.raises(CatalogImportError) as unknown:
        await undo_import(catalog.dsn, 99)

    assert str(twice.value) == (
        "Import 1 is undone already, by import 2; `bookstore undo 2` brings its changes back."
    )
    assert str(unknown.value) == "There is no import 99; `bookstore imports` lists them."


async def test_changes_are_kept_for_90_days(catalog: Catalog) -> None:
    old = await catalog.import_records(book("1"))
    changed = await catalog.import_records(book("1", "New"))
    await catalog.connection.execute("UPDATE import SET imported_at = now() - interval '91 days'")
    await catalog.import_records(book("1", "Newer"))

    with pytest.raises(CatalogImportError) as forgotten:
        await undo(catalog, changed)

    assert str(forgotten.value) == (
        "The changes of import 2 are not kept any more: it is more than 90 days old."
    )
    assert await catalog.rows("SELECT import_id FROM import_change") == [(3,)]
    assert await catalog.rows("SELECT id, has_changes FROM import ORDER BY id") == [
        (old.number, False),
        (changed.number, False),
        (3, True),
    ]


async def test_an_import_that_changed_nothing_is_not_undone(catalog: Catalog) -> None:
    await catalog.import_records(book("1"))
    again = await catalog.import_records(book("1"))

    with pytest.raises(CatalogImportError) as refused:
        await undo(catalog, again)

    assert str(refused.value) == "Import 2 changed nothing, so there is nothing to set back."


async def test_a_dry_run_of_an_undo_writes_nothing(catalog: Catalog) -> None:
    summary = await catalog.import_records(book("1"))

    planned = await undo_import(catalog.dsn, summary.number, dry_run=True)

    assert (planned.dry_run, planned.plan.deleted) == (True, 1)
    assert await catalog.rows("SELECT count(*) FROM book") == [(1,)]
    assert await catalog.rows("SELECT count(*) FROM import") == [(1,)]


# Undoes an import, and kills its own process when the given step begins.
UNDO = """
import asyncio, os, signal, sys
from db.importing.progress import ImportProgress
from db.importing.undo import undo_import

class Killed(ImportProgress):
    def start_phase(self, title):
        if title == sys.argv[3]:
            os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(undo_import(sys.argv[1], int(sys.argv[2]), progress=Killed()))
"""
STEPS = ["Comparing with the catalog", "Writing books, authors and categories", "Committing", "Vacuuming"]
SESSION_HAS_ENDED = """
SELECT NOT EXISTS (SELECT FROM pg_stat_activity
                   WHERE application_name = 'bookstore undo' AND datname = current_database())
"""
UNDONE = "SELECT id, undoes FROM import ORDER BY id"


async def test_a_killed_undo_is_committed_completely_or_not_at_all(catalog: Catalog) -> None:
    empty = await state(catalog)
    await import_feed(catalog.dsn, open_generated(2_000, 1), rejects=catalog.rejects)
    whole = await state(catalog)
    states: dict[str, object] = {}

    for step in STEPS:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", UNDO, catalog.dsn, "1", step)
        assert await process.wait() == -signal.SIGKILL
        await until(lambda: catalog.connection.fetchval(SESSION_HAS_ENDED))
        states[step] = (await state(catalog), await catalog.rows(UNDONE))

    before = (whole, [(1, None)])
    assert states == {**dict.fromkeys(STEPS[:-1], before), "Vacuuming": (empty, [(1, None), (2, 1)])}


people = st.lists(
    st.builds(AuthorRecord, st.sampled_from(["Ann", "ann", "Bob"]), st.sampled_from(["AUTHOR", "EDITOR"])),
    max_size=2,
).map(tuple)
paths = st.lists(st.sampled_from([("A",), ("A", "B"), ("a", "C"), ("D",)]), max_size=2).map(tuple)
isbns = st.sampled_from([None, "9780306406157", "9780199535811"])
records = st.lists(
    st.builds(
        lambda key, title, isbn, authors, categories: book(
            key, title, isbn=isbn, authors=authors, categories=categories
        ),
        st.sampled_from(["1", "2", "3", "4"]),
        st.sampled_from(["Sea", "Hill"]),
        isbns,
        people,
        paths,
    ),
    min_size=1,
    max_size=4,
)
choices = st.sampled_from(
    [
        ImportOptions(),
        DELETES,
        ImportOptions(replace=True),
        ImportOptions(replace=True, missing="delete", missing_limit=100),
        UNPUBLISHES,
        ImportOptions(replace=True, missing="unpublish", missing_limit=100, overwrite_edits=True),
    ]
)


@settings(max_examples=12, database=None)
@given(
    first=records, then=records, edited=st.sampled_from(["1", "2", "none"]), second=records, options=choices
)
async def test_an_undo_restores_the_catalog_before_the_import(
    catalog: Catalog,
    first: list[BookRecord],
    then: list[BookRecord],
    edited: str,
    second: list[BookRecord],
    options: ImportOptions,
) -> None:
    await catalog.clear()
    await catalog.import_records(*first)
    await catalog.import_records(*then, options=UNPUBLISHES)
    await catalog.connection.execute("UPDATE book SET is_published = false WHERE source_id = $1", edited)
    before, ids = await state(catalog), await catalog.rows(IDS)
    summary = await catalog.import_records(*second, options=options)
    after = await state(catalog)
    assume(not summary.changed_nothing)

    undone = await undo(catalog, summary)
    restored, restored_ids = await state(catalog), await catalog.rows(IDS)
    redone = await undo(catalog, undone)

    assert (restored, restored_ids, undone.kept) == (before, ids, ())
    assert (await state(catalog), redone.kept) == (after, ())


async def test_spellings_of_books_are_set_back(catalog: Catalog) -> None:
    def sea(key: str, name: str, category: str) -> BookRecord:
        return book(key, authors=(AuthorRecord(name),), categories=((category,),))

    await catalog.import_records(sea("1", "Émile Zola", "Poésie"), sea("2", "Emile Zola", "Poesie"))
    before = await state(catalog)
    summary = await catalog.import_records(sea("1", "EMILE ZOLA", "POESIE"), sea("2", "EMILE ZOLA", "POESIE"))
    names = await catalog.rows("SELECT a.name, k.name FROM author a, category k")

    undone = await undo(catalog, summary)

    assert names == [("EMILE ZOLA", "POESIE")]
    assert undone.kept == ()
    assert await state(catalog) == before
    assert await catalog.rows("SELECT a.name, k.name FROM author a, category k") == [("Émile Zola", "Poésie")]
