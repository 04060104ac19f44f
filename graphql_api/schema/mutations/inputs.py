"""Inputs of mutations, and how they become what the database writes. A field that is not given stays as it
is.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import strawberry
from strawberry import UNSET

from db.writes.book_keys import BookKey
from db.writes.book_values import SeriesValue
from db.writes.books import BookInput as BookValues
from db.writes.books import ContributionInput as ContributionValues
from db.writes.faults import FaultPath, describe_path
from db.writes.offers import Offer, Price
from db.writes.references import Reference
from graphql_api.schema.book_format import BookFormat
from graphql_api.schema.contributor_role import ContributorRole
from graphql_api.schema.errors import UserInputError
from graphql_api.schema.ids import parse_database_id
from graphql_api.schema.inputs import AuthorLookup, CategoryLookup, SourceKeyInput, check_storable_text


def _field(description: str, **options: Any) -> Any:
    return strawberry.field(default=UNSET, description=description, **options)


@strawberry.input(one_of=True, description="Names a book by exactly one of its keys.")
class BookKeyInput:
    id: strawberry.ID | None = _field("The book's global id.")
    isbn: str | None = _field("The book's ISBN-10 or ISBN-13.")
    source_key: SourceKeyInput | None = _field("The book's key in its source.")


@strawberry.input(description="An amount of money.")
class MoneyInput:
    amount: Decimal = strawberry.field(
        description="The exact amount, with at most the decimals of its currency."
    )
    currency_code: str = strawberry.field(description="The currency's ISO 4217 code, for example EUR.")


@strawberry.input(description="A rating of a book by its readers.")
class RatingInput:
    average: Decimal = strawberry.field(description="The average, 0 to 5.")
    count: int = strawberry.field(description="The number of ratings, at least 1.")


@strawberry.input(description="The series of a book.")
class SeriesInput:
    name: str = strawberry.field(description="The name of the series, which is added if there is none of it.")
    position: str | None = _field("The position of the book there, for example 1, 1.5 or Vol. III.")


@strawberry.input(description="An author of a book, in one role.")
class ContributionInput:
    author: AuthorLookup = strawberry.field(description="The key of the author.")
    role: ContributorRole = strawberry.field(
        default=ContributorRole.AUTHOR, description="The role of the author."
    )


@strawberry.input(
    description="The price and the stock of one book. What is not given stays; a null price takes the book "
    "off sale."
)
class OfferInput:
    by: BookKeyInput = strawberry.field(description="The key of the book.")
    price: MoneyInput | None = _field("The price; null: the book is not for sale.")
    stock: int | None = _field("The number of copies in stock; null is the same as not given.")
    expected_version: int | None = _field("Write only if the book has this version.")


@strawberry.input(description="Values of a book. What is not given stays as it is, null empties.")
class BookValuesInput:
    subtitle: str | None = _field("The subtitle.")
    series: SeriesInput | None = _field("The series that the book is in, with its position there.")
    isbn: str | None = _field("The ISBN-10 or ISBN-13.")
    description: str | None = _field("A description as plain text.")
    language: str | None = _field("The language: a code or a name, such as en or English.")
    publisher: str | None = _field("The name of the publisher.")
    format: BookFormat | None = _field("The format of the edition.")
    published_year: int | None = _field("The year of publication. Years BC are negative.")
    published_on: date | None = _field("The day of publication.")
    page_count: int | None = _field("The number of pages, at least 1.")
    price: MoneyInput | None = _field("The price; null: the book is not for sale.")
    stock: int | None = _field("The number of copies in stock, at least 0.")
    cover_url: str | None = _field("The URL of an image of the cover.")
    rating: RatingInput | None = _field("The readers' rating.")
    is_published: bool | None = _field("Whether the public sees the book.")
    contributions: list[ContributionInput] | None = _field("All authors with their roles, in order.")
    categories: list[CategoryLookup] | None = _field("All categories that the book is directly in.")


@strawberry.input(description="A new book. Without an ISBN and a source id it gets a key of its own.")
class CreateBookInput(BookValuesInput):
    title: str = strawberry.field(description="The title.")
    source: str | None = _field("The source that keeps the book up to date; by default `api`.")
    source_id: str | None = _field("The key in that source; by default the ISBN, or else a new key.")


@strawberry.input(description="What to change of a book. What is not given stays as it is, null empties.")
class UpdateBookInput(BookValuesInput):
    title: str | None = _field("The title; it cannot be emptied.")


@strawberry.input(description="A new author.")
class CreateAuthorInput:
    name: str = strawberry.field(description="The name for display, for example Jane Austen.")
    sort_name: str | None = _field("The name for sorting; by default derived from the name.")
    birth_year: int | None = _field("The year of birth. Years BC are negative.")
    death_year: int | None = _field("The year of death. Years BC are negative.")


@strawberry.input(description="What to change of an author. What is not given stays as it is, null empties.")
class UpdateAuthorInput:
    name: str | None = _field("The name for display. The old slug goes on being found.")
    sort_name: str | None = _field(
        "The name for sorting; null, or a new name alone, derives it from the name."
    )
    birth_year: int | None = _field("The year of birth. Years BC are negative.")
    death_year: int | None = _field("The year of death. Years BC are negative.")


@strawberry.input(description="A new category.")
class CreateCategoryInput:
    name: str = strawberry.field(description="The name.")
    parent: CategoryLookup | None = _field("The category above it; by default it is a root category.")


@strawberry.input(description="What to change of a category.")
class UpdateCategoryInput:
    name: str = strawberry.field(description="The name. The old path goes on being found.")


@strawberry.input(
    description="A flat record of a book, read as a row of an imported file is. What is not given stays as "
    "it is; null or an empty text empties. `sourceId` or `isbn` is required."
)
class BookRecordInput:
    source_id: str | None = _field("The key of the book in the source; by default the ISBN.")
    isbn: str | None = _field("The ISBN-10 or ISBN-13.")
    title: str | None = _field("The title; required for a new book.")
    subtitle: str | None = _field("The subtitle.")
    series: str | None = _field('The series, for example "Discworld" or "Discworld, #8".')
    series_position: str | None = _field('The position in the series, for example "8" or "Vol. III".')
    description: str | None = _field("A description as plain text or HTML.")
    language: str | None = _field("The language: a code or a name.")
    publisher: str | None = _field("The name of the publisher.")
    format: str | None = _field("The format, for example Hardcover or Taschenbuch.")
    published: str | None = _field("The year or the day of publication.")
    pages: int | None = _field("The number of pages.")
    price: str | None = _field('The price, for example "12.90" or "7,90 €".')
    currency: str | None = _field("The currency of the price.")
    stock: int | None = _field("The number of copies in stock.")
    cover_url: str | None = _field("The URL of an image of the cover.")
    rating_average: Decimal | None = _field("The average rating, 0 to 5.")
    rating_count: int | None = _field("The number of ratings.")
    authors: str | None = _field('The authors, for example "Jane Doe; John Roe (translator)".')
    author_sort: str | None = _field('The sort names of the authors, for example "Doe, Jane; Roe, John".')
    categories: str | None = _field('The categories, for example "Fiction > Crime; Travel".')


def to_record(record: BookRecordInput, path: FaultPath) -> dict[str, str | None]:
    """Return the texts of the fields that are given."""
    return {
        name: None if value is None else _check_text((*path, name), str(value))
        for name, value in vars(record).items()
        if value is not UNSET
    }


def given(value: Any) -> Any:
    """Return a value, or None if it is not given."""
    return None if value is UNSET else value


def to_book_key(by: BookKeyInput, path: FaultPath, expected_version: int | None = None) -> BookKey:
    """Return the key of a book, which belongs to what the path without its end leads to."""
    options: dict[str, Any] = {"expected_version": expected_version, "depth": len(path) - 1}
    if isinstance(by.id, str):
        book_id, invalid = _parse_id(by.id, "Book")
        return BookKey((*path, "id"), id=book_id, invalid=invalid, **options)
    if isinstance(by.isbn, str):
        isbn_path = (*path, "isbn")
        return BookKey(isbn_path, isbn=_check_text(isbn_path, by.isbn), **options)
    source_key = by.source_key
    if not isinstance(source_key, SourceKeyInput):
        return BookKey(path, invalid="Give one key that is not null.", **options)
    key = (
        _check_text((*path, "sourceKey", "source"), source_key.source),
        _check_text((*path, "sourceKey", "sourceId"), source_key.source_id),
    )
    return BookKey((*path, "source_key"), source_key=key, **options)


def to_author_reference(by: AuthorLookup, path: FaultPath) -> Reference:
    """Return the reference to an author."""
    if isinstance(by.id, str):
        author_id, invalid = _parse_id(by.id, "Author")
        return Reference((*path, "id"), id=author_id, invalid=invalid)
    return Reference((*path, "slug"), name=_check_text((*path, "slug"), by.slug))


def to_category_reference(by: CategoryLookup, path: FaultPath) -> Reference:
    """Return the reference to a category."""
    if isinstance(by.id, str):
        category_id, invalid = _parse_id(by.id, "Category")
        return Reference((*path, "id"), id=category_id, invalid=invalid)
    return Reference((*path, "path"), name=_check_text((*path, "path"), by.path))


def _parse_id(value: str, type_name: str) -> tuple[int | None, str]:
    """Return the database id in a global id of a type, or why it is none."""
    try:
        return parse_database_id("id", type_name, value), ""
    except UserInputError as error:
        return None, str(error)


def to_offers(offers: Sequence[OfferInput]) -> list[Offer]:
    """Return what is set of each book."""
    return [
        Offer(
            ("offers", index),
            to_book_key(offer.by, ("offers", index, "by"), given(offer.expected_version)),
            sets_price=offer.price is not UNSET,
            price=_to_price(given(offer.price)),
            stock=given(offer.stock),
        )
        for index, offer in enumerate(offers)
    ]


def to_book_values(book: BookValuesInput) -> BookValues:
    """Return what is set of a book."""
    return BookValues(
        dict(_book_values(book)),
        None if book.contributions is UNSET else list(_contributions(book.contributions or ())),
        None
        if book.categories is UNSET
        else [
            to_category_reference(each, ("input", "categories", index))
            for index, each in enumerate(book.categories or ())
        ],
    )


def _contributions(contributions: Sequence[ContributionInput]) -> Iterator[ContributionValues]:
    for index, each in enumerate(contributions):
        path = ("input", "contributions", index, "author")
        yield ContributionValues(to_author_reference(each.author, path), each.role.name)


def to_author_values(author: CreateAuthorInput | UpdateAuthorInput) -> dict[str, Any]:
    """Return the values that are given for an author."""
    names = ("name", "sort_name", "birth_year", "death_year")
    values = {name: getattr(author, name) for name in names if getattr(author, name) is not UNSET}
    for name in ("name", "sort_name"):
        if values.get(name) is not None:
            values[name] = _check_text(("input", name), values[name])
    return values


def _book_values(book: BookValuesInput) -> Iterator[tuple[str, Any]]:
    for name, value in vars(book).items():
        if value is UNSET or name in ("contributions", "categories", "source", "source_id"):
            continue
        if name == "price":
            yield name, _to_price(value)
        elif name == "series":
            yield name, _to_series(value)
        elif name == "rating":
            yield "rating_average", value and value.average
            yield "rating_count", value.count if value else 0
        elif name == "format":
            yield name, value and value.value
        elif isinstance(value, str):
            yield name, check_storable_text(f"input.{name}", value)
        else:
            yield name, value


def _to_price(money: MoneyInput | None) -> Price | None:
    return money and Price(money.amount, money.currency_code.upper())


def _to_series(series: SeriesInput | None) -> SeriesValue | None:
    if series is None:
        return None
    path = ("input", "series")
    position = given(series.position)
    return SeriesValue(
        _check_text((*path, "name"), series.name),
        None if position is None else _check_text((*path, "position"), position),
    )


def _check_text(path: FaultPath, text: str | None) -> str:
    """Return the text, or "" for None. Raise UserInputError if PostgreSQL cannot store it."""
    return text if text and text.isprintable() else check_storable_text(describe_path(path), text)
