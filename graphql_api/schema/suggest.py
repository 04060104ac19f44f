"""Suggestions for a search field: books, authors and categories that start with a prefix."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, NamedTuple

import strawberry

from db.search import suggest
from graphql_api.context import Context
from graphql_api.execution.cost_directives import ListSize
from graphql_api.execution.fields import BatchResult, batch_field
from graphql_api.schema.errors import UserInputError
from graphql_api.schema.inputs import check_storable_text
from graphql_api.schema.types import Author, Book, Category

_MAX_SUGGESTIONS = 20
_DEFAULT_SUGGESTIONS = 5
SUGGEST_COST = ListSize(
    assumed_size=_DEFAULT_SUGGESTIONS,
    slicing_arguments=["first"],
    sized_fields=["books", "authors", "categories"],
    max_size=_MAX_SUGGESTIONS,
)

_PrefixArg = Annotated[
    str,
    strawberry.argument(
        description=f"The text typed so far. Only its first {suggest.MAX_PREFIX_LENGTH} characters are used; "
        "case and accents are ignored."
    ),
]
_SuggestionSizeArg = Annotated[
    int,
    strawberry.argument(
        description=f"Maximum number of books, of authors and of categories: 0 to {_MAX_SUGGESTIONS}."
    ),
]


class SuggestRequest(NamedTuple):
    """The source of `Suggestions`; each selected field runs one statement."""

    prefix: str
    size: int


def resolve_suggest(
    roots: Sequence[None],
    context: Context,
    prefix: _PrefixArg,
    first: _SuggestionSizeArg = _DEFAULT_SUGGESTIONS,
) -> list[SuggestRequest]:
    if not 0 <= first <= _MAX_SUGGESTIONS:
        raise UserInputError("first", f"first is {first}; it must be from 0 to {_MAX_SUGGESTIONS}.")
    return [SuggestRequest(check_storable_text("prefix", prefix)[: suggest.MAX_PREFIX_LENGTH].strip(), first)]


def _suggestion_field(read: Callable[..., Any], description: str) -> Any:
    def load(requests: Sequence[SuggestRequest], context: Context) -> Awaitable[BatchResult]:
        loaders = context.loaders
        loader = loaders.loader(read, suggest.batch_reader(read), cache=loaders.vocabulary_cache)
        return loader.load_all(list(requests))

    return batch_field(load, description)


@strawberry.type(
    description="Books, authors and categories for a text that is still being typed; the most popular first."
)
class Suggestions:
    books: list[Book] = _suggestion_field(
        suggest.suggested_books,
        "Books with the words of the text in their title, of which the last may be unfinished, or with the "
        "ISBN. One edition per work. If there are few, books for a corrected text follow.",
    )
    authors: list[Author] = _suggestion_field(
        suggest.suggested_authors,
        "Authors with the words of the text in their name. If there are few, those for a corrected text "
        "follow.",
    )
    categories: list[Category] = _suggestion_field(
        suggest.suggested_categories, "Categories whose name starts with the text."
    )
