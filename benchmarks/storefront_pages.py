"""Measure the storefront's pages: the cost, the statements and the time of each operation on generated books.

    python -m benchmarks.storefront_pages --books 1000000 [--runs 100]
    python -m benchmarks.storefront_pages --at DSN

Uses DATABASE_URL's server, or else an embedded server, with a temporary database; with --at it uses an existing
catalog. Each run asks for another book, author, category or text. Times are those of one client over HTTP in
this process, after one run of each to warm the caches.
"""

import argparse
import asyncio
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.import_benchmark import benchmark_server
from benchmarks.search_benchmark import seeded_catalog
from benchmarks.storefront_operations import load_operations
from db.connections.connect import connect
from db.statements import ReadStatement
from graphql_api.app import create_app
from graphql_api.cli.analysis import analyze_operation
from graphql_api.execution.documents import DocumentCache
from graphql_api.schema import schema
from graphql_api.settings import Settings

PAGE_SIZE = 24
GUARD = 60.0
"""The timeouts of the server in seconds: a busy machine does not end the measurement."""

KEYS = ReadStatement(
    "storefront_keys",
    """
SELECT ARRAY(SELECT id FROM book WHERE is_published ORDER BY md5(id::text) LIMIT 500) AS books,
       ARRAY(SELECT title FROM book WHERE is_published ORDER BY md5(id::text) LIMIT 500) AS titles,
       ARRAY(SELECT slug FROM author ORDER BY md5(id::text) LIMIT 500) AS authors,
       ARRAY(SELECT slug FROM series ORDER BY md5(id::text) LIMIT 500) AS series,
       ARRAY(SELECT path FROM category WHERE book_count > 0 ORDER BY md5(id::text) LIMIT 500) AS categories
""",
)

Variables = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Visit:
    """A kind of page to measure; `draw` returns the variables of one visit."""

    title: str
    operation: str
    draw: Callable[[], Variables]


@dataclass(frozen=True, slots=True)
class Measure:
    """What the runs of a visit took. Costs are the highest of the runs in rows, times are milliseconds."""

    visit: Visit
    requested: int
    actual: int
    statements: int
    times: list[float]
    bytes: int


async def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the storefront's pages.")
    parser.add_argument("--books", type=int, default=1_000_000, help="number of books to generate")
    parser.add_argument("--runs", type=int, default=100, help="visits of each kind")
    parser.add_argument("--at", help="DSN of an existing catalog")
    options = parser.parse_args()
    if options.at:
        await report(options.at, options.runs)
        return
    with benchmark_server() as server_dsn:
        async with seeded_catalog(server_dsn, options.books) as dsn:
            await report(dsn, options.runs)


async def report(dsn: str, runs: int) -> None:
    visits = await draw_visits(dsn)
    table = Table("page", "cost", "used", "statements", "kB", "p50 ms", "p95 ms", "max ms")
    for measure in [await measure_visit(dsn, visit, runs) for visit in visits]:
        quantiles = statistics.quantiles(measure.times, n=20)
        table.add_row(
            measure.visit.title,
            f"{measure.requested:,}",
            f"{measure.actual:,}",
            str(measure.statements),
            f"{measure.bytes / 1000:.1f}",
            *(f"{each:.1f}" for each in (quantiles[9], quantiles[18], max(measure.times))),
        )
    Console(width=120).print(table)


async def draw_visits(dsn: str) -> list[Visit]:
    """Return the kinds of pages, with keys of the catalog in an order that is the same every time."""
    connection = await connect(dsn, application_name="benchmark")
    [row] = await connection.fetch(KEYS)
    connection.terminate()
    draw = random.Random(1)  # noqa: S311 - the same visits every time
    page = {"first": PAGE_SIZE}

    def category() -> Variables:
        return {"path": draw.choice(row["categories"]), "orderBy": {"field": "POPULARITY"}, **page}

    def search(filter_: Variables) -> Variables:
        return {
            "filter": {**filter_, "text": search_text(draw, row["titles"])},
            "orderBy": {"field": "RELEVANCE"},
            **page,
        }

    english = {"language": {"eq": "en"}, "price": {"currency": "EUR", "gte": "5", "lt": "20"}}
    return [
        Visit("home", "HomePage", dict),
        Visit("category", "CategoryPage", category),
        Visit("category, two filters", "CategoryPage", lambda: {**category(), "filter": english}),
        Visit("search", "SearchPage", lambda: search({})),
        Visit("search, two filters", "SearchPage", lambda: search(english)),
        Visit("all books", "SearchPage", lambda: {"filter": {}, "orderBy": {"field": "POPULARITY"}, **page}),
        Visit("book", "BookPage", lambda: {"slug": f"book-{draw.choice(row['books'])}"}),
        Visit("author", "AuthorPage", lambda: {"slug": draw.choice(row["authors"]), **page}),
        Visit("series", "SeriesPage", lambda: {"slug": draw.choice(row["series"]), **page}),
        Visit("suggestions", "Suggest", lambda: {"prefix": draw.choice(row["titles"])[: draw.randint(2, 8)]}),
    ]


def search_text(draw: random.Random, titles: list[str]) -> str:
    """Return one or two words of a title, every third time with a letter missing."""
    words = draw.choice(titles).split()[:2]
    if draw.random() < 1 / 3 and len(words[-1]) > 5:
        place = draw.randint(1, len(words[-1]) - 1)
        words[-1] = words[-1][:place] + words[-1][place + 1 :]
    return " ".join(words)


async def measure_visit(dsn: str, visit: Visit, runs: int) -> Measure:
    """Return what the runs of a visit took. Raise AssertionError if an answer has errors."""
    text = load_operations()[visit.operation]
    app = create_app(Settings(request_timeout=GUARD, command_timeout=GUARD, pool_timeout=GUARD), dsn)
    transport = httpx.ASGITransport(app)
    costs: list[dict[str, int]] = []
    times: list[float] = []
    sizes: list[int] = []
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://shop") as client,
    ):
        for variables in [visit.draw() for _ in range(runs + 1)]:
            request = {"query": text, "variables": variables, "extensions": {"cost": True}}
            start = time.perf_counter()
            response = await client.post("/graphql", json=request)
            times.append((time.perf_counter() - start) * 1_000)
            answer = response.json()
            assert "errors" not in answer, (visit.title, variables, answer["errors"])  # noqa: S101
            costs.append(answer["extensions"]["cost"])
            sizes.append(len(response.content))
    return Measure(
        visit,
        requested=max(cost["requested"] for cost in costs),
        actual=max(cost["actual"] for cost in costs),
        statements=await count_statements(dsn, text, visit.draw()),
        times=times[1:],
        bytes=round(statistics.mean(sizes)),
    )


async def count_statements(dsn: str, text: str, variables: Variables) -> int:
    document = DocumentCache(schema).get(text, None)
    return len((await analyze_operation(dsn, document, variables)).statements)


if __name__ == "__main__":
    asyncio.run(main())
