"""The fields of facets: the values that could narrow a list of books further, with the books of each."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import strawberry
from strawberry import UNSET

from db.search.facets import (
    FACET_BOOK_LIMIT,
    FACET_BOOK_LIMIT_BROAD_TEXT,
    PRICE_STEPS,
    FacetEntry,
    FacetRequest,
    FacetResult,
)
from db.search.filters import Facet
from db.search.ranking import MAX_ENUMERATED_HITS
from graphql_api.context import Context
from graphql_api.execution.cost_directives import ListSize
from graphql_api.execution.fields import BatchResult, batch_field
from graphql_api.loaders.search import facet_loader
from graphql_api.schema.costs import FACET_COST
from graphql_api.schema.errors import UserInputError
from graphql_api.schema.ids import parse_database_id
from graphql_api.schema.scalars import CurrencyCode, LanguageCode

T = TypeVar("T")

_MAX_FACET_SIZE = 50
_MAX_FACET_VALUES = 500
"""Maximum number of entries of a facet that has no `first` argument."""
COUNT_DESCRIPTION = "The number of books."

_FacetSizeArg = Annotated[
    int, strawberry.argument(description=f"Maximum number of entries, 0 to {_MAX_FACET_SIZE}.")
]
_ParentCategoryArg = Annotated[
    strawberry.ID | None,
    strawberry.argument(
        description="The category whose children are counted. Default: the category of the list, or the root "
        "categories if the list is not a category's."
    ),
]

SLICED_FACET_SIZE = ListSize(
    assumed_size=10, slicing_arguments=["first"], sized_fields=["entries"], max_size=_MAX_FACET_SIZE
)
_WHOLE_FACET_SIZE = ListSize(assumed_size=10, sized_fields=["entries"])


@dataclass(frozen=True, slots=True)
class _CountedId:
    """The source of a facet entry that refers to a record."""

    key: int
    count: int


class _FacetPage(NamedTuple):
    """The source of a facet."""

    entries: list[Any]
    is_capped: bool


def _load_facet(
    connections: Sequence[Any], context: Context, request: FacetRequest, to_entry: Callable[[FacetEntry], Any]
) -> Awaitable[BatchResult]:
    """Request a facet of each list. All facets are requested before the first one is awaited."""

    def to_pages(results: list[FacetResult]) -> BatchResult:
        return [_FacetPage([to_entry(entry) for entry in facet.entries], facet.capped) for facet in results]

    loader = facet_loader(context.loaders, connections[0].scope, connections[0].book_filter)
    return loader.load_all([(connection.key, request) for connection in connections]).then(to_pages)


def facet_field(facet: Facet, to_entry: Callable[[FacetEntry], Any], description: str) -> Any:
    """Return the field of a facet that has few values and always returns all of them."""

    def load(connections: Sequence[Any], context: Context) -> Awaitable[BatchResult]:
        return _load_facet(connections, context, FacetRequest(facet, _MAX_FACET_VALUES), to_entry)

    return batch_field(load, description, FACET_COST, _WHOLE_FACET_SIZE)


def _check_size(first: int) -> int:
    if not 0 <= first <= _MAX_FACET_SIZE:
        raise UserInputError("first", f"first is {first}; it must be from 0 to {_MAX_FACET_SIZE}.")
    return first


def _counted_id(entry: FacetEntry) -> _CountedId:
    return _CountedId(int(entry.value), entry.number)


def resolve_author_counts(
    connections: Sequence[Any], context: Context, first: _FacetSizeArg = 10
) -> Awaitable[BatchResult]:
    return _load_facet(connections, context, FacetRequest(Facet.AUTHORS, _check_size(first)), _counted_id)


def resolve_category_counts(
    connections: Sequence[Any],
    context: Context,
    first: _FacetSizeArg = 10,
    parent: _ParentCategoryArg = UNSET,
) -> Awaitable[BatchResult]:
    key = parse_database_id("parent", "Category", parent) if isinstance(parent, str) else None
    return _load_facet(
        connections, context, FacetRequest(Facet.CATEGORIES, _check_size(first), key), _counted_id
    )


@strawberry.type(description="A language, and the number of books in it.")
class LanguageCount:
    language: LanguageCode = strawberry.field(
        description="The language as a BCP 47 tag, for example en or pt-BR."
    )
    count: int = strawberry.field(description=COUNT_DESCRIPTION)


@strawberry.type(description="A price range in one currency, and the number of books in it.")
class PriceCount:
    currency_code: CurrencyCode = strawberry.field(
        description="The currency's ISO 4217 code, for example EUR."
    )
    from_: Decimal = strawberry.field(name="from", description="The lower bound of the range, inclusive.")
    below: Decimal | None = strawberry.field(
        description="The upper bound of the range, exclusive; null for the highest range."
    )
    count: int = strawberry.field(description=COUNT_DESCRIPTION)


@strawberry.type(description="A decade, and the number of books published in it.")
class DecadeCount:
    decade: int = strawberry.field(
        description="The first year of the decade, for example 1990. Years BC are negative."
    )
    count: int = strawberry.field(description=COUNT_DESCRIPTION)


@strawberry.type(description="An average rating, rounded down, and the number of books that have it.")
class RatingCount:
    rating: int = strawberry.field(description="The average rating, rounded down: 0 to 5.")
    count: int = strawberry.field(description=COUNT_DESCRIPTION)


def language_count(entry: FacetEntry) -> LanguageCount:
    return LanguageCount(language=LanguageCode(entry.value), count=entry.number)


def decade_count(entry: FacetEntry) -> DecadeCount:
    return DecadeCount(decade=int(entry.value), count=entry.number)


def rating_count(entry: FacetEntry) -> RatingCount:
    return RatingCount(rating=int(entry.value), count=entry.number)


def price_count(entry: FacetEntry) -> PriceCount:
    higher_steps = [step for step in PRICE_STEPS if step > int(entry.value)]
    return PriceCount(
        currency_code=CurrencyCode(entry.currency or ""),
        from_=Decimal(entry.value),
        below=Decimal(higher_steps[0]) if higher_steps else None,
        count=entry.number,
    )


@strawberry.type(name="List", description="The entries of a facet, those with the most books first.")
class CountList(Generic[T]):
    entries: list[T] = strawberry.field(description="The entries.")
    is_capped: bool = strawberry.field(
        description=f"Whether only some of the books were counted: the {FACET_BOOK_LIMIT:,} with the most "
        f"ratings, or {FACET_BOOK_LIMIT_BROAD_TEXT:,} if the filter's text matches more than "
        f"{MAX_ENUMERATED_HITS:,} books."
    )
