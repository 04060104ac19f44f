"""The calls whose plans are checked: every read of the catalog, with usual parameters and with the worst."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Any

from db import authors, books, categories, views
from db.connections.connect import connect
from db.connections.error_mapping import database_errors
from db.database import Database
from db.errors import DatabaseError
from db.explain import Case, Explained, explained
from db.migrations import require_head
from db.pages import TEXT, Key, Order, Position, Scope, Window
from db.search import conditions, suggest
from db.search.facets import Asked, facets_of_search
from db.search.filters import Facet, Filter, Place
from db.search.lists import Search, counts_of_search, pages_of_search
from db.search.matches import matches_by_book_ids
from db.search.places import shortest
from db.search.ranking import RELEVANCE
from db.search.text import meanings_of_texts

WAYS = ((False, False), (True, False), (False, True))
"""Descending or not, backward or not."""

PAGE = 150
"""A page of 20 books: three buffers or so for each, and the way down the indexes."""

PAGES_OF_PARENTS = 1_500
"""Twenty parents' pages of five."""

ROWS_BY_KEYS = 250
"""What hangs on twenty keys."""

WORDS = 15_000
"""A text: the lists of its words, and the books that are ranked."""

MIDDLING = 60_000
"""A text that one book in twenty matches: of a category's books so many are looked up until enough match."""

COUNTED = 60_000
"""What is counted up to ten thousand books."""

FACETS = 70_000
"""All facets at once: two sets of five thousand books, each looked up in both listings."""

FACETS_OF_TEXT = 100_000
"""The same for a thousand books of a list that match a text: they are looked for one by one."""

FILTERED = 40_000
"""A page of what a filter lets through that many books pass. A rarer one walks on until the time-out."""

IN_BOTH = 150_000
"""What stands in two lists: the shorter one's books are looked up in the other until ten thousand are counted
or a page is full, which for two large categories is late."""

SAMPLE = """
/* explain_sample */
SELECT (SELECT id FROM category ORDER BY book_count DESC, id LIMIT 1) AS largest_category,
       ARRAY(SELECT id FROM category ORDER BY book_count DESC, id LIMIT 20) AS large_categories,
       ARRAY(SELECT path FROM category ORDER BY book_count DESC, id LIMIT 20) AS paths,
       ARRAY(SELECT id FROM author ORDER BY book_count DESC, id LIMIT 20) AS prolific_authors,
       ARRAY(SELECT slug FROM author ORDER BY book_count DESC, id LIMIT 20) AS slugs,
       ARRAY(SELECT id FROM book ORDER BY rating_count DESC, id LIMIT 20) AS popular_books,
       ARRAY(SELECT isbn FROM book WHERE isbn IS NOT NULL ORDER BY isbn LIMIT 20) AS isbns
"""

SAMPLE_WORDS = """
/* explain_sample_words */
SELECT word, ndoc / 20000.0 AS share
FROM ts_stat('SELECT document FROM book_search ORDER BY book_id LIMIT 20000')
WHERE length(word) > 3
ORDER BY ndoc DESC, word
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """Parameters from the catalog; `deep` holds the middle of a list by its scope's name and key."""

    category: int
    categories: Sequence[int]
    paths: Sequence[str]
    authors: Sequence[int]
    slugs: Sequence[str]
    books: Sequence[int]
    isbns: Sequence[str]
    common: str
    middling: str
    rare: str
    deep: dict[tuple[str, str], Position]


async def sample_of(database: Database) -> Sample | None:
    """What there is to ask for; None in a catalog without books, authors or categories."""
    [row] = await database.fetch(SAMPLE)
    words = await database.fetch(SAMPLE_WORDS)
    if not (words and row["largest_category"] and row["prolific_authors"]):
        return None
    category, author = row["largest_category"], row["prolific_authors"][0]
    deep: dict[tuple[str, str], Position] = {}
    for scope, parent in ((books.IN_CATALOG, 0), (books.BY_CATEGORY, category), (books.BY_AUTHOR, author)):
        for key in books.KEYS:
            deep[scope.name, key.name] = await middle_of(database, scope, key, parent)
    return Sample(
        category=category,
        categories=row["large_categories"],
        paths=row["paths"],
        authors=row["prolific_authors"],
        slugs=row["slugs"],
        books=row["popular_books"],
        isbns=row["isbns"],
        common=words[0]["word"],
        middling=next((word for word, share in words if share < 0.05), words[-1]["word"]),
        rare=words[-1]["word"],
        deep=deep,
    )


async def middle_of(database: Database, scope: Scope, key: Key, parent: int) -> Position:
    """The place of a row in the middle of a list."""
    column = f"l.{key.column}" if key.column else "NULL"
    rows = await database.fetch(
        f"""
        /* explain_middle */
        WITH l AS (SELECT {column} AS key, l.{scope.identity} AS id
                   FROM {scope.table} AS l, (SELECT $1::bigint AS id) AS parent WHERE {scope.conditions[0]})
        SELECT key, id FROM l ORDER BY key, id OFFSET (SELECT count(*) / 2 FROM l) LIMIT 1
        """,
        parent,
    )
    return (
        Position(rows[0][0], rows[0][1]) if rows else Position(None if key.nullable else key.domain.lowest, 1)
    )


def cases_of(sample: Sample) -> list[Case]:
    """All cases over the sample."""
    return [
        *pages(sample),
        *relations(sample),
        *counts(),
        *searches(sample),
        *names(),
        *facets(sample),
        *suggestions(),
    ]


# A role's or a database's timeouts are for its requests.
NO_TIMEOUTS = """
/* no_timeouts */
SELECT set_config(name, '0', true) FROM pg_settings
WHERE name IN ('statement_timeout', 'lock_timeout', 'transaction_timeout',
               'idle_in_transaction_session_timeout')
"""


async def explained_at(dsn: str, name: str | None = None) -> list[Explained]:
    """How the cases run at a database; DatabaseError where it cannot be asked or holds nothing."""
    connection = await connect(dsn, application_name="bookstore explain")
    try:
        with database_errors("The database failed while it explained statements"):
            async with connection.transaction(readonly=True):
                await connection.execute(NO_TIMEOUTS)
                await require_head(connection)
                sample = await sample_of(connection)
                if sample is None:
                    raise DatabaseError("The catalog is empty: import or seed one first.")
                return await explained(connection, cases_of(sample), name)
    finally:
        connection.terminate()


def case(
    title: str, buffers: int, read: Callable[..., Awaitable[object]], *arguments: Any, **options: Any
) -> Case:
    async def call(database: Database) -> object:
        return await read(database, *arguments, **options)

    return Case(title, call, buffers)


def pages(sample: Sample) -> Iterator[Case]:
    """Pages of unfiltered lists, at the start and in the middle, both ways."""
    for key, (descending, backward), place in product(books.KEYS, WAYS, ("first", "deep")):
        order = Order(key, descending)
        title = f"{key.name} {'desc' if descending else 'asc'}{' backward' if backward else ''}, {place}"
        catalog, author, category = (
            window_at(sample.deep[scope.name, key.name] if place == "deep" else None, backward)
            for scope in (books.IN_CATALOG, books.BY_AUTHOR, books.BY_CATEGORY)
        )
        yield case(title, PAGE, books.page_of_books, order, catalog)
        yield case(title, PAGE, books.books_by_author_ids, order, author, sample.authors[:1])
        for descendants in (True, False):
            yield case(
                title,
                PAGE,
                books.books_by_category_ids,
                order,
                category,
                [sample.category],
                descendants=descendants,
            )
    by_title, five = Order(books.TITLE), Window(5)
    yield case("20 authors", PAGES_OF_PARENTS, books.books_by_author_ids, by_title, five, sample.authors)
    yield case(
        "20 categories",
        PAGES_OF_PARENTS,
        books.books_by_category_ids,
        by_title,
        five,
        sample.categories,
        descendants=True,
    )
    yield case(
        "20 categories", PAGES_OF_PARENTS, categories.children_by_category_ids, five, sample.categories
    )
    for place, window in (("first", Window(20)), ("last", Window(20, backward=True))):
        yield case(place, PAGE, authors.page_of_authors, window)
        yield case(place, PAGE, categories.page_of_categories, window, roots=False)
        yield case(place, PAGE, categories.page_of_categories, window, roots=True)


def window_at(position: Position | None, backward: bool) -> Window:
    return Window(20, backward, before=position) if backward else Window(20, after=position)


def relations(sample: Sample) -> Iterator[Case]:
    """What hangs on twenty books, authors or categories."""
    reads: Sequence[tuple[Callable[..., Awaitable[object]], Sequence[object]]] = (
        (books.books_by_ids, sample.books),
        (books.books_by_isbns, sample.isbns),
        (views.recent_views_by_book_ids, sample.books),
        (authors.authors_by_ids, sample.authors),
        (authors.authors_by_slugs, sample.slugs),
        (authors.authors_by_book_ids, sample.books),
        (categories.categories_by_ids, sample.categories),
        (categories.categories_by_paths, sample.paths),
        (categories.categories_by_book_ids, sample.books),
        (categories.counts_of_children_by_category_ids, sample.categories),
    )
    for read, keys in reads:
        yield case("one key", ROWS_BY_KEYS, read, keys[:1])
        yield case("20 keys", ROWS_BY_KEYS, read, keys)


def counts() -> Iterator[Case]:
    yield case("counter", 10, books.count_of_books)
    yield case("counter", 10, authors.count_of_authors)
    yield case("counter", 10, categories.count_of_categories, roots=False)
    yield case("roots", 300, categories.count_of_categories, roots=True)


def lists(sample: Sample) -> Iterator[tuple[Scope, int]]:
    yield books.IN_CATALOG, 0
    yield books.BY_AUTHOR, sample.authors[0]
    yield books.BY_CATEGORY, sample.category
    yield books.DIRECTLY_IN_CATEGORY, sample.category


def searches(sample: Sample) -> Iterator[Case]:
    """Texts and filters: what most books have, what few have, and what none has."""
    for text in (
        sample.common,
        sample.middling,
        sample.rare,
        f"{sample.common} {sample.rare}",
        f"{sample.rare}x",
        sample.isbns[0],
        "!",
    ):
        yield case(f"text {text!r}", WORDS, meanings_of_texts, [text])
        yield case(f"text {text!r}", WORDS, matched, text, sample.books)
        for scope, parent in lists(sample):
            yield case(
                f"text {text!r} by relevance",
                MIDDLING if text == sample.middling else WORDS,
                page_of_text,
                scope,
                parent,
                text,
                Order(RELEVANCE, True),
            )
            yield case(
                f"text {text!r} by title", COUNTED, page_of_text, scope, parent, text, Order(books.TITLE)
            )
    for title, wanted in filters(sample):
        counted, filtered = (IN_BOTH, IN_BOTH) if wanted.place else (COUNTED, FILTERED)
        for scope, parent in lists(sample):
            yield case(f"{title}, count", counted, count_of_filter, scope, parent, wanted)
            for key in books.KEYS:
                order = Order(key)
                yield case(f"{title}, {key.name}", filtered, page_of_filter, scope, parent, wanted, order)


def names() -> Iterator[Case]:
    """Authors and categories that a filter lets through."""
    search = Search(conditions.named("contains", "an"))
    for scope, columns in (
        (authors.IN_CATALOG, authors.COLUMNS),
        (categories.IN_CATALOG, categories.COLUMNS),
        (categories.ROOTS, categories.COLUMNS),
    ):
        order = Order(Key("name", "sort_key", TEXT))
        yield case("contains 'an'", FILTERED, pages_of_search, scope, order, Window(20), [0], columns, search)
        yield case("contains 'an'", COUNTED, counts_of_search, scope, [0], search)


def filters(sample: Sample) -> Iterator[tuple[str, Filter]]:
    author, category = sample.authors[0], sample.categories[-1]
    by_author = (Facet.AUTHORS, conditions.by_authors([author]))
    in_category = (Facet.CATEGORIES, conditions.in_categories([category]))
    yield "in stock", Filter(None, conditions.IN_STOCK)
    yield "en", Filter(None, conditions.compared(conditions.LANGUAGE, "eq", "en"))
    yield "below 10", Filter(None, conditions.compared(conditions.PRICE, "lt", Decimal(10)))
    yield (
        "one category",
        Filter(own=(in_category,), place=Place(Facet.CATEGORIES, books.BY_CATEGORY, category)),
    )
    yield "one author", Filter(own=(by_author,), place=Place(Facet.AUTHORS, books.BY_AUTHOR, author))


async def page_of_filter(
    database: Database, scope: Scope, parent: int, wanted: Filter, order: Order
) -> object:
    within, parents, search = await shortest(database, scope, [parent], wanted, None)
    return await pages_of_search(database, within, order, Window(20), parents, books.COLUMNS, search)


async def count_of_filter(database: Database, scope: Scope, parent: int, wanted: Filter) -> object:
    return await counts_of_search(database, *await shortest(database, scope, [parent], wanted, None))


async def page_of_text(database: Database, scope: Scope, parent: int, text: str, order: Order) -> object:
    [meaning] = await meanings_of_texts(database, [text])
    search = Filter(text).search(meaning)
    return await pages_of_search(database, scope, order, Window(20), [parent], books.COLUMNS, search)


async def matched(database: Database, text: str, book_ids: Sequence[int]) -> object:
    [meaning] = await meanings_of_texts(database, [text])
    return await matches_by_book_ids(database, meaning, book_ids)


def facets(sample: Sample) -> Iterator[Case]:
    """All facets of a list at once: of everything, and each without the conditions of its own."""
    asked = [Asked(facet, 10) for facet in Facet]
    english = (Facet.LANGUAGES, conditions.compared(conditions.LANGUAGE, "eq", "en"))
    for scope, parent in lists(sample):
        for title, wanted in (("everything", Filter()), ("en", Filter(own=(english,)))):
            yield case(f"facets of {title}", FACETS, facets_of_search, scope, [parent], asked, wanted, None)
        for text in (sample.common, sample.middling, sample.rare):
            yield case(f"facets of text {text!r}", FACETS_OF_TEXT, facets_of_text, scope, parent, asked, text)


async def facets_of_text(
    database: Database, scope: Scope, parent: int, asked: Sequence[Asked], text: str
) -> object:
    [meaning] = await meanings_of_texts(database, [text])
    return await facets_of_search(database, scope, [parent], asked, Filter(text), meaning)


def suggestions() -> Iterator[Case]:
    for prefix in ("s", "st", "the sto", "xyz"):
        for read in (suggest.suggested_books, suggest.suggested_authors, suggest.suggested_categories):
            yield case(f"prefix {prefix!r}", 3_000, read, prefix, 5)
