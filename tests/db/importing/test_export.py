"""An export is read again without a change, or names the books that its format cannot hold."""

import io
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from db.exporting.exporter import export_source
from db.exporting.formats import EXPORT_FORMATS
from db.exporting.records import read_sources
from db.importing.importer import Summary, import_feed
from db.importing.options import ImportOptions
from db.importing.readers import open_feed
from db.importing.records import AuthorRecord, BookRecord
from tests.db.importing.feeds import Catalog, book

SEA = BookRecord(
    row=1,
    source_id="sku 1",
    title='The "Sea"; a, b',
    subtitle="n/a",
    series="n/a",
    series_position="01.0",
    isbn="9780306406157",
    description="First line.\n\n<b>Not bold</b> &amp; not decoded",
    language="pt-BR",
    publisher="Smith & Sons",
    format="MASS_MARKET_PAPERBACK",
    published_year=1999,
    published_on=date(1999, 12, 31),
    page_count=300,
    price=Decimal("12.5"),
    currency="EUR",
    stock=0,
    cover_url="https://covers.example/1.jpg",
    rating_average=Decimal("4.25"),
    rating_count=7,
    work_key="w 1",
    authors=(
        AuthorRecord("Jane Doe", sort_name="Doe, Jane"),
        AuthorRecord("John Roe", "TRANSLATOR", sort_name="Roe, John"),
    ),
    categories=(("Fiction", "Crime"), ("Travel",)),
)


async def export(catalog: Catalog, name: str, path: Path) -> list[str]:
    """Write the books of the shop to the file. Return the keys of the books that the format cannot hold."""
    file = io.StringIO(newline="")
    counts = await export_source(catalog.connection, "shop", EXPORT_FORMATS[name], file)
    path.write_text(file.getvalue(), encoding="utf-8", newline="")  # noqa: ASYNC240
    return counts.examples


async def import_again(catalog: Catalog, name: str, path: Path) -> Summary:
    feed = await open_feed(name, [path], source="shop")
    return await import_feed(catalog.dsn, feed, rejects=catalog.rejects, options=ImportOptions(replace=True))


async def test_a_book_as_csv(catalog: Catalog, tmp_path: Path) -> None:
    await catalog.import_records(SEA)

    assert await export(catalog, "csv", tmp_path / "shop.csv") == []
    assert (tmp_path / "shop.csv").read_text().split("\n", 1) == [
        "source_id,isbn,title,subtitle,series,series_position,description,language,publisher,format,published,pages,price,currency,stock,"
        "cover_url,rating_average,rating_count,work,authors,author_sort,categories",
        'sku 1,9780306406157,"The ""Sea""; a, b",n/a,n/a,01.0,"First line.\n\n<b>Not bold</b> &amp; not decoded",pt-BR,'
        "Smith & Sons,mass market paperback,1999-12-31,300,12.5,EUR,0,https://covers.example/1.jpg,4.25,7,w 1,"
        'Jane Doe; John Roe (translator),"Doe, Jane; Roe, John",Fiction > Crime; Travel\n',
    ]


@pytest.mark.parametrize("name", ["csv", "jsonl"])
async def test_an_export_of_the_last_release_is_taken_literally(
    catalog: Catalog, tmp_path: Path, name: str
) -> None:
    records = {
        "csv": "source_id,isbn,title,subtitle,description,language,publisher,format,published,pages,price,currency,stock,"
        "cover_url,rating_average,rating_count,authors,author_sort,categories\na,,T,n/a,,,,,,,,,,,,,,,\n",
        "jsonl": '{"source_id":"a","isbn":null,"title":"T","subtitle":"n/a","description":null,"language":null,'
        '"publisher":null,"format":null,"published":null,"pages":null,"price":null,"currency":null,"stock":null,'
        '"cover_url":null,"rating_average":null,"rating_count":null,"authors":[],"categories":[]}\n',
    }
    (tmp_path / f"shop.{name}").write_text(records[name])

    feed = await open_feed(name, [tmp_path / f"shop.{name}"], source="shop")
    await import_feed(catalog.dsn, feed, rejects=catalog.rejects)

    assert await catalog.rows("SELECT title, subtitle FROM book") == [("T", "n/a")]


async def test_csv_names_books_whose_authors_have_keys(catalog: Catalog, tmp_path: Path) -> None:
    keyed = AuthorRecord("Jane Doe", source_id="7", sort_name="Doe, Jane", birth_year=1950)
    named = AuthorRecord("John; Roe", sort_name="Roe, John")
    await catalog.import_records(book("a", authors=(keyed,)), book("b", authors=(named,)), book("c"))

    assert await export(catalog, "csv", tmp_path / "shop.csv") == ["a", "b"]
    assert await export(catalog, "jsonl", tmp_path / "shop.jsonl") == []
    assert (await import_again(catalog, "jsonl", tmp_path / "shop.jsonl")).changed_nothing


async def test_only_the_books_of_the_source_are_exported(catalog: Catalog, tmp_path: Path) -> None:
    await catalog.import_records(book("a"))
    await catalog.import_records(book("b"), book("c"), source="library")

    await export(catalog, "csv", tmp_path / "shop.csv")

    assert await read_sources(catalog.connection) == {"library": 2, "shop": 1}
    assert [line.split(",")[0] for line in (tmp_path / "shop.csv").read_text().splitlines()] == [
        "source_id",
        "a",
    ]


async def test_a_book_is_exported_in_its_own_spelling(catalog: Catalog, tmp_path: Path) -> None:
    capitals = book("a", authors=(AuthorRecord("ANN BO", sort_name="BO, ANN"),), categories=(("ART", "Pop"),))
    usual = book("b", authors=(AuthorRecord("Ann Bo", sort_name="Bo, Ann"),), categories=(("Art", "Pop"),))
    await catalog.import_records(capitals, usual, replace(usual, source_id="c"))
    before = await catalog.checksum()

    for name in ("csv", "jsonl"):
        await export(catalog, name, tmp_path / f"shop.{name}")

        assert "ANN BO" in (tmp_path / f"shop.{name}").read_text()
        assert (await import_again(catalog, name, tmp_path / f"shop.{name}")).changed_nothing
    await catalog.clear()
    await import_again(catalog, "jsonl", tmp_path / "shop.jsonl")
    assert await catalog.checksum() == before


async def test_unpublished_books_are_not_exported_and_an_import_publishes_none(
    catalog: Catalog, tmp_path: Path
) -> None:
    await catalog.import_records(book("a"), book("b"))
    await catalog.import_records(book("a"), options=ImportOptions(missing="unpublish", missing_limit=100))

    await export(catalog, "csv", tmp_path / "shop.csv")

    assert await read_sources(catalog.connection) == {"shop": 1}
    assert (await import_again(catalog, "csv", tmp_path / "shop.csv")).changed_nothing
    assert await catalog.rows("SELECT source_id, is_published FROM book ORDER BY 1") == [
        ("a", True),
        ("b", False),
    ]


LINES = st.text(st.sampled_from("aé;,>&<\"'()-–.1 \\n黑#=\ufeff"), min_size=1, max_size=12).map(
    lambda text: " ".join(text.split()) or "a"
)
NAMES = LINES.filter(lambda text: any(letter.isalpha() for letter in text))
PEOPLE = st.builds(
    AuthorRecord,
    NAMES | st.sampled_from(["Doe, Jane", "Jane Doe (editor)", "et al.", "Ann & Bo", "n/a"]),
    st.sampled_from(["AUTHOR", "TRANSLATOR", "EDITOR"]),
    sort_name=NAMES,
)
RECORDS = st.builds(
    BookRecord,
    row=st.just(1),
    source_id=st.sampled_from(["k", "007", "9780306406157"]),
    title=LINES | st.sampled_from(["n/a", "&amp;", "<i>It</i>", "-"]),
    subtitle=st.none() | LINES,
    isbn=st.just("9780306406157"),
    description=st.none() | st.sampled_from(["A\nB", "<p>x</p>", "&lt;", "unknown", "a;b > c"]),
    publisher=st.none() | LINES,
    format=st.none() | st.sampled_from(["HARDCOVER", "MASS_MARKET_PAPERBACK", "OTHER"]),
    language=st.none() | st.sampled_from(["en", "pt-BR", "zh-Hant"]),
    published_year=st.none() | st.sampled_from([-380, 7, 999, 1999]),
    page_count=st.none() | st.integers(1, 9_999),
    stock=st.none() | st.integers(0, 3),
    authors=st.lists(PEOPLE, max_size=2, unique_by=lambda person: person.name).map(tuple),
    categories=st.lists(st.lists(NAMES, min_size=1, max_size=2).map(tuple), max_size=2).map(tuple),
)


@settings(max_examples=60)
@example(record=SEA)
@given(record=RECORDS)
async def test_what_is_imported_exported_and_imported_again_changes_nothing(
    catalog: Catalog, tmp_path: Path, record: BookRecord
) -> None:
    await catalog.clear()
    assert (await catalog.import_records(record)).rejected == 0

    for name in ("csv", "jsonl"):
        path = tmp_path / f"shop.{name}"
        lossy = await export(catalog, name, path)
        if not lossy:
            summary = await import_again(catalog, name, path)
            assert (summary.changed_nothing, summary.plan.dropped_values) == (True, 0), path.read_text()
        assert name == "csv" or not lossy, path.read_text()
