"""Payloads: what a mutation wrote, or the errors for which it wrote nothing."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

import strawberry

from db.writes.steps import StepResult
from db.writes.upserts import UpsertedRow
from graphql_api.context import Context
from graphql_api.execution.fields import BatchResult, batch_field, object_field
from graphql_api.loaders import catalog
from graphql_api.schema.costs import NO_ROWS
from graphql_api.schema.fields import loader_field
from graphql_api.schema.ids import global_id
from graphql_api.schema.mutations.user_errors import UserError, to_user_errors
from graphql_api.schema.types import Author, Book, Category

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Payload:
    """The value behind a payload: the item that was written, or whose version is another, or the items."""

    item_id: int | None
    errors: list[UserError]
    item_ids: Sequence[int] = ()

    @classmethod
    def of(cls, result: StepResult) -> "Payload":
        """Return the payload of one written item."""
        item_id = result.current_id if result.faults else result.value
        return cls(item_id, to_user_errors(result.faults))

    @classmethod
    def of_list(cls, result: StepResult) -> "Payload":
        """Return the payload of a list of written items."""
        return cls(None, to_user_errors(result.faults), result.value or ())


def _resolve_errors(root: strawberry.Parent[Any]) -> list[UserError]:
    return root.errors


def _errors_field() -> Any:
    return object_field(_resolve_errors, "What to change. Nothing was written unless this is empty.")


def _resolve_books(payloads: Sequence[Any], context: Context) -> Awaitable[BatchResult]:
    """Load the books of the one payload that a mutation has."""
    loader = catalog.any_book_by_id(context.loaders)
    return loader.load_all(list(payloads[0].item_ids)).then(lambda books: [list(books)])


_ITEM = "The {} as it is now. With errors it is null, unless it has another version than expected."


def _book_field() -> Any:
    return loader_field(catalog.any_book_by_id, "item_id", _ITEM.format("book"))


def _author_field() -> Any:
    return loader_field(catalog.author_by_id, "item_id", _ITEM.format("author"))


def _category_field() -> Any:
    return loader_field(catalog.category_by_id, "item_id", _ITEM.format("category"))


def _deleted_id_field(type_name: str) -> Any:
    def resolve(root: strawberry.Parent[Any]) -> strawberry.ID | None:
        return None if root.item_id is None or root.errors else global_id(type_name, root.item_id)

    return object_field(resolve, "The global id of what was deleted; null if there are errors.")


def _payload(mutation: str) -> Callable[[type[T]], type[T]]:
    """Return a decorator that declares the payload of a mutation."""

    def declare(cls: type[T]) -> type[T]:
        return strawberry.type(cls, description=f"The result of `{mutation}`.", directives=[NO_ROWS])

    return declare


@_payload("createBook")
class CreateBookPayload:
    book: Book | None = _book_field()
    errors: list[UserError] = _errors_field()


@_payload("updateBook")
class UpdateBookPayload:
    book: Book | None = _book_field()
    errors: list[UserError] = _errors_field()


@_payload("adjustStock")
class AdjustStockPayload:
    book: Book | None = _book_field()
    errors: list[UserError] = _errors_field()


@_payload("createAuthor")
class CreateAuthorPayload:
    author: Author | None = _author_field()
    errors: list[UserError] = _errors_field()


@_payload("updateAuthor")
class UpdateAuthorPayload:
    author: Author | None = _author_field()
    errors: list[UserError] = _errors_field()


@_payload("mergeAuthors")
class MergeAuthorsPayload:
    author: Author | None = _author_field()
    errors: list[UserError] = _errors_field()


@_payload("createCategory")
class CreateCategoryPayload:
    category: Category | None = _category_field()
    errors: list[UserError] = _errors_field()


@_payload("updateCategory")
class UpdateCategoryPayload:
    category: Category | None = _category_field()
    errors: list[UserError] = _errors_field()


@_payload("moveCategory")
class MoveCategoryPayload:
    category: Category | None = _category_field()
    errors: list[UserError] = _errors_field()


@_payload("deleteBook")
class DeleteBookPayload:
    deleted_id: strawberry.ID | None = _deleted_id_field("Book")
    errors: list[UserError] = _errors_field()


@_payload("deleteAuthor")
class DeleteAuthorPayload:
    deleted_id: strawberry.ID | None = _deleted_id_field("Author")
    errors: list[UserError] = _errors_field()


@_payload("deleteCategory")
class DeleteCategoryPayload:
    deleted_id: strawberry.ID | None = _deleted_id_field("Category")
    errors: list[UserError] = _errors_field()


@_payload("updateOffers")
class UpdateOffersPayload:
    books: list[Book] = batch_field(
        _resolve_books, "The books as they are now, in the order of the offers; none if there are errors."
    )
    errors: list[UserError] = _errors_field()


@strawberry.enum(description="What became of a record.")
class RecordOutcome(Enum):
    CREATED = strawberry.enum_value("CREATED", description="A book was added.")
    UPDATED = strawberry.enum_value("UPDATED", description="The book was changed.")
    UNCHANGED = strawberry.enum_value("UNCHANGED", description="The book already was as the record says.")
    REJECTED = strawberry.enum_value("REJECTED", description="Nothing was written: see `errors`.")


@strawberry.type(description="The outcome of one record.", directives=[NO_ROWS])
class RecordResult:
    outcome: RecordOutcome = strawberry.field(description="What became of the record.")
    book: Book | None = loader_field(
        catalog.any_book_by_id,
        "item_id",
        "The book; null if it was rejected, or would be added by a dry run.",
    )
    errors: list[UserError] = _errors_field()


@dataclass(frozen=True, slots=True)
class RecordResultValue:
    """The value behind a RecordResult."""

    outcome: RecordOutcome
    item_id: int | None
    errors: list[UserError]


def _resolve_results(root: strawberry.Parent[Any]) -> list[RecordResult]:
    return root.results


@strawberry.type(description="The result of `upsertBooks`.", directives=[NO_ROWS])
class UpsertBooksPayload:
    results: list[RecordResult] = object_field(
        _resolve_results, "The outcome of each record, in their order; none if nothing was written."
    )
    errors: list[UserError] = object_field(
        _resolve_errors,
        "The errors of all records. With REJECT_ALL nothing was written unless this is empty.",
    )


@dataclass(frozen=True, slots=True)
class UpsertPayload:
    """The value behind an UpsertBooksPayload."""

    results: list[RecordResultValue]
    errors: list[UserError]

    @classmethod
    def of(cls, result: StepResult) -> "UpsertPayload":
        """Return the payload of the outcomes of rows."""
        rows: Sequence[UpsertedRow] = result.value or ()
        results = [
            RecordResultValue(RecordOutcome[row.outcome.name], row.book_id, to_user_errors(row.faults))
            for row in rows
        ]
        faults = [*result.faults, *(fault for row in rows for fault in row.faults)]
        return cls(results, to_user_errors(faults))
