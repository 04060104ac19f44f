"""Facets: what a list of books could be narrowed to next, with the numbers of books."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Generic, NamedTuple, TypeVar

import strawberry
from strawberry import UNSET

from db.search.facets import MOST_COUNTED, MOST_OF_MANY, PRICE_STEPS, Asked, Counted, Entry
from db.search.filters import Facet
from db.search.ranking import NAMED
from graphql_api.context import Context
from graphql_api.schema.costs import A_COUNT, NO_ROW, ListSize
from graphql_api.schema.errors import BadInput
from graphql_api.schema.fields import Level, Values, level_field, loads
from graphql_api.schema.ids import key_of
from graphql_api.searches import facets_of

if TYPE_CHECKING:
    from graphql_api.schema.types import Author, Category

T = TypeVar("T")

LARGEST_SIZE = 50
MOST_ENTRIES = 500
BOOKS = "The number of books."

Size = Annotated[int, strawberry.argument(description=f"At most so many entries, 0 to {LARGEST_SIZE}.")]
Parent = Annotated[
    strawberry.ID | None,
    strawberry.argument(
        description="The category whose children are counted; the list's own, or the roots, if not given."
    ),
]

SIZED = ListSize(assumed_size=10, slicing_arguments=["first"], sized_fields=["entries"])
FEW_VALUES = ListSize(assumed_size=10, sized_fields=["entries"])


@dataclass(frozen=True, slots=True)
class Keyed:
    """What stands behind an entry that names a record."""

    key: int
    count: int


class Listed(NamedTuple):
    """What stands behind a facet."""

    entries: list[Any]
    is_capped: bool


def loading(
    connections: Sequence[Any], context: Context, asked: Asked, entry: Callable[[Entry], Any]
) -> Awaitable[Values]:
    """A facet of each list on its way: all of a list are asked for before the first is awaited."""

    def listed(counted: list[Counted]) -> Values:
        return [Listed([entry(each) for each in facet.entries], facet.capped) for facet in counted]

    loader = facets_of(context.loaders, connections[0].scope, connections[0].wanted)
    return loader.load_all([(connection.key, asked) for connection in connections]).then(listed)


def counts(facet: Facet, entry: Callable[[Entry], Any], description: str) -> Any:
    """The field of a facet with few values, all of which are answered."""

    def load(connections: Sequence[Any], context: Context) -> Awaitable[Values]:
        return loading(connections, context, Asked(facet, MOST_ENTRIES), entry)

    return level_field(Level(load, awaited=True), description, [], [A_COUNT, FEW_VALUES])


def size_of(first: int) -> int:
    if not 0 <= first <= LARGEST_SIZE:
        raise BadInput("first", f"first is {first}; it must be from 0 to {LARGEST_SIZE}.")
    return first


def keyed(entry: Entry) -> Keyed:
    return Keyed(int(entry.value), entry.number)


def by_author(connections: Sequence[Any], context: Context, first: Size = 10) -> Awaitable[Values]:
    return loading(connections, context, Asked(Facet.AUTHORS, size_of(first)), keyed)


def by_category(
    connections: Sequence[Any], context: Context, first: Size = 10, parent: Parent = UNSET
) -> Awaitable[Values]:
    key = key_of("parent", "Category", parent) if isinstance(parent, str) else None
    return loading(connections, context, Asked(Facet.CATEGORIES, size_of(first), key), keyed)


@strawberry.type(description="A category, and how many of the books are in it or below it.")
class CategoryCount:
    category: Annotated["Category", strawberry.lazy("graphql_api.schema.types")] | None = loads(
        "category_by_id", "key", "The category; null if it has gone since."
    )
    count: int = strawberry.field(description=BOOKS)


@strawberry.type(description="An author, and how many of the books they contributed to.")
class AuthorCount:
    author: Annotated["Author", strawberry.lazy("graphql_api.schema.types")] | None = loads(
        "author_by_id", "key", "The author; null if they have gone since."
    )
    count: int = strawberry.field(description=BOOKS)


@strawberry.type(description="A language, and how many of the books are in it.")
class LanguageCount:
    language: str = strawberry.field(description="The language's tag.")
    count: int = strawberry.field(description=BOOKS)


@strawberry.type(description="A band of prices in one currency, and how many of the books cost so much.")
class PriceCount:
    currency_code: str = strawberry.field(description="The currency's ISO 4217 code.")
    from_: Decimal = strawberry.field(name="from", description="The band's lowest price.")
    below: Decimal | None = strawberry.field(description="Where the next band begins; null for the last.")
    count: int = strawberry.field(description=BOOKS)


@strawberry.type(description="Ten years, and how many of the books were published in them.")
class DecadeCount:
    decade: int = strawberry.field(description="Its first year, for example 1990; negative before Christ.")
    count: int = strawberry.field(description=BOOKS)


@strawberry.type(description="A rating, and how many of the books have it.")
class RatingCount:
    rating: int = strawberry.field(description="The average rating, rounded down: 0 to 5.")
    count: int = strawberry.field(description=BOOKS)


def price_count(entry: Entry) -> PriceCount:
    following = [step for step in PRICE_STEPS if step > int(entry.value)]
    return PriceCount(
        currency_code=entry.currency or "",
        from_=Decimal(entry.value),
        below=Decimal(following[0]) if following else None,
        count=entry.number,
    )


@strawberry.type(name="List", description="A facet's entries, the largest first.")
class CountList(Generic[T]):
    entries: list[T] = strawberry.field(description="The entries.")
    is_capped: bool = strawberry.field(
        description=f"Whether only the {MOST_COUNTED:,} books that most readers rated were counted, or the "
        f"{MOST_OF_MANY:,} of a text that finds more than {NAMED:,}."
    )


@strawberry.type(
    description="What the books could be narrowed to next. Each facet leaves out the filter's own conditions "
    "on what it counts, so that it shows what else could be chosen.",
    directives=[NO_ROW],
)
class Facets:
    categories: CountList[CategoryCount] = level_field(
        Level(by_category, awaited=True), "Categories of one level of the tree.", [], [A_COUNT, SIZED]
    )
    authors: CountList[AuthorCount] = level_field(
        Level(by_author, awaited=True), "Authors, in whatever role.", [], [A_COUNT, SIZED]
    )
    languages: CountList[LanguageCount] = counts(
        Facet.LANGUAGES, lambda each: LanguageCount(language=each.value, count=each.number), "Languages."
    )
    prices: CountList[PriceCount] = counts(Facet.PRICES, price_count, "Bands of prices, in each currency.")
    decades: CountList[DecadeCount] = counts(
        Facet.DECADES, lambda each: DecadeCount(decade=int(each.value), count=each.number), "Decades."
    )
    ratings: CountList[RatingCount] = counts(
        Facet.RATINGS,
        lambda each: RatingCount(rating=int(each.value), count=each.number),
        "Average ratings, rounded down.",
    )
