"""The rejects file: created with the first reject, never overwriting another file."""

from pathlib import Path

import pytest

from db.errors import CatalogImportError
from db.importing.readers.feed import default_row_label
from db.importing.records import Reject
from db.importing.rejects import RejectsFile

BAD_PRICE = Reject(12, "price", 'a "dear" one', "not a plain number")


def test_rejects_are_rows_of_csv_under_headings(tmp_path: Path) -> None:
    with RejectsFile(tmp_path / "r.csv", default_row_label) as rejects:
        rejects.write([BAD_PRICE, Reject(3, "isbn", "é\udcff", "not an ISBN-10 or ISBN-13", "field")])

    assert (rejects.rejected_rows, rejects.dropped_values) == (1, 1)
    assert (tmp_path / "r.csv").read_text(encoding="utf-8").splitlines() == [
        "row,field,value,reason",
        '12,price,"a ""dear"" one",not a plain number',
        "3,isbn,é\\udcff,not an ISBN-10 or ISBN-13",
    ]


def test_a_row_is_labelled_with_its_file_if_there_are_several(tmp_path: Path) -> None:
    with RejectsFile(tmp_path / "r.csv", lambda row: f"prices.csv row {row}") as rejects:
        rejects.write([BAD_PRICE])

    assert (tmp_path / "r.csv").read_text().splitlines()[1].startswith("prices.csv row 12,price,")


def test_without_rejects_there_is_no_file_and_an_older_one_is_removed(tmp_path: Path) -> None:
    with RejectsFile(tmp_path / "r.csv", default_row_label) as rejects:
        rejects.write([BAD_PRICE])
    with RejectsFile(tmp_path / "r.csv", default_row_label) as rejects:
        rejects.write([])

    assert list(tmp_path.iterdir()) == []


def test_another_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "books.csv").write_text("isbn,title\n")

    with (
        pytest.raises(CatalogImportError, match="is not a rejects file"),
        RejectsFile(tmp_path / "books.csv", default_row_label),
    ):
        pass

    assert (tmp_path / "books.csv").read_text() == "isbn,title\n"


def test_an_unwritable_path_is_one_clear_error(tmp_path: Path) -> None:
    with (
        pytest.raises(CatalogImportError, match=r"cannot be written: No such file or directory\."),
        RejectsFile(tmp_path / "nowhere" / "r.csv", default_row_label) as rejects,
    ):
        rejects.write([BAD_PRICE])
