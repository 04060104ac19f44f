"""An author or category is shown in the spelling of most books, however these were imported."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.importing import import_transaction
from db.importing.options import ImportOptions
from db.importing.records import AuthorRecord, BookRecord
from tests.db.importing.feeds import Catalog, book

WELL, CAPITALS = "Gabriel García Márquez", "GABRIEL GARCIA MARQUEZ"
AUTHORS = "SELECT name, sort_name FROM author ORDER BY slug"
CATEGORIES = "SELECT name FROM category ORDER BY path"
SPELLINGS = "SELECT count(*) FROM author_spelling UNION ALL SELECT count(*) FROM category_spelling"
DELETE = ImportOptions(missing="delete", missing_limit=100)


def written(source_id: str, name: str, *path: str, isbn: str | None = None) -> BookRecord:
    """Return a book with an author of this name, in a category of this path, or of the author's name."""
    return book(source_id, authors=(AuthorRecord(name),), categories=(path or (name,),), isbn=isbn)


async def shown(catalog: Catalog) -> tuple[list[object], list[object]]:
    """Return the shown names of all authors and of all categories."""
    await catalog.checksum()
    return (
        [row[0] for row in await catalog.rows(AUTHORS)],
        [row[0] for row in await catalog.rows(CATEGORIES)],
    )


async def test_one_row_in_capitals_does_not_rename_an_author_and_a_category(catalog: Catalog) -> None:
    rows = [written(str(n), WELL, "Poésie") for n in range(20)]

    await catalog.import_records(*rows, written("20", CAPITALS, "POESIE"))

    assert await shown(catalog) == ([WELL], ["Poésie"])
    assert await catalog.rows(
        "SELECT count(spelling), (SELECT count(spelling) FROM book_category) FROM book_author"
    ) == [(1, 1)]


async def test_a_letter_is_the_same_in_each_of_its_forms(catalog: Catalog) -> None:
    await catalog.import_records(written("1", "Σοφοκλής", "Μύθος", "Ήρωας"), written("2", "カタカナ"))
    await catalog.import_records(written("1", "ΣΟΦΟΚΛΗΣ", "ΜΥΘΟΣ", "ΗΡΩΑΣ"), written("2", "ｶﾀｶﾅ"), source="b")

    assert await shown(catalog) == (["Σοφοκλής", "カタカナ"], ["Μύθος", "Ήρωας", "カタカナ"])


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
async def test_another_source_overrules_a_spelling_by_more_books_only(
    catalog: Catalog, order: tuple[str, str]
) -> None:
    feeds = {
        "one": [written(str(n), WELL) for n in range(2)],
        "two": [written("0", CAPITALS), written("1", "Other")],
    }

    for source in order:
        await catalog.import_records(*feeds[source], source=source)
    before = await shown(catalog)
    await catalog.import_records(*(written(str(n), CAPITALS) for n in range(3)), source="two")
    overruled = await shown(catalog)

    assert before == (([WELL, "Other"],) * 2)
    assert overruled == (([CAPITALS],) * 2)


@pytest.mark.parametrize(
    "names",
    [
        ("Fiction", "FICTION", "fiction"),
        ("Poésie", "POÉSIE", "POESIE", "poésie", "poesie"),
        ("Gabriel García Márquez", "Gabriel Garcia Márquez", "Gabriel Garcia Marquez", WELL.upper()),
        ("Jo Nesbø", "Jo Nesbo", "JO NESBØ"),
        ("Лев Толстой", "ЛЕВ ТОЛСТОЙ", "лев толстой"),
        ("J R R Tolkien", "J. R. R. Tolkien", "J.R.R. Tolkien"),
    ],
)
async def test_of_equally_many_books_the_better_spelling_is_shown(
    catalog: Catalog, names: tuple[str, ...]
) -> None:
    for order in (names, names[::-1]):
        await catalog.clear()
        await catalog.import_records(*(written(str(n), name) for n, name in enumerate(order)))
        assert await shown(catalog) == (([names[0]],) * 2)


async def test_the_spelling_follows_books_that_change_or_are_deleted(catalog: Catalog) -> None:
    capitals = [written(name, CAPITALS) for name in "abc"]
    await catalog.import_records(*capitals, written("d", WELL), written("e", WELL), written("f", "Other"))
    in_capitals = await shown(catalog)

    deleted = await catalog.import_records(
        capitals[0], *(written(name, WELL) for name in "de"), written("f", "Other"), options=DELETE
    )
    after_deletion = await shown(catalog)
    moved = await catalog.import_records(written("d", "Other"), written("e", CAPITALS))

    assert in_capitals == ([CAPITALS, "Other"],) * 2
    assert (deleted.plan.deleted, after_deletion) == (2, ([WELL, "Other"],) * 2)
    assert deleted.merged.changed_authors == deleted.merged.changed_categories == 1
    assert moved.changed == 2
    assert await shown(catalog) == ([CAPITALS, "Other"],) * 2


async def test_a_book_counts_once_for_a_spelling_in_any_number_of_roles_and_paths(catalog: Catalog) -> None:
    busy = book(
        "1",
        authors=tuple(AuthorRecord("ANN", role) for role in ("AUTHOR", "EDITOR", "TRANSLATOR")),
        categories=(("ART", "A"), ("ART", "B"), ("ART", "C")),
    )

    await catalog.import_records(busy, *(written(str(n), "Ann", "Art") for n in (2, 3)))

    assert await shown(catalog) == (["Ann"], ["Art", "A", "B", "C"])


async def test_a_path_votes_for_its_ancestors_which_keep_the_spelling_of_other_paths(
    catalog: Catalog,
) -> None:
    await catalog.import_records(written("1", "A", "FICTION", "Poetry"))
    await catalog.import_records(written("2", "A", "Fiction", "Crime"), source="two")
    tie = await shown(catalog)
    await catalog.import_records(written("3", "A", "FICTION"), source="three")
    capitals = await shown(catalog)
    await catalog.import_records(written("3", "A", "Fiction"), source="three")

    assert (tie[1], capitals[1]) == (["Fiction", "Crime", "Poetry"], ["FICTION", "Crime", "Poetry"])
    assert (await shown(catalog))[1] == ["Fiction", "Crime", "Poetry"]


async def test_a_given_sort_name_belongs_to_its_spelling(catalog: Catalog) -> None:
    given = {
        "one": AuthorRecord("HOMER", sort_name="HOMER, H."),
        "two": AuthorRecord("Homer"),
        "three": AuthorRecord("Homer", sort_name="Homer, H."),
    }

    for order in permutations(given):
        await catalog.clear()
        for source in order:
            await catalog.import_records(book("1", authors=(given[source],)), source=source)
        assert await catalog.rows(AUTHORS) == [("Homer", "Homer, H.")]
        for source in order:
            again = await catalog.import_records(book("1", authors=(given[source],)), source=source)
            assert again.changed_nothing


async def test_the_search_finds_a_book_by_the_shown_name(catalog: Catalog) -> None:
    documents = "SELECT document @@ 'jrr'::tsquery FROM book_search"
    await catalog.import_records(written("1", "J R R Tolkien"))
    before = await catalog.rows(documents)

    await catalog.import_records(*(written(str(n), "J.R.R. Tolkien") for n in (2, 3)), source="two")

    assert (before, await catalog.rows(documents)) == ([(False,)], [(True,)] * 3)
    await catalog.checksum()


async def test_links_changed_by_hand_change_the_shown_spelling(catalog: Catalog) -> None:
    await catalog.import_records(
        *(written(str(n), "ANN", "ART", "Music") for n in range(3)),
        *(written(str(n), "Ann", "Art", "Dance") for n in range(3, 5)),
    )
    before = await shown(catalog)

    await catalog.connection.execute("DELETE FROM book WHERE source_id IN ('0', '1')")
    after = await shown(catalog)
    await catalog.connection.execute("DELETE FROM category WHERE path = 'art/dance'")
    without_dance = await shown(catalog)
    await catalog.connection.execute("UPDATE category SET parent_id = NULL WHERE path = 'art/music'")

    assert before == (["ANN"], ["ART", "Dance", "Music"])
    assert after == (["Ann"], ["Art", "Dance", "Music"])
    assert without_dance == (["Ann"], ["ART", "Music"])
    assert await shown(catalog) == (["Ann"], ["ART", "Music"])


async def test_a_rejected_row_and_an_edited_book_do_not_vote(catalog: Catalog) -> None:
    await catalog.import_records(written("1", "Ann"), written("2", "Bo"))
    edited = "INSERT INTO book_field (book_id, field, edited_at) SELECT id, 'authors', now() FROM book"
    await catalog.connection.execute(f"{edited} WHERE source_id = '2'")

    summary = await catalog.import_records(
        written("1", "Ann"),
        written("2", "ANN"),
        *(written("3", "ANN", isbn="9780306406157") for _ in range(3)),
        written("4", "ANN", isbn="9780306406157"),
    )

    assert (summary.new, summary.rejected) == (1, 3)
    assert await shown(catalog) == (["Ann", "Bo"], ["ANN"])


async def test_spellings_that_no_book_has_are_forgotten(catalog: Catalog) -> None:
    await catalog.import_records(*(written(str(n), name) for n, name in enumerate(("Ann", "ANN", "ann"))))
    several = await catalog.rows(SPELLINGS)

    await catalog.import_records(*(written(str(n), "Ann") for n in range(3)))

    assert (several, await catalog.rows(SPELLINGS)) == ([(3,), (3,)], [(0,), (1,)])


async def test_an_import_without_another_spelling_writes_no_spelling(catalog: Catalog) -> None:
    await catalog.import_records(*(written(str(n), "Ann", "Art", "Music") for n in range(3)))

    assert await catalog.rows(SPELLINGS) == [(0,), (0,)]
    assert await catalog.rows(
        "SELECT count(spelling), (SELECT count(spelling) FROM book_category) FROM book_author"
    ) == [(0, 0)]


names = st.sampled_from(["Ann", "ANN", "ann", "Ánn", "Bo", "BO"])
steps = st.sampled_from(["Art", "ART", "art", "Bo", "BO"])
records = st.lists(
    st.builds(
        BookRecord,
        row=st.just(0),
        source_id=st.just(""),
        title=st.just("T"),
        authors=st.lists(
            st.builds(AuthorRecord, names, st.sampled_from(["AUTHOR", "EDITOR"])), max_size=3
        ).map(tuple),
        categories=st.lists(st.lists(steps, min_size=1, max_size=3).map(tuple), max_size=2).map(tuple),
    ),
    min_size=1,
    max_size=8,
).map(lambda drawn: [replace(record, source_id=str(n)) for n, record in enumerate(drawn)])


def plurality(votes: Iterable[tuple[str, str]], key: str) -> str:
    """Return the name that most books write, of votes (book, name)."""
    counts = Counter(name for _, name in set(votes) if name.casefold().replace("á", "a") == key)

    def rank(name: str) -> tuple[int, int, int, str]:
        case = 1 if name.isupper() else 2 if name.islower() else 0
        return -counts[name], case, -sum(not letter.isascii() for letter in name), name

    return min(counts, key=rank)


def expected_names(books: Sequence[BookRecord]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the name to show of each author by its key, and of each category by its path."""
    people: dict[tuple[str, str, str], str] = {}
    paths: dict[tuple[str, str], tuple[str, ...]] = {}
    for record in books:
        for author in record.authors:
            key = author.name.casefold().replace("á", "a")
            people.setdefault((record.source_id, key, author.role), author.name)
        for path in record.categories:
            paths.setdefault((record.source_id, "/".join(path).casefold()), path)
    votes = [(source_id, name) for (source_id, _, _), name in people.items()]
    authors = {key: plurality(votes, key) for _, key, _ in people}
    categories: dict[str, str] = {}
    for _, whole in paths:
        for depth in range(1, whole.count("/") + 2):
            place = "/".join(whole.split("/")[:depth])
            step_votes = [
                (source_id, path[depth - 1])
                for (source_id, other), path in paths.items()
                if f"{other}/".startswith(f"{place}/")
            ]
            categories[place] = plurality(step_votes, place.rpartition("/")[2])
    return authors, categories


@settings(max_examples=12, database=None)
@given(first=records, second=records, split=st.integers(0, 8), large=st.booleans())
async def test_any_order_and_split_of_feeds_shows_the_spelling_of_most_books(
    catalog: Catalog, first: list[BookRecord], second: list[BookRecord], split: int, large: bool
) -> None:
    second = [replace(record, source_id=f"second {record.source_id}") for record in second]
    feeds = [("one", first), ("two", second)]
    parts = [("one", first[split:]), ("two", second[::-1]), ("one", first[:split])]
    outcomes: set[str] = set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_transaction, "BULK_MIN_BOOKS", 0 if large else 10**9)
        for order in (feeds, feeds[::-1], parts):
            await catalog.clear()
            for source, part in order:
                await catalog.import_records(*part, source=source)
            outcomes.add(await catalog.checksum())

    authors, categories = expected_names(first + second)
    assert set(await catalog.rows("SELECT slug, name FROM author")) == set(authors.items())
    assert set(await catalog.rows("SELECT path, name FROM category")) == set(categories.items())
    assert len(outcomes) == 1


@settings(max_examples=10, database=None)
@given(older=records, other=records, newer=records, large=st.booleans())
async def test_a_new_delivery_leaves_no_trace_of_the_spellings_of_the_former_one(
    catalog: Catalog, older: list[BookRecord], other: list[BookRecord], newer: list[BookRecord], large: bool
) -> None:
    await catalog.clear()
    await catalog.import_records(*newer)
    await catalog.import_records(*other, source="other")
    alone = await catalog.checksum()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_transaction, "BULK_MIN_BOOKS", 0 if large else 10**9)
        await catalog.clear()
        await catalog.import_records(*older)
        await catalog.import_records(*other, source="other")
        await catalog.import_records(*newer, options=replace(DELETE, replace=True))

    assert await catalog.checksum() == alone
    for source, feed in (("shop", newer), ("other", other)):
        assert (await catalog.import_records(*feed, source=source)).changed_nothing
