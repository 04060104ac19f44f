"""Show a catalog's search results: the first hits of texts, and a storefront page with its statements.

python -m benchmarks.search_examples --at DSN [--texts TEXT ...] [--page TEXT]
"""

import argparse
import asyncio
import time
from typing import Any

import asyncpg
from rich.console import Console
from rich.markup import escape

from db.connections.connect import connect
from db.view_counts import ViewCounter
from graphql_api.context import Context
from graphql_api.execution.documents import DocumentCache
from graphql_api.execution.executor import run_operation
from graphql_api.schema import schema

TEXTS = ("shakespear hamlt", "Zola", "ZOLA Émile", "0-439-02348-3", "o'brien & sons", "the")
PAGE = "love"

HITS = """
query ($text: String!) {
  books(first: 3, filter: { text: $text }) {
    totalCount totalCountIsCapped didYouMean
    edges { highlightedTitle matchedOn node { title authors { name } } }
  }
}
"""

STOREFRONT = """
query ($text: String!, $after: String) {
  books(
    first: 20, after: $after, orderBy: { field: TITLE }
    filter: { text: $text, language: { eq: "en" }, hasIsbn: false }
  ) {
    totalCount
    nodes { title authors { name } categories { name } }
    facets {
      categories(first: 8) { isCapped entries { category { name } count } }
      languages { isCapped entries { language count } }
    }
    pageInfo { endCursor hasNextPage }
  }
}
"""


class RecordingConnection:
    """A connection that records the names of the statements sent to it."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self._lock = asyncio.Lock()
        self.names: list[str] = []

    async def fetch(self, query: str, *args: object, record_class: Any = None) -> list[Any]:
        self.names.append(query.split(maxsplit=2)[1])
        async with self._lock:
            return await self.connection.fetch(query, *args, record_class=record_class)


async def main() -> None:
    parser = argparse.ArgumentParser(description="Show search results.")
    parser.add_argument("--at", required=True, metavar="DSN")
    parser.add_argument("--texts", nargs="*", default=TEXTS)
    parser.add_argument("--page", default=PAGE, metavar="TEXT", help="the text of the storefront's page")
    options = parser.parse_args()
    console = Console(width=110, highlight=False)
    connection = await connect(options.at, application_name="bookstore search examples")
    for text in options.texts:
        data, milliseconds, _ = await run_and_time(connection, HITS, text=text)
        console.print(format_hits(text, data["books"], milliseconds))
    first, _, _ = await run_and_time(connection, STOREFRONT, text=options.page)
    after = first["books"]["pageInfo"]["endCursor"]
    second, milliseconds, names = await run_and_time(connection, STOREFRONT, text=options.page, after=after)
    console.print(format_storefront(options.page, second["books"], milliseconds, names))
    await connection.close()


async def run_and_time(
    connection: asyncpg.Connection, operation: str, **variables: object
) -> tuple[dict[str, Any], float, list[str]]:
    """Return the data, the minimum milliseconds of five runs, and the names of one run's statements."""
    document = DocumentCache(schema).get(operation, None)
    durations: list[float] = []
    data: dict[str, Any] = {}
    names: list[str] = []
    for _ in range(5):
        reader = RecordingConnection(connection)
        started = time.perf_counter()
        outcome = await run_operation(document, variables, Context(ViewCounter(reader), reader))
        durations.append((time.perf_counter() - started) * 1000)
        assert outcome.result.data is not None, outcome.result.errors  # noqa: S101 - the examples have no errors
        data, names = outcome.result.data, reader.names
    return data, min(durations), names


def format_hits(text: str, books: dict[str, Any], milliseconds: float) -> str:
    more = "more than " if books["totalCountIsCapped"] else ""
    meant = f", meant {books['didYouMean']!r}" if books["didYouMean"] else ""
    lines = [escape(f"{text!r}: {more}{books['totalCount']:,} books{meant}, {milliseconds:.1f} ms")]
    for edge in books["edges"]:
        names = "; ".join(author["name"] for author in edge["node"]["authors"])
        lines.append(escape(f"    {edge['node']['title']} / {names} ({', '.join(edge['matchedOn'])})"))
    return "\n".join(lines)


def format_storefront(text: str, page: dict[str, Any], milliseconds: float, names: list[str]) -> str:
    facets = page["facets"]
    categories = ", ".join(
        f"{each['category']['name']} {each['count']:,}" for each in facets["categories"]["entries"]
    )
    languages = ", ".join(
        f"{each['language']} {each['count']:,}" for each in facets["languages"]["entries"][:8]
    )
    return escape(
        f"page 2 of {text!r}: {len(page['nodes'])} of {page['totalCount']:,} books, {milliseconds:.1f} ms\n"
        f"    categories: {categories}\n    languages: {languages}\n    {len(names)} statements: "
        + ", ".join(names)
    )


if __name__ == "__main__":
    asyncio.run(main())
