"""The rejects file: created with the first reject, never overwriting another file."""

import csv
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from db.errors import CatalogImportError
from db.importing import import_transaction
from db.importing.importer import import_feed
from db.importing.options import ImportOptions
from db.importing.records import Reject
from db.importing.rejects import RejectsFile
from tests.db.importing.feeds import Catalog, book, feed

BAD_PRICE = Reject(12, "price", 'a "high" one', "not a plain number such as 4.25")


def test_rejects_are_rows_of_csv_under_headings(tmp_path: Path) -> None:
    with RejectsFile(tmp_path / "r.csv", feed([])) as rejects:
        rejects.write(
            [
                BAD_PRICE,
                Reject(
                    3,
                    "isbn",
                    "é\udcff",
                    "not an ISBN-10 or ISBN-13; write its 10 or 13 digits",
                    "field",
                    "k",
                    "A, b",
                ),
            ]
        )
        rejects.finish()

    assert (rejects.rejected_rows, rejects.dropped_values) == (1, 1)
    assert (tmp_path / "r.csv").read_text(encoding="utf-8").splitlines() == [
        "row,field,value,reason,source_id,title",
        '12,price,"a ""high"" one",not a plain number such as 4.25,,',
        '3,isbn,é\\udcff,not an ISBN-10 or ISBN-13; write its 10 or 13 digits,k,"A, b"',
    ]


async def test_a_reject_names_its_book(catalog: Catalog) -> None:
    """Of a value, of a row that no other row may repeat, and of a book that the import does not add."""
    dropped = Reject(1, "price", "?", "not a price; imported without it", "field")
    await catalog.import_records(
        book("a", "Emma"), dropped, book("b", "Nana", isbn="9780306406157"), book("b", "Kim")
    )
    first = list(csv.reader(catalog.rejects.read_text().splitlines()))[1:]
    await catalog.import_records(book("c", "Ida"), options=ImportOptions(update_only=True))
    second = list(csv.reader(catalog.rejects.read_text().splitlines()))[1:]

    assert [(row[0], row[1], *row[4:]) for row in first] == [
        ("1", "price", "a", "Emma"),
        ("4", "source_id", "b", "Kim"),
    ]
    assert [(row[0], row[1], *row[4:]) for row in second] == [("1", "source_id", "c", "Ida")]


def test_a_row_is_labelled_with_its_file_if_there_are_several(tmp_path: Path) -> None:
    with RejectsFile(
        tmp_path / "r.csv", replace(feed([]), row_label=lambda row: f"prices.csv row {row}")
    ) as rejects:
        rejects.write([BAD_PRICE])
        rejects.finish()

    assert (tmp_path / "r.csv").read_text().splitlines()[1].startswith("prices.csv row 12,price,")


def test_without_rejects_there_is_no_file_and_an_older_one_is_removed(tmp_path: Path) -> None:
    with RejectsFile(tmp_path / "r.csv", feed([])) as rejects:
        rejects.write([BAD_PRICE])
        rejects.finish()
    with RejectsFile(tmp_path / "r.csv", feed([])) as rejects:
        rejects.write([])
        rejects.finish()

    assert list(tmp_path.iterdir()) == []


def test_another_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "books.csv").write_text("isbn,title\n")

    with (
        pytest.raises(CatalogImportError, match="is not a rejects file"),
        RejectsFile(tmp_path / "books.csv", feed([])),
    ):
        pass

    assert (tmp_path / "books.csv").read_text() == "isbn,title\n"


def test_an_unwritable_path_is_one_clear_error(tmp_path: Path) -> None:
    with (
        pytest.raises(CatalogImportError, match=r"cannot be written: No such file or directory\."),
        RejectsFile(tmp_path / "nowhere" / "r.csv", feed([])) as rejects,
    ):
        rejects.write([BAD_PRICE])


def test_without_an_end_the_file_of_an_earlier_import_stays(tmp_path: Path) -> None:
    with RejectsFile(tmp_path / "r.csv", feed([])) as rejects:
        rejects.write([BAD_PRICE])
        rejects.finish()
    before = (tmp_path / "r.csv").read_text()

    with RejectsFile(tmp_path / "r.csv", feed([])) as rejects:
        rejects.write([Reject(1, "isbn", "x", "not an ISBN-10 or ISBN-13; write its 10 or 13 digits")])

    assert [path.name for path in tmp_path.iterdir()] == ["r.csv"]
    assert (tmp_path / "r.csv").read_text() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's device of a full disk")
async def test_a_disk_that_is_full_at_the_end_writes_nothing(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.fdopen

    def on_a_full_disk(handle: int, *arguments: Any, **options: Any) -> Any:
        os.dup2(os.open("/dev/full", os.O_WRONLY), handle)
        return opened(handle, *arguments, **options)

    monkeypatch.setattr(os, "fdopen", on_a_full_disk)

    with pytest.raises(
        CatalogImportError, match=r"r\.csv cannot be written: No space left on device\. Nothing was"
    ):
        await import_feed(
            catalog.dsn, feed([book("1"), BAD_PRICE]), rejects=catalog.rejects.with_name("r.csv")
        )

    assert await catalog.rows("SELECT count(*) FROM book") == [(0,)]
    assert list(catalog.rejects.parent.iterdir()) == []


async def test_a_second_import_leaves_the_file_of_the_running_one(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_transaction, "IMPORT_LOCK_TIMEOUT", 0.1)
    await catalog.import_records(book("1"), BAD_PRICE)
    before = catalog.rejects.read_text()
    async with catalog.connection.transaction():
        await catalog.connection.execute("SELECT pg_advisory_xact_lock(hashtext('bookstore import'))")

        with pytest.raises(CatalogImportError, match="Another import is running"):
            await catalog.import_records(book("2"))

    assert catalog.rejects.read_text() == before
