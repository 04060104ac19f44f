"""Staging: rows arrive unchanged, and repeated people and paths are sent once."""

from datetime import date
from decimal import Decimal

import asyncpg
import pytest

from db.book_columns import BOOK_COLUMNS
from db.importing import staging
from db.importing.records import AuthorRecord, BookRecord
from db.importing.staging import Staging
from db.importing.temporary_tables import create_staging_tables

ANN, BO = (
    AuthorRecord("Ann", source_id="1", sort_name="Ann, A", birth_year=-5, death_year=60),
    AuthorRecord("Bo"),
)
FULL = BookRecord(
    row=7,
    source_id="x",
    title="Title\twith; everything, 'even' \"this\"\n",
    subtitle="Sub",
    isbn="9780306406157",
    description="Long \\ text",
    language="en",
    published_year=1859,
    published_on=date(1859, 11, 24),
    page_count=502,
    price=Decimal("12.9000"),
    currency="EUR",
    stock=3,
    cover_url="https://example.org/é.jpg",
    rating_average=Decimal("4.25"),
    rating_count=8,
    authors=(ANN, BO),
    categories=(("A", "B"), ("C",)),
)
BARE = BookRecord(8, "y", "Bare")


async def stage(connection: asyncpg.Connection, *batches: list[BookRecord]) -> None:
    staging_ = Staging(connection)
    await create_staging_tables(connection)
    for batch in batches:
        await staging_.add(batch)
    await staging_.finish()
    await staging_.close()


async def test_books_arrive_as_they_were_sent(connection: asyncpg.Connection) -> None:
    await stage(connection, [FULL, BARE])

    rows = await connection.fetch("SELECT * FROM stage_book ORDER BY ordinal")
    assert [(row["ordinal"], row["row"], row["source_id"], row["title"]) for row in rows] == [
        (1, 7, "x", FULL.title),
        (2, 8, "y", "Bare"),
    ]
    for row, record in zip(rows, (FULL, BARE), strict=True):
        names = ["row", "source_id", *(column.name for column in BOOK_COLUMNS)]
        assert {name: row[name] for name in names} == {name: getattr(record, name) for name in names}


async def test_repeated_people_and_paths_are_sent_once_and_referenced_by_number(
    connection: asyncpg.Connection,
) -> None:
    again = BookRecord(9, "z", "Again", authors=(BO, ANN), categories=(("C",),))

    await stage(connection, [FULL, BARE], [again])

    assert await connection.fetch("SELECT ordinal, people, paths FROM stage_link ORDER BY ordinal") == [
        (1, "1,2", "1,2"),
        (2, "", ""),
        (3, "2,1", "2"),
    ]
    assert await connection.fetch("SELECT * FROM stage_person ORDER BY person") == [
        (1, "Ann", "AUTHOR", "1", "Ann, A", -5, 60),
        (2, "Bo", "AUTHOR", None, None, None, None),
    ]
    assert await connection.fetch("SELECT path, names FROM stage_path ORDER BY path") == [
        (1, ["A", "B"]),
        (2, ["C"]),
    ]


async def test_a_key_evicted_from_the_cache_is_sent_again_under_another_number(
    connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "MAX_CACHED_KEYS", 1)
    again = BookRecord(9, "z", "Again", authors=(ANN,), categories=(("A", "B"),))

    await stage(connection, [FULL, again])

    assert await connection.fetch("SELECT people, paths FROM stage_link ORDER BY ordinal") == [
        ("1,2", "1,2"),
        ("3", "3"),
    ]
    assert await connection.fetch("SELECT person, name FROM stage_person ORDER BY person") == [
        (1, "Ann"),
        (2, "Bo"),
        (3, "Ann"),
    ]
