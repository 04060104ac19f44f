"""Flat records: the cells of a row, each with the name of its field, become a book or a reject."""

from collections.abc import Mapping
from decimal import Decimal

from db.importing.readers.feed import ReadingNotes
from db.importing.readers.flat import CellStyle, FlatRecordParser
from db.importing.records import AuthorRecord, BookRecord, Reject


def parse(texts: Mapping[str, str], style: CellStyle | None = None) -> BookRecord | Reject:
    """Return the only record of a row."""
    (record,) = FlatRecordParser(tuple(texts), style).parse(1, tuple(texts.values()))
    return record


def test_only_an_identity_is_required():
    assert parse({"source_id": "1", "title": "T"}) == BookRecord(1, "1", "T")
    assert parse({"isbn": "0131103628", "title": "T"}) == (
        BookRecord(1, "9780131103627", "T", isbn="9780131103627")
    )
    assert parse({"source_id": "1"}) == BookRecord(1, "1", None)
    assert parse({"source_id": "1", "title": " "}) == BookRecord(1, "1", None)
    assert parse({"title": "T"}) == (
        Reject(
            1,
            "source_id",
            "",
            "nothing identifies this book: neither source_id nor isbn; write one of them",
            title="T",
        )
    )


def test_blank_fields_are_missing_fields():
    fields = (
        "isbn",
        "subtitle",
        "price",
        "currency",
        "published",
        "pages",
        "stock",
        "rating_count",
        "authors",
    )

    assert parse({"source_id": "1", "title": "T", **dict.fromkeys(fields, " ")}) == BookRecord(1, "1", "T")


def test_the_order_of_the_cells_does_not_matter_and_nameless_cells_are_ignored():
    parser = FlatRecordParser(("pages", "", "title", "source_id"))

    assert parser.parse(7, ("12", "ignored", "T", "1")) == (BookRecord(7, "1", "T", page_count=12),)


def test_given_authors_and_categories_override_their_cells():
    parser = FlatRecordParser(("source_id", "title", "authors", "categories"))
    ann = AuthorRecord("Ann")

    assert parser.parse(1, ("1", "T", "Bo", "B > C"), (ann,), (("A",),)) == (
        BookRecord(1, "1", "T", authors=(ann,), categories=(("A",),)),
    )
    assert parser.parse(2, ("2", "T", "Bo;;Ann", "B > C; ;A")) == (
        BookRecord(2, "2", "T", authors=(AuthorRecord("Bo"), ann), categories=(("B", "C"), ("A",))),
    )


def test_each_invalid_value_is_left_out_and_told_with_the_values_that_are_parsed_with_it():
    parser = FlatRecordParser(
        (
            "source_id",
            "title",
            "pages",
            "price",
            "currency",
            "rating_count",
            "categories",
            "published",
            "stock",
        )
    )

    assert parser.parse(4, ("1", "T", "many", "1", "Taler", "5", "A > ; B; > C", "03/04/1999", "-3")) == (
        BookRecord(4, "1", "T", categories=(("B",),), published_year=1999, stock=0),
        Reject(
            4,
            "published",
            "03/04/1999",
            "day 3 or month 3? the year is kept; say --date-order dmy or mdy",
            "field",
        ),
        dropped("pages", "many", "not a whole number such as 320; imported without it"),
        dropped("stock", "-3", "fewer than 0; imported as 0"),
        dropped("currency", "Taler", "not an ISO 4217 code such as EUR; imported without it"),
        dropped(
            "rating_average",
            "",
            "missing, but rating_count is 5; write both, or neither; imported without it",
        ),
        dropped("categories", "A > ", "a level has no name; write it, or leave out its >"),
        dropped("categories", " > C", "a level has no name; write it, or leave out its >"),
    )


def dropped(field: str, value: str, reason: str) -> Reject:
    return Reject(4, field, value, reason, "field")


def test_placeholders_and_repairs_are_counted():
    notes = ReadingNotes()
    parser = FlatRecordParser(("source_id", "isbn", "title", "language", "price", "authors"), notes=notes)

    records = [
        *parser.parse(1, ("1", '="9780306406157"', "A", "n/a", "-", "Unknown")),
        *parser.parse(2, ("2", "0000000000", "n/a", "en", "TBD", "Jane")),
        *parser.parse(3, ("3", "9780306406164", "C", "und", " ", "")),
    ]

    assert records == [
        BookRecord(1, "1", "A", isbn="9780306406157"),
        BookRecord(2, "2", None, language="en", authors=(AuthorRecord("Jane"),)),
        BookRecord(3, "3", "C", isbn="9780306406164"),
    ]
    assert notes.counts == {
        ("isbn", "repaired"): 1,
        ("isbn", "placeholder"): 1,
        ("title", "placeholder"): 1,
        ("language", "placeholder"): 2,
        ("price", "placeholder"): 2,
        ("authors", "placeholder"): 1,
    }


def test_sort_names_are_taken_from_their_column():
    parser = FlatRecordParser(("source_id", "title", "authors", "author_sort"))

    assert parser.parse(1, ("1", "T", "Gabriel García Márquez; Plato", "García Márquez, Gabriel; Plato")) == (
        BookRecord(
            1,
            "1",
            "T",
            authors=(
                AuthorRecord("Gabriel García Márquez", sort_name="García Márquez, Gabriel"),
                AuthorRecord("Plato", sort_name="Plato"),
            ),
        ),
    )
    assert parser.parse(4, ("1", "T", "Jane; John", "Jane")) == (
        BookRecord(4, "1", "T", authors=(AuthorRecord("Jane"), AuthorRecord("John"))),
        dropped(
            "author_sort", "Jane", "1 sort names for 2 people; separate them with ;; imported without it"
        ),
    )


def test_texts_of_this_program_are_taken_literally():
    parser = FlatRecordParser(
        ("source_id", "title", "description", "authors", "categories", "price", "currency", "published"),
        CellStyle(literal=True),
    )

    assert parser.parse(
        1, ("1", "n/a &amp; <b>", "<p>n/a</p>", "Doe, Jane; A & B", "A / B > C", "1.125", "EUR", "8")
    ) == (
        BookRecord(
            1,
            "1",
            "n/a &amp; <b>",
            description="<p>n/a</p>",
            authors=(AuthorRecord("Doe, Jane"), AuthorRecord("A & B")),
            categories=(("A / B", "C"),),
            price=Decimal("1.125"),
            currency="EUR",
            published_year=8,
        ),
    )


def test_the_default_currency_is_used_if_a_price_has_none():
    book = {"source_id": "1", "title": "T"}

    for texts, price, currency in (
        ({"price": "3"}, Decimal(3), "USD"),
        ({"price": "3", "currency": " "}, Decimal(3), "USD"),
        ({"price": "3", "currency": "GBP"}, Decimal(3), "GBP"),
        ({"price": " ", "currency": "GBP"}, None, None),
        ({}, None, None),
    ):
        assert parse({**book, **texts}, CellStyle(currency="USD")) == BookRecord(
            1, "1", "T", price=price, currency=currency
        )
