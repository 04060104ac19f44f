"""Sort orders of authors and of categories."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any

import strawberry

from db import authors, categories
from db.keyset import Order, SortKey
from graphql_api.schema.inputs import OrderDirection

_DIRECTION = "The sort direction. Default: ASC for NAME, DESC for all other keys."


@strawberry.enum(description="Sort keys of authors.")
class AuthorOrderField(Enum):
    NAME = strawberry.enum_value("NAME", description="The sort name, ignoring accents and case.")
    BOOK_COUNT = strawberry.enum_value("BOOK_COUNT", description="The number of books, in any role.")
    POPULARITY = strawberry.enum_value(
        "POPULARITY", description="The number of ratings of the author's books."
    )


@strawberry.input(
    description="The sort order of authors. Authors with equal values are sorted by when they were added, in "
    "the same direction."
)
class AuthorOrder:
    field: AuthorOrderField = strawberry.field(description="The sort key.")
    direction: OrderDirection | None = strawberry.field(default=strawberry.UNSET, description=_DIRECTION)


@strawberry.enum(description="Sort keys of categories.")
class CategoryOrderField(Enum):
    NAME = strawberry.enum_value("NAME", description="The name, ignoring accents and case.")
    BOOK_COUNT = strawberry.enum_value(
        "BOOK_COUNT", description="The number of books in the category and its descendants."
    )
    POPULARITY = strawberry.enum_value(
        "POPULARITY", description="The number of ratings of the books in the category and its descendants."
    )


@strawberry.input(
    description="The sort order of categories. Categories with equal values are sorted by when they were "
    "added, in the same direction."
)
class CategoryOrder:
    field: CategoryOrderField = strawberry.field(description="The sort key.")
    direction: OrderDirection | None = strawberry.field(default=strawberry.UNSET, description=_DIRECTION)


@dataclass(frozen=True, slots=True)
class RecordOrders:
    """The type of the argument `orderBy` of a list of records, and the parser of its value."""

    argument: Any
    parse: Callable[[Any], Order]


def _parser(sort_keys: Mapping[Any, SortKey], default: Order) -> Callable[[Any], Order]:
    def parse(order_by: Any) -> Order:
        if not order_by:
            return default
        key = sort_keys[order_by.field]
        if not order_by.direction:
            return Order(key, descending=key != default.key)
        return Order(key, order_by.direction is OrderDirection.DESC)

    return parse


AUTHOR_SORT_KEYS: Mapping[AuthorOrderField, SortKey] = {
    AuthorOrderField.NAME: authors.NAME,
    AuthorOrderField.BOOK_COUNT: authors.BOOK_COUNT,
    AuthorOrderField.POPULARITY: authors.POPULARITY,
}
CATEGORY_SORT_KEYS: Mapping[CategoryOrderField, SortKey] = {
    CategoryOrderField.NAME: categories.NAME,
    CategoryOrderField.BOOK_COUNT: categories.BOOK_COUNT,
    CategoryOrderField.POPULARITY: categories.POPULARITY,
}

AUTHOR_ORDERS = RecordOrders(
    Annotated[AuthorOrder | None, strawberry.argument(description="The sort order. Default: by sort name.")],
    _parser(AUTHOR_SORT_KEYS, authors.BY_NAME),
)
CATEGORY_ORDERS = RecordOrders(
    Annotated[CategoryOrder | None, strawberry.argument(description="The sort order. Default: by name.")],
    _parser(CATEGORY_SORT_KEYS, categories.BY_NAME),
)
