"""The audit of a catalog: checks on the rows themselves what constraints and triggers should ensure.

A check is one statement. It returns the first five wrong rows as text, each with the number of all. No check
relies on constraints or triggers, because they may be dropped, not validated or disabled. Links and parents
count as correct; listings and counters must agree with them.
"""

from dataclasses import dataclass

from db.checks import (
    duplicates,
    fields,
    listings,
    orphans,
    redirects,
    search_documents,
    spellings,
    times,
    tree,
)
from db.connections.connect import connect
from db.connections.error_mapping import database_errors
from db.database import Database
from db.revision import require_head
from db.statements import ReadStatement


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check: the number of wrong rows, and the first five as text."""

    name: str
    description: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """A description of wrong rows, and the statement that finds them.

    Its columns are `example`, the row as text, and `wrong`, the number of all wrong rows.
    """

    description: str
    statement: ReadStatement

    @property
    def name(self) -> str:
        """Return the name of the statement."""
        return self.statement.name


async def run_checks(database: Database) -> list[Finding]:
    """Return one finding per check, in the order of CHECKS.

    Without a transaction, as over a pool, each check has its own snapshot.
    """
    findings: list[Finding] = []
    for check in CHECKS:
        rows = await database.fetch(check.statement)
        examples = tuple(row["example"] for row in rows)
        findings.append(Finding(check.name, check.description, rows[0]["wrong"] if rows else 0, examples))
    return findings


# An index that lost rows would hide wrong rows, and so would plans that rely on constraints.
_AUDIT_SETTINGS = ReadStatement(
    "audit_settings",
    """
SELECT set_config(name, CASE name
    WHEN 'work_mem' THEN '64MB' WHEN 'statement_timeout' THEN '0' WHEN 'lock_timeout' THEN '0'
    WHEN 'transaction_timeout' THEN '0' ELSE 'off' END, true)
FROM pg_settings
WHERE name IN ('enable_indexscan', 'enable_indexonlyscan', 'enable_bitmapscan', 'constraint_exclusion', 'jit',
               'work_mem', 'statement_timeout', 'lock_timeout', 'transaction_timeout')
""",
)


async def audit_catalog(dsn: str) -> list[Finding]:
    """Audit the database at `dsn` in one snapshot, by sequential scans only.

    Raise DatabaseError if the database is unreachable, not migrated, or fails during the audit.
    """
    connection = await connect(dsn, application_name="bookstore verify")
    try:
        with database_errors("The database failed during the audit"):
            await require_head(connection)
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                await connection.fetch(_AUDIT_SETTINGS)
                return await run_checks(connection)
    finally:
        connection.terminate() if connection.is_in_transaction() else await connection.close(timeout=10)


CHECKS = (
    Check("Links between books and authors whose book or author is missing", orphans.BOOK_AUTHORS),
    Check("Links between books and categories whose book or category is missing", orphans.BOOK_CATEGORIES),
    Check("Author listings whose author or book is missing", orphans.AUTHOR_LISTINGS),
    Check("Category listings whose category or book is missing", orphans.CATEGORY_LISTINGS),
    Check("View counts whose book is missing", orphans.BOOK_VIEWS),
    Check("Trending books that are missing", times.TREND_BOOKS),
    Check("Owned or edited fields whose book is missing", orphans.BOOK_FIELDS),
    Check("Categories whose parent is missing", orphans.CATEGORIES),
    Check("Books whose series is missing or another one than they name", orphans.BOOK_SERIES),
    Check("Series without a book", orphans.EMPTY_SERIES),
    Check("Redirects of authors that lead to no author", redirects.AUTHORS),
    Check("Merged authors that exist, or that lead to no author", redirects.MERGED_AUTHORS),
    Check("Redirects of categories that lead to no category", redirects.CATEGORIES),
    Check("Duplicate book ids", duplicates.BOOK_IDS),
    Check("Duplicate author ids", duplicates.AUTHOR_IDS),
    Check("Duplicate category ids", duplicates.CATEGORY_IDS),
    Check("Duplicate source ids of books", duplicates.BOOK_SOURCES),
    Check("Duplicate ISBNs", duplicates.ISBNS),
    Check("Duplicate source ids of authors", duplicates.AUTHOR_SOURCES),
    Check("Duplicate names of authors that are identified by name", duplicates.AUTHOR_NAMES),
    Check("Duplicate author slugs", duplicates.AUTHOR_SLUGS),
    Check("Duplicate category paths", duplicates.CATEGORY_PATHS),
    Check("Duplicate series slugs", duplicates.SERIES_SLUGS),
    Check("Books that are in a category more than once", duplicates.BOOK_CATEGORIES),
    Check("Authors with the same role in a book more than once", duplicates.BOOK_AUTHORS),
    Check("Books whose author positions are not 1, 2, 3 and so on", fields.AUTHOR_POSITIONS),
    Check("Authors of a book with an unknown role", fields.AUTHOR_ROLES),
    Check("Books whose ISBN is not an ISBN-13 or has a wrong check digit", fields.INVALID_ISBNS),
    Check("Books whose price is out of range or whose price and currency do not match", fields.BOOK_PRICES),
    Check("Books with invalid fields", fields.BOOK_FIELDS),
    Check("Authors with invalid fields", fields.AUTHOR_FIELDS),
    Check("Categories with invalid fields", fields.CATEGORY_FIELDS),
    Check("Categories in or below a cycle, unreachable from the root categories", tree.CATEGORY_CYCLES),
    Check("Categories whose lineage is not their parent's lineage and their id", tree.CATEGORY_LINEAGES),
    Check("Categories whose path is not their parent's path and their name", tree.CATEGORY_PATHS),
    Check("Links between books and authors whose spelling is missing", spellings.BOOK_AUTHORS),
    Check("Links between books and categories whose spelling is missing", spellings.BOOK_CATEGORIES),
    Check("Authors that are not shown in the spelling of most books", spellings.AUTHOR_SPELLINGS),
    Check("Categories that are not shown in the spelling of most books", spellings.CATEGORY_SPELLINGS),
    Check("Series that are not shown in the spelling of most books", spellings.SERIES_SPELLINGS),
    Check("Author listings that disagree with the authors of the books", listings.AUTHOR_LISTINGS),
    Check("Category listings that disagree with the categories of the books", listings.CATEGORY_LISTINGS),
    Check("Authors with a wrong number of books", listings.AUTHOR_COUNTS),
    Check("Authors whose number of ratings is off by more than a tenth", listings.AUTHOR_RATINGS),
    Check("Categories whose number of ratings is off by more than a tenth", listings.CATEGORY_RATINGS),
    Check("Categories with a wrong number of books", listings.CATEGORY_COUNTS),
    Check("Wrong catalog counters", listings.CATALOG_SIZES),
    Check("Wrong numbers of books by language or currency", times.CODE_COUNTS),
    Check("Times of added books that are missing or go back", times.ADDITIONS),
    Check("Trending books with a wrong number of views", times.TREND_VIEWS),
    Check("Books whose sort keys disagree with their fields", fields.BOOK_KEYS),
    Check("Authors whose sort key or slug disagrees with their fields", fields.AUTHOR_KEYS),
    Check("Categories whose sort key disagrees with their name", fields.CATEGORY_KEYS),
    Check("Series whose slug disagrees with their name", fields.SERIES_KEYS),
    Check("Books whose search document does not match their fields", search_documents.DOCUMENTS),
    Check("Words of titles and authors missing from spelling correction", search_documents.WORDS),
    Check("Words whose number of books is off by more than a tenth", search_documents.WORD_COUNTS),
)
"""All checks, in the order of the audit report."""
