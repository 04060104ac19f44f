"""What a client narrows a list by: the inputs of filters."""

from decimal import Decimal
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from db.search.text import LONGEST_TEXT

MOST_VALUES = 100
MOST_CONDITIONS = 50
DEEPEST = 5


def asks(description: str) -> Any:
    """An optional field of an input; that it is absent says nothing, and null is refused."""
    return strawberry.field(default=UNSET, description=description)


@strawberry.input(description="Compares an id. Several operators must all hold.")
class IdFilter:
    eq: strawberry.ID | None = asks("Is this one.")
    neq: strawberry.ID | None = asks("Is not this one.")
    in_: list[strawberry.ID] | None = strawberry.field(
        name="in", default=UNSET, description=f"Is one of these, at most {MOST_VALUES}."
    )
    not_in: list[strawberry.ID] | None = asks(f"Is none of these, at most {MOST_VALUES}.")


@strawberry.input(description="Chooses categories. Several operators must all hold.")
class CategoryIdFilter(IdFilter):
    include_descendants: bool = strawberry.field(
        default=True, description="Whether the categories below them belong too."
    )


@strawberry.input(
    description="Compares a code exactly. Several operators must all hold; a missing value fulfils only "
    "`isNull`."
)
class CodeFilter:
    eq: str | None = asks("Is this one.")
    neq: str | None = asks("Is another one.")
    in_: list[str] | None = strawberry.field(
        name="in", default=UNSET, description=f"Is one of these, at most {MOST_VALUES}."
    )
    not_in: list[str] | None = asks(f"Is none of these, at most {MOST_VALUES}.")
    is_null: bool | None = asks("Whether it is missing.")


@strawberry.input(
    description="Compares a number. Several operators must all hold; a missing value fulfils only `isNull`."
)
class DecimalFilter:
    eq: Decimal | None = asks("Is equal.")
    neq: Decimal | None = asks("Is another one.")
    lt: Decimal | None = asks("Is less.")
    lte: Decimal | None = asks("Is less or equal.")
    gt: Decimal | None = asks("Is greater.")
    gte: Decimal | None = asks("Is greater or equal.")
    is_null: bool | None = asks("Whether it is missing.")


@strawberry.input(
    description="Compares a year, negative before Christ. Several operators must all hold; a missing year "
    "fulfils only `isNull`."
)
class YearFilter:
    eq: int | None = asks("In this year.")
    neq: int | None = asks("In another year.")
    lt: int | None = asks("Before this year.")
    lte: int | None = asks("In this year or before.")
    gt: int | None = asks("After this year.")
    gte: int | None = asks("In this year or after.")
    is_null: bool | None = asks("Whether it is missing.")


@strawberry.input(
    description="Which books; all that is given must hold. Null is refused: leave out what does not matter. "
    f"At most {MOST_CONDITIONS} conditions, nested at most {DEEPEST} deep."
)
class BookFilter:
    text: str | None = asks(
        "What somebody typed: an ISBN in any form, or words of title, authors, subtitle, categories and "
        f"description, the last one perhaps unfinished. The first {LONGEST_TEXT} characters count. It can "
        "only stand at the top of a filter."
    )
    author: IdFilter | None = asks("Who contributed, in whatever role.")
    category: CategoryIdFilter | None = asks("Where it is sorted into.")
    language: CodeFilter | None = asks("The language's tag.")
    price: DecimalFilter | None = asks("The price's amount; give the currency too.")
    currency: CodeFilter | None = asks("The price's currency.")
    published: YearFilter | None = asks("The year of publication.")
    rating: DecimalFilter | None = asks("The average rating, 0 to 5.")
    in_stock: bool | None = asks("Whether copies are in stock.")
    has_isbn: bool | None = asks("Whether it has an ISBN.")
    and_: list["BookFilter"] | None = strawberry.field(
        name="and", default=UNSET, description="All of these hold."
    )
    or_: list["BookFilter"] | None = strawberry.field(
        name="or", default=UNSET, description="One of these holds; none does where the list is empty."
    )
    not_: "BookFilter | None" = strawberry.field(name="not", default=UNSET, description="This does not hold.")


@strawberry.input(
    description="Compares a sort name, such as Austen, Jane; case and accents do not matter. Several "
    "operators must all hold."
)
class NameFilter:
    eq: str | None = asks("Is this one.")
    starts_with: str | None = asks("Begins so.")
    contains: str | None = asks("Holds this anywhere.")


@strawberry.input(
    description="Which authors; all that is given must hold. Null is refused: leave out what does not matter."
)
class AuthorFilter:
    name: NameFilter | None = asks("The sort name.")
    birth_year: YearFilter | None = asks("The year of birth.")
    death_year: YearFilter | None = asks("The year of death.")
    and_: list["AuthorFilter"] | None = strawberry.field(
        name="and", default=UNSET, description="All of these hold."
    )
    or_: list["AuthorFilter"] | None = strawberry.field(
        name="or", default=UNSET, description="One of these holds; none does where the list is empty."
    )
    not_: "AuthorFilter | None" = strawberry.field(
        name="not", default=UNSET, description="This does not hold."
    )


@strawberry.input(
    description="Which categories; all that is given must hold. Null is refused: leave out what does not "
    "matter."
)
class CategoryFilter:
    name: NameFilter | None = asks("The name.")
    and_: list["CategoryFilter"] | None = strawberry.field(
        name="and", default=UNSET, description="All of these hold."
    )
    or_: list["CategoryFilter"] | None = strawberry.field(
        name="or", default=UNSET, description="One of these holds; none does where the list is empty."
    )
    not_: "CategoryFilter | None" = strawberry.field(
        name="not", default=UNSET, description="This does not hold."
    )


WantedAuthors = Annotated[
    AuthorFilter | None, strawberry.argument(name="filter", description="Only the authors that fulfil this.")
]
WantedCategories = Annotated[
    CategoryFilter | None,
    strawberry.argument(name="filter", description="Only the categories that fulfil this."),
]
Wanted = Annotated[
    BookFilter | None, strawberry.argument(name="filter", description="Only the books that fulfil this.")
]
