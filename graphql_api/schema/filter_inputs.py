"""The input types of filters."""

from decimal import Decimal
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from db.search.text_query import MAX_TEXT_LENGTH

MAX_FILTER_VALUES = 100
MAX_FILTER_CONDITIONS = 50
MAX_FILTER_DEPTH = 5


def _optional_field(description: str) -> Any:
    """Return an optional input field. An omitted field is ignored; null is rejected."""
    return strawberry.field(default=UNSET, description=description)


@strawberry.input(description="Conditions on an id. All given conditions must match.")
class IdFilter:
    eq: strawberry.ID | None = _optional_field("Equals this id.")
    neq: strawberry.ID | None = _optional_field("Does not equal this id.")
    in_: list[strawberry.ID] | None = strawberry.field(
        name="in", default=UNSET, description=f"Equals one of these ids; at most {MAX_FILTER_VALUES}."
    )
    not_in: list[strawberry.ID] | None = _optional_field(
        f"Equals none of these ids; at most {MAX_FILTER_VALUES}."
    )


@strawberry.input(description="Conditions on the categories of a book. All given conditions must match.")
class CategoryIdFilter(IdFilter):
    include_descendants: bool = strawberry.field(
        default=True, description="Whether books in descendants of the given categories match too."
    )


@strawberry.input(
    description="Conditions on a code, compared exactly. All given conditions must match. A missing value "
    "matches only `isNull: true`."
)
class CodeFilter:
    eq: str | None = _optional_field("Equals this code.")
    neq: str | None = _optional_field("Does not equal this code.")
    in_: list[str] | None = strawberry.field(
        name="in", default=UNSET, description=f"Equals one of these codes; at most {MAX_FILTER_VALUES}."
    )
    not_in: list[str] | None = _optional_field(f"Equals none of these codes; at most {MAX_FILTER_VALUES}.")
    is_null: bool | None = _optional_field("Whether the code is missing.")


@strawberry.input(
    description="Conditions on a number. All given conditions must match. A missing number matches only "
    "`isNull: true`."
)
class DecimalFilter:
    eq: Decimal | None = _optional_field("Equals this number.")
    neq: Decimal | None = _optional_field("Does not equal this number.")
    lt: Decimal | None = _optional_field("Is less than this number.")
    lte: Decimal | None = _optional_field("Is less than or equal to this number.")
    gt: Decimal | None = _optional_field("Is greater than this number.")
    gte: Decimal | None = _optional_field("Is greater than or equal to this number.")
    is_null: bool | None = _optional_field("Whether the number is missing.")


@strawberry.input(
    description="Conditions on a year; years BC are negative. All given conditions must match. A missing "
    "year matches only `isNull: true`."
)
class YearFilter:
    eq: int | None = _optional_field("In this year.")
    neq: int | None = _optional_field("Not in this year.")
    lt: int | None = _optional_field("Before this year.")
    lte: int | None = _optional_field("In or before this year.")
    gt: int | None = _optional_field("After this year.")
    gte: int | None = _optional_field("In or after this year.")
    is_null: bool | None = _optional_field("Whether the year is missing.")


@strawberry.input(
    description="Selects books. All given conditions must match. Omit a field instead of passing null. "
    f"At most {MAX_FILTER_CONDITIONS} conditions, nested at most {MAX_FILTER_DEPTH} levels deep."
)
class BookFilter:
    text: str | None = _optional_field(
        "The text to search for: an ISBN in any form, or words of the title, authors, subtitle, categories "
        f"and description. The last word may be incomplete. Only the first {MAX_TEXT_LENGTH} characters are "
        "used. Allowed only at the top level of a filter."
    )
    author: IdFilter | None = _optional_field("The contributors, in any role.")
    category: CategoryIdFilter | None = _optional_field("The categories that the book is assigned to.")
    language: CodeFilter | None = _optional_field("The language as a BCP 47 tag, for example en or pt-BR.")
    price: DecimalFilter | None = _optional_field(
        "The amount of the price. Combine it with `currency`: amounts are not converted."
    )
    currency: CodeFilter | None = _optional_field(
        "The currency of the price as an ISO 4217 code, for example EUR."
    )
    published: YearFilter | None = _optional_field("The year of publication.")
    rating: DecimalFilter | None = _optional_field("The average rating, 0 to 5.")
    in_stock: bool | None = _optional_field("Whether copies are in stock.")
    has_isbn: bool | None = _optional_field("Whether the book has an ISBN.")
    and_: list["BookFilter"] | None = strawberry.field(
        name="and", default=UNSET, description="All of these filters match."
    )
    or_: list["BookFilter"] | None = strawberry.field(
        name="or",
        default=UNSET,
        description="At least one of these filters matches. An empty list matches nothing.",
    )
    not_: "BookFilter | None" = strawberry.field(
        name="not", default=UNSET, description="This filter does not match."
    )


@strawberry.input(
    description="Conditions on a name, ignoring case and accents. All given conditions must match."
)
class NameFilter:
    eq: str | None = _optional_field("Equals this text.")
    starts_with: str | None = _optional_field("Starts with this text.")
    contains: str | None = _optional_field("Contains this text.")


@strawberry.input(
    description="Selects authors. All given conditions must match. Omit a field instead of passing null."
)
class AuthorFilter:
    name: NameFilter | None = _optional_field("The sort name, for example Austen, Jane.")
    birth_year: YearFilter | None = _optional_field("The year of birth.")
    death_year: YearFilter | None = _optional_field("The year of death.")
    and_: list["AuthorFilter"] | None = strawberry.field(
        name="and", default=UNSET, description="All of these filters match."
    )
    or_: list["AuthorFilter"] | None = strawberry.field(
        name="or",
        default=UNSET,
        description="At least one of these filters matches. An empty list matches nothing.",
    )
    not_: "AuthorFilter | None" = strawberry.field(
        name="not", default=UNSET, description="This filter does not match."
    )


@strawberry.input(
    description="Selects categories. All given conditions must match. Omit a field instead of passing null."
)
class CategoryFilter:
    name: NameFilter | None = _optional_field("The name of the category.")
    and_: list["CategoryFilter"] | None = strawberry.field(
        name="and", default=UNSET, description="All of these filters match."
    )
    or_: list["CategoryFilter"] | None = strawberry.field(
        name="or",
        default=UNSET,
        description="At least one of these filters matches. An empty list matches nothing.",
    )
    not_: "CategoryFilter | None" = strawberry.field(
        name="not", default=UNSET, description="This filter does not match."
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
