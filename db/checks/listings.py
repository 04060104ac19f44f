"""Listings and counters that disagree with the links between published books, authors and categories."""

from db.statements import ReadStatement

_AUTHOR_LINKS = """(
    SELECT DISTINCT l.author_id, l.book_id, true AS direct FROM book_author l
)"""

_CATEGORY_LINKS = """(
    SELECT up.category_id, l.book_id, bool_or(up.category_id = l.category_id) AS direct
    FROM book_category l
    JOIN category k ON k.id = l.category_id
    CROSS JOIN unnest(k.lineage) AS up (category_id)
    GROUP BY up.category_id, l.book_id
)"""

# Of two equal listings, the second one has no link left to join, so it is reported as surplus.
_LISTINGS_SQL = """
SELECT format('{owner} %s, book %s: %s', {owner}_id, book_id, fault) AS example, count(*) OVER () AS wrong
FROM (
    SELECT l.{owner}_id, l.book_id, 1::bigint AS copy, l.direct,
           ROW (b.published_key, b.price, b.rating_average, b.title_key, b.rating_count, b.language,
                b.currency) AS keys
    FROM {links} l JOIN book b ON b.id = l.book_id AND b.is_published
) link
FULL JOIN (
    SELECT {owner}_id, book_id, row_number() OVER (PARTITION BY book_id, {owner}_id) AS copy,
           {direct} AS direct,
           ROW (published_key, price, rating_average, title_key, rating_count, language, currency) AS keys
    FROM {owner}_listing
) listing USING ({owner}_id, book_id, copy)
CROSS JOIN LATERAL (SELECT CASE
    WHEN listing.direct IS NULL THEN 'missing'
    WHEN link.direct IS NULL THEN 'surplus'
    WHEN link.direct <> listing.direct THEN 'direct'
    WHEN link.keys IS DISTINCT FROM listing.keys THEN 'sort keys'
END AS fault) comparison
WHERE fault IS NOT NULL
ORDER BY {owner}_id, book_id, fault LIMIT 5
"""

AUTHOR_LISTINGS = ReadStatement(
    "author_listings", _LISTINGS_SQL.format(owner="author", links=_AUTHOR_LINKS, direct="true")
)
CATEGORY_LISTINGS = ReadStatement(
    "category_listings", _LISTINGS_SQL.format(owner="category", links=_CATEGORY_LINKS, direct="direct")
)

AUTHOR_COUNTS = ReadStatement(
    "author_counts",
    f"""
SELECT format('author %s: %s instead of %s', a.id, a.book_count, coalesce(c.books, 0)) AS example,
       count(*) OVER () AS wrong
FROM author a
LEFT JOIN (
    SELECT l.author_id, count(*) AS books
    FROM {_AUTHOR_LINKS} l JOIN book b ON b.id = l.book_id AND b.is_published
    GROUP BY l.author_id
) c ON c.author_id = a.id
WHERE a.book_count <> coalesce(c.books, 0)
ORDER BY a.id LIMIT 5
""",
)

# The sums are estimates: a writer skips an author or a category that another one has locked.
AUTHOR_RATINGS = ReadStatement(
    "author_ratings",
    """
SELECT format('author %s: %s instead of %s', a.id, a.rating_count, coalesce(c.ratings, 0)) AS example,
       count(*) OVER () AS wrong
FROM author a
LEFT JOIN (SELECT author_id, sum(rating_count) AS ratings FROM author_listing GROUP BY author_id) c
    ON c.author_id = a.id
WHERE abs(a.rating_count - coalesce(c.ratings, 0)) > greatest(100, coalesce(c.ratings, 0) / 10)
ORDER BY a.id LIMIT 5
""",
)

CATEGORY_RATINGS = ReadStatement(
    "category_ratings",
    """
SELECT format('category %s: %s instead of %s', k.id, k.rating_count, coalesce(c.ratings, 0)) AS example,
       count(*) OVER () AS wrong
FROM category k
LEFT JOIN (SELECT category_id, sum(rating_count) AS ratings FROM category_listing GROUP BY category_id) c
    ON c.category_id = k.id
WHERE abs(k.rating_count - coalesce(c.ratings, 0)) > greatest(100, coalesce(c.ratings, 0) / 10)
ORDER BY k.id LIMIT 5
""",
)

CATEGORY_COUNTS = ReadStatement(
    "category_counts",
    f"""
SELECT format('category %s: %s instead of %s, directly %s instead of %s', k.id, k.book_count,
              coalesce(c.books, 0), k.direct_book_count, coalesce(c.direct_books, 0)) AS example,
       count(*) OVER () AS wrong
FROM category k
LEFT JOIN (
    SELECT l.category_id, count(*) AS books, count(*) FILTER (WHERE l.direct) AS direct_books
    FROM {_CATEGORY_LINKS} l JOIN book b ON b.id = l.book_id AND b.is_published
    GROUP BY l.category_id
) c ON c.category_id = k.id
WHERE (k.book_count, k.direct_book_count) <> (coalesce(c.books, 0), coalesce(c.direct_books, 0))
ORDER BY k.id LIMIT 5
""",
)

CATALOG_SIZES = ReadStatement(
    "catalog_sizes",
    """
SELECT format('%s: %s instead of %s', kind, coalesce(counted::text, 'none'), held) AS example,
       count(*) OVER () AS wrong
FROM (VALUES (1, 'books', (SELECT count(*) FROM book WHERE is_published)),
             (2, 'authors', (SELECT count(*) FROM author)),
             (3, 'categories', (SELECT count(*) FROM category))) AS sizes (rank, kind, held)
LEFT JOIN catalog_size ON true
CROSS JOIN LATERAL (SELECT (ARRAY[books, authors, categories])[rank] AS counted) counter
WHERE counted IS DISTINCT FROM held
ORDER BY rank, counted LIMIT 5
""",
)
