"""The rejects file holds the rejected rows: it is corrected and imported by itself."""

import csv
import gzip
import io
import json
import sys
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from db.errors import CatalogImportError
from db.importing.importer import import_feed
from db.importing.options import DEFAULT_OPTIONS, ImportOptions
from db.importing.readers import Feed, ReadingOptions, RecordBatch, open_feed
from db.importing.readers.flat_fields import EXPORTED_KEYS, FLAT_FIELDS
from db.importing.records import RejectedRow
from db.importing.rejects import RejectsFile
from db.importing.summary import Summary
from tests.db.importing.feeds import Catalog
from tests.db.importing.readers.sources import write_lines
from tests.db.importing.readers.test_containers import workbook, zipped

EMMA, NANA, KIM = "9780306406157", "9780306406164", "9780199535811"


async def import_files(
    catalog: Catalog,
    *paths: Path | str,
    format: str = "csv",  # noqa: A002
    options: ImportOptions = DEFAULT_OPTIONS,
    dry_run: bool = False,
    **choices: Any,
) -> Summary:
    feed = await open_feed(format, paths, source="shop", **choices)
    return await import_feed(catalog.dsn, feed, rejects=catalog.rejects, options=options, dry_run=dry_run)


def rejected_cells(catalog: Catalog) -> list[list[str]]:
    with catalog.rejects.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def rejected_rows(catalog: Catalog) -> list[dict[str, str]]:
    with catalog.rejects.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def folder_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def correct(catalog: Catalog, *corrections: tuple[str, str]) -> None:
    """Replace texts in the rejects file, each of which is there once."""
    text = catalog.rejects.read_bytes().decode()
    for old, new in corrections:
        assert text.count(old) == 1, (old, text)
        text = text.replace(old, new)
    catalog.rejects.write_bytes(text.encode())


async def titles(catalog: Catalog) -> list[tuple[object, ...]]:
    return await catalog.rows("SELECT source_id, title, page_count, price FROM book ORDER BY source_id")


async def test_decimals_that_a_currency_lacks_and_formulas_cost_their_value(catalog: Catalog, tmp_path: Path):
    first = write_lines(tmp_path / "first.csv", "No,Title,Price", "1,Emma,1200 JPY", "2,Nana,5 EUR")
    second = write_lines(
        tmp_path / "second.csv",
        "No,Title,Price",
        "1,@SUM(A1),1200.50 JPY",
        "2,=,6 EUR",
        '3,"=HYPERLINK(""x"")",1 EUR',
    )
    await import_files(catalog, first, mapping={"No": "source_id"})

    summary = await import_files(catalog, second, mapping={"No": "source_id"})

    assert await titles(catalog) == [("1", "Emma", None, Decimal(1200)), ("2", "=", None, Decimal(6))]
    assert (summary.plan.dropped_values, summary.rejected) == (3, 1)
    assert [(row["reject_field"], row["reject_value"]) for row in rejected_rows(catalog)] == [
        ("title | price", "@SUM(A1) | 1200.50 JPY"),
        ("title | title", '=HYPERLINK("x") | '),
    ]
    assert rejected_rows(catalog)[0]["reject_reason"] == (
        "a formula of a spreadsheet; write the text that it shows; imported without it"
        " | JPY has no decimals; write 1200 or 1201; imported without it"
    )


async def test_the_file_holds_the_columns_of_the_source_behind_those_of_the_reject(
    catalog: Catalog, tmp_path: Path
):
    source = write_lines(
        tmp_path / "list.csv",
        "No,Title,Pages,Shelf",
        "1,Emma,many,A",
        '2,"Nana, the',
        'novel",320,B',
        "3,Kim,7x7,C",
        "4,,1,D",
    )

    summary = await import_files(catalog, source, mapping={"No": "source_id"})

    assert (summary.new, summary.rejected, summary.dropped_values) == (3, 1, 2)
    assert rejected_cells(catalog) == [
        [
            "reject_row", "reject_field", "reject_value", "reject_reason", "reject_source_id", "reject_title",
            "reject_read_as", "No", "Title", "Pages", "Shelf",
        ],
        ["line 2", "pages", "many", rejected_rows(catalog)[0]["reject_reason"], "1", "Emma", "", "1", "Emma", "many", "A"],
        ["line 5", "pages", "7x7", rejected_rows(catalog)[1]["reject_reason"], "3", "Kim", "", "3", "Kim", "7x7", "C"],
        ["line 6", "title", "", "no book has the source_id 4, and a new one needs a title", "4", "", "", "4", "", "1", "D"],
    ]  # fmt: skip


async def test_a_corrected_file_is_imported_by_itself_in_rounds(catalog: Catalog, tmp_path: Path):
    source = write_lines(
        tmp_path / "list.csv", "source_id,title,pages", "1,Emma,many", "2,Nana,320", "3,,7", "4,Kim,x"
    )
    await import_files(catalog, source)

    correct(catalog, ("1,Emma,many", "1,Emma,100"), ("3,,7", "3,Ida,7"))
    second = await import_files(catalog, catalog.rejects)
    left = rejected_rows(catalog)
    correct(catalog, ("4,Kim,x", "4,Kim,9"))
    third = await import_files(catalog, catalog.rejects)

    assert (second.new, second.changed, second.unchanged, second.dropped_values) == (1, 1, 1, 1)
    assert [(row["reject_row"], row["source_id"], row["title"], row["pages"]) for row in left] == [
        ("line 4", "4", "Kim", "x")
    ]
    assert (third.changed, third.rejected, third.dropped_values) == (1, 0, 0)
    assert third.plan.ignored_headings == ()
    assert await titles(catalog) == [
        ("1", "Emma", 100, None),
        ("2", "Nana", 320, None),
        ("3", "Ida", 7, None),
        ("4", "Kim", 9, None),
    ]
    assert not catalog.rejects.exists()


async def test_a_file_that_is_not_corrected_yet_says_the_same_again(catalog: Catalog, tmp_path: Path):
    """Also of rows that are wrong only beside another row, that have no cells, or too few or too many."""
    source = write_lines(
        tmp_path / "list.csv",
        "source_id,title,pages",
        "1,Emma,many",
        "2,Nana,1",
        "2,Kim,1",
        "3,Ida",
        "4,Ida,1,2",
        '5,"I"da,1',
    )
    await import_files(catalog, source)
    checksum, first = await catalog.checksum(), rejected_rows(catalog)

    second_summary = await import_files(catalog, catalog.rejects)
    second = rejected_rows(catalog)
    await import_files(catalog, catalog.rejects)

    assert [row.pop("reject_row") for row in first] == [
        "line 2", "line 3", "line 4", "line 5", "line 6", "line 7",
    ]  # fmt: skip
    assert [row.pop("reject_row") for row in second] == [
        "line 2", "line 3", "line 4", "line 5", "line 6", "line 7",
    ]  # fmt: skip
    assert second == first
    assert [(row["reject_field"], row["reject_value"], row["reject_reason"]) for row in first] == [
        ("pages", "many", first[0]["reject_reason"]),
        ("", "", "not rejected: a rejected row refers to this one; leave it as it is"),
        ("source_id", "2", "is already in line 3; keep one of the two rows"),
        ("row", "3,Ida", "2 cells, but 3 headings; the end of the row is missing"),
        ("row", "4,Ida,1,2", "4 cells, but 3 headings; quote cells that contain the separator"),
        ("row", '5,"I"da,1', first[5]["reject_reason"]),
    ]
    assert (second_summary.unchanged, second_summary.rejected) == (2, 4)
    assert await catalog.checksum() == checksum


async def test_several_faults_of_a_row_are_one_line(catalog: Catalog, tmp_path: Path):
    source = write_lines(tmp_path / "list.csv", "source_id,title,pages,stock", "1,Emma,many,few")

    await import_files(catalog, source)

    (row,) = rejected_rows(catalog)
    assert (row["reject_field"], row["reject_value"]) == ("pages | stock", "many | few")


@pytest.mark.parametrize("kind", ["plain", "gzip", "zip", "workbook", "stdin", "tabs"])
async def test_every_kind_of_file_is_read_again(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
):
    rows = [["source_id", "title", "pages"], ["1", "Emma", "many"], ["2", "Nana", "3"]]
    text = "".join(",".join(row) + "\n" for row in rows).encode()
    source: Path | str = tmp_path / "list"
    if kind == "stdin":
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text)))
        source = "-"
    else:
        content = {
            "plain": text,
            "gzip": gzip.compress(text),
            "zip": zipped(list_csv=text),
            "workbook": workbook([[*row] for row in rows]),
            "tabs": text.replace(b",", b"\t"),
        }[kind]
        source.write_bytes(content)
    await import_files(catalog, source)

    correct(catalog, ("1,Emma,many", "1,Emma,5"))
    await import_files(catalog, catalog.rejects)

    assert await titles(catalog) == [("1", "Emma", 5, None), ("2", "Nana", 3, None)]


async def test_the_same_options_read_a_file_without_headings_in_another_encoding(
    catalog: Catalog, tmp_path: Path
):
    source = tmp_path / "list.csv"
    source.write_bytes("our list\n1^Émile^many\n2^Nana^3\n".encode("windows-1252"))
    options: dict[str, Any] = {
        "mapping": {"1": "source_id", "2": "title", "3": "pages"},
        "reading": ReadingOptions(header=False, skip_lines=1, delimiter="^", encoding="windows-1252"),
    }
    await import_files(catalog, source, **options)

    assert rejected_cells(catalog)[0][7:] == ["1", "2", "3"]
    correct(catalog, ("1,Émile,many", "1,Émile,5"))
    await import_files(catalog, catalog.rejects, **options)

    assert await titles(catalog) == [("1", "Émile", 5, None), ("2", "Nana", 3, None)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "windows-1252"])
async def test_a_spreadsheet_may_save_the_file_in_its_own_way(
    catalog: Catalog, tmp_path: Path, encoding: str
):
    source = write_lines(tmp_path / "list.csv", "source_id,title,pages", "1,Émile,many", "2,Nana,3,4")
    await import_files(catalog, source)

    rows = rejected_cells(catalog)
    width = max(map(len, rows))
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows([row + [""] * (width - len(row)) for row in rows])
    corrected = text.getvalue().replace("1;Émile;many", "1;Émile;5").replace("2;Nana;3;4", "2;Nana;3;")
    catalog.rejects.write_bytes(corrected.encode(encoding))
    reading = ReadingOptions(encoding="windows-1252" if encoding == "windows-1252" else "")
    await import_files(catalog, catalog.rejects, reading=reading)

    assert await titles(catalog) == [("1", "Émile", 5, None), ("2", "Nana", 3, None)]
    assert not catalog.rejects.exists()


async def test_a_spreadsheet_may_save_the_file_as_a_workbook(catalog: Catalog, tmp_path: Path):
    """The options of the source are repeated: it had a line before its headings, and a key of two columns."""
    source = write_lines(tmp_path / "list.csv", "our list", "title,author,pages", "Emma,Jane Austen,many")
    reading = ReadingOptions(skip_lines=1, key=("title", "author"))
    await import_files(catalog, source, reading=reading)

    headings, row = rejected_cells(catalog)
    saved = tmp_path / "corrected.xlsx"
    rows: list[list[object]] = [[*headings[7:], *headings[:7]], [*row[7:9], "5", *row[:7]]]
    saved.write_bytes(workbook(rows))
    await import_files(catalog, saved, reading=reading)

    assert await titles(catalog) == [("emma | jane austen", "Emma", 5, None)]
    assert not catalog.rejects.exists()


async def test_the_file_says_how_the_columns_of_its_source_were_read(catalog: Catalog, tmp_path: Path):
    """One row alone does not show that its prices have a decimal comma, and its authors their last names first."""
    source = write_lines(
        tmp_path / "list.csv",
        "source_id;title;price;authors;pages",
        "1;Emma;12,50 €;Austen, Jane;1",
        "2;Nana;1.800 €;Zola, Émile;1",
        "3;Kim;1.250 €;García Márquez, Gabriel José;many",
    )
    await import_files(catalog, source)
    (row,) = rejected_rows(catalog)
    await catalog.clear()

    correct(catalog, ('",many', '",2'))
    await import_files(catalog, catalog.rejects)

    assert row["reject_read_as"] == "decimal comma; authors Last, First; prices name currencies"
    assert await catalog.rows("SELECT price, currency, page_count FROM book") == [(1250, "EUR", 2)]
    assert await catalog.rows("SELECT name FROM author") == [("Gabriel José García Márquez",)]


async def test_files_with_different_headings_share_their_columns(catalog: Catalog, tmp_path: Path):
    first = write_lines(tmp_path / "a.csv", "source_id,title,pages", "1,Emma,many", "2,Nana,3")
    second = write_lines(tmp_path / "b.csv", "Seiten,Titel,source_id,stock", "viele,Kim,3,7", "5,Ida")
    await import_files(catalog, first, second)

    assert rejected_cells(catalog)[0][7:] == ["source_id", "title", "pages", "stock"]
    assert [(row[0], row[7:]) for row in rejected_cells(catalog)[1:]] == [
        ("a.csv line 2", ["1", "Emma", "many", ""]),
        ("b.csv line 2", ["3", "Kim", "viele", "7"]),
        ("b.csv line 3", ["", "Ida", "5"]),
    ]
    correct(catalog, ("1,Emma,many", "1,Emma,10"), ("3,Kim,viele", "3,Kim,30"), (",Ida,5", "4,Ida,5,"))
    await import_files(catalog, catalog.rejects)

    assert await titles(catalog) == [
        ("1", "Emma", 10, None), ("2", "Nana", 3, None), ("3", "Kim", 30, None), ("4", "Ida", 5, None),
    ]  # fmt: skip


async def test_a_file_that_would_be_read_in_another_way_beside_the_first_has_no_rows(
    catalog: Catalog, tmp_path: Path
):
    """The number of a shop is the key of a book only in a file without ISBNs."""
    first = write_lines(tmp_path / "a.csv", "nr,title,pages", "1,Emma,many")
    second = write_lines(tmp_path / "b.csv", "isbn,nr,title,pages", f"{KIM},7,Kim,many")
    await import_files(catalog, first, second)

    assert [row[7:] for row in rejected_cells(catalog)] == [
        ["nr", "title", "pages"],
        ["1", "Emma", "many"],
        [""] * 3,
    ]
    summary = await import_files(catalog, catalog.rejects)

    assert (summary.unchanged, summary.rejected) == (1, 1)
    assert rejected_rows(catalog)[1]["reject_value"] == "many"


SHOPIFY = (
    "Handle,Title,Body (HTML),Vendor,Published,Option1 Value,Variant Barcode,Variant Price,Variant Inventory Qty",
    f"emma,Emma,<p>A novel</p>,Penguin,true,Hardcover,{EMMA},12.00,1",
    f"emma,,,,,Paperback,{NANA},cheap,2",
    f"kim,Kim,,Penguin,true,Hardcover,{KIM},9.00,3",
)


async def test_a_variant_keeps_the_row_of_its_product(catalog: Catalog, tmp_path: Path):
    source = write_lines(tmp_path / "products.csv", *SHOPIFY)
    await import_files(catalog, source, currency="EUR")

    assert [(row["reject_row"], row["Variant Barcode"]) for row in rejected_rows(catalog)] == [
        ("line 2", EMMA),
        ("line 3", NANA),
    ]
    await catalog.clear()
    correct(catalog, (",cheap,2", ",8.00,2"))
    await import_files(catalog, catalog.rejects, currency="EUR")

    assert await catalog.rows("SELECT isbn, title, publisher, price FROM book ORDER BY isbn") == [
        (EMMA, "Emma", "Penguin", 12),
        (NANA, "Emma", "Penguin", 8),
    ]


WOOCOMMERCE = (
    "ID,Type,SKU,Name,Published,Parent,Regular price,Sale price,Stock",
    "10,variable,emma,Emma,1,,,,",
    "11,simple,nana,Nana,1,,5,,1",
    "12,variation,,Emma - Paperback,1,emma,cheap,,1",
    "13,variation,,Emma - Hardcover,1,id:10,9,,1",
)


async def test_a_variation_keeps_the_row_of_its_parent(catalog: Catalog, tmp_path: Path):
    source = write_lines(tmp_path / "products.csv", *WOOCOMMERCE)
    await import_files(catalog, source, currency="EUR")

    assert [(row["reject_row"], row["ID"]) for row in rejected_rows(catalog)] == [
        ("line 2", "10"),
        ("line 4", "12"),
    ]
    correct(catalog, (",cheap,,1", ",7,,1"))
    await import_files(catalog, catalog.rejects, currency="EUR")

    assert await titles(catalog) == [
        ("11", "Nana", None, 5),
        ("12", "Emma", None, 7),
        ("13", "Emma", None, 9),
    ]


def change_at_the_end(feed: Feed, change: Any) -> Feed:
    """Return the feed whose files are changed when all rows have been read."""

    async def batches() -> AsyncGenerator[RecordBatch]:
        async for batch in feed.batches:
            yield batch
        change()

    return replace(feed, batches=batches())


@pytest.mark.parametrize("change", ["replaced", "rewritten", "removed", "appended"])
async def test_a_file_that_changed_since_it_was_read_gives_no_rows(
    catalog: Catalog, tmp_path: Path, change: str
):
    source = write_lines(tmp_path / "list.csv", "source_id,title,pages", "1,Emma,many")
    other = write_lines(tmp_path / "other.csv", "source_id,title,pages", "9,Nana,many")
    changes = {
        "replaced": lambda: other.replace(source),
        "rewritten": lambda: source.write_bytes(other.read_bytes()),
        "removed": source.unlink,
        "appended": lambda: source.write_bytes(source.read_bytes() + b"2,Kim,many\n"),
    }
    feed = change_at_the_end(await open_feed("csv", [source]), changes[change])

    await import_feed(catalog.dsn, feed, rejects=catalog.rejects)

    assert [row[:3] + row[4:] for row in rejected_cells(catalog)[1:]] == [
        ["line 2", "pages", "many", "1", "Emma", "", "", "", ""]
    ]


async def test_a_refused_import_and_a_dry_run_leave_the_file_that_they_read(catalog: Catalog, tmp_path: Path):
    source = write_lines(tmp_path / "list.csv", "source_id,title,pages", "1,Emma,many", "2,Kim,few")
    await import_files(catalog, source)
    correct(catalog, ("1,Emma,many", "1,Emma,5"))
    before = catalog.rejects.read_bytes()

    dry = await import_files(catalog, catalog.rejects, dry_run=True)
    with pytest.raises(CatalogImportError, match=r"^A rejects file lacks most books of its source"):
        await import_files(catalog, catalog.rejects, options=ImportOptions(missing="delete"))

    assert (dry.changed, dry.dropped_values, dry.kept_rejects_file) == (1, 1, True)
    assert catalog.rejects.read_bytes() == before
    assert folder_names(tmp_path) == ["list.csv", "rejects.csv"]
    assert (await titles(catalog))[0] == ("1", "Emma", None, None)


async def test_a_file_that_cannot_be_replaced_after_the_commit_is_a_warning(
    catalog: Catalog, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    source = write_lines(tmp_path / "list.csv", "source_id,title,pages", "1,Emma,many")
    await import_files(catalog, source)
    feed = await open_feed("csv", [catalog.rejects], source="shop")
    rejects_file = RejectsFile(catalog.rejects, feed)

    with rejects_file:
        rejects_file.finish()
        assert catalog.rejects.exists()
        catalog.rejects.unlink()
        catalog.rejects.mkdir()
        rejects_file.replace_input()

    assert [record.getMessage().partition(" could")[0] for record in caplog.records] == [
        f"The import is complete, but {catalog.rejects}"
    ]


async def test_a_file_without_rows_cannot_be_imported(catalog: Catalog, tmp_path: Path):
    source = write_lines(tmp_path / "old.csv", "row,field,value,reason,source_id,title", "1,pages,x,y,1,Emma")

    with pytest.raises(
        CatalogImportError, match="is a rejects file without the rows of its source; correct them"
    ):
        await import_files(catalog, source)


async def test_a_file_that_changes_while_its_rejects_are_written_gives_no_rows(tmp_path: Path):
    """Those that were written before are taken back. The other file gives its rows."""
    first = write_lines(tmp_path / "a.csv", "source_id,title,pages", "1,Emma,many", "2,Kim,many")
    second = write_lines(tmp_path / "b.csv", "source_id,title,pages", "3,Ida,many")
    feed = await open_feed("csv", [first, second])
    assert len([record async for batch in feed.batches for record in batch]) == 6
    assert feed.originals is not None
    written = io.StringIO()
    rounds: list[int] = []

    def read_rejects() -> Iterator[RejectedRow]:
        rounds.append(len(rounds))
        for row in (2, 3, 5):
            yield RejectedRow(row, f"line {row}", "pages", "many", "why", "", "")
            if len(rounds) == 1 and row == 2:
                write_lines(first, "source_id,title,pages", "8,Emma,many", "9,Kim,many")

    feed.originals.write_rows(written, read_rejects)

    assert rounds == [0, 1]
    assert [line.partition("why,,,")[2] for line in written.getvalue().splitlines()[1:]] == [
        ",,,",
        ",,,",
        ",3,Ida,many",
    ]


@pytest.mark.parametrize("format_", ["jsonl", "json"])
async def test_rejected_objects_of_a_file_that_changed_are_not_written(
    catalog: Catalog, tmp_path: Path, format_: str
):
    source = tmp_path / "books.json"
    source.write_text(
        '[{"source_id":"1","title":"A","pages":"x"}]'
        if format_ == "json"
        else '{"source_id":"1","title":"A","pages":"x"}\n'
    )
    feed = change_at_the_end(await open_feed(format_, [source]), source.unlink)

    await import_feed(catalog.dsn, feed, rejects=catalog.rejects)

    (line,) = catalog.rejects.read_text().splitlines()
    assert list(json.loads(line)) == ["reject"]


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
async def test_rejects_of_an_exported_file_are_taken_literally(
    catalog: Catalog, tmp_path: Path, format_: str
):
    record = dict.fromkeys(FLAT_FIELDS if format_ == "csv" else EXPORTED_KEYS, "")
    record |= {"source_id": "1", "title": "n/a &amp; so on", "pages": "many"}
    source = tmp_path / "export"
    source.write_text(
        f"{','.join(record)}\n{','.join(record.values())}\n"
        if format_ == "csv"
        else json.dumps(record) + "\n"
    )
    await import_files(catalog, source, format=format_)
    old, new = (",many,,", ",5,,") if format_ == "csv" else ('"pages":"many"', '"pages":"5"')

    correct(catalog, (old, new))
    await import_files(catalog, catalog.rejects, format=format_)

    assert await titles(catalog) == [("1", "n/a &amp; so on", 5, None)]


@pytest.mark.parametrize("format_", ["jsonl", "json"])
async def test_rejected_objects_are_json_lines(catalog: Catalog, tmp_path: Path, format_: str):
    books = [
        {"source_id": "1", "title": "Emma", "pages": "many", "shelf": {"a": 1.5}},
        {"source_id": "2", "title": "Nana"},
        {"source_id": "2", "title": "Kim"},
        7,
    ]
    source = tmp_path / "books.json"
    source.write_text(
        json.dumps(books) if format_ == "json" else "".join(f"{json.dumps(each)}\n" for each in books)
    )
    unit = "item" if format_ == "json" else "line"
    await import_files(catalog, source, format=format_)
    first = [json.loads(line) for line in catalog.rejects.read_text().splitlines()]

    again = await import_files(catalog, catalog.rejects, format="jsonl")
    second = [json.loads(line) for line in catalog.rejects.read_text().splitlines()]
    correct(catalog, ('"pages":"many"', '"pages":5'))
    correct(
        catalog,
        ('"source_id":"2","title":"Kim","read_as":""},"source_id":"2"', '"title":"Kim"},"source_id":"3"'),
    )
    third = await import_files(catalog, catalog.rejects, format="jsonl")

    assert [each.pop("reject")["row"] for each in first] == [f"{unit} {number}" for number in (1, 2, 3, 4)]
    assert first == [*books[:3], {}]
    assert [each.pop("reject")["row"] for each in second] == [f"line {number}" for number in (1, 2, 3, 4)]
    assert second == first
    assert (again.unchanged, again.rejected, third.rejected) == (2, 2, 1)
    assert await titles(catalog) == [
        ("1", "Emma", 5, None),
        ("2", "Nana", None, None),
        ("3", "Kim", None, None),
    ]
