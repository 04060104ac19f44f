"""Imports: their effect on any catalog, when repeated, when killed, and on concurrent readers."""

import asyncio
import csv
import signal
import sys
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.checksum import books_checksum, content_checksum
from db.connections.connect import connect
from db.errors import CatalogImportError, DatabaseError
from db.importing import import_transaction
from db.importing.importer import Summary, import_feed
from db.importing.options import ImportOptions
from db.importing.readers import Feed, RecordBatch, open_feed, open_generated
from db.importing.records import AuthorRecord, BookRecord, Reject
from db.verify import run_checks
from tests.db.importing.feeds import CLEAR, feed
from tests.waiting import until

CATALOGS = Path(__file__).parents[4] / "shared" / "catalogs"
real_catalogs = pytest.mark.skipif(not CATALOGS.is_dir(), reason="../shared/catalogs is not there")


def book(row: int, title: str, **fields: object) -> BookRecord:
    return replace(BookRecord(row, str(row), title), **fields)


async def import_records(
    dsn: str, tmp_path: Path, records: Sequence[BookRecord | Reject], source: str = "shop"
) -> Summary:
    return await import_feed(
        dsn, feed(records, source), rejects=tmp_path / "rejects.csv", options=ImportOptions(replace=True)
    )


async def audit_and_checksum(dsn: str) -> str:
    """Assert that the audit finds nothing, and return the content checksum."""
    connection = await connect(dsn, application_name="bookstore tests")
    try:
        assert [finding for finding in await run_checks(connection) if finding.count] == []
        return await content_checksum(connection)
    finally:
        await connection.close()


def rejected_rows(tmp_path: Path) -> list[tuple[str, str, str]]:
    with (tmp_path / "rejects.csv").open() as file:
        return [(row["row"], row["field"], row["reason"]) for row in csv.DictReader(file)]


AUSTEN = AuthorRecord(
    "Jane Austen", source_id="1", sort_name="Austen, Jane", birth_year=1775, death_year=1817
)
NOVELS = ("Fiction", "Novels")


async def test_a_feed_is_imported_completely_and_changes_nothing_the_second_time(
    dsn: str, tmp_path: Path
) -> None:
    records = [
        book(1, "Emma", isbn="9780306406157", authors=(AUSTEN,), categories=(NOVELS, ("Classics",))),
        book(
            2, "Persuasion", authors=(AUSTEN, AuthorRecord("A. Nonym", role="EDITOR")), categories=(NOVELS,)
        ),
    ]

    first = await import_records(dsn, tmp_path, records)
    before = await audit_and_checksum(dsn)
    connection = await asyncpg.connect(dsn)
    versions = await connection.fetch("SELECT xmin FROM book UNION ALL SELECT xmin FROM book_author")
    second = await import_records(dsn, tmp_path, records)

    assert (first.read, first.new, first.changed, first.rejected, first.missing_from_feed) == (2, 2, 0, 0, 0)
    assert (first.merged.new_authors, first.merged.new_categories, first.merged.new_links) == (2, 3, 6)
    assert not first.changed_nothing
    assert second.changed_nothing
    assert (second.new, second.changed, second.unchanged) == (0, 0, 2)
    assert await connection.fetch("SELECT xmin FROM book UNION ALL SELECT xmin FROM book_author") == versions
    assert await connection.fetch(
        "SELECT b.title, ba.position, ba.role, a.name FROM book b JOIN book_author ba ON ba.book_id = b.id"
        " JOIN author a ON a.id = ba.author_id ORDER BY b.id, ba.position"
    ) == [
        ("Emma", 1, "AUTHOR", "Jane Austen"),
        ("Persuasion", 1, "AUTHOR", "Jane Austen"),
        ("Persuasion", 2, "EDITOR", "A. Nonym"),
    ]
    await connection.close()
    assert await audit_and_checksum(dsn) == before
    assert not (tmp_path / "rejects.csv").exists()


async def test_a_newer_feed_updates_its_books_and_keeps_the_others(dsn: str, tmp_path: Path) -> None:
    await import_records(
        dsn,
        tmp_path,
        [
            book(1, "Emma", price=Decimal("9.90"), currency="EUR", authors=(AUSTEN,), categories=(NOVELS,)),
            book(2, "Gone", authors=(AuthorRecord("Nobody", source_id="9"),)),
            book(3, "Moved", categories=(("Old", "Shelf"),)),
        ],
    )
    newer = replace(AUSTEN, name="Jane A. Austen")

    second = await import_records(
        dsn,
        tmp_path,
        [
            book(1, "Emma", price=Decimal("12.00"), currency="EUR", authors=(newer,), categories=(NOVELS,)),
            book(3, "Moved", categories=(("New", "Shelf"),)),
        ],
    )

    assert (second.new, second.changed, second.unchanged, second.missing_from_feed) == (0, 2, 0, 1)
    assert (second.merged.changed_authors, second.merged.removed_categories) == (1, 2)
    connection = await asyncpg.connect(dsn)
    assert [row[0] for row in await connection.fetch("SELECT path FROM category ORDER BY path")] == [
        "fiction",
        "fiction/novels",
        "new",
        "new/shelf",
    ]
    assert await connection.fetch("SELECT title, price FROM book ORDER BY id") == [
        ("Emma", Decimal("12.00")),
        ("Gone", None),
        ("Moved", None),
    ]
    await connection.close()
    await audit_and_checksum(dsn)


async def test_rejected_rows_are_written_to_the_rejects_file(dsn: str, tmp_path: Path) -> None:
    await import_records(dsn, tmp_path, [book(1, "There", isbn="9780306406157")], source="other")

    summary = await import_records(
        dsn,
        tmp_path,
        [
            book(1, "One", source_id="same"),
            Reject(2, "price", "x", "not a number"),
            Reject(
                3, "isbn", "y", "the check digit is wrong; copy the ISBN of the book again", dropped="field"
            ),
            book(3, "Two", source_id="same"),
            book(4, "Taken", isbn="9780306406157"),
            book(5, "First", isbn="9780199535811"),
            book(6, "Second", isbn="9780199535811"),
        ],
    )

    assert (summary.read, summary.new, summary.rejected, summary.dropped_values) == (6, 2, 4, 1)
    assert [(row, field) for row, field, _ in rejected_rows(tmp_path)] == [
        ("2", "price"),
        ("3", "isbn"),
        ("3", "source_id"),
        ("4", "isbn"),
        ("6", "isbn"),
    ]
    assert "other" in rejected_rows(tmp_path)[3][2]
    await audit_and_checksum(dsn)


async def test_a_dry_run_reports_the_changes_and_writes_nothing(dsn: str, tmp_path: Path) -> None:
    before = await audit_and_checksum(dsn)

    summary = await import_feed(
        dsn, feed([book(1, "Emma", authors=(AUSTEN,))]), rejects=tmp_path / "r.csv", dry_run=True
    )

    assert (summary.new, summary.merged.new_authors, summary.dry_run) == (1, 1, True)
    assert await audit_and_checksum(dsn) == before


async def test_books_of_one_source_may_swap_their_isbns(dsn: str, tmp_path: Path) -> None:
    await import_records(
        dsn, tmp_path, [book(1, "A", isbn="9780306406157"), book(2, "B", isbn="9780199535811")]
    )

    await import_records(
        dsn, tmp_path, [book(1, "A", isbn="9780199535811"), book(2, "B", isbn="9780306406157")]
    )

    connection = await asyncpg.connect(dsn)
    assert await connection.fetch("SELECT title, isbn FROM book ORDER BY id") == [
        ("A", "9780199535811"),
        ("B", "9780306406157"),
    ]
    await connection.close()


async def test_sources_without_author_ids_share_authors_by_name_in_any_order(
    dsn: str, tmp_path: Path
) -> None:
    one = [book(1, "A", authors=(AuthorRecord("J.K. Rowling"), AuthorRecord("J. K. ROWLING")))]
    two = [book(1, "B", authors=(AuthorRecord("J. K. Rowling", birth_year=1965),))]

    await import_records(dsn, tmp_path, one, "one")
    await import_records(dsn, tmp_path, two, "two")

    assert (await import_records(dsn, tmp_path, one, "one")).changed_nothing
    assert (await import_records(dsn, tmp_path, two, "two")).changed_nothing
    connection = await asyncpg.connect(dsn)
    assert await connection.fetch("SELECT slug, birth_year, book_count FROM author") == [
        ("j-k-rowling", 1965, 2)
    ]
    await connection.close()
    await audit_and_checksum(dsn)


people = st.sampled_from(
    [AUSTEN, AuthorRecord("Anon"), AuthorRecord("ANON"), AuthorRecord("Zola", source_id="2", role="EDITOR")]
)
shelves = st.sampled_from([("A",), ("A", "B"), ("a", "b"), ("A", "C", "D"), ("E",)])
feeds_of_records = st.lists(
    st.builds(
        BookRecord,
        row=st.just(0),
        source_id=st.integers(1, 6).map(str),
        title=st.sampled_from(["The Sea", "Sea", "Zola"]),
        published_year=st.sampled_from([None, 1900]),
        authors=st.lists(people, max_size=3).map(tuple),
        categories=st.lists(shelves, max_size=3, unique=True).map(tuple),
    ),
    max_size=7,
    unique_by=lambda record: record.source_id,
).map(lambda records: [replace(record, row=row) for row, record in enumerate(records, 1)])


@settings(max_examples=5)
@given(older=feeds_of_records, newer=feeds_of_records)
async def test_the_books_of_a_feed_are_the_same_with_and_without_an_older_feed(
    dsn: str, tmp_path: Path, older: list[BookRecord], newer: list[BookRecord]
) -> None:
    connection = await connect(dsn, application_name="bookstore tests")
    listed = sorted({record.source_id for record in newer})

    async def import_and_checksum(*feeds: list[BookRecord]) -> str:
        await connection.execute(CLEAR)
        for records in feeds:
            await import_records(dsn, tmp_path, records)
        assert [finding for finding in await run_checks(connection) if finding.count] == []
        return await books_checksum(connection, source="shop", source_ids=listed)

    try:
        # A name is the smallest of its spellings in all feeds, so both catalogs must get the same spellings.
        older_books = [replace(record, authors=(), categories=()) for record in older]
        assert await import_and_checksum(older_books, newer) == await import_and_checksum(newer)
        assert await import_and_checksum(newer, newer) == await import_and_checksum(newer)
    finally:
        await connection.close()


@pytest.mark.parametrize("count", [30, 400])
async def test_rebuilding_tables_and_writing_rows_give_the_same_catalog(
    dsn: str, tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def import_generated(books: int) -> Summary:
        return await import_feed(dsn, open_generated(books, 1), rejects=tmp_path / "rejects.csv")

    small = await import_generated(count)
    by_triggers = await audit_and_checksum(dsn)
    connection = await asyncpg.connect(dsn)
    await connection.execute(CLEAR)
    await connection.close()
    monkeypatch.setattr(import_transaction, "BULK_MIN_BOOKS", 1)
    large = await import_generated(count)

    assert small.rebuilt == ()
    assert set(large.rebuilt) >= {"book", "author_listing", "category_listing"}
    assert await audit_and_checksum(dsn) == by_triggers
    grown = await import_generated(count + count // 2)
    assert grown.rebuilt == ("author_listing", "category_listing", "book_search", "search_word")
    rebuilt = await audit_and_checksum(dsn)
    monkeypatch.setattr(import_transaction, "BULK_MIN_BOOKS", 10**9)
    assert (await import_generated(count + count // 2)).changed_nothing
    assert await audit_and_checksum(dsn) == rebuilt


async def test_rebuilding_tables_does_not_change_the_schema(dsn: str, tmp_path: Path) -> None:
    from tests.db.test_migrations import EXPECTED, describe_schema

    summary = await import_feed(dsn, open_generated(2_500, 1), rejects=tmp_path / "rejects.csv")

    assert "book" in summary.rebuilt
    assert await describe_schema(dsn) == EXPECTED.read_text(encoding="utf-8")


async def test_readers_see_either_the_old_or_the_new_catalog(dsn: str, tmp_path: Path) -> None:
    seen: set[tuple[int, int]] = set()
    done = asyncio.Event()

    async def read() -> None:
        connection = await asyncpg.connect(dsn)
        while not done.is_set():
            row = await connection.fetchrow(
                "SELECT (SELECT count(*) FROM book), (SELECT count(DISTINCT book_id) FROM category_listing)"
            )
            seen.add(tuple(row or ()))
        await connection.close()

    reading = asyncio.create_task(read())
    await until(lambda: seen)
    await import_feed(dsn, open_generated(2_500, 1), rejects=tmp_path / "rejects.csv")
    connection = await asyncpg.connect(dsn)
    listed = await connection.fetchval("SELECT count(DISTINCT book_id) FROM category_listing")
    await connection.close()
    await until(lambda: (2500, listed) in seen)
    done.set()
    await reading

    assert seen == {(0, 0), (2500, listed)}


# Imports books, and kills its own process when the given step begins.
IMPORTER = """
import asyncio, os, signal, sys
from pathlib import Path
from db.importing.progress import ImportProgress
from db.importing.options import ImportOptions
from db.importing.readers import open_generated
from db.importing.importer import import_feed

class Killed(ImportProgress):
    def start_phase(self, title):
        if title == sys.argv[3]:
            os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(import_feed(
    sys.argv[1], open_generated(2_000, 1), rejects=Path(sys.argv[2]), progress=Killed()
))
"""
STEPS = [
    "Comparing with the catalog",
    "Writing books, authors and categories",
    "Building indexes",
    "Listing books by author and category",
    "Building indexes of the listings",
    "Committing",
    "Vacuuming",
]
NO_STEP = "no step"

SESSION_HAS_ENDED = """
SELECT NOT EXISTS (SELECT FROM pg_stat_activity
                   WHERE application_name = 'bookstore import' AND datname = current_database())
"""

# The import waits for a lock in one of its write statements.
WAITS_TO_WRITE = """
SELECT EXISTS (SELECT FROM pg_stat_activity
               WHERE application_name = 'bookstore import' AND datname = current_database()
                 AND wait_event_type = 'Lock' AND state = 'active')
"""


@dataclass
class KilledImport:
    """Runs the same import in this process, or in a subprocess that is killed."""

    dsn: str
    rejects: Path
    connection: asyncpg.Connection

    async def import_completely(self) -> str:
        """Import in this process, and return the content checksum."""
        await import_feed(self.dsn, open_generated(2_000, 1), rejects=self.rejects)
        return await audit_and_checksum(self.dsn)

    async def start(self, killed_at: str) -> asyncio.subprocess.Process:
        """Start the import in a subprocess that kills itself at the step."""
        return await asyncio.create_subprocess_exec(
            sys.executable, "-c", IMPORTER, self.dsn, str(self.rejects), killed_at
        )

    async def wait_until_session_ended(self) -> None:
        """Return when PostgreSQL has ended the session of the killed import."""
        await until(lambda: self.connection.fetchval(SESSION_HAS_ENDED))


@pytest.fixture
async def killed_import(dsn: str, tmp_path: Path) -> AsyncGenerator[KilledImport]:
    connection = await asyncpg.connect(dsn)
    yield KilledImport(dsn, tmp_path / "rejects.csv", connection)
    await connection.close()


async def test_a_killed_import_is_committed_completely_or_not_at_all(killed_import: KilledImport) -> None:
    empty = await audit_and_checksum(killed_import.dsn)
    whole = await killed_import.import_completely()
    checksums = {}

    for step in STEPS:
        await killed_import.connection.execute(CLEAR)
        importer = await killed_import.start(killed_at=step)
        assert await importer.wait() == -signal.SIGKILL
        await killed_import.wait_until_session_ended()
        checksums[step] = await audit_and_checksum(killed_import.dsn)

    assert checksums == {step: whole if step == "Vacuuming" else empty for step in STEPS}
    await killed_import.connection.execute(CLEAR)
    assert await killed_import.import_completely() == whole


async def test_an_import_killed_during_a_statement_writes_nothing(killed_import: KilledImport) -> None:
    empty = await audit_and_checksum(killed_import.dsn)
    locker = await asyncpg.connect(killed_import.dsn)

    async with locker.transaction():
        await locker.execute("LOCK TABLE catalog_size IN ACCESS EXCLUSIVE MODE")
        importer = await killed_import.start(killed_at=NO_STEP)
        await until(lambda: killed_import.connection.fetchval(WAITS_TO_WRITE))
        importer.kill()
        await importer.wait()
        await killed_import.wait_until_session_ended()
    await locker.close()

    assert await audit_and_checksum(killed_import.dsn) == empty


async def test_a_concurrent_import_is_rejected(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_transaction, "IMPORT_LOCK_TIMEOUT", 0.1)
    connection = await asyncpg.connect(dsn)
    await connection.execute("SELECT pg_advisory_lock(hashtext('bookstore import'))")

    with pytest.raises(CatalogImportError, match="Another import is running"):
        await import_records(dsn, tmp_path, [book(1, "Emma")])

    await connection.close()


async def test_a_file_that_becomes_shorter_while_it_is_read_is_refused(dsn: str, tmp_path: Path) -> None:
    path = tmp_path / "books.csv"
    rows = "".join(f"{n},Title {n}\n" for n in range(1, 30_001))
    path.write_text(f"source_id,title\n{rows}")
    size = path.stat().st_size
    opened = await open_feed("csv", [path])

    async def cut_after_a_batch() -> AsyncGenerator[RecordBatch]:
        yield await anext(opened.batches)
        with path.open("r+") as file:
            file.truncate(100_000)
        async for batch in opened.batches:
            yield batch

    with pytest.raises(CatalogImportError) as error:
        await import_feed(dsn, replace(opened, batches=cut_after_a_batch()), rejects=tmp_path / "rejects.csv")

    assert str(error.value) == (
        f"{path}: the file became shorter while it was read: 100,000 of {size:,} bytes are left."
        " Import it when the program that writes it has finished."
    )
    connection = await connect(dsn, application_name="bookstore tests")
    assert await connection.fetchval("SELECT count(*) FROM book") == 0
    await connection.close()
    assert not (tmp_path / "rejects.csv").exists()


async def test_an_import_that_fails_raises_the_reason_and_writes_nothing(dsn: str, tmp_path: Path) -> None:
    async def fail_after_a_batch() -> AsyncGenerator[RecordBatch]:
        yield [book(1, "Emma")]
        raise CatalogImportError("the file ends in the middle of a row")

    before = await audit_and_checksum(dsn)
    incomplete = Feed("shop", fail_after_a_batch(), total=2, unit="rows", completed=lambda: 0)
    with pytest.raises(CatalogImportError, match="middle of a row"):
        await import_feed(dsn, incomplete, rejects=tmp_path / "rejects.csv")
    with pytest.raises(CatalogImportError, match="cannot be called 'name'"):
        await import_records(dsn, tmp_path, [], "name")
    with pytest.raises(DatabaseError, match="cannot be reached"):
        await import_records(dsn.replace("/test_", "/nowhere_"), tmp_path, [])
    (tmp_path / "mine.csv").write_text("precious\n")
    with pytest.raises(CatalogImportError, match="is not a rejects file"):
        await import_feed(dsn, feed([]), rejects=tmp_path / "mine.csv")

    assert await audit_and_checksum(dsn) == before
    assert (tmp_path / "mine.csv").read_text() == "precious\n"


@real_catalogs
async def test_the_real_catalogs_are_imported_completely_and_change_nothing_the_second_time(
    dsn: str, tmp_path: Path
) -> None:
    counts = {}
    for _ in range(2):
        for name in ("goodbooks", "oscar"):
            opened = await open_feed(name, [CATALOGS / name])
            summary = await import_feed(dsn, opened, rejects=tmp_path / f"{name}.csv")
            counts.setdefault(name, []).append((summary.new, summary.changed, summary.unchanged))

    assert counts == {"goodbooks": [(10000, 0, 0), (0, 0, 10000)], "oscar": [(161, 0, 0), (0, 0, 161)]}
    await audit_and_checksum(dsn)


def copy_tenth(source: Path, target: Path) -> Path:
    """Copy a Gutenberg catalog with every tenth book and all authors, and return the copy."""
    target.mkdir()
    for path in source.iterdir():
        with path.open(newline="") as file, (target / path.name).open("w", newline="") as copy:
            rows = csv.reader(file)
            writer = csv.writer(copy)
            writer.writerow(header := next(rows))
            key = header.index("gutenberg_id") if "gutenberg_id" in header else None
            writer.writerows(row for row in rows if key is None or row[key].endswith("0"))
    return target


@real_catalogs
async def test_the_newer_gutenberg_catalog_replaces_the_older_one(dsn: str, tmp_path: Path) -> None:
    folders = {
        name: copy_tenth(CATALOGS / name, tmp_path / name)
        for name in ("gutenberg-2024-09", "gutenberg-2025-12")
    }

    async def import_catalog(name: str) -> Summary:
        opened = await open_feed("gutenberg", [folders[name]])
        return await import_feed(
            dsn, opened, rejects=tmp_path / "rejects.csv", options=ImportOptions(replace=True)
        )

    await import_catalog("gutenberg-2025-12")
    connection = await connect(dsn, application_name="bookstore tests")
    listed = [row[0] for row in await connection.fetch("SELECT source_id FROM book")]
    alone = await books_checksum(connection, source="gutenberg", source_ids=listed)
    await connection.execute(CLEAR)
    older = await import_catalog("gutenberg-2024-09")
    newer = await import_catalog("gutenberg-2025-12")

    assert (older.new, newer.new + newer.changed + newer.unchanged) == (7423, 7726)
    assert newer.missing_from_feed == 7423 + newer.new - 7726
    assert await books_checksum(connection, source="gutenberg", source_ids=listed) == alone
    await connection.close()
    await audit_and_checksum(dsn)
