"""The commands that list imports and undo them, run as a user runs them."""

import re
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.serving import embedded_catalog, run_bookstore

BOOKS = """isbn,title,authors,categories,price,stock
9780306406157,The Sea,Jane Do,Fiction,12.50,5
9780199535811,The Hill,John Roe,Fiction > Crime,9.90,2
"""
PRICES = "isbn,price\n9780306406157,13.00\n9780199535811,10.00\n"


@pytest.fixture(scope="module")
def shop() -> Generator[Path]:
    """A folder with an embedded catalog, in which import 2 changed two prices."""
    with embedded_catalog() as folder:
        for name, text in (("books", BOOKS), ("prices", PRICES)):
            (folder / f"{name}.csv").write_text(text)
            imported = run_bookstore(
                "import", "csv", f"{name}.csv", "--source", "shop", "--currency", "EUR", cwd=folder
            )
            assert imported.returncode == 0, imported.stderr
        yield folder


def test_no_import_is_listed_before_the_first() -> None:
    with embedded_catalog() as folder:
        assert run_bookstore("imports", cwd=folder).stdout == "Nothing was imported yet.\n"


def test_an_import_is_listed_shown_and_undone(shop: Path) -> None:
    shown = run_bookstore("imports", "show", "2", cwd=shop).stdout
    planned = run_bookstore("undo", "2", "--dry-run", cwd=shop)
    undone = run_bookstore("undo", "2", cwd=shop)
    twice = run_bookstore("undo", "2", cwd=shop)
    listed = run_bookstore("imports", cwd=shop).stdout

    assert re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "DAY", shown) == (
        "Import 2 of shop, DAY UTC: csv prices.csv. 0 new, 2 changed, 0 deleted, 0 unpublished books.\n"
        "2 × book: price\n"
        "    book shop/9780306406157: price 12.50 EUR -> 13.00 EUR\n"
        "    book shop/9780199535811: price 9.90 EUR -> 10.00 EUR\n"
    )
    assert "shop/9780306406157 The Sea: 13.00 EUR -> 12.50 EUR" in planned.stdout
    assert undone.returncode == 0
    assert "This is import 3; `bookstore undo 3` sets it back.\n" in undone.stdout
    assert (twice.returncode, twice.stderr) == (
        1,
        "Error: Import 2 is undone already, by import 3; `bookstore undo 3` brings its changes back.\n",
    )
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in listed.splitlines() if "│" in line]
    assert [[row[0], *row[2:]] for row in rows] == [
        ["1", "shop", "csv books.csv", "2", "0", "0", "0", "0", ""],
        ["2", "shop", "csv prices.csv", "0", "2", "0", "0", "0", "undone by 3"],
        ["3", "shop", "undo of import 2", "0", "2", "0", "0", "0", ""],
    ]


def test_an_unknown_import_is_neither_shown_nor_undone(shop: Path) -> None:
    for arguments in (("imports", "show", "99"), ("undo", "99")):
        result = run_bookstore(*arguments, cwd=shop)

        assert (result.returncode, result.stderr) == (
            1,
            "Error: There is no import 99; `bookstore imports` lists them.\n",
        )
