"""Measure pages, texts, suggestions and facets on generated catalogs of several sizes.

    python -m benchmarks.search_benchmark --books 10000 1000000 [--runs 300] [--svg FILE]
    python -m benchmarks.search_benchmark --at 1000000=DSN

On DATABASE_URL's server, or else on an embedded one of its own; each catalog in a database made for it and
dropped, or with --at in one that is there. Times are those of the statements, warm, seen by one client.
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

import orjson
from rich.console import Console
from rich.table import Table

from benchmarks.import_benchmark import database, server
from benchmarks.search_plot import plot
from db import authors, books, categories
from db.connections.pool import ConnectionPool
from db.database import Database
from db.explain import Recorder
from db.explain_cases import middle_of
from db.importing.readers import open_seeded
from db.importing.run import import_delivery
from db.migrations import migrate
from db.pages import Order, Position, Scope, Window
from db.search import conditions, suggest
from db.search.facets import Asked, facets_of_search
from db.search.filters import Facet, Filter
from db.search.lists import pages_of_search
from db.search.ranking import RELEVANCE
from db.search.text import meanings_of_texts

Call = Callable[[Database], Awaitable[object]]

PARAMETERS = """
/* benchmark_parameters */
SELECT ARRAY(SELECT id FROM category WHERE book_count >= 40 ORDER BY book_count DESC LIMIT 200) AS categories,
       (SELECT id FROM category ORDER BY abs(book_count - 100000), id LIMIT 1) AS facet_category,
       (SELECT book_count FROM category ORDER BY abs(book_count - 100000), id LIMIT 1) AS facet_books,
       ARRAY(SELECT id FROM author ORDER BY book_count DESC LIMIT 200) AS authors,
       ARRAY(SELECT left(title_key, 12) FROM book ORDER BY md5(id::text) LIMIT 200) AS titles
"""

WORDS = """
/* benchmark_words */
SELECT word, ndoc FROM ts_stat('SELECT document FROM book_search ORDER BY book_id LIMIT 50000')
WHERE length(word) > 2 ORDER BY ndoc DESC, word
"""


ENGLISH = Filter(own=((Facet.LANGUAGES, conditions.compared(conditions.LANGUAGE, "eq", "en")),))


@dataclass(frozen=True, slots=True)
class Work:
    """Something to measure: a call for each run, and how many milliseconds its p99 may take."""

    title: str
    bound: float
    calls: Sequence[Call]


@dataclass(frozen=True, slots=True)
class Measure:
    """A work at a size: milliseconds, and the most buffers that one run of it touched."""

    books: int
    title: str
    bound: float
    median: float
    p99: float
    buffers: int


async def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the search.")
    parser.add_argument("--books", type=int, nargs="*", default=[], help="sizes of catalogs to generate")
    parser.add_argument("--at", nargs="*", default=[], metavar="BOOKS=DSN", help="catalogs that are there")
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--svg", type=Path)
    options = parser.parse_args()
    console = Console()
    measures: list[Measure] = []
    for entry in options.at:
        count, _, dsn = entry.partition("=")
        measures += await measured(int(count), dsn, options.runs)
    if options.books:
        with server() as dsn:
            for count in options.books:
                async with seeded(dsn, count) as catalog:
                    measures += await measured(count, catalog, options.runs)
    measures.sort(key=lambda each: each.books)
    console.print(table_of(measures))
    if options.svg:
        circumstances = (
            f"p99 of {options.runs} runs, {os.cpu_count()} cores, warm, PostgreSQL with 256 MB of buffers"
        )
        options.svg.write_text(plot(measures, circumstances), encoding="utf-8")


@asynccontextmanager
async def seeded(server_dsn: str, count: int) -> AsyncGenerator[str]:
    async with database(server_dsn) as dsn:
        await asyncio.to_thread(migrate, dsn)
        with tempfile.TemporaryDirectory() as folder:
            await import_delivery(dsn, open_seeded(count, 1), rejects=Path(folder) / "rejects.csv")
        yield dsn


async def measured(count: int, dsn: str, runs: int) -> list[Measure]:
    """Every work at one catalog; all runs of it once before, to warm up."""
    pool = ConnectionPool(dsn, size=1, command_timeout=60, acquire_timeout=60)
    found: list[Measure] = []
    for work in await works(pool, runs):
        for call in work.calls:
            await call(pool)
        taken: list[float] = []
        for call in work.calls:
            started = time.perf_counter()
            await call(pool)
            taken.append((time.perf_counter() - started) * 1000)
        taken.sort()
        most = max([await buffers_of(pool, call) for call in work.calls[:60]])
        found.append(
            Measure(
                count, work.title, work.bound, taken[len(taken) // 2], taken[int(len(taken) * 0.99)], most
            )
        )
    await pool.close(timeout=10)
    return found


async def buffers_of(database: Database, call: Call) -> int:
    """How many buffers the statements of a call touch."""
    recorder = Recorder(database)
    await call(recorder)
    total = 0
    for query, args in recorder.sent:
        rows = await database.fetch(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}", *args)
        plan = orjson.loads(rows[0][0])[0]["Plan"]
        total += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return total


async def works(database: Database, runs: int) -> list[Work]:
    draw = random.Random(1)  # noqa: S311 - the same parameters every time
    [row] = await database.fetch(PARAMETERS)
    words = await database.fetch(WORDS)
    common = [word for word, _ in words[:40]]
    middling = [word for word, hits in words if 250 <= hits < 2500]
    rare = [word for word, hits in words if hits < 50][:400]
    deep = {
        (scope.name, key.name, parent): await middle_of(database, scope, key, parent)
        for scope, parents in (
            (books.IN_CATALOG, [0]),
            (books.BY_CATEGORY, row["categories"][:12]),
            (books.BY_AUTHOR, row["authors"][:12]),
        )
        for parent in parents
        for key in books.KEYS
    }
    orders = [Order(key, descending) for key in books.KEYS for descending in (False, True)]
    middles = list(deep)

    def page(position: Position | None, scope: Scope, order: Order, parent: int) -> Call:
        return storefront_page(scope, order, Window(20, after=position), parent)

    def first(_: int) -> Call:
        place, parents = draw.choice(
            [(books.BY_CATEGORY, row["categories"]), (books.BY_AUTHOR, row["authors"])]
        )
        return page(None, place, draw.choice(orders), draw.choice(parents))

    def deeper(_: int) -> Call:
        name, key, parent = draw.choice(middles)
        scope = next(
            each for each in (books.IN_CATALOG, books.BY_CATEGORY, books.BY_AUTHOR) if each.name == name
        )
        order = draw.choice([each for each in orders if each.key.name == key])
        return page(deep[name, key, parent], scope, order, parent)

    def prefix(_: int) -> Call:
        return suggested(draw.choice(row["titles"])[: draw.randint(1, 8)])

    return [
        Work("page 1 of a category or author, any order", 10, [first(n) for n in range(runs)]),
        Work("the middle of a list, any order", 10, [deeper(n) for n in range(runs)]),
        Work(
            "a common and a rare word",
            50,
            [text(f"{draw.choice(common)} {draw.choice(rare)}") for _ in range(runs)],
        ),
        Work("a word of 1 to 10 in 200 books", 50, [text(draw.choice(middling)) for _ in range(runs)]),
        Work("a common word", 50, [text(draw.choice(common)) for _ in range(runs)]),
        Work("two misspelt words", 50, [text(misspelt(draw, words)) for _ in range(runs)]),
        Work("suggestions for 1 to 8 letters", 10, [prefix(n) for n in range(runs)]),
        Work(
            f"all facets of a category of {row['facet_books']:,} books",
            100,
            [facets(row["facet_category"], Filter())] * min(runs, 100),
        ),
        Work(
            f"all facets beside a language of a category of {row['facet_books']:,} books",
            100,
            [facets(row["facet_category"], ENGLISH)] * min(runs, 100),
        ),
    ]


def misspelt(draw: random.Random, words: Sequence[tuple[str, int]]) -> str:
    """Two words of the catalog, each with a letter left out."""
    made: list[str] = []
    for word, _ in draw.sample([each for each in words if len(each[0]) > 5], 2):
        place = draw.randrange(1, len(word) - 1)
        made.append(word[:place] + word[place + 1 :])
    return " ".join(made)


def storefront_page(scope: Scope, order: Order, window: Window, parent: int) -> Call:
    async def call(database: Database) -> None:
        if scope == books.IN_CATALOG:
            page = await books.page_of_books(database, order, window)
        elif scope == books.BY_AUTHOR:
            [page] = await books.books_by_author_ids(database, order, window, [parent])
        else:
            [page] = await books.books_by_category_ids(database, order, window, [parent], descendants=True)
        await hang_on(database, [book.id for book in page.rows])

    return call


async def hang_on(database: Database, ids: Sequence[int]) -> None:
    """The authors and categories of a page's books."""
    await authors.authors_by_book_ids(database, ids)
    await categories.categories_by_book_ids(database, ids)


def text(typed: str) -> Call:
    async def call(database: Database) -> None:
        [meaning] = await meanings_of_texts(database, [typed])
        search = Filter(typed).search(meaning)
        order = Order(RELEVANCE, descending=True)
        [page] = await pages_of_search(
            database, books.IN_CATALOG, order, Window(20), [0], books.COLUMNS, search
        )
        await hang_on(database, [book.id for book in page.rows])

    return call


def suggested(prefix: str) -> Call:
    async def call(database: Database) -> None:
        for read in (suggest.suggested_books, suggest.suggested_authors, suggest.suggested_categories):
            await read(database, prefix, 5)

    return call


def facets(category: int, wanted: Filter) -> Call:
    asked = [Asked(facet, 10) for facet in Facet]

    async def call(database: Database) -> None:
        await facets_of_search(database, books.BY_CATEGORY, [category], asked, wanted, None)

    return call


def table_of(measures: Sequence[Measure]) -> Table:
    table = Table("books", "work", "bound, ms", "median, ms", "p99, ms", "buffers")
    for each in measures:
        numbers = (f"{each.bound:g}", f"{each.median:.1f}", f"{each.p99:.1f}", f"{each.buffers:,}")
        table.add_row(f"{each.books:,}", each.title, *numbers)
    return table


if __name__ == "__main__":
    asyncio.run(main())
