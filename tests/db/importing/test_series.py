"""The series of books through imports, exports, edits and undo."""

from pathlib import Path

import pytest

from db.importing.field_parsers import FieldError, find_numbered_series, parse_series
from db.importing.importer import import_feed
from db.importing.options import ImportOptions
from db.importing.readers import open_feed
from db.importing.readers.flat import FlatRecordParser
from db.importing.records import BookRecord, Reject
from db.importing.undo import undo_import
from tests.db.importing.feeds import Catalog, book

SERIES = "SELECT s.slug, s.name, b.source_id, b.series, b.series_position, b.series_key FROM series s JOIN book b ON b.series_id = s.id ORDER BY b.source_id"
CLEARS = ImportOptions(empty_clears=True)


@pytest.mark.parametrize(
    ("text", "series", "position"),
    [
        ("The Hunger Games, #1", "The Hunger Games", "1"),
        ("The Shining #1", "The Shining", "1"),
        ("Kenzie & Gennaro,#6", "Kenzie & Gennaro", "6"),
        ("Divergent, #0.1 - 0.4", "Divergent", "0.1 - 0.4"),
        ("Discworld, #1; Rincewind #1", "Discworld", "1"),
        ("Dark-Hunter #5, Were-Hunter #1", "Dark-Hunter", "5"),
        ("Discworld, #40, Moist von Lipwig #3 ", "Discworld", "40"),
        ("Sookie Stackhouse, #4.1, #4.3, #5.1", "Sookie Stackhouse", "4.1, 4.3, 5.1"),
        ("Harry Potter, #5, Part 1", "Harry Potter", "5, Part 1"),
        ("Star Wars: The Thrawn Trilogy #1", "Star Wars: The Thrawn Trilogy", "1"),
        ("Includes: Immortals After Dark, #8; Alien Huntress, #3.5", "Immortals After Dark", "8"),
        ("The C# Way", "", ""),
        ("#1", "", ""),
    ],
)
def test_the_first_numbered_series_of_a_text_is_found(text: str, series: str, position: str) -> None:
    assert find_numbered_series(text) == (series, position)


@pytest.mark.parametrize(
    ("name", "position", "read"),
    [
        ("Discworld", "8", ("Discworld", "8")),
        ("Discworld", "#8", ("Discworld", "8")),
        ("Discworld", "8.0", ("Discworld", "8")),
        ("Discworld", "8.5", ("Discworld", "8.5")),
        ("Discworld", " Vol.  III ", ("Discworld", "Vol. III")),
        ("Discworld", "n/a", ("Discworld", None)),
        ("Discworld, #8", "", ("Discworld", "8")),
        ("Discworld, #8", "9", ("Discworld, #8", "9")),
        ("Tom &amp; Jerry", "", ("Tom & Jerry", None)),
        ("n/a", "", (None, None)),
        ("", "-", (None, None)),
    ],
)
def test_the_cells_of_a_series_are_read(
    name: str, position: str, read: tuple[str | None, str | None]
) -> None:
    assert parse_series(name, position) == read


@pytest.mark.parametrize(
    ("name", "position", "field", "reason"),
    [
        ("", "3", "series_position", "a position, but no series; write both, or neither"),
        ("x" * 501, "", "series", "501 characters; 500 are allowed"),
        (
            "Dune",
            "x" * 51,
            "series_position",
            "51 characters; 50 are allowed; imported with the series alone",
        ),
        ("=HYPERLINK(A1)", "", "series", "a formula of a spreadsheet; write the text that it shows"),
    ],
)
def test_an_invalid_series_is_refused(name: str, position: str, field: str, reason: str) -> None:
    with pytest.raises(FieldError) as caught:
        parse_series(name, position)

    assert (caught.value.field, caught.value.reason) == (field, reason)


def test_an_invalid_position_costs_neither_the_series_nor_the_book() -> None:
    parser = FlatRecordParser(("source_id", "title", "series", "series_position"))
    found = parser.parse(1, ("1", "T", "Dune", "x" * 51))
    lost = parser.parse(2, ("2", "T", "", "3"))

    assert found[0] == BookRecord(1, "1", "T", series="Dune")
    assert lost == (
        BookRecord(2, "2", "T"),
        Reject(
            2,
            "series_position",
            "3",
            "a position, but no series; write both, or neither; imported without it",
            "field",
        ),
    )


async def rows(catalog: Catalog) -> list[tuple[object, ...]]:
    """Assert that the audit finds nothing, and return the books with their series."""
    await catalog.checksum()
    return [tuple(row) for row in await catalog.connection.fetch(SERIES)]


@pytest.mark.parametrize("rebuilds", [False, True])
async def test_books_are_imported_with_their_series_and_exported_back(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rebuilds: bool
) -> None:
    if rebuilds:
        monkeypatch.setattr("db.importing.import_transaction.BULK_MIN_BOOKS", 1)
    found = await catalog.import_records(
        book("1", series="DUNE", series_position="1"),
        book("2", series="Dune", series_position="1.5"),
        book("3", series="Dune"),
        book("4"),
    )

    assert bool(found.rebuilt) == rebuilds
    assert await rows(catalog) == [
        ("dune", "Dune", "1", "DUNE", "1", "00000001"),
        ("dune", "Dune", "2", "Dune", "1.5", "00000001.5"),
        ("dune", "Dune", "3", "Dune", None, None),
    ]
    again = await catalog.import_records(
        book("1", series="DUNE", series_position="1"), book("3", series="Dune")
    )
    assert again.changed_nothing


async def test_an_empty_cell_keeps_a_series_or_clears_it(catalog: Catalog) -> None:
    await catalog.import_records(book("1", series="Dune", series_position="1"))

    kept = await catalog.import_records(book("1"))
    assert (kept.changed, await rows(catalog)) == (0, [("dune", "Dune", "1", "Dune", "1", "00000001")])

    moved = await catalog.import_records(book("1", series="Robot"))
    assert (moved.changed, await rows(catalog)) == (1, [("robot", "Robot", "1", "Robot", None, None)])

    cleared = await catalog.import_records(book("1"), options=CLEARS)
    assert (cleared.changed, await rows(catalog)) == (1, [])
    assert await catalog.connection.fetchval("SELECT count(*) FROM series") == 0


async def test_an_edited_series_stays_and_another_source_may_own_it(catalog: Catalog) -> None:
    isbn = "9780306406157"
    await catalog.import_records(book("1", isbn=isbn, series="Dune", series_position="1"))
    await catalog.connection.execute("UPDATE book SET series_position = '2'")

    kept = await catalog.import_records(book("1", isbn=isbn, series="Dune", series_position="1"))
    assert [(each.field, each.owner) for each in kept.kept] == [("series", "editor")]
    owning = ImportOptions(owner_of=frozenset(("series",)), overwrite_edits=True)
    await catalog.import_records(
        book(isbn, None, isbn=isbn, series="Robot"), source="other", fields=("isbn", "series"), options=owning
    )

    assert await rows(catalog) == [("robot", "Robot", "1", "Robot", None, None)]


async def test_changes_and_deletions_are_undone(catalog: Catalog) -> None:
    await catalog.import_records(book("1", series="Dune", series_position="1"), book("2", series="Robot"))
    before = await rows(catalog)
    summary = await catalog.import_records(
        book("1", series="Foundation"), options=ImportOptions(missing="delete", missing_limit=100)
    )
    assert await rows(catalog) == [("foundation", "Foundation", "1", "Foundation", None, None)]

    await undo_import(catalog.dsn, summary.number)

    assert await rows(catalog) == before


CALIBRE = (
    "uuid,isbn,title,authors,author_sort,title_sort,series,series_index\n"
    'u1,,Dune,Frank Herbert,"Herbert, Frank",Dune,Dune,1.0\n'
    'u2,,Dune Messiah,Frank Herbert,"Herbert, Frank",Dune Messiah,Dune,2.5\n'
    'u3,,Alone,Frank Herbert,"Herbert, Frank",Alone,,1.0\n'
)
GOODREADS = (
    "Book Id,Title,Author,Author l-f,Additional Authors,ISBN,ISBN13,Bookshelves\n"
    'u1,"Dune (Dune, #1)",Frank Herbert,"Herbert, Frank",,,,to-read\n'
    'u2,"Dune Messiah (Dune Chronicles #2)",Frank Herbert,"Herbert, Frank",,,,read\n'
    'u3,Alone (And Other Stories),Frank Herbert,"Herbert, Frank",,,,read\n'
)
FLAT = (
    "source_id,title,Series Name,Series Index\n"
    'u1,Dune,Dune,1\nu2,Dune Messiah,"Dune Chronicles, #2",\nu3,Alone,,\n'
)
SCHEMA_ORG = (
    '[{"@type": "Book", "@id": "u1", "name": "Dune", "position": "1",'
    ' "isPartOf": {"@type": "BookSeries", "name": "Dune"}},'
    ' {"@type": "Book", "@id": "u2", "name": "Dune Messiah", "isPartOf":'
    ' [{"@type": "WebPage", "name": "Page"}, {"@type": "BookSeries", "name": "Dune Chronicles", "position": 2}]},'
    ' {"@type": "Book", "@id": "u3", "name": "Alone", "isPartOf": {"@type": "WebPage", "name": "Page"}}]'
)
CHRONICLES = [("u1", "Dune", "1"), ("u2", "Dune Chronicles", "2"), ("u3", None, None)]


@pytest.mark.parametrize(
    ("format_name", "name", "text", "expected"),
    [
        ("csv", "calibre.csv", CALIBRE, [("u1", "Dune", "1"), ("u2", "Dune", "2.5"), ("u3", None, None)]),
        ("csv", "goodreads.csv", GOODREADS, CHRONICLES),
        ("csv", "flat.csv", FLAT, CHRONICLES),
        ("json", "books.json", SCHEMA_ORG, CHRONICLES),
    ],
)
async def test_series_are_read_from_the_exports_of_other_programs(
    catalog: Catalog,
    tmp_path: Path,
    format_name: str,
    name: str,
    text: str,
    expected: list[tuple[object, ...]],
) -> None:
    (tmp_path / name).write_text(text)
    read = "SELECT source_id, series, series_position FROM book ORDER BY source_id"
    await catalog.import_records(book("u1"), book("u2"), book("u3"))

    feed = await open_feed(format_name, [tmp_path / name], source="shop")
    summary = await import_feed(catalog.dsn, feed, rejects=catalog.rejects)

    assert (summary.plan.rejected, summary.plan.dropped_values) == (0, 0)
    assert [tuple(row) for row in await catalog.connection.fetch(read)] == expected
