"""A sample of the catalog: the parameters of the cases whose plans are checked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from db import authors, books, categories
from db.database import Database
from db.keyset import Position, Scope, SortKey
from db.statements import ReadStatement

_SAMPLE = ReadStatement(
    "explain_sample",
    """
SELECT (SELECT id FROM category ORDER BY book_count DESC, id LIMIT 1) AS largest_category,
       ARRAY(SELECT id FROM category ORDER BY book_count DESC, id LIMIT 20) AS large_categories,
       ARRAY(SELECT path FROM category ORDER BY book_count DESC, id LIMIT 20) AS paths,
       ARRAY(SELECT id FROM author ORDER BY book_count DESC, id LIMIT 20) AS prolific_authors,
       ARRAY(SELECT slug FROM author ORDER BY book_count DESC, id LIMIT 20) AS slugs,
       ARRAY(SELECT id FROM book WHERE is_published ORDER BY rating_count DESC, id LIMIT 20) AS popular_books,
       ARRAY(SELECT publisher FROM book WHERE is_published AND publisher IS NOT NULL
             GROUP BY publisher ORDER BY count(*), publisher) AS publishers,
       ARRAY(SELECT (source, source_id) FROM book WHERE is_published ORDER BY rating_count DESC, id LIMIT 20)
           AS source_keys,
       (SELECT updated_at FROM (
            SELECT updated_at, id FROM book WHERE is_published ORDER BY updated_at DESC, id DESC LIMIT 1000
        ) AS latest ORDER BY updated_at, id LIMIT 1) AS updated_at,
       (SELECT added_at FROM book_addition ORDER BY first_id DESC LIMIT 1) AS added_at,
       ARRAY(SELECT series_id FROM book WHERE is_published AND series_id IS NOT NULL
             GROUP BY series_id ORDER BY count(*) DESC, series_id LIMIT 20) AS series,
       ARRAY(SELECT slug FROM series ORDER BY slug LIMIT 20) AS series_slugs,
       ARRAY(SELECT isbn FROM book WHERE is_published AND isbn IS NOT NULL ORDER BY isbn LIMIT 20) AS isbns
""",
)

_SAMPLE_WORDS = ReadStatement(
    "explain_sample_words",
    """
SELECT word, ndoc / 20000.0 AS share
FROM ts_stat('SELECT document FROM book_search ORDER BY book_id LIMIT 20000')
WHERE length(word) > 3
ORDER BY ndoc DESC, word
""",
)


@dataclass(frozen=True, slots=True)
class Sample:
    """Parameters from the catalog. The keys of `middle_positions` are the names of a scope and a sort key.

    Since `added_at` books were added last, since `updated_at` the last 1,000 were changed.
    """

    category: int
    categories: Sequence[int]
    paths: Sequence[str]
    authors: Sequence[int]
    slugs: Sequence[str]
    books: Sequence[int]
    isbns: Sequence[str]
    source_keys: Sequence[tuple[str, str]]
    publishers: Sequence[str]
    series: Sequence[int]
    series_slugs: Sequence[str]
    frequent_word: str
    medium_word: str
    rare_word: str
    middle_positions: dict[tuple[str, str], Position]
    added_at: datetime
    updated_at: datetime

    def mistyped_texts(self) -> Iterator[str]:
        """Yield texts with a letter too many or exchanged, a joined, a split and an unknown word."""
        frequent, rare = self.frequent_word, self.rare_word
        yield f"{rare}x"
        yield f"{frequent} {rare[1]}{rare[0]}{rare[2:]}"
        yield frequent + rare
        yield f"{rare[:2]} {rare[2:]}"
        yield f"{frequent} {rare} qwertyuiop"


async def load_sample(database: Database) -> Sample | None:
    """Return parameters from the catalog, or None if it has no books, authors or categories."""
    [row] = await database.fetch(_SAMPLE)
    words = await database.fetch(_SAMPLE_WORDS)
    if not (words and row["largest_category"] and row["prolific_authors"]):
        return None
    category, author = row["largest_category"], row["prolific_authors"][0]
    middle_positions: dict[tuple[str, str], Position] = {}
    lists: Sequence[tuple[Scope, int, Sequence[SortKey]]] = (
        (books.ALL_BOOKS, 0, books.SORT_KEYS),
        (books.BY_CATEGORY, category, books.SORT_KEYS),
        (books.BY_AUTHOR, author, books.SORT_KEYS),
        (authors.ALL_AUTHORS, 0, authors.SORT_KEYS),
        (categories.ALL_CATEGORIES, 0, categories.SORT_KEYS),
        (categories.ROOTS, 0, categories.SORT_KEYS),
    )
    for scope, parent, keys in lists:
        for key in keys:
            middle_positions[scope.name, key.name] = await middle_position(database, scope, key, parent)
    middle_positions[books.ALL_BOOKS.name, books.UPDATED.name] = await middle_position(
        database, books.ALL_BOOKS, books.UPDATED, 0
    )
    return Sample(
        category=category,
        categories=row["large_categories"],
        paths=row["paths"],
        authors=row["prolific_authors"],
        slugs=row["slugs"],
        books=row["popular_books"],
        isbns=row["isbns"],
        source_keys=[tuple(key) for key in row["source_keys"]],
        publishers=row["publishers"],
        series=row["series"],
        series_slugs=row["series_slugs"],
        frequent_word=words[0]["word"],
        medium_word=next((word for word, share in words if share < 0.05), words[-1]["word"]),
        rare_word=words[-1]["word"],
        middle_positions=middle_positions,
        added_at=row["added_at"],
        updated_at=row["updated_at"],
    )


async def middle_position(database: Database, scope: Scope, key: SortKey, parent: int) -> Position:
    """Return the position of the row in the middle of a list."""
    column = f"l.{key.column}" if key.column else "NULL"
    statement = ReadStatement(
        "explain_middle",
        f"""
        WITH l AS (SELECT {column} AS key, l.{scope.id_column} AS id
                   FROM {scope.table} AS l, (SELECT $1::bigint AS id) AS parent WHERE {scope.conditions[0]})
        SELECT key, id FROM l ORDER BY key, id OFFSET (SELECT count(*) / 2 FROM l) LIMIT 1
        """,
    )
    rows = await database.fetch(statement, parent)
    return (
        Position(rows[0][0], rows[0][1]) if rows else Position(None if key.nullable else key.domain.lowest, 1)
    )
