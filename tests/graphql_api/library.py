"""A schema with restricted parts of every kind, each declared with another builder."""

from collections.abc import Sequence
from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry import UNSET, Maybe

from graphql_api.access.roles import Role
from graphql_api.execution.fields import batch_field, object_field
from graphql_api.schema import Schema
from graphql_api.schema.restrictions import restrict_to, restrict_values


@restrict_values(LOANS=Role.EDITOR, LOSSES=Role.MANAGER)
@strawberry.enum
class ShelfOrder(Enum):
    TITLE = strawberry.enum_value("title", description="By title.")
    LOANS = "loans"
    LOSSES = "losses"


@strawberry.enum
class Period(Enum):
    """Only a restricted argument has this type."""

    WEEK = "week"
    YEAR = "year"


@strawberry.input
class Audit:
    """Only a restricted argument has this type."""

    period: Period
    reason: str | None = UNSET


@strawberry.input
class LoanFilter:
    """Only a restricted field has this type."""

    above: int | None = UNSET


@strawberry.input
class ShelfFilter:
    title: str | None = UNSET
    size: Maybe[int]
    loans: LoanFilter | None = restrict_to(Role.EDITOR, strawberry.field(default=UNSET))
    note: Maybe[str] = restrict_to(Role.EDITOR, strawberry.field(default=UNSET))
    lost: bool | None = restrict_to(Role.MANAGER, strawberry.field())


@strawberry.input(one_of=True)
class ShelfLookup:
    title: str | None = UNSET
    audit_number: int | None = restrict_to(Role.EDITOR, strawberry.field(default=UNSET))


@strawberry.type
class Borrower:
    """Only Loan refers to it."""

    name: str


@strawberry.type
class Loan:
    """Only restricted fields refer to it."""

    borrower: Borrower


def load_loans(shelves: Sequence[Any], context: object) -> list[list[Loan]]:
    return [[Loan(borrower=Borrower(name="Ada"))] for _ in shelves]


def count_books(
    shelves: Sequence[Any],
    context: object,
    drafts: Annotated[
        bool, restrict_to(Role.EDITOR, strawberry.argument(description="Count drafts."))
    ] = False,
) -> list[int]:
    return [3 if drafts else 2 for _ in shelves]


def resolve_note(root: strawberry.Parent[Any]) -> str:
    return f"a note on {root.title}"


@strawberry.type
class Shelf:
    title: str
    loans: list[Loan] = restrict_to(Role.EDITOR, batch_field(load_loans, "The loans."))
    note: str = restrict_to(Role.EDITOR, object_field(resolve_note, "A note."))
    purchase_price: int = restrict_to(Role.MANAGER, strawberry.field(default=7))
    books: int = batch_field(count_books, "The number of books.")


AuditArg = Annotated[Audit | None, restrict_to(Role.EDITOR, strawberry.argument())]


def select_shelves(
    objects: Sequence[None],
    context: object,
    filter_input: Annotated[ShelfFilter | None, strawberry.argument(name="filter")] = UNSET,
    order: ShelfOrder = ShelfOrder.TITLE,
    audit: AuditArg = None,
) -> list[list[Shelf]]:
    title = filter_input.title if filter_input else None
    return [[Shelf(title=each) for each in ("History", "Poetry") if title in (each, None, UNSET)]]


def list_archive() -> list[Shelf]:
    return [Shelf(title="Maps")]


@strawberry.type
class Query:
    shelves: list[Shelf] = batch_field(select_shelves, "The shelves.")

    archive: list[Shelf] = restrict_to(
        Role.EDITOR, strawberry.field(resolver=list_archive, description="The shelves in the archive.")
    )

    @strawberry.field
    def shelf(self, by: ShelfLookup) -> Shelf:
        return Shelf(title=by.title or "")


@strawberry.type
class Merged:
    """Only a manager's mutation returns it."""

    kept: Shelf


def add_shelf(title: str) -> Shelf:
    return Shelf(title=title)


def merge_shelves(titles: list[str]) -> Merged:
    return Merged(kept=Shelf(title=titles[0]))


@strawberry.type
class Mutation:
    add_shelf: Shelf = restrict_to(Role.EDITOR, strawberry.mutation(resolver=add_shelf))
    merge_shelves: Merged = restrict_to(Role.MANAGER, strawberry.mutation(resolver=merge_shelves))


def build_library(role: Role) -> Schema:
    """Return the schema of a role."""
    return Schema(Query, Mutation, role=role)
