"""Suggestions for a search field: what begins with what somebody has typed so far."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import strawberry

from db.search import suggest
from graphql_api.context import Context
from graphql_api.schema.costs import ListSize
from graphql_api.schema.errors import BadInput
from graphql_api.schema.fields import Level, Values, level_field
from graphql_api.schema.inputs import storable

if TYPE_CHECKING:
    from graphql_api.schema.types import Author, Book, Category

LARGEST_SIZE = 20
DEFAULT_SIZE = 5
OF_EACH_KIND = ListSize(
    assumed_size=DEFAULT_SIZE,
    slicing_arguments=["first"],
    sized_fields=["books", "authors", "categories"],
)

Prefix = Annotated[
    str,
    strawberry.argument(
        description=f"What has been typed; its first {suggest.LONGEST_PREFIX} characters count. Case and "
        "accents do not."
    ),
]
Size = Annotated[int, strawberry.argument(description=f"At most so many of each kind, 0 to {LARGEST_SIZE}.")]


class Typed(NamedTuple):
    """What stands behind suggestions: nothing is read until one kind of them is asked for."""

    prefix: str
    size: int


def typed(roots: Sequence[None], context: Context, prefix: Prefix, first: Size = DEFAULT_SIZE) -> list[Typed]:
    if not 0 <= first <= LARGEST_SIZE:
        raise BadInput("first", f"first is {first}; it must be from 0 to {LARGEST_SIZE}.")
    return [Typed(storable("prefix", prefix)[: suggest.LONGEST_PREFIX].strip(), first)]


def suggested(read: Callable[..., Any], description: str) -> Any:
    def load(asked: Sequence[Typed], context: Context) -> Awaitable[Values]:
        return context.loaders.loader(read, suggest.each_of(read)).load_all(list(asked))

    return level_field(Level(load, awaited=True), description, [], [])


@strawberry.type(description="What begins with a text, the most popular first.")
class Suggestions:
    books: list[Annotated["Book", strawberry.lazy("graphql_api.schema.types")]] = suggested(
        suggest.suggested_books, "Books whose title begins so, leading articles aside; one of each title."
    )
    authors: list[Annotated["Author", strawberry.lazy("graphql_api.schema.types")]] = suggested(
        suggest.suggested_authors, "Authors whose name or sort name begins so."
    )
    categories: list[Annotated["Category", strawberry.lazy("graphql_api.schema.types")]] = suggested(
        suggest.suggested_categories, "Categories whose name begins so."
    )
