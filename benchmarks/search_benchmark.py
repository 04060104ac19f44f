"""Measure pages, texts, suggestions and facets on generated catalogs of several sizes.

    python -m benchmarks.search_benchmark --books 10000 1000000 [--runs 300] [--svg FILE]
    python -m benchmarks.search_benchmark --at 1000000=DSN

Uses DATABASE_URL's server, or else an embedded server, with a temporary database per catalog; with --at it
uses existing catalogs. Times are those of the statements, measured by one client with warm caches.
"""

import argparse
import asyncio
import os
import random
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from rich.console import Console
from rich.table import Table

from benchmarks.import_benchmark import benchmark_server, temporary_database
from benchmarks.search_plot import plot
from db import authors, books, categories
from db.connections.pool import ConnectionPool
from db.database import Database
from db.explain import Recorder, explain_statement
from db.explain import count_buffers as count_plan_buffers
from db.explain_sample import middle_position
from db.importing.importer import import_feed
from db.importing.readers import open_generated
from db.keyset import Order, PageRequest, Scope
from db.migrations import migrate
from db.search import conditions, suggest
from db.search.facets import FacetRequest, fetch_facets
from db.search.filtered_lists import fetch_filtered_pages
from db.search.filters import Facet, Filter
from db.search.ranking import RELEVANCE
from db.search.text_query import interpret_texts
from db.search.vocabulary_cache import VocabularyCache
from db.statements import ReadStatement

LARGE_CATALOG = 1_000_000
"""Number of books above which some limits are higher."""

Call = Callable[[Database], Awaitable[object]]

PARAMETERS = ReadStatement(
    "benchmark_parameters",
    """
SELECT ARRAY(SELECT id FROM category WHERE book_count >= 40 ORDER BY book_count DESC LIMIT 200) AS categories,
       (SELECT id FROM category ORDER BY abs(book_count - 100000), id LIMIT 1) AS facet_category,
       (SELECT book_count FROM category ORDER BY abs(book_count - 100000), id LIMIT 1) AS facet_books,
       ARRAY(SELECT id FROM author ORDER BY book_count DESC LIMIT 200) AS authors,
       ARRAY(SELECT left(title_key, 12) FROM book ORDER BY md5(id::text) LIMIT 200) AS titles,
       ARRAY(SELECT isbn FROM book WHERE isbn IS NOT NULL ORDER BY isbn LIMIT 200) AS isbns
""",
)

WORDS = ReadStatement(
    "benchmark_words",
    """
SELECT word, ndoc FROM ts_stat('SELECT document FROM book_search ORDER BY book_id LIMIT 50000')
WHERE length(word) > 2 AND word NOT LIKE '#%' ORDER BY ndoc DESC, word
""",
)


ENGLISH_ONLY = Filter(
    facet_conditions=((Facet.LANGUAGES, conditions.compare(conditions.LANGUAGE_COLUMN, "eq", "en")),)
)


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload to measure: a call for each run, and the limit of its p99 in milliseconds.

    `large_p99_limit` is that for more than LARGE_CATALOG books, if it is another one.
    """

    title: str
    p99_limit: float
    calls: Sequence[Call]
    large_p99_limit: float | None = None

    def limit_at(self, books: int) -> float:
        return (books > LARGE_CATALOG and self.large_p99_limit) or self.p99_limit


@dataclass(frozen=True, slots=True)
class Measure:
    """A workload at a catalog size: milliseconds, and the maximum of buffers that one run touched."""

    books: int
    title: str
    p99_limit: float
    median: float
    p99: float
    buffers: int


async def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the search.")
    parser.add_argument("--books", type=int, nargs="*", default=[], help="sizes of the catalogs to generate")
    parser.add_argument("--at", nargs="*", default=[], metavar="BOOKS=DSN", help="existing catalogs")
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--svg", type=Path)
    options = parser.parse_args()
    console = Console()
    measures: list[Measure] = []
    buffers: set[str] = set()

    async def measure(count: int, dsn: str) -> None:
        found = await measure_catalog(count, dsn, options.runs)
        buffers.add(await read_buffer_size(dsn))
        console.print(build_table(found))
        measures.extend(found)

    for entry in options.at:
        count, _, dsn = entry.partition("=")
        await measure(int(count), dsn)
    if options.books:
        with benchmark_server() as dsn:
            for count in options.books:
                async with seeded_catalog(dsn, count) as catalog:
                    await measure(count, catalog)
    measures.sort(key=lambda each: each.books)
    if options.svg:
        circumstances = (
            f"p99 of {options.runs} runs, {os.cpu_count()} cores, warm, PostgreSQL with "
            f"{' or '.join(sorted(buffers))} of buffers"
        )
        options.svg.write_text(plot(measures, circumstances), encoding="utf-8")


@asynccontextmanager
async def seeded_catalog(server_dsn: str, count: int) -> AsyncGenerator[str]:
    async with temporary_database(server_dsn) as dsn:
        await asyncio.to_thread(migrate, dsn)
        with tempfile.TemporaryDirectory() as folder:
            await import_feed(dsn, open_generated(count, 1), rejects=Path(folder) / "rejects.csv")
        yield dsn


async def read_buffer_size(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    size: str = await connection.fetchval("SHOW shared_buffers")
    connection.terminate()
    return size


async def measure_catalog(count: int, dsn: str, runs: int) -> list[Measure]:
    """Measure every workload on one catalog, after running all its calls once to warm up.

    The words of the texts are then in the vocabulary cache, as in a server that has run for a while.
    """
    pool = ConnectionPool(dsn, size=1, command_timeout=60, acquire_timeout=60)
    measures: list[Measure] = []
    for work in await build_workloads(pool, runs):
        for call in work.calls:
            await call(pool)
        durations: list[float] = []
        for call in work.calls:
            started = time.perf_counter()
            await call(pool)
            durations.append((time.perf_counter() - started) * 1000)
        durations.sort()
        max_buffers = max([await count_buffers(pool, call) for call in work.calls[:60]])
        measures.append(
            Measure(
                count,
                work.title,
                work.limit_at(count),
                durations[len(durations) // 2],
                durations[int(len(durations) * 0.99)],
                max_buffers,
            )
        )
    await pool.close(timeout=10)
    return measures


async def count_buffers(database: Database, call: Call) -> int:
    """Return the number of buffers that the statements of a call touch."""
    recorder = Recorder(database)
    await call(recorder)
    return sum(
        [
            count_plan_buffers(await explain_statement(database, statement, args))
            for statement, args in recorder.sent
        ]
    )


async def build_workloads(database: Database, runs: int) -> list[Workload]:
    draw = random.Random(1)  # noqa: S311 - the same parameters every time
    [row] = await database.fetch(PARAMETERS)
    words = await database.fetch(WORDS)
    return [
        *await build_page_workloads(database, draw, row, runs),
        *build_text_workloads(draw, row, words, runs),
        *build_facet_workloads(row, runs),
    ]


async def build_page_workloads(
    database: Database, draw: random.Random, row: asyncpg.Record, runs: int
) -> list[Workload]:
    middle_positions = {
        (scope, key.name, parent): await middle_position(database, scope, key, parent)
        for scope, parents in (
            (books.ALL_BOOKS, [0]),
            (books.BY_CATEGORY, row["categories"][:12]),
            (books.BY_AUTHOR, row["authors"][:12]),
        )
        for parent in parents
        for key in books.SORT_KEYS
    }
    orders = [Order(key, descending) for key in books.SORT_KEYS for descending in (False, True)]
    middle_keys = list(middle_positions)

    def first_page() -> Call:
        scope, parents = draw.choice(
            [(books.BY_CATEGORY, row["categories"]), (books.BY_AUTHOR, row["authors"])]
        )
        return read_page(scope, draw.choice(orders), PageRequest(20), draw.choice(parents))

    def middle_page() -> Call:
        scope, key, parent = draw.choice(middle_keys)
        order = draw.choice([each for each in orders if each.key.name == key])
        return read_page(scope, order, PageRequest(20, after=middle_positions[scope, key, parent]), parent)

    return [
        Workload("page 1 of a category or author, any order", 10, [first_page() for _ in range(runs)]),
        Workload("the middle of a list, any order", 10, [middle_page() for _ in range(runs)]),
    ]


def build_text_workloads(
    draw: random.Random, row: asyncpg.Record, words: Sequence[tuple[str, int]], runs: int
) -> list[Workload]:
    frequent = [word for word, _ in words[:40]]
    medium = [word for word, hits in words if 250 <= hits < 2500]
    rare = [word for word, hits in words if hits < 50][:400]
    cache = VocabularyCache()

    def searches(draw_text: Callable[[], str]) -> list[Call]:
        return [search_text(draw_text(), cache) for _ in range(runs)]

    def suggest_prefix() -> Call:
        return read_suggestions(draw.choice(row["titles"])[: draw.randint(1, 8)], cache)

    return [
        Workload(
            "a frequent and a rare word",
            30,
            searches(lambda: f"{draw.choice(frequent)} {draw.choice(rare)}"),
            50,
        ),
        Workload("a word of 1 to 10 in 200 books", 30, searches(lambda: draw.choice(medium)), 50),
        Workload("a frequent word", 30, searches(lambda: draw.choice(frequent)), 50),
        Workload("two misspelt words", 60, searches(lambda: misspell_two_words(draw, words))),
        Workload("two words joined, or one split", 60, searches(lambda: joined_or_split(draw, words))),
        Workload(
            "two words with an article too many",
            30,
            searches(lambda: f"the {draw.choice(medium)} {draw.choice(rare)}"),
            50,
        ),
        Workload("an ISBN with a label", 30, searches(lambda: f"ISBN {draw.choice(row['isbns'])}"), 50),
        Workload("suggestions for 1 to 8 letters", 5, [suggest_prefix() for _ in range(runs)], 10),
    ]


def build_facet_workloads(row: asyncpg.Record, runs: int) -> list[Workload]:
    category, hits = row["facet_category"], f"{row['facet_books']:,}"
    return [
        Workload(
            f"all facets of a category of {hits} books",
            100,
            [read_facets(category, Filter())] * min(runs, 100),
        ),
        Workload(
            f"all facets with a language filter of a category of {hits} books",
            100,
            [read_facets(category, ENGLISH_ONLY)] * min(runs, 100),
        ),
    ]


def misspell_two_words(draw: random.Random, words: Sequence[tuple[str, int]]) -> str:
    """Return two words of the catalog, each without one letter."""
    misspelt_words: list[str] = []
    for word, _ in draw.sample([each for each in words if len(each[0]) > 5], 2):
        place = draw.randrange(1, len(word) - 1)
        misspelt_words.append(word[:place] + word[place + 1 :])
    return " ".join(misspelt_words)


def joined_or_split(draw: random.Random, words: Sequence[tuple[str, int]]) -> str:
    """Return two words of the catalog without the space between them, or one with a space in it."""
    first, second = (word for word, _ in draw.sample([each for each in words if len(each[0]) > 4], 2))
    return first + second if draw.random() < 0.5 else f"{first[:2]} {first[2:]}"


def read_page(scope: Scope, order: Order, window: PageRequest, parent: int) -> Call:
    async def call(database: Database) -> None:
        if scope == books.ALL_BOOKS:
            page = await books.page_of_books(database, order, window)
        elif scope == books.BY_AUTHOR:
            [page] = await books.books_by_author_ids(database, order, window, [parent])
        else:
            [page] = await books.books_by_category_ids(database, order, window, [parent], descendants=True)
        await read_relations(database, [book.id for book in page.rows])

    return call


async def read_relations(database: Database, ids: Sequence[int]) -> None:
    """Read the authors and categories of a page's books."""
    await authors.authors_by_book_ids(database, ids)
    await categories.categories_by_book_ids(database, ids)


def search_text(typed: str, cache: VocabularyCache) -> Call:
    async def call(database: Database) -> None:
        [meaning] = await interpret_texts(database, [typed], cache)
        search = Filter(typed).to_list_condition(meaning)
        order = Order(RELEVANCE, descending=True)
        [page] = await fetch_filtered_pages(
            database, books.ALL_BOOKS, order, PageRequest(20), [0], books.COLUMNS, search
        )
        await read_relations(database, [book.id for book in page.rows])

    return call


def read_suggestions(prefix: str, cache: VocabularyCache) -> Call:
    async def call(database: Database) -> None:
        for read in (suggest.suggested_books, suggest.suggested_authors, suggest.suggested_categories):
            await read(database, prefix, 5, cache)

    return call


def read_facets(category: int, filter_: Filter) -> Call:
    requests = [FacetRequest(facet, 10) for facet in Facet]

    async def call(database: Database) -> None:
        await fetch_facets(database, books.BY_CATEGORY, [category], requests, filter_, None)

    return call


def build_table(measures: Sequence[Measure]) -> Table:
    table = Table("books", "workload", "limit, ms", "median, ms", "p99, ms", "buffers")
    for each in measures:
        numbers = (f"{each.p99_limit:g}", f"{each.median:.1f}", f"{each.p99:.1f}", f"{each.buffers:,}")
        table.add_row(f"{each.books:,}", each.title, *numbers)
    return table


if __name__ == "__main__":
    asyncio.run(main())
