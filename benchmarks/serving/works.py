"""The six works: an operation for each dialect, and variables drawn from the catalog by a fixed seed.

What is popular in a shop is asked for more often, so the draws are skewed: a category in proportion to the
books in its subtree, an author (of twenty books or more) to the number of their books, a book by the square
of an even draw from 20,000 shuffled ISBNs, so that the first tenth of them gets a third of the requests.
Trees are asked for evenly, for each root.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from random import Random

import asyncpg
import orjson

OPERATIONS = Path(__file__).with_name("operations")
OURS = "ours"
SEED = 20260801
SHELF = 20_000
REQUESTS = 2_000
"""So many different requests of each work are made; they are put again from the start when they run out."""


@dataclass(frozen=True, slots=True)
class Work:
    """One operation, and the variable it takes."""

    key: str
    title: str
    operation: str
    variable: str

    def text(self, dialect: str) -> str:
        """The operation in a dialect: `ours`, `plain` (with keys as plain arguments) or `postgraphile`."""
        if dialect == "postgraphile":
            return (OPERATIONS / dialect / f"{self.key}.graphql").read_text()
        text = (OPERATIONS / f"{self.key}.graphql").read_text()
        if dialect == OURS:
            return text
        return re.sub(r"by: \{(\w+: \$\w+)\}", r"\1", text).replace("ISBN!", "String!")

    def body(self, dialect: str, value: str) -> bytes:
        """The body of a request for one value of the variable."""
        return orjson.dumps(
            {
                "query": self.text(dialect),
                "operationName": self.operation,
                "variables": {self.variable: value},
            }
        )


WORKS = (
    Work("category_page", "Category page: 20 books, authors, categories", "CategoryPage", "path"),
    Work("author_page", "Author page: 20 books, categories", "AuthorPage", "slug"),
    Work("one_book", "One book by ISBN", "OneBook", "isbn"),
    Work("wide_list", "100 books, all columns", "WideList", "path"),
    Work("category_tree", "Category tree, three levels", "CategoryTree", "path"),
    Work("storefront", "Storefront page", "Storefront", "path"),
)

CATEGORIES = """
/* categories */
SELECT path, book_count FROM category WHERE book_count > 0 ORDER BY path
"""

ROOTS = """
/* roots */
SELECT path, 1 FROM category WHERE parent_id IS NULL ORDER BY path
"""

# A small catalog has hardly an author of so many books: there, those with the most.
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


async def values_of_works(dsn: str, count: int = REQUESTS) -> dict[str, Sequence[str]]:
    """So many values of each work's variable; the same ones for the same catalog."""
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
        isbns: list[str] = [row[0] for row in await connection.fetch(ISBNS, SHELF)]
    finally:
        await connection.close()
    random = Random(SEED)  # noqa: S311 - nothing is to be kept secret
    values = {key: weighted(random, rows, count) for key, rows in drawn_from.items() if rows}
    random.shuffle(isbns)
    values["one_book"] = [isbns[int(random.random() ** 2 * len(isbns))] for _ in range(count)]
    return values


def weighted(random: Random, rows: Sequence[asyncpg.Record], count: int) -> Sequence[str]:
    names: list[str] = [row[0] for row in rows]
    return random.choices(names, cum_weights=list(accumulate(row[1] for row in rows)), k=count)
