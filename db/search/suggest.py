"""Suggestions for a typed prefix: books, authors and categories, the most popular first."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from db.authors import COLUMNS as AUTHOR_COLUMNS
from db.authors import Author
from db.books import COLUMNS as BOOK_COLUMNS
from db.books import Book
from db.categories import COLUMNS as CATEGORY_COLUMNS
from db.categories import Category
from db.constraints import MAX_SORT_KEY_LENGTH
from db.database import Database
from db.records import CatalogRecord
from db.search.light_words import ARTICLES
from db.search.popularity_tiers import TIERS
from db.search.prefixes import Prefix, correct_prefix, read_prefix
from db.search.tsquery import tsquery
from db.search.typed_words import find_isbns
from db.search.vocabulary_cache import VocabularyCache
from db.statements import ReadStatement
from db.work_titles import title_words_sql

T = TypeVar("T")
R = TypeVar("R", bound=CatalogRecord)

MAX_PREFIX_LENGTH = MAX_SORT_KEY_LENGTH
"""Maximum length of a prefix in characters; a longer one is cut. Sort keys are no longer than that."""

_MIN_LITERAL = 3
"""With fewer suggestions than this, those for a corrected prefix follow."""

_MIN_TRUSTED_LENGTH = 5
"""A text with fewer letters is corrected only if nothing begins so, because too many words are near."""

_EDITIONS_PER_WORK = 3
"""Number of books read per suggested work: only the most popular of its editions is returned."""

_ENOUGH_CANDIDATES = 3
_ENOUGH_SAMPLED = 1
"""Number of rows with the words per suggestion after which no less popular tier is read.

The second number is that for tiers that are sampled, because the last word is not looked up.
"""

_MAX_CANDIDATES = 100
"""Maximum number of rows with the words that are compared in one tier."""

_MAX_READ = 200
"""Maximum number of rows of a tier that are read to find them; a short last word is not looked up."""

_POPULAR_SCAN = 500
"""Number of the most popular rows that are scanned first for a text of one or two letters."""

_MIN_UNSCANNED_LENGTH = 3
"""Fewer letters begin words of very many rows: if enough popular ones match, no others are read."""

_ENOUGH_POPULAR = 3
"""With this many popular matches per suggestion no others are read."""

_START_POINTS = 1.0
_COMPLETE_POINTS = 0.7
"""Points for a title that starts with the prefix, and for one with its last word as typed."""

_NAME_START_POINTS = 0.3
"""Points for a person whose first name or surname starts with the prefix."""

_ARTICLE_PATTERN = rf"(?:(?:{'|'.join(sorted(ARTICLES, key=len, reverse=True))})[^[:alnum:]]+)?"

_LETTERS = 'COLLATE "default"'
"""The collation that knows the letters of all scripts. That of the sort keys knows only those of ASCII."""


# A subquery hides the values from the planner, which otherwise expects to gain from a new plan for each text.
_PARAMETERS = """
parameter AS MATERIALIZED (
    SELECT $1::text[] AS queries, $2::tsquery AS title, $3::text[] AS patterns, $4::text AS pattern,
           $5::integer AS size, $6::integer AS popular_rows, $7::integer[] AS enough
)"""
_SIZE = "(SELECT size FROM parameter)"
_PATTERN = "(SELECT pattern FROM parameter)"


def _has_words(key: str) -> str:
    return f"{key} {_LETTERS} ~ ALL ((SELECT patterns FROM parameter)::text[])"


def _found_sql(rows: str, key: str, order: str, indexed: str, condition: str) -> str:
    """Return common table expressions, of which the last one, `found`, has the ids of the rows to compare.

    `rows` is the table with the condition of the rows that may be suggested; the popular ones are scanned.
    `indexed` is the SELECT by the table's index of words, without its tsquery; `condition` checks its rows.
    """
    scan = f"SELECT id, {key} FROM {rows} ORDER BY {order} LIMIT (SELECT popular_rows FROM parameter)"
    enough = f"{_ENOUGH_POPULAR} * {_SIZE}"
    tables = [
        f"popular AS MATERIALIZED (SELECT id FROM ({scan}) AS p WHERE {_has_words(key)} LIMIT {enough})"
    ]
    is_missing = f"(SELECT count(*) FROM popular) < {enough}"
    counts: list[str] = []
    for tier in TIERS:
        query, candidates = (
            f"(SELECT {values}[{tier + 1}]{cast} FROM parameter)"
            for values, cast in (("queries", "::tsquery"), ("enough", ""))
        )
        read = (
            f"{indexed} @@ {query} AND {' + '.join(counts) or 0} < {candidates} AND {is_missing}"
            f" LIMIT {_MAX_READ}"
        )
        tables.append(
            f"tier_{tier} AS MATERIALIZED"
            f" (SELECT id FROM ({read}) AS r WHERE {condition} LIMIT {_MAX_CANDIDATES})"
        )
        counts.append(f"(SELECT count(*) FROM tier_{tier})")
    union = " UNION ALL ".join(f"SELECT id FROM tier_{tier}" for tier in TIERS)
    return ",\n".join([_PARAMETERS, *tables, f"found AS (SELECT id FROM popular UNION ({union}))"])


_FOUND_BOOKS = _found_sql(
    "book WHERE is_published",
    "title_key",
    "rating_count DESC, id DESC",
    "SELECT book_id AS id, document FROM book_search WHERE tiered_names(document)",
    "r.document @@ (SELECT title FROM parameter)",
)
_FOUND_AUTHORS = _found_sql(
    "author",
    "sort_key",
    "rating_count DESC, book_count DESC, id DESC",
    "SELECT id, sort_key FROM author WHERE tiered_words(name_words(name), tier_digit(rating_count))",
    _has_words("r.sort_key"),
)


def _contenders_sql(rows: str, base: str, columns: str, number: str, max_points: float) -> str:
    """Return common table expressions, of which the last one, `contender`, has ids, base points and columns.

    `max_points` are the most that a row may have in addition. A row that `number` others exceed by more than
    that is none of the best: its points, which cost more than the base, are not counted.
    """
    return f"""
rated AS MATERIALIZED (SELECT t.id, {base} AS base, {columns} FROM found AS f JOIN {rows} AS t USING (id)),
contender AS (
    SELECT r.* FROM rated AS r WHERE r.base >= coalesce(
        (SELECT base - {max_points} FROM rated ORDER BY base DESC OFFSET {number} - 1 LIMIT 1), 0
    )
)"""


_CONTENDING_BOOKS = _contenders_sql(
    "book",
    "ln(1 + t.rating_count::double precision)",
    "t.title_key",
    f"{_EDITIONS_PER_WORK} * {_SIZE}",
    _START_POINTS + _COMPLETE_POINTS,
)
_CONTENDING_AUTHORS = _contenders_sql(
    "author",
    "ln(1 + t.rating_count::double precision) + ln(1 + t.book_count::double precision)",
    "t.sort_key, t.name",
    _SIZE,
    _NAME_START_POINTS,
)

_SUGGESTED_BOOKS = ReadStatement(
    "suggested_books",
    rf"""
WITH {_FOUND_BOOKS},
{_CONTENDING_BOOKS},
scored AS (
    SELECT c.id, c.base
        + CASE WHEN c.title_key {_LETTERS} ~ ('^[^[:alnum:]]*{_ARTICLE_PATTERN}' || {_PATTERN})
               THEN {_START_POINTS} ELSE 0 END
        + CASE WHEN c.title_key {_LETTERS} ~ ({_PATTERN} || '\M') THEN {_COMPLETE_POINTS} ELSE 0 END AS score
    FROM contender AS c
    ORDER BY score DESC, c.id DESC LIMIT {_EDITIONS_PER_WORK} * {_SIZE}
)
SELECT {BOOK_COLUMNS.sql}, {title_words_sql("t.title_key")} AS work, (
    SELECT split_part(a.sort_key, ',', 1) FROM book_author AS ba JOIN author AS a ON a.id = ba.author_id
    WHERE ba.book_id = t.id ORDER BY ba.position LIMIT 1
) AS author_name
FROM scored AS s JOIN book AS t ON t.id = s.id
ORDER BY s.score DESC, t.id DESC
""",
)

_BOOKS_BY_ISBNS = ReadStatement(
    "suggested_books_by_isbns",
    f"""
SELECT {BOOK_COLUMNS.sql} FROM book AS t
WHERE t.isbn = ANY ($1::text[]) AND t.is_published ORDER BY t.id LIMIT $2::integer
""",
)

_SUGGESTED_AUTHORS = ReadStatement(
    "suggested_authors",
    rf"""
WITH {_FOUND_AUTHORS},
{_CONTENDING_AUTHORS},
scored AS (
    SELECT c.id, c.base
        + CASE WHEN c.sort_key {_LETTERS} ~ ('^' || {_PATTERN}) OR fold(c.name) ~ ('^' || {_PATTERN})
                    OR fold(c.name) ~ ({_PATTERN} || '\S*$')
               THEN {_NAME_START_POINTS} ELSE 0 END AS score
    FROM contender AS c
    ORDER BY score DESC, c.id DESC LIMIT {_SIZE}
)
SELECT {AUTHOR_COLUMNS.sql}
FROM scored AS s JOIN author AS t ON t.id = s.id
ORDER BY s.score DESC, t.id DESC
""",
)

_SUGGESTED_CATEGORIES = ReadStatement(
    "suggested_categories",
    f"""
WITH typed AS MATERIALIZED (SELECT fold($1::text) AS start)
SELECT {CATEGORY_COLUMNS.sql}
FROM category AS t
WHERE t.sort_key >= (SELECT start FROM typed) AND t.sort_key < (SELECT start || chr(1114111) FROM typed)
ORDER BY t.book_count DESC, t.id DESC
LIMIT (SELECT $2::integer)
""",
)


def batch_reader(
    read: Callable[..., Awaitable[list[T]]],
) -> Callable[..., Coroutine[Any, Any, list[list[T]]]]:
    """Return a batch function that reads suggestions by (prefix, size); an empty prefix has none."""

    async def read_batch(
        database: Database, keys: Sequence[tuple[str, int]], cache: VocabularyCache
    ) -> list[list[T]]:
        return [await read(database, prefix, size, cache) if prefix and size else [] for prefix, size in keys]

    return read_batch


async def suggested_books(database: Database, text: str, size: int, cache: VocabularyCache) -> list[Book]:
    """Return the books with the ISBN, or those whose titles have words that begin so: one per work.

    A work is a title, without its signs and articles, and its first author's name.
    """
    isbns, _ = find_isbns(text)
    if isbns:
        return await database.fetch(_BOOKS_BY_ISBNS, isbns, size, record_class=Book)

    async def read(prefix: Prefix) -> list[Book]:
        return await database.fetch(_SUGGESTED_BOOKS, *_parameters(prefix, size), record_class=Book)

    books = await _literal_then_corrected(database, text, cache, read)
    by_work: dict[tuple[str, str | None], Book] = {}
    for book in books:
        by_work.setdefault((book["work"], book["author_name"]), book)
    return list(by_work.values())[:size]


async def suggested_authors(database: Database, text: str, size: int, cache: VocabularyCache) -> list[Author]:
    """Return the authors whose names have words that begin so, the most popular first."""

    async def read(prefix: Prefix) -> list[Author]:
        return await database.fetch(_SUGGESTED_AUTHORS, *_parameters(prefix, size), record_class=Author)

    return (await _literal_then_corrected(database, text, cache, read))[:size]


def _parameters(prefix: Prefix, size: int) -> tuple[object, ...]:
    """Return the parameters that books and authors have in common."""
    return (
        [tsquery(prefix.indexed_expression(tier)) for tier in reversed(TIERS)],
        tsquery(prefix.expression, "A"),
        prefix.word_patterns,
        prefix.text_pattern,
        size,
        _POPULAR_SCAN if prefix.length < _MIN_UNSCANNED_LENGTH else 0,
        [
            size * (_ENOUGH_CANDIDATES if prefix.is_looked_up(tier) else _ENOUGH_SAMPLED)
            for tier in reversed(TIERS)
        ],
    )


async def _literal_then_corrected(
    database: Database,
    text: str,
    cache: VocabularyCache,
    read: Callable[[Prefix], Awaitable[list[R]]],
) -> list[R]:
    """Return the rows for the prefix as typed; if there are few, those for its corrections follow."""
    literal = read_prefix(text)
    if literal is None:
        return []
    found = await read(literal)
    if len(found) >= _MIN_LITERAL or (found and literal.length < _MIN_TRUSTED_LENGTH):
        return found
    corrected = await correct_prefix(database, text, cache)
    others = await read(corrected) if corrected and corrected != literal else []
    return list({row["id"]: row for row in (*found, *others)}.values())


async def suggested_categories(
    database: Database, prefix: str, size: int, cache: VocabularyCache
) -> list[Category]:
    """Return the categories whose name starts with the prefix, most books first."""
    return await database.fetch(_SUGGESTED_CATEGORIES, prefix, size, record_class=Category)
