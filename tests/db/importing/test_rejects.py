"""The rejects file: made when there is something to put into it, and never over something else."""

from pathlib import Path

import pytest

from db.errors import CatalogImportError
from db.importing.readers.delivery import row_number
from db.importing.records import Reject
from db.importing.rejects import RejectsFile

BAD_PRICE = Reject(12, "price", 'a "dear" one', "not a plain number")


def test_rejects_are_rows_of_csv_under_headings(tmp_path: Path) -> None:
    with RejectsFile(tmp_path / "r.csv", row_number) as rejects:
        rejects.write([BAD_PRICE, Reject(3, "isbn", "é\udcff", "not an ISBN-10 or ISBN-13", "field")])

    assert (rejects.count, rejects.dropped) == (1, 1)
    assert (tmp_path / "r.csv").read_text(encoding="utf-8").splitlines() == [
        "row,field,value,reason",
        '12,price,"a ""dear"" one",not a plain number',
        "3,isbn,é\\udcff,not an ISBN-10 or ISBN-13",
    ]


def test_a_row_is_named_by_its_file_where_there_are_several(tmp_path: Path) -> None:
    with RejectsFile(tmp_path / "r.csv", lambda row: f"prices.csv row {row}") as rejects:
        rejects.write([BAD_PRICE])

    assert (tmp_path / "r.csv").read_text().splitlines()[1].startswith("prices.csv row 12,price,")


def test_without_rejects_there_is_no_file_and_an_older_one_is_removed(tmp_path: Path) -> None:
    with RejectsFile(tmp_path / "r.csv", row_number) as rejects:
        rejects.write([BAD_PRICE])
    with RejectsFile(tmp_path / "r.csv", row_number) as rejects:
        rejects.write([])

    assert list(tmp_path.iterdir()) == []


def test_another_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "books.csv").write_text("isbn,title\n")

    with (
        pytest.raises(CatalogImportError, match="is no rejects file"),
        RejectsFile(tmp_path / "books.csv", row_number),
    ):
        pass

    assert (tmp_path / "books.csv").read_text() == "isbn,title\n"


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    with (
        pytest.raises(CatalogImportError, match=r"cannot be written: No such file or directory\."),
        RejectsFile(tmp_path / "nowhere" / "r.csv", row_number) as rejects,
    ):
        rejects.write([BAD_PRICE])
