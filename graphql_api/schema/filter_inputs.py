"""The input types of filters. A new filter is one field here."""

from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Annotated

import strawberry

from db.search import conditions
from db.search.conditions import Condition, RecordKeys
from db.search.filters import Facet
from db.search.text_query import MAX_TEXT_LENGTH
from graphql_api.schema.book_format import BookFormat
from graphql_api.schema.contributor_role import ContributorRole, role_names
from graphql_api.schema.filter_fields import (
    MAX_FILTER_VALUES,
    filter_field,
    filter_input,
    operator,
    operator_option,
)
from graphql_api.schema.filter_parsers import (
    book_id_parser,
    boolean_parser,
    check_decimal,
    check_year,
    code_parser,
    enum_parser,
    id_column_parser,
    isbn_parser,
    name_parser,
    number_parser,
    price_parser,
    publication_parser,
    record_parser,
    reject_nested_text,
    spell_currency,
    spell_language,
    time_parser,
)

MAX_FILTER_CONDITIONS = 50
MAX_FILTER_DEPTH = 5

_NULL_IS_NOT_GIVEN = "All given conditions must match. Null is the same as not given, at every level."


@strawberry.input(description="Conditions on an id.")
class IdFilter:
    eq: strawberry.ID | None = operator("Equals this id.")
    neq: strawberry.ID | None = operator("Does not equal this id.")
    in_: list[strawberry.ID] | None = operator(f"Equals one of these ids; at most {MAX_FILTER_VALUES}.", "in")
    not_in: list[strawberry.ID] | None = operator(f"Equals none of these ids; at most {MAX_FILTER_VALUES}.")


@strawberry.input(
    description="Conditions on a slug or path, compared exactly. A former one means the record that had it. "
    "All given conditions must match."
)
class KeyFilter:
    eq: str | None = operator("Equals this one.")
    neq: str | None = operator("Does not equal this one.")
    in_: list[str] | None = operator(f"Equals one of these; at most {MAX_FILTER_VALUES}.", "in")
    not_in: list[str] | None = operator(f"Equals none of these; at most {MAX_FILTER_VALUES}.")


@strawberry.input(description="Conditions on the contributors of a book. All given conditions must match.")
class AuthorIdFilter(IdFilter):
    slug: KeyFilter | None = operator("The slug, for example jane-austen.")
    roles: list[ContributorRole] | None = operator_option(
        "Contributors count only in these roles. Default: any role."
    )


@strawberry.input(description="Conditions on the categories of a book. All given conditions must match.")
class CategoryIdFilter(IdFilter):
    path: KeyFilter | None = operator("The path, for example fiction/science-fiction.")
    include_descendants: bool | None = operator_option(
        "Whether books in descendants of the given categories match too.", default=True
    )


@strawberry.input(
    description="Conditions on the series of a book. All given conditions must match. A book without one "
    "matches only `isNull: true`."
)
class SeriesIdFilter(IdFilter):
    is_null: bool | None = operator("Whether the book is in no series.")


@strawberry.input(
    description="Conditions on a code, ignoring case. All given conditions must match. A missing value "
    "matches only `isNull: true`."
)
class CodeFilter:
    eq: str | None = operator("Equals this code.")
    neq: str | None = operator("Does not equal this code.")
    in_: list[str] | None = operator(f"Equals one of these codes; at most {MAX_FILTER_VALUES}.", "in")
    not_in: list[str] | None = operator(f"Equals none of these codes; at most {MAX_FILTER_VALUES}.")
    is_null: bool | None = operator("Whether the code is missing.")


@strawberry.input(
    description="Conditions on a text, compared exactly. All given conditions must match. A missing text "
    "matches only `isNull: true`."
)
class TextFilter:
    eq: str | None = operator("Equals this text.")
    neq: str | None = operator("Does not equal this text.")
    in_: list[str] | None = operator(f"Equals one of these texts; at most {MAX_FILTER_VALUES}.", "in")
    not_in: list[str] | None = operator(f"Equals none of these texts; at most {MAX_FILTER_VALUES}.")
    is_null: bool | None = operator("Whether the text is missing.")


@strawberry.input(
    description="Conditions on a format. All given conditions must match. A missing format matches only "
    "`isNull: true`."
)
class BookFormatFilter:
    eq: BookFormat | None = operator("Is this format.")
    neq: BookFormat | None = operator("Is not this format.")
    in_: list[BookFormat] | None = operator("Is one of these formats.", "in")
    not_in: list[BookFormat] | None = operator("Is none of these formats.")
    is_null: bool | None = operator("Whether the format is missing.")


@strawberry.input(
    description="Conditions on a number. All given conditions must match. A missing number matches only "
    "`isNull: true`."
)
class DecimalFilter:
    eq: Decimal | None = operator("Equals this number.")
    neq: Decimal | None = operator("Does not equal this number.")
    lt: Decimal | None = operator("Is less than this number.")
    lte: Decimal | None = operator("Is less than or equal to this number.")
    gt: Decimal | None = operator("Is greater than this number.")
    gte: Decimal | None = operator("Is greater than or equal to this number.")
    is_null: bool | None = operator("Whether the number is missing.")


@strawberry.input(
    description="Conditions on a price. All given conditions must match. A missing price matches only "
    "`isNull: true`. Amounts are not converted: give a currency."
)
class PriceFilter(DecimalFilter):
    currency: str | None = operator("The currency as an ISO 4217 code in any case, for example EUR.")


@strawberry.input(
    description="Conditions on an ISBN-10 or ISBN-13 in any form. All given conditions must match. A "
    "missing ISBN matches only `isNull: true`."
)
class IsbnFilter:
    eq: str | None = operator("Is this ISBN.")
    neq: str | None = operator("Is not this ISBN.")
    in_: list[str] | None = operator(f"Is one of these ISBNs; at most {MAX_FILTER_VALUES}.", "in")
    not_in: list[str] | None = operator(f"Is none of these ISBNs; at most {MAX_FILTER_VALUES}.")
    is_null: bool | None = operator("Whether the ISBN is missing.")


@strawberry.input(
    description="Conditions on a year; years BC are negative. All given conditions must match. A missing "
    "year matches only `isNull: true`."
)
class YearFilter:
    eq: int | None = operator("In this year.")
    neq: int | None = operator("Not in this year.")
    lt: int | None = operator("Before this year.")
    lte: int | None = operator("In or before this year.")
    gt: int | None = operator("After this year.")
    gte: int | None = operator("In or after this year.")
    is_null: bool | None = operator("Whether the year is missing.")


@strawberry.input(description="Conditions on a time. All given conditions must match.")
class DateTimeFilter:
    lt: datetime | None = operator("Before this time.")
    lte: datetime | None = operator("At or before this time.")
    gt: datetime | None = operator("After this time.")
    gte: datetime | None = operator("At or after this time.")


@strawberry.input(
    description="Conditions on a name, ignoring case and accents. All given conditions must match."
)
class NameFilter:
    eq: str | None = operator("Equals this text.")
    starts_with: str | None = operator("Starts with this text.")
    contains: str | None = operator("Contains this text.")


def _by_authors(filter_input: AuthorIdFilter, author_ids: list[int] | RecordKeys) -> Condition:
    return conditions.by_authors(author_ids, role_names(filter_input.roles))


def _in_categories(filter_input: CategoryIdFilter, category_ids: list[int] | RecordKeys) -> Condition:
    return conditions.in_categories(category_ids, descendants=filter_input.include_descendants is not False)


@filter_input(
    f"Selects books. {_NULL_IS_NOT_GIVEN} At most {MAX_FILTER_CONDITIONS} conditions, nested at most "
    f"{MAX_FILTER_DEPTH} levels deep."
)
class BookFilter:
    text: str | None = filter_field(
        "The text to search for: an ISBN in any form, or words of the title, authors, subtitle, categories "
        "and description. The last word may be incomplete. Words may be misspelt, joined or split, and "
        "articles are optional. A blank text is the same as none. Only the first "
        f"{MAX_TEXT_LENGTH} characters are used. Allowed only at the top level of a filter.",
        reject_nested_text,
    )
    id: IdFilter | None = filter_field("The book's global id.", book_id_parser(conditions.BOOK_ID_COLUMN))
    isbn: IsbnFilter | None = filter_field("The ISBN.", isbn_parser(conditions.ISBN_COLUMN))
    author: AuthorIdFilter | None = filter_field(
        "The contributors, in any role or in the given roles.",
        record_parser("Author", "slug", _by_authors),
        Facet.AUTHORS,
    )
    category: CategoryIdFilter | None = filter_field(
        "The categories that the book is assigned to.",
        record_parser("Category", "path", _in_categories),
        Facet.CATEGORIES,
    )
    language: CodeFilter | None = filter_field(
        "The language as a BCP 47 tag, for example en or pt-BR. An ISO 639 code of three letters means its "
        "tag: ger is de.",
        code_parser(conditions.LANGUAGE_COLUMN, spell_language),
        Facet.LANGUAGES,
    )
    publisher: TextFilter | None = filter_field(
        "The name of the publisher.", code_parser(conditions.PUBLISHER_COLUMN, lambda name: [name])
    )
    series: SeriesIdFilter | None = filter_field(
        "The series that the book is in.", id_column_parser("Series", conditions.SERIES_COLUMN)
    )
    format: BookFormatFilter | None = filter_field(
        "The format of the edition.", enum_parser(conditions.FORMAT_COLUMN)
    )
    price: PriceFilter | None = filter_field(
        'The price, for example `{currency: "EUR", gte: 10, lt: 20}`.',
        price_parser(conditions.PRICE_COLUMN, conditions.CURRENCY_COLUMN),
        Facet.PRICES,
    )
    currency: CodeFilter | None = filter_field(
        "The currency of the price as an ISO 4217 code, for example EUR.",
        code_parser(conditions.CURRENCY_COLUMN, spell_currency),
        Facet.PRICES,
    )
    published: YearFilter | None = filter_field(
        "The year of publication.", publication_parser(conditions.PUBLISHED_COLUMN), Facet.DECADES
    )
    rating: DecimalFilter | None = filter_field(
        "The average rating, 0 to 5.", number_parser(conditions.RATING_COLUMN, check_decimal), Facet.RATINGS
    )
    added_at: DateTimeFilter | None = filter_field(
        "The time when the book was added to the catalog.", time_parser(conditions.added)
    )
    updated_at: DateTimeFilter | None = filter_field(
        "The time of the book's last change.",
        time_parser(partial(conditions.compare, conditions.UPDATED_COLUMN)),
    )
    in_stock: bool | None = filter_field("Whether copies are in stock.", boolean_parser(conditions.IN_STOCK))
    has_isbn: bool | None = filter_field(
        "Whether the book has an ISBN.", boolean_parser(conditions.is_not_null(conditions.ISBN_COLUMN))
    )


@filter_input(f"Selects authors. {_NULL_IS_NOT_GIVEN}")
class AuthorFilter:
    name: NameFilter | None = filter_field(
        "The sort name, for example Austen, Jane.", name_parser(conditions.AUTHOR_NAME_COLUMN)
    )
    birth_year: YearFilter | None = filter_field(
        "The year of birth.", number_parser(conditions.BIRTH_YEAR_COLUMN, check_year)
    )
    death_year: YearFilter | None = filter_field(
        "The year of death.", number_parser(conditions.DEATH_YEAR_COLUMN, check_year)
    )


@filter_input(f"Selects categories. {_NULL_IS_NOT_GIVEN}")
class CategoryFilter:
    name: NameFilter | None = filter_field(
        "The name of the category.", name_parser(conditions.CATEGORY_NAME_COLUMN)
    )


AuthorFilterArg = Annotated[
    AuthorFilter | None,
    strawberry.argument(name="filter", description="Return only authors that match this filter."),
]
CategoryFilterArg = Annotated[
    CategoryFilter | None,
    strawberry.argument(name="filter", description="Return only categories that match this filter."),
]
BookFilterArg = Annotated[
    BookFilter | None,
    strawberry.argument(name="filter", description="Return only books that match this filter."),
]
