"""The eight workloads: an operation in each dialect, and variables drawn from the catalog with a fixed seed.

Popular entries get more requests, so the draws are skewed:

- a category in proportion to the number of books in its subtree
- an author with at least 20 books in proportion to the number of their books
- a book by the square of a uniform draw from 20,000 shuffled ISBNs: the first tenth gets a third of the requests
- a tree uniformly from the roots

The last two write, with an editor's key. Every request changes the offers of other books; see offers.py.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import orjson

from benchmarks.serving.offers import draw_offers, write_text, write_variables

OPERATIONS_FOLDER = Path(__file__).with_name("operations")
OURS = "ours"
SEED = 20260801
SAMPLED_ISBNS = 20_000
REQUESTS = 2_000
"""Number of different requests of each workload. They are repeated from the start when they run out."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One operation, and the variable it takes. `offers` is the number of books that a request changes."""

    key: str
    title: str
    operation: str
    variable: str
    offers: int = 0

    @property
    def writes(self) -> bool:
        return self.offers > 0

    def text(self, dialect: str) -> str:
        """Return the operation in a dialect: `ours`, `plain` (keys are plain arguments) or `postgraphile`."""
        if self.writes:
            return write_text(dialect, self.offers, OPERATIONS_FOLDER)
        if dialect == "postgraphile":
            return (OPERATIONS_FOLDER / dialect / f"{self.key}.graphql").read_text()
        text = (OPERATIONS_FOLDER / f"{self.key}.graphql").read_text()
        if dialect == OURS:
            return text
        return re.sub(r"by: \{(\w+: \$\w+)\}", r"\1", text).replace("ISBN!", "String!")

    def bodies(self, dialect: str, values: Sequence[Any]) -> list[bytes]:
        """Return the body of a request for each value of the variable."""
        request = {"query": self.text(dialect), "operationName": self.operation}
        return [orjson.dumps({**request, "variables": self._variables(dialect, value)}) for value in values]

    def _variables(self, dialect: str, value: Any) -> dict[str, Any]:
        return write_variables(dialect, value) if self.writes else {self.variable: value}


WORKLOADS = (
    Workload("category_page", "Category page: 20 books, authors, categories", "CategoryPage", "path"),
    Workload("author_page", "Author page: 20 books, categories", "AuthorPage", "slug"),
    Workload("one_book", "One book by ISBN", "OneBook", "isbn"),
    Workload("wide_list", "100 books, all columns", "WideList", "path"),
    Workload("category_tree", "Category tree, three levels", "CategoryTree", "path"),
    Workload("storefront", "Storefront page", "Storefront", "path"),
    Workload("update_offer", "Update the offer of a book", "UpdateOffers", "offers", 1),
    Workload("update_100_offers", "Update 100 offers in one request", "UpdateOffers", "offers", 100),
)

CATEGORIES = """
/* categories */
SELECT path, book_count FROM category WHERE book_count > 0 ORDER BY path
"""

ROOTS = """
/* roots */
SELECT path, 1 FROM category WHERE parent_id IS NULL ORDER BY path
"""

# A small catalog has few authors with 20 books: there, the authors with the most books are used.
AUTHORS = """
/* authors */
SELECT slug, book_count FROM author
WHERE book_count >= least(20, (SELECT book_count FROM author ORDER BY book_count DESC OFFSET 50 LIMIT 1))
ORDER BY slug
"""

ISBNS = """
/* isbns */
SELECT isbn, 1 FROM book
WHERE isbn IS NOT NULL AND id % greatest(1, (SELECT count(*) FROM book) / $1::bigint) = 0
ORDER BY isbn
"""


async def workload_values(dsn: str, count: int = REQUESTS) -> dict[str, Sequence[Any]]:
    """Return each workload's variables: `count` values per reading workload, the same for the same catalog."""
    connection = await asyncpg.connect(dsn)
    try:
        categories = await connection.fetch(CATEGORIES)
        populous = [row for row in categories if row[1] >= 100]
        drawn_from: dict[str, Sequence[asyncpg.Record]] = {
            "category_page": categories,
            "author_page": await connection.fetch(AUTHORS),
            "one_book": [],
            "wide_list": populous or categories,
            "category_tree": await connection.fetch(ROOTS),
            "storefront": categories,
        }
        isbns: list[str] = [row[0] for row in await connection.fetch(ISBNS, SAMPLED_ISBNS)]
    finally:
        await connection.close()
    random = Random(SEED)  # noqa: S311 - nothing is secret
    values: dict[str, Sequence[Any]] = {
        key: draw_weighted(random, rows, count) for key, rows in drawn_from.items() if rows
    }
    random.shuffle(isbns)
    values["one_book"] = [isbns[int(random.random() ** 2 * len(isbns))] for _ in range(count)]
    writes = [work for work in WORKLOADS if work.writes]
    offers = await draw_offers(dsn, [work.offers for work in writes], SEED)
    return values | {work.key: requests for work, requests in zip(writes, offers, strict=True)}


def draw_weighted(random: Random, rows: Sequence[asyncpg.Record], count: int) -> Sequence[str]:
    names: list[str] = [row[0] for row in rows]
    return random.choices(names, cum_weights=list(accumulate(row[1] for row in rows)), k=count)
