"""The fields of facets: the values that could narrow a list of books further, with the books of each."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import strawberry
from strawberry import UNSET

from db.search.facets import (
    FACET_BOOK_LIMIT,
    FACET_BOOK_LIMIT_BROAD_TEXT,
    FacetEntry,
    FacetRequest,
    FacetResult,
)
from db.search.filters import Facet
from db.search.hit_limits import MAX_RANKED_HITS
from graphql_api.context import Context
from graphql_api.execution.cost_directives import ListSize
from graphql_api.execution.fields import BatchResult, batch_field
from graphql_api.loaders.search import facet_loader
from graphql_api.schema.costs import FACET_COST
from graphql_api.schema.errors import UserInputError
from graphql_api.schema.facet_values import (
    FacetValue,
    counted_author,
    counted_category,
    counted_decade,
    counted_language,
    counted_price,
    counted_rating,
)
from graphql_api.schema.ids import parse_database_id

T = TypeVar("T")

_MAX_FACET_SIZE = 50
_MAX_FACET_VALUES = 500
"""Maximum number of entries of a facet that has no `first` argument."""

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


def resolve_author_counts(
    connections: Sequence[Any], context: Context, first: _FacetSizeArg = 10
) -> Awaitable[BatchResult]:
    return _load_facet(connections, context, FacetRequest(Facet.AUTHORS, _check_size(first)), counted_author)


def resolve_category_counts(
    connections: Sequence[Any],
    context: Context,
    first: _FacetSizeArg = 10,
    parent: _ParentCategoryArg = UNSET,
) -> Awaitable[BatchResult]:
    key = parse_database_id("parent", "Category", parent) if isinstance(parent, str) else None
    return _load_facet(
        connections, context, FacetRequest(Facet.CATEGORIES, _check_size(first), key), counted_category
    )


@strawberry.enum(description="What the books of a list are counted by.")
class FacetField(Enum):
    CATEGORIES = strawberry.enum_value(
        "CATEGORIES", description="The categories below that of the list, or else the root categories."
    )
    AUTHORS = strawberry.enum_value("AUTHORS", description="The contributors, in any role.")
    LANGUAGES = strawberry.enum_value("LANGUAGES", description="The language.")
    PRICES = strawberry.enum_value("PRICES", description="The price range, in one currency.")
    DECADES = strawberry.enum_value("DECADES", description="The decade of publication.")
    RATINGS = strawberry.enum_value("RATINGS", description="The average rating, rounded down.")


_LABELS = {
    Facet.CATEGORIES: "Category",
    Facet.AUTHORS: "Author",
    Facet.LANGUAGES: "Language",
    Facet.PRICES: "Price",
    Facet.DECADES: "Decade",
    Facet.RATINGS: "Rating",
}

_TO_VALUE: Mapping[Facet, Callable[[FacetEntry], Any]] = {
    Facet.CATEGORIES: counted_category,
    Facet.AUTHORS: counted_author,
    Facet.LANGUAGES: counted_language,
    Facet.PRICES: counted_price,
    Facet.DECADES: counted_decade,
    Facet.RATINGS: counted_rating,
}

_NATURAL_ORDER: Mapping[Facet, Callable[[FacetEntry], Any]] = {
    Facet.PRICES: lambda entry: (entry.currency or "", int(entry.value)),
    Facet.DECADES: lambda entry: -int(entry.value),
    Facet.RATINGS: lambda entry: -int(entry.value),
}
"""The order of the values of ranges, which are read in their own order, not by their numbers of books."""

_FieldsArg = Annotated[
    list[FacetField] | None,
    strawberry.argument(description="Return only these facets, in this order. Default: all."),
]
ALL_FACETS_SIZE = ListSize(assumed_size=len(_TO_VALUE), slicing_arguments=["fields"], max_size=len(_TO_VALUE))


class _FacetSource(NamedTuple):
    """The source of a facet of any field."""

    field: FacetField
    label: str
    values: list[Any]
    is_capped: bool


def resolve_all_facets(
    connections: Sequence[Any], context: Context, fields: _FieldsArg = UNSET, first: _FacetSizeArg = 10
) -> Awaitable[BatchResult]:
    """Request the facets of each list, which one statement reads."""
    chosen = list(dict.fromkeys(fields or ())) if isinstance(fields, list) else list(FacetField)
    requests = [FacetRequest(Facet[each.name], _check_size(first)) for each in chosen]

    def to_facets(results: list[FacetResult]) -> BatchResult:
        found = iter(results)
        return [[_to_facet(each, next(found)) for each in chosen] for _ in connections]

    loader = facet_loader(context.loaders, connections[0].scope, connections[0].book_filter)
    keys = [(connection.key, request) for connection in connections for request in requests]
    return loader.load_all(keys).then(to_facets)


def _to_facet(field: FacetField, result: FacetResult) -> _FacetSource:
    facet = Facet[field.name]
    entries: Sequence[FacetEntry] = result.entries
    if facet in _NATURAL_ORDER:
        entries = sorted(entries, key=_NATURAL_ORDER[facet])
    return _FacetSource(field, _LABELS[facet], [_TO_VALUE[facet](each) for each in entries], result.capped)


def _resolve_values(facets: Sequence[_FacetSource], context: Context) -> list[list[Any]]:
    return [each.values for each in facets]


_IS_CAPPED = (
    f"Whether only some of the books were counted: the {FACET_BOOK_LIMIT:,} with the most ratings, or at "
    f"least {FACET_BOOK_LIMIT_BROAD_TEXT:,} if the filter's text matches more than {MAX_RANKED_HITS:,} books."
)


@strawberry.type(
    name="Facet",
    description="The books of a list, counted by one of their fields. A facet ignores the filter's top-level "
    "conditions on that field, so that it also shows the alternatives.",
    directives=[FACET_COST],
)
class FacetOfField:
    field: FacetField = strawberry.field(description="What the books are counted by.")
    label: str = strawberry.field(description="A heading in English, for example Language.")
    values: list[FacetValue] = batch_field(
        _resolve_values,
        "The values with the most books. Categories, authors and languages begin with the most books; price "
        "ranges are sorted by currency and amount, decades and ratings begin with the highest.",
        ListSize(assumed_size=10),
    )
    is_capped: bool = strawberry.field(description=_IS_CAPPED)


@strawberry.type(name="List", description="The entries of a facet, those with the most books first.")
class CountList(Generic[T]):
    entries: list[T] = strawberry.field(description="The entries.")
    is_capped: bool = strawberry.field(description=_IS_CAPPED)
