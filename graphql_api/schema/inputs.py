"""Input types of look-ups by one key, and of sort orders."""

from enum import Enum

import strawberry

from db import books
from db.keyset import Order, SortKey
from db.search.hit_limits import MAX_RANKED_HITS, RANK_CANDIDATES
from db.search.ranking import RELEVANCE
from db.trends import MAX_TRENDING_BOOKS, TRENDING, TRENDING_DAYS
from graphql_api.schema.errors import UserInputError
from graphql_api.schema.scalars import ISBN, ISBN_RULE, normalize_isbn


@strawberry.input(description="The key of a book in the source that it was imported from.")
class SourceKeyInput:
    source: str = strawberry.field(description="The source, for example gutenberg.")
    source_id: str = strawberry.field(description="The key of the book in that source.")


@strawberry.input(one_of=True, description="Identifies a book by exactly one of its keys.")
class BookLookup:
    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="The book's global id.")
    isbn: ISBN | None = strawberry.field(
        default=strawberry.UNSET, description="The book's ISBN-10 or ISBN-13."
    )
    source_key: SourceKeyInput | None = strawberry.field(
        default=strawberry.UNSET, description="The book's key in its source."
    )
    slug: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The book's slug, for example `pride-and-prejudice-42`. The number at its end finds the "
        "book, so a slug that was given once stays valid.",
    )


@strawberry.input(one_of=True, description="Identifies an author by exactly one of their keys.")
class AuthorLookup:
    id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The author's global id."
    )
    slug: str | None = strawberry.field(
        default=strawberry.UNSET, description="The author's slug, for example `jane-austen`."
    )


@strawberry.input(one_of=True, description="Identifies a category by exactly one of its keys.")
class CategoryLookup:
    id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The category's global id."
    )
    path: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The slugs from the root category down, for example `fiction/novels`.",
    )


@strawberry.input(one_of=True, description="Identifies a series by exactly one of its keys.")
class SeriesLookup:
    id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The series' global id."
    )
    slug: str | None = strawberry.field(
        default=strawberry.UNSET, description="The series' slug, for example `discworld`."
    )


@strawberry.enum(description="Sort keys of books. Books without a value come last in both directions.")
class BookOrderField(Enum):
    TITLE = strawberry.enum_value(
        "TITLE", description="The title, ignoring its leading article, accents and case."
    )
    PUBLICATION = strawberry.enum_value(
        "PUBLICATION", description="The date of publication, or the year if only that is known."
    )
    PRICE = strawberry.enum_value("PRICE", description="The amount of the price, ignoring its currency.")
    RATING = strawberry.enum_value("RATING", description="The average rating.")
    POPULARITY = strawberry.enum_value("POPULARITY", description="The number of ratings.")
    RELEVANCE = strawberry.enum_value(
        "RELEVANCE",
        description="How well the book matches the filter's text. Requires `text` in the filter. The list "
        f"has {RANK_CANDIDATES} of the most rated matching books if more than "
        f"{MAX_RANKED_HITS:,} books match.",
    )
    ADDED = strawberry.enum_value("ADDED", description="The time when the book was added to the catalog.")
    UPDATED = strawberry.enum_value(
        "UPDATED",
        description="The time of the book's last change. Only for the root field `books`; combine it with a "
        "filter on `updatedAt` to read what has changed since.",
    )
    TRENDING = strawberry.enum_value(
        "TRENDING",
        description=f"The views of the last {TRENDING_DAYS} days, today included. The list has viewed books "
        f"only, about {MAX_TRENDING_BOOKS:,} of the whole catalog at most, and `totalCount` and `facets` "
        "count these. A list of an author or a category has their books among them.",
    )


@strawberry.enum(description="The direction of a sort order.")
class OrderDirection(Enum):
    ASC = strawberry.enum_value("ASC", description="Ascending: the smallest, first or oldest value first.")
    DESC = strawberry.enum_value("DESC", description="Descending: the largest, last or newest value first.")


@strawberry.input(
    description="The sort order of books. Books with equal values are sorted by when they were added, in the "
    "same direction."
)
class BookOrder:
    field: BookOrderField = strawberry.field(description="The sort key.")
    direction: OrderDirection | None = strawberry.field(
        default=strawberry.UNSET,
        description="The sort direction. Default: DESC for RELEVANCE, POPULARITY and TRENDING, ASC for all "
        "other keys.",
    )


SORT_KEYS: dict[BookOrderField, SortKey] = {
    BookOrderField.TITLE: books.TITLE,
    BookOrderField.PUBLICATION: books.PUBLICATION,
    BookOrderField.PRICE: books.PRICE,
    BookOrderField.RATING: books.RATING,
    BookOrderField.POPULARITY: books.POPULARITY,
    BookOrderField.RELEVANCE: RELEVANCE,
    BookOrderField.ADDED: books.ADDED,
    BookOrderField.UPDATED: books.UPDATED,
    BookOrderField.TRENDING: TRENDING,
}


_DESCENDING_BY_DEFAULT = (books.POPULARITY, RELEVANCE, TRENDING)


def parse_book_order(book_order: BookOrder | None, *, searching: bool = False) -> Order:
    """Return the requested order. Default: by relevance if a text is searched, otherwise by title.

    Raise UserInputError for RELEVANCE without a text.
    """
    if not book_order:
        return Order(RELEVANCE, descending=True) if searching else Order(books.TITLE)
    key = SORT_KEYS[book_order.field]
    if key == RELEVANCE and not searching:
        raise UserInputError(
            "orderBy", "orderBy.field RELEVANCE requires filter.text. Give a text, or sort by another field."
        )
    if not book_order.direction:
        return Order(key, key in _DESCENDING_BY_DEFAULT)
    return Order(key, book_order.direction is OrderDirection.DESC)


def check_isbn(argument: str, value: str) -> str:
    """Return the ISBN-13 of an ISBN-10 or ISBN-13 in any form. Raise UserInputError if it is invalid."""
    isbn = normalize_isbn(value)
    if isbn is None:
        raise UserInputError(
            argument, f"{argument} is {value[:40]!r}, which is not a valid ISBN. {ISBN_RULE}"
        )
    return isbn


def check_storable_text(argument: str, text: str | None) -> str:
    """Return the text, or "" for None. Raise UserInputError if PostgreSQL cannot store it."""
    text = text or ""
    if "\0" in text or (
        not text.isprintable() and any("\ud800" <= character <= "\udfff" for character in text)
    ):
        raise UserInputError(
            argument, f"{argument} contains a NUL character or an unpaired surrogate. Remove it."
        )
    return text
