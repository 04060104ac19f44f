"""Flat records: the cells of a row, each with the name of its field, become a book or a reject."""

from collections.abc import Mapping
from decimal import Decimal

from db.importing.readers.flat import FlatRecordParser
from db.importing.records import AuthorRecord, BookRecord, Reject


def parse(texts: Mapping[str, str], currency: str | None = None) -> BookRecord | Reject:
    return FlatRecordParser(tuple(texts), currency).parse(1, tuple(texts.values()))


def test_only_an_identity_is_required():
    assert parse({"source_id": "1", "title": "T"}) == BookRecord(1, "1", "T")
    assert parse({"isbn": "0131103628", "title": "T"}) == (
        BookRecord(1, "9780131103627", "T", isbn="9780131103627")
    )
    assert parse({"source_id": "1"}) == BookRecord(1, "1", None)
    assert parse({"source_id": "1", "title": " "}) == BookRecord(1, "1", None)
    assert parse({"title": "T"}) == (
        Reject(1, "source_id", "", "nothing identifies this book: neither source_id nor isbn")
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

    assert parser.parse(7, ("12", "ignored", "T", "1")) == BookRecord(7, "1", "T", page_count=12)


def test_given_authors_and_categories_override_their_cells():
    parser = FlatRecordParser(("source_id", "title", "authors", "categories"))
    ann = AuthorRecord("Ann")

    assert parser.parse(1, ("1", "T", "Bo", "B > C"), (ann,), (("A",),)) == (
        BookRecord(1, "1", "T", authors=(ann,), categories=(("A",),))
    )
    assert parser.parse(2, ("2", "T", "Bo;;Ann", "B > C; ;A")) == (
        BookRecord(2, "2", "T", authors=(AuthorRecord("Bo"), ann), categories=(("B", "C"), ("A",)))
    )


def test_the_first_invalid_field_is_named_and_two_fields_are_parsed_together():
    book = {"source_id": "1", "title": "T"}

    assert parse({**book, "price": "1", "pages": "many"}) == Reject(1, "pages", "many", "not a whole number")
    assert parse({**book, "price": "1"}) == Reject(1, "currency", "", "a price needs a currency")
    assert parse({**book, "rating_count": "5"}) == (
        Reject(1, "rating_average", "", "missing, but rating_count is 5")
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
        assert parse({**book, **texts}, "USD") == BookRecord(1, "1", "T", price=price, currency=currency)
