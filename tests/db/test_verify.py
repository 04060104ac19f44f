"""The audit finds every deliberate corruption, names it, and reports nothing else."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import asyncpg
import pytest

from db.connections.connect import Connection
from db.errors import DatabaseError
from db.verify import CHECKS, Finding, audit_catalog, run_checks
from tests.catalogs import add_author, add_book, add_category
from tests.waiting import until

Wrong = Mapping[str, list[str]]


@dataclass(frozen=True)
class Corruption:
    """Statements that corrupt a valid catalog, and everything that an audit then finds."""

    title: str
    statements: tuple[str, ...]
    wrong: Wrong


def without(table: str, *constraints: str) -> str:
    """Return the statement that drops constraints and everything that depends on them."""
    return f"ALTER TABLE {table} " + ", ".join(f"DROP CONSTRAINT {name} CASCADE" for name in constraints)


async def add_catalog(connection: asyncpg.Connection) -> None:
    """Add a valid catalog with every feature; its ids are 1, 2, 3 … in insertion order."""
    for table in ("author", "category", "series", "book"):
        await connection.execute(f"ALTER TABLE {table} ALTER COLUMN id RESTART")
    jane = await add_author(connection, "Jane Austen", birth_year=1775, death_year=1817)
    victor = await add_author(connection, "Victor Hugo", source="ol", source_id="OL1A")
    await add_author(connection, "Without Books")
    fiction = await add_category(connection, "Fiction")
    novels = await add_category(connection, "Novels", fiction)
    gothic = await add_category(connection, "Gothic", novels)
    await add_category(connection, "Empty")
    emma = await add_book(
        connection,
        "Emma",
        authors=[jane],
        categories=[novels],
        isbn="9780306406157",
        language="en",
        published_year=1815,
        published_on=date(1815, 12, 23),
        page_count=474,
        price=Decimal("9.50"),
        currency="EUR",
        rating_average=Decimal(4),
        rating_count=9,
        series="Highbury",
        series_position="1",
    )
    hugo = [victor, (jane, "EDITOR"), (victor, "INTRODUCTION")]
    await add_book(connection, "The Hugo", authors=hugo, categories=[gothic, fiction], published_year=-50)
    await add_book(connection, "Bare")
    await connection.execute(
        "INSERT INTO book_view (book_id, viewed_on, views) VALUES ($1, '2024-02-29', 3)", emma
    )


async def corrupt(connection: Connection, *statements: str) -> None:
    """Run statements without triggers and foreign keys, as a restore or a careless repair does."""
    await connection.execute("SET LOCAL session_replication_role = replica")
    for statement in statements:
        await connection.execute(statement)
    await connection.execute("SET LOCAL session_replication_role = origin")


def wrong_in(findings: list[Finding]) -> Wrong:
    """Return the examples of wrong rows by the name of the check; they are few enough to be all."""
    assert [finding.name for finding in findings] == [check.name for check in CHECKS]
    assert [finding.description for finding in findings] == [check.description for check in CHECKS]
    assert all(finding.count == len(finding.examples) for finding in findings)
    return {finding.name: list(finding.examples) for finding in findings if finding.count}


BOOK = "INSERT INTO book (source, source_id, title, isbn) VALUES"
NO_UNIQUE_AUTHORS = without("author", "author_source_key", "author_slug_key", "author_name_is_key")
SIZE = "UPDATE catalog_size SET"

CORRUPTIONS = (
    Corruption(
        "author links have no book or author",
        ("INSERT INTO book_author (book_id, position, author_id) VALUES (99, 1, 1), (3, 1, 99)",),
        {
            "orphan_book_authors": ["book 3, author 99", "book 99, author 1"],
            "author_listings": ["author 99, book 3: missing"],
        },
    ),
    Corruption(
        "category links have no book or category",
        ("INSERT INTO book_category (book_id, category_id) VALUES (99, 1), (3, 99)",),
        {"orphan_book_categories": ["book 3, category 99", "book 99, category 1"]},
    ),
    Corruption(
        "listings have no book or owner",
        (
            "INSERT INTO author_listing (author_id, book_id, title_key) VALUES (1, 99, ''), (99, 3, '')",
            "INSERT INTO category_listing (category_id, book_id, direct, title_key) VALUES (99, 3, true, '')",
        ),
        {
            "orphan_author_listings": ["book 3, author 99", "book 99, author 1"],
            "orphan_category_listings": ["book 3, category 99"],
            "author_listings": ["author 1, book 99: surplus", "author 99, book 3: surplus"],
            "category_listings": ["category 99, book 3: surplus"],
        },
    ),
    Corruption(
        "view counts have no book",
        ("INSERT INTO book_view (book_id, viewed_on, views) VALUES (99, '2024-03-01', 1)",),
        {"orphan_book_views": ["book 99 on 2024-03-01"]},
    ),
    Corruption(
        "trending books are missing, or have other views",
        ("INSERT INTO book_trend VALUES (1, 5, '2024-03-01'), (2, 1, '2024-03-01'), (99, 1, '2024-03-01')",),
        {
            "orphan_trends": ["book 99"],
            "trend_views": ["book 1: 5 instead of 3", "book 2: 1 instead of 0", "book 99: 1 instead of 0"],
        },
    ),
    Corruption(
        "books have no time, or were added before the books in front",
        (
            "DELETE FROM book_addition",
            "INSERT INTO book_addition VALUES (2, 2, '2024-03-02'), (3, 3, '2024-03-01'), (4, 4, '2024-03-01')",
        ),
        {
            "book_additions": [
                "books from id 1: without a time",
                "books from id 3: added before the books in front",
            ]
        },
    ),
    Corruption(
        "languages and currencies have other numbers of books",
        (
            "UPDATE catalog_code SET books = 2 WHERE code = 'EUR'",
            "DELETE FROM catalog_code WHERE code = 'en'",
            "INSERT INTO catalog_code VALUES ('language', 'de', 1), ('language', 'fr', 0)",
        ),
        {
            "code_counts": [
                "currency EUR: 2 instead of 1",
                "language de: 1 instead of 0",
                "language en: 0 instead of 1",
            ]
        },
    ),
    Corruption(
        "owned or edited fields have no book",
        ("INSERT INTO book_field (book_id, field, owner) VALUES (99, 'price', 'shop')",),
        {"orphan_book_fields": ["book 99: price"]},
    ),
    Corruption(
        "books have no series, another one than they name, and a wrong place in it",
        (
            "UPDATE book SET series_id = 99, series_key = 'x' WHERE id = 1",
            "UPDATE book SET series = 'Else', series_id = 1 WHERE id = 2",
        ),
        {
            "orphan_book_series": ["book 1, series 99: Highbury", "book 2, series 1: Else"],
            "series_spellings": ["series 1: Highbury instead of Else"],
            "book_keys": ["book 1: series_key"],
        },
    ),
    Corruption(
        "series have no book and share a slug",
        (
            without("series", "series_slug_key", "series_name_is_key"),
            "INSERT INTO series (slug, name) VALUES ('highbury', 'HIGHBURY'), ('x', 'Alone')",
        ),
        {
            "duplicate_series_slugs": ["highbury: 1, 2"],
            "empty_series": ["series 2: HIGHBURY", "series 3: Alone"],
            "series_keys": ["series 3: slug"],
        },
    ),
    Corruption(
        "redirects lead to nothing, or away from an author who is there",
        (
            "INSERT INTO author_redirect (slug, author_id) VALUES ('gone', 99)",
            "INSERT INTO author_key_redirect (source, source_id, author_id) VALUES ('feed', '7', 98)",
            "INSERT INTO author_merge (old_id, author_id) VALUES (2, 1), (88, 99)",
            "INSERT INTO category_redirect (path, category_id) VALUES ('gone', 99)",
        ),
        {
            "author_redirects": [
                "author redirect 7 of feed to author 98: missing",
                "author redirect gone to author 99: missing",
            ],
            "merged_authors": [
                "merge of author 2 into author 1: author 2 exists",
                "merge of author 88 into author 99: missing",
            ],
            "category_redirects": ["category redirect gone to category 99: missing"],
        },
    ),
    Corruption(
        "a category's parent is missing",
        ("UPDATE category SET parent_id = 99, lineage = '{99, 4}', path = 'gone/empty' WHERE id = 4",),
        {"orphan_categories": ["category 4 (Empty), parent 99"]},
    ),
    Corruption(
        "a book is deleted without triggers",
        ("DELETE FROM book WHERE id = 1",),
        {
            "orphan_book_authors": ["book 1, author 1"],
            "orphan_book_categories": ["book 1, category 2"],
            "orphan_author_listings": ["book 1, author 1"],
            "orphan_category_listings": ["book 1, category 1", "book 1, category 2"],
            "orphan_book_fields": ["book 1: authors", "book 1: categories"],
            "orphan_book_views": ["book 1 on 2024-02-29"],
            "empty_series": ["series 1: Highbury"],
            "author_listings": ["author 1, book 1: surplus"],
            "category_listings": ["category 1, book 1: surplus", "category 2, book 1: surplus"],
            "author_counts": ["author 1: 2 instead of 1"],
            "category_counts": [
                "category 1: 2 instead of 1, directly 1 instead of 1",
                "category 2: 2 instead of 1, directly 1 instead of 0",
            ],
            "catalog_sizes": ["books: 3 instead of 2"],
            "code_counts": ["currency EUR: 1 instead of 0", "language en: 1 instead of 0"],
        },
    ),
    Corruption(
        "books, authors and categories have one id",
        (
            without("book", "book_pkey"),
            without("author", "author_pkey"),
            without("category", "category_pkey"),
            "INSERT INTO book (id, source, source_id, title) OVERRIDING SYSTEM VALUE VALUES (3, 's', '3', 'T')",
            "INSERT INTO author (id, source, source_id, name, sort_name) OVERRIDING SYSTEM VALUE"
            " VALUES (3, 's', '3', 'N', 'N')",
            "INSERT INTO category (id, name, path, lineage) OVERRIDING SYSTEM VALUE VALUES (4, 'N', 'n', '{4}')",
            f"{SIZE} books = 4, authors = 4, categories = 5",
        ),
        {
            "duplicate_book_ids": ["3: 3, 3"],
            "duplicate_author_ids": ["3: 3, 3"],
            "duplicate_category_ids": ["4: 4, 4"],
        },
    ),
    Corruption(
        "books are duplicated",
        (
            without("book", "book_source_key", "book_isbn_key"),
            f"{BOOK} ('test', 'Bare', 'T', NULL), ('test', 'new', 'T', '9780306406157')",
            f"{SIZE} books = 5",
        ),
        {"duplicate_book_sources": ["test/Bare: 3, 4"], "duplicate_isbns": ["9780306406157: 1, 5"]},
    ),
    Corruption(
        "authors are duplicated",
        (
            NO_UNIQUE_AUTHORS,
            "INSERT INTO author (source, source_id, name, sort_name) VALUES ('ol', 'OL1A', 'Hugo', 'Hugo')",
            f"{SIZE} authors = 4",
        ),
        {"duplicate_author_sources": ["ol/OL1A: 2, 4"]},
    ),
    Corruption(
        "two authors have one slug",
        (
            NO_UNIQUE_AUTHORS,
            "INSERT INTO author (source, source_id, name, sort_name) VALUES ('ol', 'ol1a', 'Victor Hugo', 'H')",
            f"{SIZE} authors = 4",
        ),
        {"duplicate_author_slugs": ["victor-hugo-ol-ol1a: 2, 4"]},
    ),
    Corruption(
        "two authors have one name",
        (
            NO_UNIQUE_AUTHORS,
            "INSERT INTO author (source, source_id, name, sort_name) VALUES ('name', 'jane', 'JANE AUSTEN', 'J')",
            f"{SIZE} authors = 4",
        ),
        {"duplicate_author_names": ["jane-austen: 1, 4"], "author_fields": ["author 4: source_id"]},
    ),
    Corruption(
        "a category is duplicated",
        (
            without("category", "category_path_key"),
            "INSERT INTO category (name, path, lineage) VALUES ('EMPTY', 'empty', '{5}')",
            f"{SIZE} categories = 5",
        ),
        {"duplicate_category_paths": ["empty: 4, 5"]},
    ),
    Corruption(
        "links are duplicated",
        (
            without("book_category", "book_category_pkey"),
            without("book_author", "book_author_once"),
            "INSERT INTO book_category (book_id, category_id) VALUES (1, 2)",
            "INSERT INTO book_author (book_id, position, author_id) VALUES (1, 2, 1)",
        ),
        {
            "duplicate_book_categories": ["book 1, category 2"],
            "repeated_authors": ["book 1: author 1 as AUTHOR"],
        },
    ),
    Corruption(
        "positions start late, have a gap, and are taken twice",
        (
            without("book_author", "book_author_pkey"),
            "UPDATE book_author SET position = 2 WHERE book_id = 1",
            "UPDATE book_author SET position = 4 WHERE book_id = 2 AND position = 3",
            "INSERT INTO book_author (book_id, position, author_id) VALUES (3, 1, 1), (3, 1, 2), (3, 3, 3)",
            "INSERT INTO author_listing (author_id, book_id, title_key) VALUES (1, 3, 'bare'), (2, 3, 'bare'),"
            " (3, 3, 'bare')",
            "UPDATE author SET book_count = book_count + 1",
        ),
        {"author_positions": ["book 1: 2", "book 2: 1, 2, 4", "book 3: 1, 1, 3"]},
    ),
    Corruption(
        "an unknown role",
        (
            without("book_author", "book_author_role"),
            "UPDATE book_author SET role = 'COOK' WHERE position = 3",
        ),
        {"author_roles": ["book 2, author 2: COOK"]},
    ),
    Corruption(
        "ISBNs are wrong",
        (without("book", "book_isbn_valid"), "UPDATE book SET isbn = '978030640615' || id WHERE id <> 1"),
        {"invalid_isbns": ["book 2: 9780306406152", "book 3: 9780306406153"]},
    ),
    Corruption(
        "prices are impossible",
        (
            without(
                "book",
                "book_price_not_negative",
                "book_price_with_currency",
                "book_price_range",
                "book_currency_code",
            ),
            "UPDATE book SET currency = NULL WHERE id = 1",
            "UPDATE book SET price = -0.01, currency = 'eur' WHERE id = 2",
            "UPDATE book SET price = 'NaN', currency = 'EUR' WHERE id = 3",
            "UPDATE author_listing l SET price = b.price, currency = b.currency FROM book b WHERE b.id = l.book_id",
            "UPDATE category_listing l SET price = b.price, currency = b.currency FROM book b WHERE b.id = l.book_id",
        ),
        {
            "book_prices": ["book 1: currency", "book 2: price, currency", "book 3: price"],
            "code_counts": ["currency eur: 0 instead of 1"],
        },
    ),
    Corruption(
        "a book has only impossible fields",
        (
            without(
                "book",
                "book_title_not_blank",
                "book_source_not_blank",
                "book_language_tag",
                "book_published_year_range",
                "book_published_agrees",
                "book_page_count_positive",
                "book_stock_not_negative",
                "book_rating_range",
                "book_rating_counted",
            ),
            "UPDATE book SET title = ' ', source_id = '', language = 'English', published_year = 10000,"
            " published_on = '2001-01-01', page_count = 0, stock = -1, rating_average = -1 WHERE id = 3",
        ),
        {
            "book_fields": [
                "book 3: source, title, language, published_year, published_on, page_count, stock,"
                " rating_average, rating_count"
            ],
            "code_counts": ["language English: 0 instead of 1"],
        },
    ),
    Corruption(
        "a book came out before it had a year",
        (
            without("book", "book_published_agrees"),
            "UPDATE book SET published_on = '2001-01-01' WHERE id = 3",
        ),
        {"book_fields": ["book 3: published_on"]},
    ),
    Corruption(
        "an author has only impossible fields",
        (
            without(
                "author",
                "author_name_not_blank",
                "author_source_not_blank",
                "author_born_before_death",
                "author_name_is_key",
            ),
            "UPDATE author SET name = '', sort_name = ' ', source = '', source_id = '', birth_year = 2,"
            " death_year = 1 WHERE id = 3",
        ),
        {"author_fields": ["author 3: name, sort_name, source, source_id, death_year"]},
    ),
    Corruption(
        "a category's name is blank, and too long another's path",
        (
            without("category", "category_name_not_blank", "category_name_length", "category_path_length"),
            "UPDATE category SET name = ' ', path = slug(' ') WHERE id = 4",
            "INSERT INTO category (name, path, lineage) VALUES (repeat('a', 2001), repeat('a', 2001), '{5}')",
            f"{SIZE} categories = 5",
        ),
        {"category_fields": ["category 4: name", "category 5: name, path"]},
    ),
    Corruption(
        "a category is too deep",
        (
            without("category", "category_depth"),
            "INSERT INTO category (name, parent_id, path, lineage)"
            " SELECT 'x', CASE n WHEN 5 THEN NULL ELSE n - 1 END, 'x' || repeat('/x', n - 5),"
            " array_agg(n) OVER (ORDER BY n) FROM generate_series(5, 37) AS n",
            f"{SIZE} categories = 37",
        ),
        {"category_fields": ["category 37: lineage"]},
    ),
    Corruption(
        "categories go round in a circle",
        (
            "UPDATE category SET parent_id = 2, lineage = '{1, 2, 1}', path = 'fiction/novels/fiction' WHERE id = 1",
        ),
        {
            "category_cycles": ["category 1 (Fiction)", "category 2 (Novels)", "category 3 (Gothic)"],
            "category_lineages": ["category 2 (Novels): {1,2}"],
            "category_paths": ["category 2 (Novels): fiction/novels"],
        },
    ),
    Corruption(
        "a category is its own parent",
        (without("category", "category_not_under_itself"), "UPDATE category SET parent_id = 4 WHERE id = 4"),
        {
            "category_cycles": ["category 4 (Empty)"],
            "category_lineages": ["category 4 (Empty): {4}"],
            "category_paths": ["category 4 (Empty): empty"],
        },
    ),
    Corruption(
        "lineages and paths are not those of the tree",
        (
            "UPDATE category SET lineage = '{1, 4}' WHERE id = 4",
            "UPDATE category SET path = 'empty/gothic' WHERE id = 3",
        ),
        {
            "category_lineages": ["category 4 (Empty): {1,4}"],
            "category_paths": ["category 3 (Gothic): empty/gothic"],
        },
    ),
    Corruption(
        "a lineage lacks an ancestor, and the listings with it",
        ("UPDATE category SET lineage = '{2, 3}' WHERE id = 3",),
        {"category_lineages": ["category 3 (Gothic): {2,3}"]},
    ),
    Corruption(
        "a category moved and its books did not",
        ("UPDATE category SET parent_id = 4, lineage = '{4, 3}', path = 'empty/gothic' WHERE id = 3",),
        {
            "category_listings": ["category 2, book 2: surplus", "category 4, book 2: missing"],
            "category_counts": [
                "category 2: 2 instead of 1, directly 1 instead of 1",
                "category 4: 0 instead of 1, directly 0 instead of 0",
            ],
        },
    ),
    Corruption(
        "listings by author are missing, surplus, there twice, and out of date",
        (
            without("author_listing", "author_listing_pkey"),
            "DELETE FROM author_listing WHERE (author_id, book_id) = (1, 1)",
            "UPDATE author_listing SET published_key = NULL WHERE (author_id, book_id) = (1, 2)",
            "INSERT INTO author_listing (author_id, book_id, published_key, title_key)"
            " VALUES (2, 2, -500000, 'hugo'), (2, 3, NULL, 'bare')",
        ),
        {
            "author_listings": [
                "author 1, book 1: missing",
                "author 1, book 2: sort keys",
                "author 2, book 2: surplus",
                "author 2, book 3: surplus",
            ]
        },
    ),
    Corruption(
        "listings by category are missing, surplus, there twice, indirect, and out of date",
        (
            without("category_listing", "category_listing_pkey"),
            "DELETE FROM category_listing WHERE (category_id, book_id) = (1, 1)",
            "UPDATE category_listing SET direct = false WHERE (category_id, book_id) = (1, 2)",
            "UPDATE category_listing SET price = 9.51 WHERE (category_id, book_id) = (2, 1)",
            "INSERT INTO category_listing (category_id, book_id, direct, published_key, title_key)"
            " VALUES (3, 2, true, -500000, 'hugo'), (4, 3, true, NULL, 'bare')",
        ),
        {
            "category_listings": [
                "category 1, book 1: missing",
                "category 1, book 2: direct",
                "category 2, book 1: sort keys",
                "category 3, book 2: surplus",
                "category 4, book 3: surplus",
            ]
        },
    ),
    Corruption(
        "a book changed behind the triggers' back",
        ("UPDATE book SET title = 'Émma', rating_average = 4.5 WHERE id = 1",),
        {
            "author_listings": ["author 1, book 1: sort keys"],
            "category_listings": ["category 1, book 1: sort keys", "category 2, book 1: sort keys"],
        },
    ),
    Corruption(
        "search documents and words are gone, left over or of other words",
        (
            "ALTER TABLE book_search DROP CONSTRAINT book_search_book_fkey",
            "DELETE FROM book_search WHERE book_id = 1",
            "UPDATE book_search SET document = words('emma hugo') WHERE book_id = 2",
            "INSERT INTO book_search (book_id, document) VALUES (99, setweight(words('hugo'), 'A'))",
            "DELETE FROM search_word WHERE word IN ('hugo', 'jane', 'the')",
        ),
        {
            "search_documents": ["book 1: missing", "book 2: other words", "book 99: surplus"],
            "search_words": ["word 'hugo': missing"],
        },
    ),
    Corruption(
        "counters are wrong",
        (
            "UPDATE author SET book_count = 1 WHERE id IN (1, 3)",
            "UPDATE author SET rating_count = CASE id WHEN 1 THEN 110 ELSE 100 END",
            "UPDATE search_word SET books = 12, popular_books = 10 WHERE word IN ('emma', 'bare')",
            "UPDATE search_word SET popular_books = 11 WHERE word = 'hugo'",
            "UPDATE category SET book_count = 3 WHERE id = 1",
            "UPDATE category SET direct_book_count = 0 WHERE id = 3",
            "UPDATE category SET rating_count = CASE id WHEN 1 THEN 1000 ELSE rating_count END",
            f"{SIZE} books = 4, authors = 2, categories = 0",
        ),
        {
            "author_counts": ["author 1: 1 instead of 2", "author 3: 1 instead of 0"],
            "author_ratings": ["author 1: 110 instead of 9"],
            "category_ratings": ["category 1: 1000 instead of 9"],
            "search_word_counts": [
                "word 'bare': 12 books instead of 1, 10 popular instead of 0",
                "word 'emma': 12 books instead of 1, 10 popular instead of 0",
                "word 'hugo': 1 books instead of 1, 11 popular instead of 0",
            ],
            "category_counts": [
                "category 1: 3 instead of 2, directly 1 instead of 1",
                "category 3: 1 instead of 1, directly 0 instead of 1",
            ],
            "catalog_sizes": [
                "books: 4 instead of 3",
                "authors: 2 instead of 3",
                "categories: 0 instead of 4",
            ],
        },
    ),
    Corruption(
        "links have a spelling that is missing",
        (
            "UPDATE book_author SET spelling = 1 WHERE (book_id, position) = (2, 2)",
            "UPDATE book_category SET spelling = 2 WHERE book_id = 1",
        ),
        {
            "missing_author_spellings": ["book 2, author 1: spelling 1"],
            "missing_category_spellings": ["book 1, category 2: spelling 2"],
        },
    ),
    Corruption(
        "an author and categories are not shown as most books write them",
        (
            "INSERT INTO author_spelling VALUES (1, 0, 'JANE AUSTEN', 'JANE AUSTEN'), (1, 1, 'Jane Austen', 'Jane Austen')",
            "INSERT INTO category_spelling VALUES (2, 0, '{FICTION,Novels}'), (3, 1, '{FICTION,NOVELS,Gothic}')",
            "UPDATE book_category SET spelling = 1 WHERE (book_id, category_id) = (2, 3)",
        ),
        {
            "author_spellings": ["author 1: Jane Austen instead of JANE AUSTEN"],
            "category_spellings": ["category 1: Fiction instead of FICTION"],
        },
    ),
    Corruption(
        "the catalog's size is gone",
        ("DELETE FROM catalog_size",),
        {
            "catalog_sizes": [
                "books: none instead of 3",
                "authors: none instead of 3",
                "categories: none instead of 4",
            ]
        },
    ),
    Corruption(
        "a book is unpublished without triggers",
        ("UPDATE book SET is_published = false WHERE id = 1",),
        {
            "author_listings": ["author 1, book 1: surplus"],
            "category_listings": ["category 1, book 1: surplus", "category 2, book 1: surplus"],
            "author_counts": ["author 1: 2 instead of 1"],
            "category_counts": [
                "category 1: 2 instead of 1, directly 1 instead of 1",
                "category 2: 2 instead of 1, directly 1 instead of 0",
            ],
            "catalog_sizes": ["books: 3 instead of 2"],
            "code_counts": ["currency EUR: 1 instead of 0", "language en: 1 instead of 0"],
            "search_documents": ["book 1: surplus"],
        },
    ),
    Corruption(
        "the catalog has two sizes",
        (
            without("catalog_size", "catalog_size_pkey"),
            "INSERT INTO catalog_size (books, authors, categories) VALUES (3, 3, 5)",
        ),
        {"catalog_sizes": ["categories: 5 instead of 4"]},
    ),
    Corruption(
        "keys are no longer generated",
        (
            "ALTER TABLE book ALTER COLUMN title_key DROP EXPRESSION, ALTER COLUMN published_key DROP EXPRESSION",
            "ALTER TABLE author ALTER COLUMN sort_key DROP EXPRESSION, ALTER COLUMN slug DROP EXPRESSION",
            "ALTER TABLE category ALTER COLUMN sort_key DROP EXPRESSION",
            "UPDATE book SET title_key = '', published_key = 1 WHERE id = 3",
            "UPDATE author SET sort_key = 'x' WHERE id = 1",
            "UPDATE author SET slug = 'x', sort_key = 'x' WHERE id = 2",
            "UPDATE category SET sort_key = 'x' WHERE id = 4",
        ),
        {
            "book_keys": ["book 3: title_key, published_key"],
            "author_keys": ["author 1: sort_key", "author 2: sort_key, slug"],
            "category_keys": ["category 4: sort_key"],
        },
    ),
)


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda corruption: corruption.title)
async def test_every_corruption_is_found_and_nothing_else(
    connection: Connection, corruption: Corruption
) -> None:
    await add_catalog(connection)

    await corrupt(connection, *corruption.statements)

    wrong = dict(wrong_in(await run_checks(connection)))
    if "search_documents" not in corruption.wrong:
        wrong.pop("search_documents", None)  # words changed without triggers stay in the documents
    assert wrong == corruption.wrong


async def test_all_wrong_rows_are_counted_and_the_first_five_are_examples(
    connection: Connection,
) -> None:
    for number in range(1, 8):
        await add_author(connection, f"N{number}")
    await connection.execute("UPDATE author SET book_count = substr(source_id, 2)::integer")

    finding = {finding.name: finding for finding in await run_checks(connection)}["author_counts"]

    first = await connection.fetchval("SELECT min(id) FROM author")
    examples = tuple(f"author {first + n}: {n + 1} instead of 0" for n in range(5))
    assert finding == Finding("author_counts", "Authors with a wrong number of books", 7, examples)


def test_every_check_fails_for_some_corruption() -> None:
    names = [check.name for check in CHECKS]

    assert len(set(names)) == len(names)
    assert {name for corruption in CORRUPTIONS for name in corruption.wrong} == set(names)


def test_every_statement_returns_at_most_five_rows() -> None:
    for check in CHECKS:
        assert check.statement.text.endswith(" LIMIT 5")
        assert "{" not in check.statement.sql.replace("{2,3}", "").replace("{2,8}", "").replace("{3}", "")


async def test_an_empty_catalog_is_valid(connection: Connection) -> None:
    assert wrong_in(await run_checks(connection)) == {}


async def test_a_full_catalog_stays_valid_after_any_change(
    connection: Connection,
) -> None:
    await add_catalog(connection)
    assert wrong_in(await run_checks(connection)) == {}

    for statement in (
        "UPDATE book SET title = 'The Émma', price = NULL, currency = NULL, published_on = NULL WHERE id = 1",
        "UPDATE category SET parent_id = 4 WHERE id = 2",
        "UPDATE category SET name = 'Romans & Novels' WHERE id = 2",
        "UPDATE book SET is_published = false WHERE id = 2",
        "UPDATE book_author SET author_id = 3 WHERE (book_id, position) = (2, 2)",
        "UPDATE book SET is_published = true, title = 'Hugo' WHERE id = 2",
        "UPDATE book_category SET category_id = 2 WHERE (book_id, category_id) = (2, 1)",
        "UPDATE author SET name = 'V. Hugo', sort_name = 'Hugo, V.' WHERE id = 2",
        "UPDATE book SET series = 'HIGHBURY', series_position = 'II' WHERE id = 3",
        "UPDATE book SET series = 'Hartfield' WHERE id = 1",
        "UPDATE book SET series = NULL, series_position = NULL WHERE id = 3",
        "DELETE FROM book_author WHERE (book_id, position) = (2, 3)",
        "DELETE FROM book_category WHERE (book_id, category_id) = (2, 3)",
        "DELETE FROM category WHERE id = 3",
        "DELETE FROM book WHERE id = 1",
        "DELETE FROM author WHERE id = 1",
    ):
        assert await connection.execute(statement) in {"UPDATE 1", "DELETE 1"}, statement
        assert wrong_in(await run_checks(connection)) == {}, statement


async def test_an_index_that_lost_a_row_hides_no_finding(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await add_catalog(connection)
    live = "UPDATE pg_index SET indisready = $1 WHERE indexrelid = 'book_isbn_key'::regclass"

    await connection.execute(live, False)
    await connection.execute(f"{BOOK} ('s', '1', 'T', '9780306406157')")
    await connection.execute(live, True)
    await connection.execute("SET enable_seqscan = off")
    by_index = "SELECT id FROM book WHERE isbn = '9780306406157'"

    assert await connection.fetch(by_index) == [(1,)]
    assert wrong_in(await audit_catalog(dsn)) == {"duplicate_isbns": ["9780306406157: 1, 4"]}
    await connection.close()


async def test_an_audit_uses_one_snapshot_and_waits_for_locks(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await add_catalog(connection)
    database = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {database} SET lock_timeout = 1")
    waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'catalog_size'::regclass AND NOT granted"

    async with connection.transaction():
        await connection.execute("LOCK TABLE catalog_size IN ACCESS EXCLUSIVE MODE")
        auditing = asyncio.create_task(audit_catalog(dsn))
        await until(lambda: connection.fetchval(waiting))
        await connection.execute(f"{SIZE} books = 7")

    assert wrong_in(await auditing) == {}
    assert wrong_in(await audit_catalog(dsn)) == {"catalog_sizes": ["books: 7 instead of 3"]}
    await connection.close()


async def test_a_database_that_cannot_be_audited_is_reported(dsn: str, maintenance: str) -> None:
    connection = await asyncpg.connect(dsn)

    with pytest.raises(DatabaseError, match=r"^PostgreSQL cannot be reached at 127\.0\.0\.1:1: "):
        await audit_catalog("postgresql://app@127.0.0.1:1/nowhere")
    with pytest.raises(DatabaseError, match=r"^The database is at revision none, "):
        await audit_catalog(maintenance)
    await connection.execute("ALTER TABLE catalog_size RENAME TO elsewhere")
    with pytest.raises(
        DatabaseError, match=r'^The database failed during the audit: relation "catalog_size"'
    ):
        await audit_catalog(dsn)
    await connection.close()
