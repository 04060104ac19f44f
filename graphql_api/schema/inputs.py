"""What a client can ask with: look-ups by one key, and orders."""

from enum import Enum

import strawberry

from db import books
from db.pages import Key, Order
from db.search.ranking import RELEVANCE
from graphql_api.schema.errors import BadInput
from graphql_api.schema.scalars import ISBN


@strawberry.input(one_of=True, description="Names one book, by exactly one of its keys.")
class BookLookup:
    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="The book's global id.")
    isbn: ISBN | None = strawberry.field(
        default=strawberry.UNSET, description="The book's ISBN, in its old or new form."
    )


@strawberry.input(one_of=True, description="Names one author, by exactly one of their keys.")
class AuthorLookup:
    id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The author's global id."
    )
    slug: str | None = strawberry.field(
        default=strawberry.UNSET, description="The author's slug, for example `jane-austen`."
    )


@strawberry.input(one_of=True, description="Names one category, by exactly one of its keys.")
class CategoryLookup:
    id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The category's global id."
    )
    path: str | None = strawberry.field(
        default=strawberry.UNSET, description="The slugs from the root, for example `fiction/novels`."
    )


@strawberry.enum(description="What books can be sorted by. Books without the value come last either way.")
class BookOrderField(Enum):
    TITLE = strawberry.enum_value(
        "TITLE", description="The title, without its leading article, accents and case."
    )
    PUBLICATION = strawberry.enum_value("PUBLICATION", description="The day or year of publication.")
    PRICE = strawberry.enum_value("PRICE", description="The price's amount, whatever its currency.")
    RATING = strawberry.enum_value("RATING", description="The average rating.")
    POPULARITY = strawberry.enum_value("POPULARITY", description="How many readers rated the book.")
    RELEVANCE = strawberry.enum_value(
        "RELEVANCE", description="How well the book matches the filter's text; only with one."
    )
    ADDED = strawberry.enum_value("ADDED", description="When the book came into the catalog.")


@strawberry.enum(description="Which way an order runs.")
class OrderDirection(Enum):
    ASC = strawberry.enum_value("ASC", description="From the smallest, first or oldest on.")
    DESC = strawberry.enum_value("DESC", description="From the largest, last or newest on.")


@strawberry.input(
    description="How books are sorted. Equal ones follow in the order they were added, or the opposite one "
    "if descending."
)
class BookOrder:
    field: BookOrderField = strawberry.field(description="What to sort by.")
    direction: OrderDirection | None = strawberry.field(
        default=strawberry.UNSET,
        description="Which way to sort; from the best on by relevance and popularity, or else ascending, "
        "if it is not given.",
    )


KEYS: dict[BookOrderField, Key] = {
    BookOrderField.TITLE: books.TITLE,
    BookOrderField.PUBLICATION: books.PUBLICATION,
    BookOrderField.PRICE: books.PRICE,
    BookOrderField.RATING: books.RATING,
    BookOrderField.POPULARITY: books.POPULARITY,
    BookOrderField.RELEVANCE: RELEVANCE,
    BookOrderField.ADDED: books.ADDED,
}


BEST_FIRST = (books.POPULARITY, RELEVANCE)


def order_of_books(asked: BookOrder | None, *, searching: bool = False) -> Order:
    """The order asked for; when none is, by relevance to a text, or else by title."""
    if not asked:
        return Order(RELEVANCE, descending=True) if searching else Order(books.TITLE)
    key = KEYS[asked.field]
    if key == RELEVANCE and not searching:
        raise BadInput(
            "orderBy", "Without a text in the filter there is no relevance: sort by something else."
        )
    if not asked.direction:
        return Order(key, key in BEST_FIRST)
    return Order(key, asked.direction is OrderDirection.DESC)


def storable(argument: str, text: str | None) -> str:
    """The text, if PostgreSQL can hold it; BadInput otherwise."""
    text = text or ""
    if "\0" in text or (not text.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in text)):
        raise BadInput(argument, f"{argument} holds a NUL character or half a surrogate pair: leave it out.")
    return text
