"""The Mutation type and the resolvers of its fields. Each runs as one step of the request's transaction."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from db.writes import authors, books, categories, offers
from db.writes.faults import FaultPath
from db.writes.references import Reference
from db.writes.steps import Step, run_step
from db.writes.upserts import RowOutcome, Upsert, upsert_books
from graphql_api.access.roles import Role
from graphql_api.context import Context
from graphql_api.execution.cost_directives import Cost, ListSize
from graphql_api.execution.fields import mutation_field
from graphql_api.schema.errors import UserInputError
from graphql_api.schema.inputs import AuthorLookup, CategoryLookup
from graphql_api.schema.mutations import inputs, payloads
from graphql_api.schema.mutations.payloads import Payload, UpsertPayload
from graphql_api.schema.restrictions import restrict_to

MAX_OFFERS = 1_000
"""Maximum number of offers in one call."""

MAX_RECORDS = 1_000
"""Maximum number of records in one call."""

_WRITE_COST = Cost(weight="10")
_OFFERS_COST = ListSize(
    assumed_size=MAX_OFFERS, slicing_arguments=["offers"], sized_fields=["books"], max_size=MAX_OFFERS
)

_RECORDS_COST = ListSize(
    assumed_size=MAX_RECORDS, slicing_arguments=["books"], sized_fields=["results"], max_size=MAX_RECORDS
)


@strawberry.enum(description="What happens if a record has errors.")
class OnError(Enum):
    REJECT_ALL = strawberry.enum_value("REJECT_ALL", description="Nothing is written.")
    SKIP_ROW = strawberry.enum_value("SKIP_ROW", description="The other records are written.")


_INPUT = strawberry.argument(description="The values.")
_VersionArg = Annotated[
    int | None, strawberry.argument(description="Write only if the object has this version.")
]
_BookKeyArg = Annotated[inputs.BookKeyInput, strawberry.argument(description="The key of the book.")]
_AuthorArg = Annotated[AuthorLookup, strawberry.argument(description="The key of the author.")]
_CategoryArg = Annotated[CategoryLookup, strawberry.argument(description="The key of the category.")]
_OffersArg = Annotated[
    list[inputs.OfferInput],
    strawberry.argument(
        name="offers", description=f"What to set of each book; at most {MAX_OFFERS:,} books."
    ),
]
_DeltaArg = Annotated[
    int, strawberry.argument(description="What to add to the stock; negative to take from it.")
]
_IntoArg = Annotated[AuthorLookup, strawberry.argument(description="The author to keep.")]
_FromArg = Annotated[
    AuthorLookup, strawberry.argument(name="from", description="The author whose books the other one gets.")
]
_ParentArg = Annotated[
    CategoryLookup | None, strawberry.argument(description="The category above it; null: a root category.")
]

_SourceArg = Annotated[
    str, strawberry.argument(description="The source of the records. Its keys are those of its imports.")
]
_RecordsArg = Annotated[
    list[inputs.BookRecordInput],
    strawberry.argument(
        name="books",
        description=f"At most {MAX_RECORDS:,} records. Two records of the same book, also by its ISBN-10 "
        "and its ISBN-13, are an error of the second one.",
    ),
]
_OnErrorArg = Annotated[OnError, strawberry.argument(description="What happens if a record has errors.")]
_DryRunArg = Annotated[bool, strawberry.argument(description="Only tell the outcomes, and write nothing.")]
_WRITTEN = (RowOutcome.CREATED, RowOutcome.UPDATED)


async def _write(
    context: Context,
    mutation: str,
    kind: str,
    write: Callable[..., Awaitable[int | list[int]]],
    *arguments: Any,
    path: FaultPath = ("input",),
) -> Payload:
    """Run `write(session, *arguments)`, of items of a kind, as a step. Afterwards everything is read again.

    `path` leads to the input whose values the constraints of the database check.
    """

    def name_items(value: int | Sequence[int]) -> list[str]:
        ids = [value] if isinstance(value, int) else value
        return [f"{kind} {item_id}" for item_id in ids]

    step = Step(
        context.principal.name, mutation, lambda session: write(session, *arguments), name_items, path
    )
    result = await run_step(context.write_session, step)
    context.forget_loaded()
    return Payload.of_list(result) if isinstance(result.value, list) else Payload.of(result)


async def _create_book(context: Context, input: Annotated[inputs.CreateBookInput, _INPUT]) -> Payload:  # noqa: A002
    values = inputs.to_book_values(input)
    source, source_id = inputs.given(input.source), inputs.given(input.source_id)
    return await _write(context, "createBook", "Book", books.create_book, values, source, source_id)


async def _update_book(
    context: Context,
    by: _BookKeyArg,
    input: Annotated[inputs.UpdateBookInput, _INPUT],  # noqa: A002
    expected_version: _VersionArg = UNSET,
) -> Payload:
    key = inputs.to_book_key(by, ("by",), inputs.given(expected_version))
    values = inputs.to_book_values(input)
    return await _write(context, "updateBook", "Book", books.update_book, key, values)


async def _delete_book(context: Context, by: _BookKeyArg, expected_version: _VersionArg = UNSET) -> Payload:
    key = inputs.to_book_key(by, ("by",), inputs.given(expected_version))
    return await _write(context, "deleteBook", "Book", books.delete_book, key)


async def _update_offers(context: Context, offers_: _OffersArg) -> Payload:
    if len(offers_) > MAX_OFFERS:
        message = (
            f"offers has {len(offers_):,} offers; at most {MAX_OFFERS:,} are allowed: send several calls."
        )
        raise UserInputError("offers", message)
    given = inputs.to_offers(offers_)
    return await _write(context, "updateOffers", "Book", offers.update_offers, given)


async def _adjust_stock(context: Context, by: _BookKeyArg, delta: _DeltaArg) -> Payload:
    key = inputs.to_book_key(by, ("by",))
    return await _write(context, "adjustStock", "Book", offers.adjust_stock, key, delta)


async def _upsert_books(
    context: Context,
    source: _SourceArg,
    books_: _RecordsArg,
    on_error: _OnErrorArg = OnError.REJECT_ALL,
    dry_run: _DryRunArg = False,
) -> UpsertPayload:
    if len(books_) > MAX_RECORDS:
        message = (
            f"books has {len(books_):,} records; at most {MAX_RECORDS:,} are allowed: send several calls."
        )
        raise UserInputError("books", message)
    records = [inputs.to_record(record, ("books", index)) for index, record in enumerate(books_)]
    upsert = Upsert(source, records, on_error is OnError.SKIP_ROW, dry_run)
    step = Step(
        context.principal.name,
        "upsertBooks",
        lambda session: upsert_books(session, upsert),
        lambda rows: [f"Book {row.book_id}" for row in rows if row.outcome in _WRITTEN and not dry_run],
    )
    result = await run_step(context.write_session, step)
    context.forget_loaded()
    return UpsertPayload.of(result)


async def _create_author(context: Context, input: Annotated[inputs.CreateAuthorInput, _INPUT]) -> Payload:  # noqa: A002
    values = inputs.to_author_values(input)
    return await _write(context, "createAuthor", "Author", authors.create_author, values)


async def _update_author(
    context: Context,
    by: _AuthorArg,
    input: Annotated[inputs.UpdateAuthorInput, _INPUT],  # noqa: A002
    expected_version: _VersionArg = UNSET,
) -> Payload:
    reference, values = inputs.to_author_reference(by, ("by",)), inputs.to_author_values(input)
    version = inputs.given(expected_version)
    return await _write(context, "updateAuthor", "Author", authors.update_author, reference, values, version)


async def _delete_author(context: Context, by: _AuthorArg, expected_version: _VersionArg = UNSET) -> Payload:
    reference, version = inputs.to_author_reference(by, ("by",)), inputs.given(expected_version)
    return await _write(context, "deleteAuthor", "Author", authors.delete_author, reference, version)


async def _merge_authors(context: Context, into: _IntoArg, from_: _FromArg) -> Payload:
    kept, gone = inputs.to_author_reference(into, ("into",)), inputs.to_author_reference(from_, ("from",))
    return await _write(context, "mergeAuthors", "Author", authors.merge_authors, kept, gone)


async def _create_category(context: Context, input: Annotated[inputs.CreateCategoryInput, _INPUT]) -> Payload:  # noqa: A002
    parent = _parent_reference(inputs.given(input.parent), ("input", "parent"))
    return await _write(context, "createCategory", "Category", categories.create_category, input.name, parent)


async def _update_category(
    context: Context,
    by: _CategoryArg,
    input: Annotated[inputs.UpdateCategoryInput, _INPUT],  # noqa: A002
    expected_version: _VersionArg = UNSET,
) -> Payload:
    reference, version = inputs.to_category_reference(by, ("by",)), inputs.given(expected_version)
    return await _write(
        context, "updateCategory", "Category", categories.rename_category, reference, input.name, version
    )


async def _move_category(
    context: Context, by: _CategoryArg, parent: _ParentArg = UNSET, expected_version: _VersionArg = UNSET
) -> Payload:
    if parent is UNSET:
        raise UserInputError("parent", "parent is missing: give a category, or null for a root category.")
    reference, version = inputs.to_category_reference(by, ("by",)), inputs.given(expected_version)
    above = _parent_reference(parent, ("parent",))
    return await _write(
        context, "moveCategory", "Category", categories.move_category, reference, above, version, path=()
    )


async def _delete_category(
    context: Context, by: _CategoryArg, expected_version: _VersionArg = UNSET
) -> Payload:
    reference, version = inputs.to_category_reference(by, ("by",)), inputs.given(expected_version)
    return await _write(context, "deleteCategory", "Category", categories.delete_category, reference, version)


def _parent_reference(parent: CategoryLookup | None, path: FaultPath) -> Reference | None:
    return parent and inputs.to_category_reference(parent, path)


def _editor_field(resolve: Callable[..., Coroutine[Any, Any, Any]], description: str, *costs: object) -> Any:
    return restrict_to(Role.EDITOR, mutation_field(resolve, description, *costs))


def _manager_field(resolve: Callable[..., Coroutine[Any, Any, Any]], description: str, *costs: object) -> Any:
    """Return a field that deletes or merges."""
    return restrict_to(Role.MANAGER, mutation_field(resolve, description, *costs))


@strawberry.type(
    description="Mutations of the catalog. All mutations of a request are one transaction. Each of them "
    "writes all of what it is asked to write, or nothing and says in `errors` why. With an Idempotency-Key "
    "header a request can be sent again: it is run once."
)
class Mutation:
    create_book: payloads.CreateBookPayload = _editor_field(_create_book, "Add a book.", _WRITE_COST)
    update_book: payloads.UpdateBookPayload = _editor_field(
        _update_book, "Change a book, or take it off sale and back.", _WRITE_COST
    )
    delete_book: payloads.DeleteBookPayload = _manager_field(
        _delete_book, "Delete a book. To take it off sale, unpublish it instead.", _WRITE_COST
    )
    update_offers: payloads.UpdateOffersPayload = _editor_field(
        _update_offers,
        "Set the prices and stocks of many books, all or none of them.",
        _OFFERS_COST,
        _WRITE_COST,
    )
    adjust_stock: payloads.AdjustStockPayload = _editor_field(
        _adjust_stock, "Add to the stock of a book, or take from it; never below 0.", _WRITE_COST
    )
    upsert_books: payloads.UpsertBooksPayload = _editor_field(
        _upsert_books,
        "Add and change many books by flat records, by the rules of an import. The records set what they "
        "give, also in books of other sources and in fields that were edited.",
        _RECORDS_COST,
        _WRITE_COST,
    )
    create_author: payloads.CreateAuthorPayload = _editor_field(_create_author, "Add an author.", _WRITE_COST)
    update_author: payloads.UpdateAuthorPayload = _editor_field(
        _update_author, "Change an author. An old slug goes on being found.", _WRITE_COST
    )
    delete_author: payloads.DeleteAuthorPayload = _manager_field(
        _delete_author, "Delete an author without books.", _WRITE_COST
    )
    merge_authors: payloads.MergeAuthorsPayload = _manager_field(
        _merge_authors,
        "Give all books of an author to another one, and delete the first. The old id and slug go on being "
        "found.",
        _WRITE_COST,
    )
    create_category: payloads.CreateCategoryPayload = _editor_field(
        _create_category, "Add a category.", _WRITE_COST
    )
    update_category: payloads.UpdateCategoryPayload = _editor_field(
        _update_category, "Rename a category. The old path goes on being found.", _WRITE_COST
    )
    move_category: payloads.MoveCategoryPayload = _editor_field(
        _move_category,
        "Put a category with all below it under another one. The old paths go on being found.",
        _WRITE_COST,
    )
    delete_category: payloads.DeleteCategoryPayload = _manager_field(
        _delete_category, "Delete a category without books and subcategories.", _WRITE_COST
    )
