"""Whether a book can be bought."""

from datetime import UTC, date, datetime
from enum import Enum

import strawberry

from db.books import Book


@strawberry.enum(description="Whether a book can be bought, in the words of schema.org's ItemAvailability.")
class BookAvailability(Enum):
    IN_STOCK = strawberry.enum_value("IN_STOCK", description="It has a price, and copies are in stock.")
    PRE_ORDER = strawberry.enum_value(
        "PRE_ORDER", description="It has a price and no copies in stock, and is published in the future."
    )
    OUT_OF_STOCK = strawberry.enum_value(
        "OUT_OF_STOCK", description="It has a price, but no copies are in stock."
    )
    NOT_FOR_SALE = strawberry.enum_value("NOT_FOR_SALE", description="It has no price.")


def availability_on(book: Book, today: date) -> BookAvailability:
    """Return whether the book can be bought on a day."""
    if book["price"] is None:
        return BookAvailability.NOT_FOR_SALE
    if book["stock"] > 0:
        return BookAvailability.IN_STOCK
    return BookAvailability.PRE_ORDER if _is_published_after(book, today) else BookAvailability.OUT_OF_STOCK


def resolve_availability(root: strawberry.Parent[Book]) -> BookAvailability:
    return availability_on(root, datetime.now(UTC).date())


def _is_published_after(book: Book, day: date) -> bool:
    """Return whether the book's day of publication is later; of a book without a day, its year."""
    if book["published_on"] is not None:
        return book["published_on"] > day
    return book["published_year"] is not None and book["published_year"] > day.year
