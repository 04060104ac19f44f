"""`bookstore export`, run as a user runs it."""

import asyncio
import subprocess
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from db.connections.connect import connect
from db.exporting.exporter import export_source
from db.exporting.formats import EXPORT_FORMATS
from tests.serving import run_bookstore
from tests.waiting import until

HAS_WAITED = """
SELECT now() - query_start > '200 milliseconds' FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@dataclass(frozen=True)
class Shop:
    """A folder, and a catalog with books of two sources."""

    folder: Path
    dsn: str

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_bookstore(*arguments, cwd=self.folder, DATABASE_URL=self.dsn)


@pytest.fixture
def shop(dsn: str, tmp_path: Path) -> Shop:
    (tmp_path / "shop.csv").write_text(
        "source_id,title,author,price,currency\n1,Emma,Jane Austen,5,EUR\n2,Nana,,,\n"
    )
    (tmp_path / "ids.jsonl").write_text(
        '{"source_id": "9", "title": "Kim", "authors": [{"name": "R K", "source_id": "k"}]}\n'
    )
    shop = Shop(tmp_path, dsn)
    for name, source in (("shop.csv", "shop"), ("ids.jsonl", "ids")):
        result = shop.run("import", Path(name).suffix[1:], name, "--source", source)
        assert result.returncode == 0, result.stderr
    return shop


def test_a_source_is_exported_and_imported_again_without_a_change(shop: Shop) -> None:
    exported = shop.run("export", "csv", "--source", "shop", "--output", "out/shop.csv")
    printed = shop.run("export", "csv", "--source", "shop")
    again = shop.run("import", "csv", "out/shop.csv", "--source", "shop", "--replace")

    assert (exported.returncode, exported.stdout, exported.stderr) == (
        0,
        "",
        "Exported shop: 2 books, in out/shop.csv.\n",
    )
    assert (printed.returncode, printed.stderr) == (0, "Exported shop: 2 books.\n")
    assert printed.stdout == (shop.folder / "out" / "shop.csv").read_text()
    assert again.returncode == 0
    assert "0 rows changed: the catalog already matches this import." in again.stdout + again.stderr


def test_books_off_sale_are_unpublished_left_out_of_an_export_and_published_again(shop: Shop) -> None:
    week = ("--source", "shop", "--missing", "unpublish", "--yes")
    (shop.folder / "week.csv").write_text("source_id,title\n1,Emma\n")

    refused = shop.run("import", "csv", "week.csv", *week)
    planned = shop.run("import", "csv", "week.csv", *week, "--missing-limit", "50%", "--dry-run")
    done = shop.run("import", "csv", "week.csv", *week, "--missing-limit", "50%")
    exported = shop.run("export", "csv", "--source", "shop", "--output", "out.csv")
    again = shop.run("import", "csv", "out.csv", *week)
    back = shop.run("import", "csv", "shop.csv", "--source", "shop")
    imports = shop.run("imports", "show", "3")

    said = [" ".join((each.stdout + each.stderr).split()) for each in (refused, planned, done, again, back)]
    assert (
        "1 of the 2 published books of shop are not in this import (50.0%), and at most 5% may be" in said[0]
    )
    assert "1 unpublished books, missing from this import shop/2 Nana" in said[1]
    assert "unpublished books, missing from this import │ 1" in said[2]
    assert "The unpublished books are listed in shop.missing.csv." in said[2]
    assert (shop.folder / "shop.missing.csv").read_text() == "source_id,isbn,title\n2,,Nana\n"
    assert exported.stderr == "Exported shop: 1 books, in out.csv.\n1 unpublished books were left out.\n"
    assert "0 rows changed: the catalog already matches this import." in said[3]
    assert "published again │ 1" in said[4]
    assert "0 new, 0 changed, 0 deleted, 1 unpublished books." in imports.stdout
    assert "book shop/2: is_published true -> false" in imports.stdout


def test_each_source_is_exported_to_a_file_of_the_folder(shop: Shop) -> None:
    held = shop.run("export", "jsonl", "--folder", "out")
    lossy = shop.run("export", "csv", "--folder", "out")

    assert (held.returncode, held.stderr) == (
        0,
        "Exported ids: 1 books, in out/ids.jsonl.\nExported shop: 2 books, in out/shop.jsonl.\n",
    )
    assert sorted(path.name for path in (shop.folder / "out").iterdir()) == [
        "ids.csv",
        "ids.jsonl",
        "shop.csv",
        "shop.jsonl",
    ]
    assert lossy.returncode == 1
    assert (
        "csv cannot hold everything of 9: importing the file would change these books. Export them as jsonl."
        in lossy.stderr
    )


@pytest.mark.parametrize(
    ("options", "code", "error"),
    [
        (
            (),
            1,
            "Name a source with --source, or write a file of each with --folder; the sources and their books are: ids (1), shop (2).",
        ),
        (
            ("--source", "x"),
            1,
            "No book has the source 'x'; the sources and their books are: ids (1), shop (2).",
        ),
        (("--folder", "out", "--source", "shop"), 2, "leave out --source and --output."),
        (("--source", "shop", "--output", "shop.csv/x"), 1, "shop.csv/x cannot be written: "),
    ],
)
def test_an_export_that_cannot_be_written_says_why(
    shop: Shop, options: tuple[str, ...], code: int, error: str
) -> None:
    before = (shop.folder / "shop.csv").read_bytes()

    result = shop.run("export", "csv", *options)

    assert (result.returncode, result.stdout) == (code, "")
    assert error in result.stderr
    assert (shop.folder / "shop.csv").read_bytes() == before


async def test_an_export_is_not_ended_by_a_timeout_of_the_role(dsn: str) -> None:
    exporting, locking, observer = [await connect(dsn, application_name="export") for _ in range(3)]
    await exporting.execute("SET statement_timeout = 100")
    await locking.execute("BEGIN; LOCK TABLE book")
    export = asyncio.create_task(export_source(exporting, "shop", EXPORT_FORMATS["csv"], StringIO()))

    await until(lambda: observer.fetchval(HAS_WAITED))
    await locking.execute("COMMIT")

    assert (await export).books == 0
    for connection in (exporting, locking, observer):
        await connection.close()
