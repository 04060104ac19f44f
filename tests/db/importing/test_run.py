"""Imports: what comes out, whatever was there before, however often, and whenever they are killed."""

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
from db.importing import importer as running
from db.importing.importer import Summary, import_feed
from db.importing.readers import Feed, RecordBatch, open_feed, open_generated
from db.importing.records import AuthorRecord, BookRecord, Reject
from db.verify import run_checks
from tests.waiting import until

CATALOGS = Path(__file__).parents[4] / "shared" / "catalogs"
real_catalogs = pytest.mark.skipif(not CATALOGS.is_dir(), reason="../shared/catalogs is not there")


def delivery(records: Sequence[BookRecord | Reject], source: str = "shop") -> Feed:
    async def batches() -> AsyncGenerator[RecordBatch]:
        for start in range(0, len(records), 3):
            yield list(records[start : start + 3])

    return Feed(source, batches(), total=len(records), unit="rows", completed=lambda: 0)


def book(row: int, title: str, **fields: object) -> BookRecord:
    return replace(BookRecord(row, str(row), title), **fields)


async def bring(
    dsn: str, tmp_path: Path, records: Sequence[BookRecord | Reject], source: str = "shop"
) -> Summary:
    return await import_feed(dsn, delivery(records, source), rejects=tmp_path / "rejects.csv")


async def sound(dsn: str) -> str:
    """The checksum of a catalog in which nothing is wrong."""
    connection = await connect(dsn, application_name="bookstore tests")
    try:
        assert [finding for finding in await run_checks(connection) if finding.count] == []
        return await content_checksum(connection)
    finally:
        await connection.close()


def rejected(tmp_path: Path) -> list[tuple[str, str, str]]:
    with (tmp_path / "rejects.csv").open() as file:
        return [(row["row"], row["field"], row["reason"]) for row in csv.DictReader(file)]


AUSTEN = AuthorRecord(
    "Jane Austen", source_id="1", sort_name="Austen, Jane", birth_year=1775, death_year=1817
)
NOVELS = ("Fiction", "Novels")


async def test_a_delivery_is_written_whole_and_twice_it_changes_nothing(dsn: str, tmp_path: Path) -> None:
    records = [
        book(1, "Emma", isbn="9780306406157", authors=(AUSTEN,), categories=(NOVELS, ("Classics",))),
        book(
            2, "Persuasion", authors=(AUSTEN, AuthorRecord("A. Nonym", role="EDITOR")), categories=(NOVELS,)
        ),
    ]

    first = await bring(dsn, tmp_path, records)
    before = await sound(dsn)
    connection = await asyncpg.connect(dsn)
    versions = await connection.fetch("SELECT xmin FROM book UNION ALL SELECT xmin FROM book_author")
    second = await bring(dsn, tmp_path, records)

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
    assert await sound(dsn) == before
    assert not (tmp_path / "rejects.csv").exists()


async def test_a_newer_delivery_changes_what_is_different_and_keeps_what_it_does_not_list(
    dsn: str, tmp_path: Path
) -> None:
    await bring(
        dsn,
        tmp_path,
        [
            book(1, "Emma", price=Decimal("9.90"), currency="EUR", authors=(AUSTEN,), categories=(NOVELS,)),
            book(2, "Gone", authors=(AuthorRecord("Nobody", source_id="9"),)),
            book(3, "Moved", categories=(("Old", "Shelf"),)),
        ],
    )
    newer = replace(AUSTEN, name="Jane A. Austen")

    second = await bring(
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
    await sound(dsn)


async def test_rows_that_cannot_be_taken_go_to_the_rejects_file(dsn: str, tmp_path: Path) -> None:
    await bring(dsn, tmp_path, [book(1, "There", isbn="9780306406157")], source="other")

    summary = await bring(
        dsn,
        tmp_path,
        [
            book(1, "One", source_id="same"),
            Reject(2, "price", "x", "not a number"),
            Reject(3, "isbn", "y", "the check digit is wrong", dropped="field"),
            book(3, "Two", source_id="same"),
            book(4, "Taken", isbn="9780306406157"),
            book(5, "First", isbn="9780199535811"),
            book(6, "Second", isbn="9780199535811"),
        ],
    )

    assert (summary.read, summary.new, summary.rejected, summary.dropped_values) == (6, 2, 4, 1)
    assert [(row, field) for row, field, _ in rejected(tmp_path)] == [
        ("2", "price"),
        ("3", "isbn"),
        ("3", "source_id"),
        ("4", "isbn"),
        ("6", "isbn"),
    ]
    assert "other" in rejected(tmp_path)[3][2]
    await sound(dsn)


async def test_a_dry_run_says_what_would_change_and_changes_nothing(dsn: str, tmp_path: Path) -> None:
    before = await sound(dsn)

    summary = await import_feed(
        dsn, delivery([book(1, "Emma", authors=(AUSTEN,))]), rejects=tmp_path / "r.csv", dry_run=True
    )

    assert (summary.new, summary.merged.new_authors, summary.dry_run) == (1, 1, True)
    assert await sound(dsn) == before


async def test_books_of_one_source_may_swap_their_isbns(dsn: str, tmp_path: Path) -> None:
    await bring(dsn, tmp_path, [book(1, "A", isbn="9780306406157"), book(2, "B", isbn="9780199535811")])

    await bring(dsn, tmp_path, [book(1, "A", isbn="9780199535811"), book(2, "B", isbn="9780306406157")])

    connection = await asyncpg.connect(dsn)
    assert await connection.fetch("SELECT title, isbn FROM book ORDER BY id") == [
        ("A", "9780199535811"),
        ("B", "9780306406157"),
    ]
    await connection.close()


async def test_sources_that_know_only_names_share_their_authors_in_any_order(
    dsn: str, tmp_path: Path
) -> None:
    one = [book(1, "A", authors=(AuthorRecord("J.K. Rowling"), AuthorRecord("J. K. ROWLING")))]
    two = [book(1, "B", authors=(AuthorRecord("J. K. Rowling", birth_year=1965),))]

    await bring(dsn, tmp_path, one, "one")
    await bring(dsn, tmp_path, two, "two")

    assert (await bring(dsn, tmp_path, one, "one")).changed_nothing
    assert (await bring(dsn, tmp_path, two, "two")).changed_nothing
    connection = await asyncpg.connect(dsn)
    assert await connection.fetch("SELECT slug, birth_year, book_count FROM author") == [
        ("j-k-rowling", 1965, 2)
    ]
    await connection.close()
    await sound(dsn)


people = st.sampled_from(
    [AUSTEN, AuthorRecord("Anon"), AuthorRecord("ANON"), AuthorRecord("Zola", source_id="2", role="EDITOR")]
)
shelves = st.sampled_from([("A",), ("A", "B"), ("a", "b"), ("A", "C", "D"), ("E",)])
drawn_records = st.lists(
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
CLEAR = "TRUNCATE book, author, category, catalog_size, search_word CASCADE; INSERT INTO catalog_size DEFAULT VALUES"


@settings(max_examples=5)
@given(older=drawn_records, newer=drawn_records)
async def test_an_older_delivery_leaves_no_trace_in_what_a_newer_one_lists(
    dsn: str, tmp_path: Path, older: list[BookRecord], newer: list[BookRecord]
) -> None:
    connection = await connect(dsn, application_name="bookstore tests")
    listed = sorted({record.source_id for record in newer})

    async def outcome(*deliveries: list[BookRecord]) -> str:
        await connection.execute(CLEAR)
        for records in deliveries:
            await bring(dsn, tmp_path, records)
        assert [finding for finding in await run_checks(connection) if finding.count] == []
        return await books_checksum(connection, source="shop", source_ids=listed)

    try:
        # Names are the least of all spellings seen, so both must see the same ones.
        spelled = [replace(record, authors=(), categories=()) for record in older]
        assert await outcome(spelled, newer) == await outcome(newer)
        assert await outcome(newer, newer) == await outcome(newer)
    finally:
        await connection.close()


@pytest.mark.parametrize("count", [30, 400])
async def test_large_and_small_deliveries_come_to_the_same(
    dsn: str, tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def seeded(books: int) -> Summary:
        return await import_feed(dsn, open_generated(books, 1), rejects=tmp_path / "rejects.csv")

    small = await seeded(count)
    by_triggers = await sound(dsn)
    connection = await asyncpg.connect(dsn)
    await connection.execute(CLEAR)
    await connection.close()
    monkeypatch.setattr(running, "BULK_MIN_BOOKS", 1)
    large = await seeded(count)

    assert small.rebuilt == ()
    assert set(large.rebuilt) >= {"book", "author_listing", "category_listing"}
    assert await sound(dsn) == by_triggers
    grown = await seeded(count + count // 2)
    assert grown.rebuilt == ("author_listing", "category_listing", "book_search", "search_word")
    rebuilt = await sound(dsn)
    monkeypatch.setattr(running, "BULK_MIN_BOOKS", 10**9)
    assert (await seeded(count + count // 2)).changed_nothing
    assert await sound(dsn) == rebuilt


async def test_a_rebuilt_catalog_has_the_schema_it_had(dsn: str, tmp_path: Path) -> None:
    from tests.db.test_migrations import EXPECTED, described

    summary = await import_feed(dsn, open_generated(2_500, 1), rejects=tmp_path / "rejects.csv")

    assert "book" in summary.rebuilt
    assert await described(dsn) == EXPECTED.read_text(encoding="utf-8")


async def test_readers_see_the_old_catalog_or_the_new_one_and_never_fail(dsn: str, tmp_path: Path) -> None:
    seen: set[tuple[int, int]] = set()
    done = asyncio.Event()

    async def read() -> None:
        connection = await asyncpg.connect(dsn)
        while not done.is_set():
            row = await connection.fetchrow(
                "SELECT (SELECT count(*) FROM book), (SELECT count(DISTINCT book_id) FROM category_listing)"
            )
            seen.add(tuple(row or ()))
            await asyncio.sleep(0.005)
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


# Kills itself when the step begins that it is given.
IMPORTER = """
import asyncio, os, signal, sys
from pathlib import Path
from db.importing.progress import ImportProgress
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
NEVER = "no step"

HAS_LEFT = """
SELECT NOT EXISTS (SELECT FROM pg_stat_activity
                   WHERE application_name = 'bookstore import' AND datname = current_database())
"""

# The import waits for a lock in the middle of what it writes.
WAITS_TO_WRITE = """
SELECT EXISTS (SELECT FROM pg_stat_activity
               WHERE application_name = 'bookstore import' AND datname = current_database()
                 AND wait_event_type = 'Lock' AND state = 'active')
"""


@dataclass
class Killing:
    """Imports of one delivery that are killed, and what the catalog holds without and with it."""

    dsn: str
    rejects: Path
    connection: asyncpg.Connection

    async def import_whole(self) -> str:
        await import_feed(self.dsn, open_generated(2_000, 1), rejects=self.rejects)
        return await sound(self.dsn)

    async def start(self, killed_at: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-c", IMPORTER, self.dsn, str(self.rejects), killed_at
        )

    async def has_left(self) -> None:
        """Return when PostgreSQL has ended the session of the killed import."""
        await until(lambda: self.connection.fetchval(HAS_LEFT))


@pytest.fixture
async def killing(dsn: str, tmp_path: Path) -> AsyncGenerator[Killing]:
    connection = await asyncpg.connect(dsn)
    yield Killing(dsn, tmp_path / "rejects.csv", connection)
    await connection.close()


async def test_an_import_that_is_killed_leaves_all_or_nothing(killing: Killing) -> None:
    empty = await sound(killing.dsn)
    whole = await killing.import_whole()
    left = {}

    for step in STEPS:
        await killing.connection.execute(CLEAR)
        importer = await killing.start(killed_at=step)
        assert await importer.wait() == -signal.SIGKILL
        await killing.has_left()
        left[step] = await sound(killing.dsn)

    assert left == {step: whole if step == "Vacuuming" else empty for step in STEPS}
    await killing.connection.execute(CLEAR)
    assert await killing.import_whole() == whole


async def test_an_import_that_is_killed_amid_a_statement_leaves_nothing(killing: Killing) -> None:
    empty = await sound(killing.dsn)
    locker = await asyncpg.connect(killing.dsn)

    async with locker.transaction():
        await locker.execute("LOCK TABLE catalog_size IN ACCESS EXCLUSIVE MODE")
        importer = await killing.start(killed_at=NEVER)
        await until(lambda: killing.connection.fetchval(WAITS_TO_WRITE))
        importer.kill()
        await importer.wait()
        await killing.has_left()
    await locker.close()

    assert await sound(killing.dsn) == empty


async def test_a_second_import_at_the_same_time_is_refused(dsn: str, tmp_path: Path) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("SELECT pg_advisory_lock(hashtext('bookstore import'))")

    with pytest.raises(CatalogImportError, match="Another import is running"):
        await bring(dsn, tmp_path, [book(1, "Emma")])

    await connection.close()


async def test_what_stops_an_import_is_said_and_nothing_is_written(dsn: str, tmp_path: Path) -> None:
    async def failing() -> AsyncGenerator[RecordBatch]:
        yield [book(1, "Emma")]
        raise CatalogImportError("the file ends in the middle of a row")

    before = await sound(dsn)
    torn = Feed("shop", failing(), total=2, unit="rows", completed=lambda: 0)
    with pytest.raises(CatalogImportError, match="middle of a row"):
        await import_feed(dsn, torn, rejects=tmp_path / "rejects.csv")
    with pytest.raises(CatalogImportError, match="cannot be called 'name'"):
        await bring(dsn, tmp_path, [], "name")
    with pytest.raises(DatabaseError, match="cannot be reached"):
        await bring(dsn.replace("/test_", "/nowhere_"), tmp_path, [])
    (tmp_path / "mine.csv").write_text("precious\n")
    with pytest.raises(CatalogImportError, match="is not a rejects file"):
        await import_feed(dsn, delivery([]), rejects=tmp_path / "mine.csv")

    assert await sound(dsn) == before
    assert (tmp_path / "mine.csv").read_text() == "precious\n"


@real_catalogs
async def test_the_real_catalogs_come_in_whole_and_twice_change_nothing(dsn: str, tmp_path: Path) -> None:
    counts = {}
    for _ in range(2):
        for name in ("goodbooks", "oscar"):
            opened = await open_feed(name, [CATALOGS / name])
            summary = await import_feed(dsn, opened, rejects=tmp_path / f"{name}.csv")
            counts.setdefault(name, []).append((summary.new, summary.changed, summary.unchanged))

    assert counts == {"goodbooks": [(10000, 0, 0), (0, 0, 10000)], "oscar": [(161, 0, 0), (0, 0, 161)]}
    await sound(dsn)


def copy_tenth(source: Path, target: Path) -> Path:
    """Copy a delivery of Gutenberg with every tenth book and all authors; return the copy."""
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
async def test_two_deliveries_of_gutenberg_come_to_the_newer_one(dsn: str, tmp_path: Path) -> None:
    deliveries = {
        name: copy_tenth(CATALOGS / name, tmp_path / name)
        for name in ("gutenberg-2024-09", "gutenberg-2025-12")
    }

    async def imported(name: str) -> Summary:
        opened = await open_feed("gutenberg", [deliveries[name]])
        return await import_feed(dsn, opened, rejects=tmp_path / "rejects.csv")

    await imported("gutenberg-2025-12")
    connection = await connect(dsn, application_name="bookstore tests")
    listed = [row[0] for row in await connection.fetch("SELECT source_id FROM book")]
    alone = await books_checksum(connection, source="gutenberg", source_ids=listed)
    await connection.execute(CLEAR)
    older = await imported("gutenberg-2024-09")
    newer = await imported("gutenberg-2025-12")

    assert (older.new, newer.new + newer.changed + newer.unchanged) == (7423, 7726)
    assert newer.missing_from_feed == 7423 + newer.new - 7726
    assert await books_checksum(connection, source="gutenberg", source_ids=listed) == alone
    await connection.close()
    await sound(dsn)
