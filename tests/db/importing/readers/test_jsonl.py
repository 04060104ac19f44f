from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

import db.importing
from db.importing.readers import open_feed
from db.importing.records import AuthorRecord, BookRecord, Reject
from tests.db.importing.readers.sources import (
    import_error,
    read_books,
    read_one_book,
    read_records,
    write_lines,
)

SAMPLE = Path(db.importing.__file__).parent / "sample.jsonl"


def lines(*rows: dict[str, Any]) -> list[str]:
    return [orjson.dumps(row).decode() for row in rows]


async def test_a_line_with_every_field_becomes_a_book(tmp_path: Path):
    row = {
        "source_id": 17,
        "isbn": 9780131103627,
        "title": "The C Programming Language",
        "subtitle": None,
        "authors": [
            "Jane Doe (translator)",
            {
                "name": "Brian Kernighan",
                "role": "Author",
                "sort_name": "Kernighan, Brian",
                "birth_year": 1942,
            },
            {"name": "Virgil", "birth_year": -70, "death_year": "-19", "source_id": 9, "wikipedia": "…"},
        ],
        "categories": ["Computing > C", ["Cooking", "Salt; pepper > more"]],
        "price": 49.9,
        "currency": "EUR",
        "published": "1988-04-01",
        "pages": 272.0,
        "language": "en",
        "stock": "3",
        "rating_average": 4,
        "rating_count": 2,
        "shelf": "passed over",
    }

    assert await read_one_book("jsonl", write_lines(tmp_path / "b.jsonl", *lines(row))) == BookRecord(
        row=1,
        source_id="17",
        isbn="9780131103627",
        title="The C Programming Language",
        authors=(
            AuthorRecord("Jane Doe", "TRANSLATOR", sort_name="Doe, Jane"),
            AuthorRecord("Brian Kernighan", sort_name="Kernighan, Brian", birth_year=1942),
            AuthorRecord("Virgil", source_id="9", birth_year=-70, death_year=-19),
        ),
        categories=(("Computing", "C"), ("Cooking", "Salt; pepper > more")),
        price=Decimal("49.9"),
        currency="EUR",
        published_year=1988,
        published_on=date(1988, 4, 1),
        page_count=272,
        language="en",
        stock=3,
        rating_average=Decimal("4.00"),
        rating_count=2,
    )


async def test_cells_as_in_csv_are_accepted(tmp_path: Path):
    row = {"source_id": "1", "title": "Emma", "author": "Jane Austen; X Y (editor)", "category": "A > B; C"}

    book = await read_one_book("jsonl", write_lines(tmp_path / "b.jsonl", *lines(row)))

    assert book.authors == (
        AuthorRecord("Jane Austen", sort_name="Austen, Jane"),
        AuthorRecord("X Y", "EDITOR", sort_name="Y, X"),
    )
    assert book.categories == (("A", "B"), ("C",))


@pytest.mark.parametrize(
    ("line", "field", "value", "reason"),
    [
        ('["no object"]', "row", '["no object"]', "not a JSON object"),
        ("{broken", "row", "{broken", "not JSON: "),
        ('{"source_id": 1, "title": "x", "price": NaN}', "row", None, "not JSON: "),
        ('{"source_id": 1, "title": "x", "stock": true}', "stock", "true", "neither text nor a number; write one value"),
        ('{"source_id": 1, "title": ["x"]}', "title", '["x"]', "neither text nor a number; write one value"),
        ('{"source_id": 1, "title": "x\\u0000y"}', "title", "x␀y", "holds a NUL character; leave it out"),
        ('{"source_id": 1, "title": "x", "authors": [1]}', "authors", "1", "neither a name nor an object"),
        ('{"source_id": 1, "title": "x", "authors": [{}]}', "authors", "{}", "an author needs a name"),
        ('{"source_id": 1, "title": "x", "authors": [{"name": "A", "role": "cook"}]}', "authors", "cook", "not"),
        (
            '{"source_id": 1, "title": "x", "authors": [{"name": "A", "birth_year": 9, "death_year": 8}]}',
            "authors", "9 to 8", "death before birth; correct one of the years",
        ),
        ('{"source_id": 1, "title": "x", "categories": [7]}', "categories", "7", "neither a path of names"),
        ('{"source_id": 1, "title": "x", "categories": [[]]}', "categories", "[]", "neither a path of names"),
        ('{"source_id": 1, "title": "x", "categories": [["a", true]]}', "categories", "true", "neither"),
        ('{"source_id": 1, "title": "x", "pages": 1e30}', "pages", "1e+30", "not a whole number such as 320"),
    ],
)  # fmt: skip
async def test_an_invalid_line_is_rejected_with_its_number_and_an_invalid_value_costs_the_value(
    tmp_path: Path, line: str, field: str, value: str | None, reason: str
):
    source = write_lines(tmp_path / "b.jsonl", *lines({"source_id": 1, "title": "Good"}), "", line)

    good, *others, bad = await read_records("jsonl", source)

    assert good == BookRecord(1, "1", "Good")
    title = None if field == "title" else "x"
    assert others == ([] if field == "row" else [BookRecord(3, "1", title)])
    assert isinstance(bad, Reject)
    assert (bad.row, bad.field, bad.value) == (3, field, value or line)
    assert bad.dropped == ("row" if field == "row" else "field")
    assert bad.reason.startswith(reason)


async def test_a_mapped_key_no_longer_names_its_own_field(tmp_path: Path):
    source = write_lines(tmp_path / "b.jsonl", *lines({"id": 5, "title": "Untertitel", "titel": "Titel"}))
    mapping = {"id": "source_id", "titel": "title", "title": "subtitle"}

    assert await read_one_book("jsonl", source, mapping=mapping) == BookRecord(1, "5", "Titel", "Untertitel")


async def test_a_map_to_an_unknown_field_is_rejected(tmp_path: Path):
    source = write_lines(tmp_path / "b.jsonl", "{}")

    message = "--map id=number: there is no field number; the fields are: "
    assert (await import_error("jsonl", source, mapping={"id": "number"})).startswith(message)


async def test_the_error_for_a_json_array_names_the_other_format(tmp_path: Path):
    source = write_lines(tmp_path / "b.json", "", '[{"title": "Emma"}]')

    assert await import_error("jsonl", source) == (
        f"{source}: is one JSON array, not JSON Lines; import it as json."
    )


async def test_the_sample_is_read_without_a_reject():
    sample = await read_books("jsonl", SAMPLE, source="sample")

    assert len(sample) == len(SAMPLE.read_text(encoding="utf-8").splitlines())
    assert all(book.authors and book.categories for book in sample)


async def test_the_fields_of_a_feed_are_those_that_a_row_has(tmp_path: Path):
    source = write_lines(
        tmp_path / "b.jsonl",
        '{"isbn": "9780131103627", "Note": 1}',
        "no JSON",
        '{"isbn": "", "author": null}',
    )

    feed = await open_feed("jsonl", [source])

    assert feed.fields == {"isbn", "authors"}
    assert feed.ignored_headings == ("Note",)
