"""Show what a catalog's search answers: texts with their first hits, and a storefront's page with its statements.

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
from db.views import ViewLog
from graphql_api.context import Context
from graphql_api.execution.documents import Documents
from graphql_api.execution.run import run
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


class Reader:
    """One connection that takes down the names of the statements sent to it."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self.turn = asyncio.Lock()
        self.names: list[str] = []

    async def fetch(self, query: str, *args: object, record_class: Any = None) -> list[Any]:
        self.names.append(query.split(maxsplit=2)[1])
        async with self.turn:
            return await self.connection.fetch(query, *args, record_class=record_class)


async def main() -> None:
    parser = argparse.ArgumentParser(description="Show what the search answers.")
    parser.add_argument("--at", required=True, metavar="DSN")
    parser.add_argument("--texts", nargs="*", default=TEXTS)
    parser.add_argument("--page", default=PAGE, metavar="TEXT", help="the text of the storefront's page")
    options = parser.parse_args()
    console = Console(width=110, highlight=False)
    connection = await connect(options.at, application_name="bookstore search examples")
    for text in options.texts:
        data, milliseconds, _ = await answered(connection, HITS, text=text)
        console.print(hits(text, data["books"], milliseconds))
    first, _, _ = await answered(connection, STOREFRONT, text=options.page)
    after = first["books"]["pageInfo"]["endCursor"]
    second, milliseconds, names = await answered(connection, STOREFRONT, text=options.page, after=after)
    console.print(storefront(options.page, second["books"], milliseconds, names))
    await connection.close()


async def answered(
    connection: asyncpg.Connection, operation: str, **variables: object
) -> tuple[dict[str, Any], float, list[str]]:
    """The data, the least milliseconds of five runs, and the names of the statements that one took."""
    document = Documents(schema).find(operation, None)
    taken: list[float] = []
    data: dict[str, Any] = {}
    names: list[str] = []
    for _ in range(5):
        reader = Reader(connection)
        started = time.perf_counter()
        outcome = await run(document, variables, Context(ViewLog(reader), reader))
        taken.append((time.perf_counter() - started) * 1000)
        assert outcome.result.data is not None, outcome.result.errors  # noqa: S101 - nothing else is to be shown
        data, names = outcome.result.data, reader.names
    return data, min(taken), names


def hits(text: str, found: dict[str, Any], milliseconds: float) -> str:
    more = "more than " if found["totalCountIsCapped"] else ""
    meant = f", meant {found['didYouMean']!r}" if found["didYouMean"] else ""
    lines = [escape(f"{text!r}: {more}{found['totalCount']:,} books{meant}, {milliseconds:.1f} ms")]
    for edge in found["edges"]:
        names = "; ".join(author["name"] for author in edge["node"]["authors"])
        lines.append(escape(f"    {edge['node']['title']} / {names} ({', '.join(edge['matchedOn'])})"))
    return "\n".join(lines)


def storefront(text: str, page: dict[str, Any], milliseconds: float, names: list[str]) -> str:
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
