"""The audit of a catalog: what constraints and triggers promise, read again from the rows themselves.

A check is one statement, which answers the first five wrong rows as text, each with the number of all.
Constraints may be dropped or not valid and triggers disabled: no check leans on them. Links and parents are
taken for the truth that listings and counters have to follow.
"""

from dataclasses import dataclass

from db.checks import documents, duplicates, fields, listings, orphans, tree
from db.connections.connect import connect
from db.connections.error_mapping import database_errors
from db.database import Database
from db.migrations import require_head


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: how many are `wrong`, and the first five as text. 0 and none where all is well."""

    name: str
    meaning: str
    wrong: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """What is wrong with the rows that the statement answers: `example`, and `wrong` for their number."""

    meaning: str
    sql: str

    @property
    def name(self) -> str:
        """The name in the statement's comment."""
        return self.sql.split(maxsplit=2)[1]


async def audit(database: Database) -> list[Finding]:
    """One finding for each check, in the order of CHECKS; over a pool, each of its own moment."""
    findings: list[Finding] = []
    for check in CHECKS:
        rows = await database.fetch(check.sql)
        examples = tuple(row["example"] for row in rows)
        findings.append(Finding(check.name, check.meaning, rows[0]["wrong"] if rows else 0, examples))
    return findings


# An index that has lost rows would hide what is wrong with them, so would a belief in constraints.
AUDIT_SETTINGS = """
/* audit_settings */
SELECT set_config(name, CASE name
    WHEN 'work_mem' THEN '64MB' WHEN 'statement_timeout' THEN '0' WHEN 'lock_timeout' THEN '0'
    WHEN 'transaction_timeout' THEN '0' ELSE 'off' END, true)
FROM pg_settings
WHERE name IN ('enable_indexscan', 'enable_indexonlyscan', 'enable_bitmapscan', 'constraint_exclusion', 'jit',
               'work_mem', 'statement_timeout', 'lock_timeout', 'transaction_timeout')
"""


async def audited(dsn: str) -> list[Finding]:
    """The audit of the database at `dsn`, of one moment, reading tables and never indexes.

    Raises DatabaseError when the database is away, not migrated, or fails on the way.
    """
    connection = await connect(dsn, application_name="bookstore verify")
    try:
        with database_errors("The database failed during the audit"):
            await require_head(connection)
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                await connection.execute(AUDIT_SETTINGS)
                return await audit(connection)
    finally:
        connection.terminate() if connection.is_in_transaction() else await connection.close(timeout=10)


CHECKS = (
    Check("Authors of a book where one of both is missing", orphans.BOOK_AUTHORS),
    Check("Categories of a book where one of both is missing", orphans.BOOK_CATEGORIES),
    Check("Listings by author where author or book is missing", orphans.AUTHOR_LISTINGS),
    Check("Listings by category where category or book is missing", orphans.CATEGORY_LISTINGS),
    Check("Views of a missing book", orphans.BOOK_VIEWS),
    Check("Categories whose parent is missing", orphans.CATEGORIES),
    Check("Ids of several books", duplicates.BOOK_IDS),
    Check("Ids of several authors", duplicates.AUTHOR_IDS),
    Check("Ids of several categories", duplicates.CATEGORY_IDS),
    Check("Source ids of several books", duplicates.BOOK_SOURCES),
    Check("ISBNs of several books", duplicates.ISBNS),
    Check("Source ids of several authors", duplicates.AUTHOR_SOURCES),
    Check("Names of several authors who are known by name alone", duplicates.AUTHOR_NAMES),
    Check("Slugs of several authors", duplicates.AUTHOR_SLUGS),
    Check("Paths of several categories", duplicates.CATEGORY_PATHS),
    Check("Books more than once in a category", duplicates.BOOK_CATEGORIES),
    Check("Authors more than once in one role of a book", duplicates.BOOK_AUTHORS),
    Check("Books whose authors' positions do not run from 1 without a gap", fields.AUTHOR_POSITIONS),
    Check("Authors of a book in a role that there is not", fields.AUTHOR_ROLES),
    Check("Books whose ISBN is no ISBN-13 or has a wrong check digit", fields.INVALID_ISBNS),
    Check("Books whose price is negative or out of range, or lacks its currency", fields.BOOK_PRICES),
    Check("Books with fields that cannot be", fields.BOOK_FIELDS),
    Check("Authors with fields that cannot be", fields.AUTHOR_FIELDS),
    Check("Categories with fields that cannot be", fields.CATEGORY_FIELDS),
    Check("Categories in or under a cycle, which no top category leads to", tree.CATEGORY_CYCLES),
    Check("Categories whose lineage is not their parent's and themselves", tree.CATEGORY_LINEAGES),
    Check("Categories whose path is not their parent's and their name", tree.CATEGORY_PATHS),
    Check("Listings by author that disagree with the books' authors", listings.AUTHOR_LISTINGS),
    Check("Listings by category that disagree with the books' categories", listings.CATEGORY_LISTINGS),
    Check("Authors whose number of books is wrong", listings.AUTHOR_COUNTS),
    Check("Categories whose number of books is wrong", listings.CATEGORY_COUNTS),
    Check("Sizes of the catalog that are wrong", listings.CATALOG_SIZES),
    Check("Books whose sort keys disagree with their fields", fields.BOOK_KEYS),
    Check("Authors whose sort key or slug disagrees with their fields", fields.AUTHOR_KEYS),
    Check("Categories whose sort key disagrees with their name", fields.CATEGORY_KEYS),
    Check("Books whose search document is not made of their words", documents.DOCUMENTS),
    Check("Words of titles and authors that misspelt ones are not compared with", documents.WORDS),
)
"""Every check, in the order in which an audit reports them."""
