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
from db.search.popularity_tiers import TIER_LEXEMES, union_until_limit
from db.search.prefixes import Prefix, correct_prefix, read_prefix
from db.search.tsquery import quote_lexeme, tsquery
from db.search.typed_words import find_isbns
from db.statements import ReadStatement

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

_POPULAR_SCAN = 1_000
"""Number of the most popular rows that are scanned first. A frequent prefix has enough matches among them."""

_ENOUGH_POPULAR = 3
"""With this many popular matches per suggestion no others are read."""

_READ_DOCUMENTS = 1_000
"""Maximum number of documents that are read to find matches, the most popular tiers first."""

_INDEXED_WORDS = 50
"""Maximum number of words that begin as typed which are looked up in the index, the most popular ones."""

_NAMED_AUTHORS = 500
"""Maximum number of authors whose name or sort name starts with the prefix that are read."""

_START_POINTS = 1.0
_COMPLETE_POINTS = 0.7
"""Points for a name that starts with the prefix, and for one with its last word as typed."""


_QUOTED_WORD = r"""'''' || replace(replace(w.word, '\', '\\'), '''', '''''') || ''''"""


def _index_query_sql(words: int, beginnings: int) -> str:
    """Return the SQL of a tsquery: the words, and any known word with one of the beginnings, as parameters.

    A tsquery of prefixes would collect the books of all words of the catalog that begin so, for each tier.
    """
    return f"""
    SELECT CASE WHEN cardinality(${beginnings}::text[]) = 0 THEN ${words}::tsquery
                ELSE ${words}::tsquery && string_agg({_QUOTED_WORD}, ' | ')::tsquery END AS query
    FROM (
        SELECT s.word FROM unnest(${beginnings}::text[]) AS b (beginning)
        JOIN search_word AS s ON s.word >= b.beginning AND s.word < b.beginning || chr(1114111)
        WHERE s.books > 0
        ORDER BY s.books + 30 * s.popular_books DESC, s.word LIMIT {_INDEXED_WORDS}
    ) AS w"""


def _indexed_matches_sql(weighted_query: str) -> str:
    """Return the SQL for the ids of books that match the table `index_query`, the most popular tiers first.

    At most _READ_DOCUMENTS are read; the ones that do not match the query with weights are dropped.
    """
    parts = [
        "SELECT book_id AS id, document FROM book_search"
        f" WHERE document @@ (SELECT query && $${quote_lexeme(lexeme)}$$::tsquery FROM index_query)"
        f" LIMIT {_READ_DOCUMENTS}"
        for lexeme in reversed(TIER_LEXEMES)
    ]
    read = union_until_limit(parts, _READ_DOCUMENTS)
    return f"SELECT r.id FROM ({read}) AS r WHERE r.document @@ {weighted_query}"


_ARTICLE_PATTERN = rf"(?:(?:{'|'.join(sorted(ARTICLES, key=len, reverse=True))})[^[:alnum:]]+)?"

_LETTERS = 'COLLATE "default"'
"""The collation that knows the letters of all scripts. That of the sort keys knows only those of ASCII."""

_SUGGESTED_BOOKS = ReadStatement(
    "suggested_books",
    rf"""
WITH popular AS MATERIALIZED (
    SELECT id FROM (
        SELECT id, title_key FROM book ORDER BY rating_count DESC, id DESC LIMIT {_POPULAR_SCAN}
    ) AS b
    WHERE b.title_key {_LETTERS} ~ $1::text LIMIT {_ENOUGH_POPULAR} * $3::integer
),
is_enough AS MATERIALIZED (SELECT count(*) = {_ENOUGH_POPULAR} * $3::integer AS enough FROM popular),
index_query AS MATERIALIZED ({_index_query_sql(5, 6)}),
indexed AS MATERIALIZED (
    SELECT i.id FROM ({_indexed_matches_sql("$2::tsquery")}) AS i
    WHERE NOT (SELECT enough FROM is_enough)
),
scored AS (
    SELECT b.id, ln(1 + b.rating_count::double precision)
        + CASE WHEN b.title_key {_LETTERS} ~ ('^[^[:alnum:]]*{_ARTICLE_PATTERN}' || $1::text)
               THEN {_START_POINTS} ELSE 0 END
        + CASE WHEN b.title_key {_LETTERS} ~ ($1::text || '\M') THEN {_COMPLETE_POINTS} ELSE 0 END AS score
    FROM (SELECT id FROM popular UNION SELECT id FROM indexed) AS f JOIN book AS b USING (id)
    WHERE b.title_key {_LETTERS} ~ ALL ($4::text[])
)
SELECT {BOOK_COLUMNS.sql}, regexp_replace(t.title_key {_LETTERS}, '[^[:alnum:]]+', ' ', 'g') AS work, (
    SELECT split_part(a.sort_key, ',', 1) FROM book_author AS ba JOIN author AS a ON a.id = ba.author_id
    WHERE ba.book_id = t.id ORDER BY ba.position LIMIT 1
) AS author_name
FROM (SELECT id, score FROM scored ORDER BY score DESC, id DESC LIMIT {_EDITIONS_PER_WORK} * $3::integer) AS s
JOIN book AS t ON t.id = s.id
ORDER BY s.score DESC, t.id DESC
""",
)

_BOOKS_BY_ISBNS = ReadStatement(
    "suggested_books_by_isbns",
    f"""
SELECT {BOOK_COLUMNS.sql} FROM book AS t WHERE t.isbn = ANY ($1::text[]) ORDER BY t.id LIMIT $2::integer
""",
)

_SUGGESTED_AUTHORS = ReadStatement(
    "suggested_authors",
    rf"""
WITH popular AS MATERIALIZED (
    SELECT id FROM (
        SELECT id, sort_key FROM author
        ORDER BY rating_count DESC, book_count DESC, id DESC LIMIT {_POPULAR_SCAN}
    ) AS a
    WHERE a.sort_key {_LETTERS} ~ ALL ($1::text[]) LIMIT {_ENOUGH_POPULAR} * $3::integer
),
is_enough AS MATERIALIZED (SELECT count(*) = {_ENOUGH_POPULAR} * $3::integer AS enough FROM popular),
index_query AS MATERIALIZED ({_index_query_sql(7, 8)}),
indexed AS MATERIALIZED (
    SELECT l.author_id AS id FROM ({_indexed_matches_sql("$2::tsquery")}) AS i
    JOIN author_listing AS l ON l.book_id = i.id
    WHERE NOT (SELECT enough FROM is_enough)
),
named AS MATERIALIZED (
    (SELECT id FROM author WHERE sort_key >= $4::text AND sort_key < $4::text || chr(1114111)
        AND NOT (SELECT enough FROM is_enough) LIMIT {_NAMED_AUTHORS})
    UNION ALL
    (SELECT id FROM author WHERE slug >= $5::text AND slug < $5::text || chr(1114111)
        AND NOT (SELECT enough FROM is_enough) LIMIT {_NAMED_AUTHORS})
)
SELECT {AUTHOR_COLUMNS.sql}
FROM (SELECT id FROM popular UNION SELECT id FROM indexed UNION SELECT id FROM named) AS f
JOIN author AS t USING (id)
WHERE t.sort_key {_LETTERS} ~ ALL ($1::text[])
ORDER BY ln(1 + t.rating_count::double precision) + ln(1 + t.book_count::double precision)
    + CASE WHEN t.sort_key {_LETTERS} ~ ('^' || $6::text) OR fold(t.name) ~ ('^' || $6::text)
                OR fold(t.name) ~ ($6::text || '\S*$')
           THEN {_START_POINTS} ELSE 0 END DESC,
    t.id DESC
LIMIT $3::integer
""",
)

_SUGGESTED_CATEGORIES = ReadStatement(
    "suggested_categories",
    f"""
SELECT {CATEGORY_COLUMNS.sql}
FROM category AS t
WHERE t.sort_key >= fold($1::text) AND t.sort_key < fold($1::text) || chr(1114111)
ORDER BY t.book_count DESC, t.id DESC
LIMIT $2::integer
""",
    cached_plan=False,
)


def batch_reader(
    read: Callable[..., Awaitable[list[T]]],
) -> Callable[..., Coroutine[Any, Any, list[list[T]]]]:
    """Return a batch function that reads suggestions by (prefix, size); an empty prefix has none."""

    async def read_batch(database: Database, keys: Sequence[tuple[str, int]]) -> list[list[T]]:
        return [await read(database, prefix, size) if prefix and size else [] for prefix, size in keys]

    return read_batch


async def suggested_books(database: Database, text: str, size: int) -> list[Book]:
    """Return the books with the ISBN, or those whose titles have words that begin so: one per work.

    A work is a title, without its signs and articles, and its first author's name.
    """
    isbns, _ = find_isbns(text)
    if isbns:
        return await database.fetch(_BOOKS_BY_ISBNS, isbns, size, record_class=Book)

    async def read(prefix: Prefix) -> list[Book]:
        values = (
            prefix.text_pattern,
            tsquery(prefix.expression, "A"),
            size,
            prefix.word_patterns,
            tsquery(prefix.indexed_words),
            prefix.indexed_beginnings,
        )
        return await database.fetch(_SUGGESTED_BOOKS, *values, record_class=Book)

    books = await _literal_then_corrected(database, text, read)
    by_work: dict[tuple[str, str | None], Book] = {}
    for book in books:
        by_work.setdefault((book["work"], book["author_name"]), book)
    return list(by_work.values())[:size]


async def suggested_authors(database: Database, text: str, size: int) -> list[Author]:
    """Return the authors whose names have words that begin so, the most popular first."""

    async def read(prefix: Prefix) -> list[Author]:
        start = " ".join(alternatives[0] for alternatives in prefix.words)
        values = (
            prefix.word_patterns,
            tsquery(prefix.expression, "B"),
            size,
            start,
            start.replace(" ", "-"),
            prefix.text_pattern,
            tsquery(prefix.indexed_words),
            prefix.indexed_beginnings,
        )
        return await database.fetch(_SUGGESTED_AUTHORS, *values, record_class=Author)

    return (await _literal_then_corrected(database, text, read))[:size]


async def _literal_then_corrected(
    database: Database, text: str, read: Callable[[Prefix], Awaitable[list[R]]]
) -> list[R]:
    """Return the rows for the prefix as typed; if there are few, those for its corrections follow."""
    literal = read_prefix(text)
    if literal is None:
        return []
    found = await read(literal)
    if len(found) >= _MIN_LITERAL or (found and literal.length < _MIN_TRUSTED_LENGTH):
        return found
    corrected = await correct_prefix(database, text)
    others = await read(corrected) if corrected and corrected != literal else []
    return list({row["id"]: row for row in (*found, *others)}.values())


async def suggested_categories(database: Database, prefix: str, size: int) -> list[Category]:
    """Return the categories whose name starts with the prefix, most books first."""
    return await database.fetch(_SUGGESTED_CATEGORIES, prefix, size, record_class=Category)
