"""Connection fields and their pagination arguments."""

from collections.abc import Callable, Sequence
from inspect import Parameter, Signature, signature
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from db.books import UPDATED
from db.keyset import Order, PageRequest
from db.trends import TRENDING
from graphql_api.context import Context
from graphql_api.execution.cost_directives import ListSize
from graphql_api.execution.fields import Prefetch, batch_field
from graphql_api.schema.contributor_role import role_names
from graphql_api.schema.errors import UserInputError
from graphql_api.schema.filters import parse_search_text, searches_blank_text
from graphql_api.schema.inputs import BookOrder, BookOrderField, parse_book_order
from graphql_api.schema.pagination import (
    DEFAULT_PAGE_SIZE,
    MAX_PAGE_SIZE,
    AfterArg,
    BeforeArg,
    ConnectionSource,
    FirstArg,
    LastArg,
    parse_page_request,
)
from graphql_api.schema.record_orders import RecordOrders

_OrderByArg = Annotated[
    BookOrder | None,
    strawberry.argument(
        description="The sort order. Default: by relevance if the filter has a text, otherwise by title."
    ),
]

_OrderEditionsByArg = Annotated[
    BookOrder | None, strawberry.argument(description="The sort order. Default: the most popular one first.")
]

_PAGE_ARGUMENTS = {"first": FirstArg, "after": AfterArg, "last": LastArg, "before": BeforeArg}
_PAGE_SIZE_COST = ListSize(
    assumed_size=DEFAULT_PAGE_SIZE,
    slicing_arguments=["first", "last"],
    sized_fields=["edges", "nodes"],
    max_size=MAX_PAGE_SIZE,
)
_KEYWORD = Parameter.POSITIONAL_OR_KEYWORD


def connection_field(
    resolve: Callable[..., Sequence[ConnectionSource]],
    description: str,
    *,
    order: Order | None = None,
    by_popularity: bool = False,
    orders: RecordOrders | None = None,
    reads: Sequence[str] = (),
) -> Any:
    """Return a connection field. `resolve(objects, context, order, page_request, ...)` returns its sources.

    Its arguments are those of a page, `orderBy` unless `order` is fixed, and the further ones of `resolve`.
    With `by_popularity`, the default of `orderBy` is the most popular book first.
    `orders` are those of a list of other records than books.
    """

    def resolve_connections(
        objects: Sequence[Any], context: Context, **arguments: Any
    ) -> Sequence[ConnectionSource]:
        if by_popularity and not arguments.get("order_by"):
            arguments["order_by"] = BookOrder(field=BookOrderField.POPULARITY)
        fixed_order = orders.parse(arguments.pop("order_by", UNSET)) if orders else order
        actual_order, page_request, other = _parse_page_arguments(fixed_order, **arguments)
        return resolve(objects, context, actual_order, page_request, **other)

    objects, context, _, _, *other_parameters = signature(resolve).parameters.values()
    order_by = orders.argument if orders else _OrderEditionsByArg if by_popularity else _OrderByArg
    order_argument = {} if order else {"order_by": order_by}
    page_arguments = {**_PAGE_ARGUMENTS, **order_argument}
    page_parameters = [
        Parameter(name, _KEYWORD, default=UNSET, annotation=annotation)
        for name, annotation in page_arguments.items()
    ]
    resolve_connections.__signature__ = Signature([objects, context, *page_parameters, *other_parameters])  # type: ignore[attr-defined]
    return batch_field(resolve_connections, description, _PAGE_SIZE_COST, reads=reads)


def _parse_page_arguments(
    order: Order | None,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
    order_by: BookOrder | None = UNSET,
    **other: Any,
) -> tuple[Order, PageRequest, dict[str, Any]]:
    """Return the order, the page request and the other arguments of a connection.

    Raise UserInputError naming the first invalid argument.
    """
    text = None if order else parse_search_text(other.get("filter_input"))
    if (
        order_by
        and order_by.field is BookOrderField.RELEVANCE
        and searches_blank_text(other.get("filter_input"))
    ):
        order_by = None  # an empty search box is no error
    actual_order = order or parse_book_order(order_by, searching=text is not None)
    return actual_order, parse_page_request(actual_order, first, after, last, before, text), other


def prefetch_requests(
    order: Order | None, prefetch: Prefetch | None
) -> list[tuple[Order, PageRequest, dict[str, Any]]]:
    """Return the page requests of a connection to prefetch, and of the same connection nested below it.

    Return nothing if it cannot be prefetched: if it has a filter, roles, an order that no listing has, or
    invalid arguments. If the connection is resolved later, its resolver reports the invalid argument.
    """
    if prefetch is None or prefetch.arguments.get("filter_input"):
        return []
    if role_names(prefetch.arguments.get("roles")) is not None:
        return []
    try:
        requests = [_parse_page_arguments(order, **level.arguments) for level in prefetch.levels]
        return [] if any(actual.key in (TRENDING, UPDATED) for actual, _, _ in requests) else requests
    except UserInputError:
        return []
