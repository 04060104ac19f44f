"""Fields that answer with a connection: their arguments are the same everywhere, and stand here once."""

from collections.abc import Callable, Sequence
from inspect import Parameter, Signature, signature
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from db.pages import Order, Window
from graphql_api.context import Context
from graphql_api.schema.costs import ListSize
from graphql_api.schema.errors import BadInput
from graphql_api.schema.fields import Ahead, resolved_for_all
from graphql_api.schema.filters import text_in
from graphql_api.schema.inputs import BookOrder, order_of_books
from graphql_api.schema.pagination import DEFAULT_SIZE, After, Before, First, Last, Listed, window

OrderBy = Annotated[
    BookOrder | None,
    strawberry.argument(
        description="How to sort; by relevance to the filter's text, or else by title, if it is not given."
    ),
]

PAGE = {"first": First, "after": After, "last": Last, "before": Before}
PAGED = ListSize(
    assumed_size=DEFAULT_SIZE, slicing_arguments=["first", "last"], sized_fields=["edges", "nodes"]
)
KEYWORD = Parameter.POSITIONAL_OR_KEYWORD


def connects(
    resolve: Callable[..., Sequence[Listed]],
    description: str,
    *,
    order: Order | None = None,
    reads: Sequence[str] = (),
) -> Any:
    """A connection field; `resolve(objects, context, order, window, **rest)` says what stands behind it.

    Its arguments are those of a page, `orderBy` if the order is not fixed, and the rest that `resolve` takes.
    """

    def listed(objects: Sequence[Any], context: Context, **arguments: Any) -> Sequence[Listed]:
        chosen, part, rest = asked(order, **arguments)
        return resolve(objects, context, chosen, part, **rest)

    objects, context, _, _, *rest = signature(resolve).parameters.values()
    offered = PAGE if order else {**PAGE, "order_by": OrderBy}
    page = [Parameter(name, KEYWORD, default=UNSET, annotation=kind) for name, kind in offered.items()]
    listed.__signature__ = Signature([objects, context, *page, *rest])  # type: ignore[attr-defined]
    return resolved_for_all(listed, description, PAGED, reads=reads)


def asked(
    order: Order | None,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
    order_by: BookOrder | None = UNSET,
    **rest: Any,
) -> tuple[Order, Window, dict[str, Any]]:
    """The order and the part of a list that a connection's arguments ask for, and the rest of them.

    Raises BadInput naming the argument that cannot be used.
    """
    text = None if order else text_in(rest.get("wanted"))
    chosen = order or order_of_books(order_by, searching=text is not None)
    return chosen, window(chosen, first, after, last, before, text), rest


def asked_ahead(order: Order | None, ahead: Ahead | None) -> list[tuple[Order, Window, dict[str, Any]]]:
    """What a connection will be asked for, and those again below it.

    Nothing if it cannot be read along: under a filter, or with arguments that it refuses, should it come to
    be asked at all.
    """
    if ahead is None or ahead.arguments.get("wanted"):
        return []
    try:
        return [asked(order, **each.arguments) for each in ahead.down]
    except BadInput:
        return []
