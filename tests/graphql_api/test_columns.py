"""Columns: a plan's statements select those that the record classes of its types name."""

from collections.abc import Awaitable, Sequence

import strawberry
from strawberry.schema.config import StrawberryConfig

from db import authors, books, categories
from graphql_api.context import Context
from graphql_api.execution.documents import DocumentCache
from graphql_api.execution.executor import run_operation
from graphql_api.execution.fields import BatchResult, batch_field
from graphql_api.execution.plans import Plan
from graphql_api.loaders import catalog
from graphql_api.loaders.columns import ColumnSelection, columns_for
from graphql_api.schema import Schema, schema
from graphql_api.schema.money import Money
from graphql_api.schema.queries import Query
from graphql_api.schema.scalars import SCALARS
from tests.catalogs import add_book
from tests.graphql_api.conftest import Client


@strawberry.type
class Card:
    """A new type over the row of a book."""

    record_class = books.Book

    title: str
    language: str | None


def resolve_card(root: Sequence[None], context: Context, key: int) -> Awaitable[BatchResult]:
    return catalog.book_by_id(context.loaders).load_all([key])


@strawberry.type
class ShopQuery(Query):
    card: Card | None = batch_field(resolve_card, "The card of a book.")


def select(text: str) -> ColumnSelection:
    plan = DocumentCache(schema).get(text, None).plan_for({})
    assert isinstance(plan, Plan)
    return columns_for(plan.columns_read)


async def test_a_new_type_over_a_row_gets_the_columns_that_it_reads(client: Client) -> None:
    shop = Schema(ShopQuery, types=[Money], config=StrawberryConfig(scalar_map=SCALARS))
    key = await add_book(client.connection, "Emma", language="en")
    operation = DocumentCache(shop).get(f"{{ card(key: {key}) {{ title language }} }}", None).prepare(None)

    outcome = await run_operation(operation, Context(client.views, client))

    assert isinstance(operation.plan, Plan)
    assert operation.plan.columns_read == {(books.Book, "title"), (books.Book, "language")}
    assert list(columns_for(operation.plan.columns_read).books.names) == ["id", "title", "language"]
    assert (outcome.fallback_reason, outcome.result.data) == (
        None,
        {"card": {"title": "Emma", "language": "en"}},
    )


def test_types_that_share_a_row_add_their_columns() -> None:
    columns = select("{ books { edges { highlightedTitle cursor node { price { amount } } } } }")

    assert list(columns.books.names) == ["id", "title", "price"]
    assert list(columns.authors.names) == ["id"]
    assert list(columns.categories.names) == ["id"]


def test_a_contribution_reads_the_columns_of_its_author() -> None:
    columns = select(
        "{ books { nodes { contributions { role author { name } } categories { ancestors { path } } } } }"
    )

    assert list(columns.books.names) == ["id"]
    assert list(columns.authors.names) == ["id", "name"]
    assert list(columns.categories.names) == ["id", "path", "lineage"]


def test_all_columns_are_selected_without_a_plan() -> None:
    assert ColumnSelection() == ColumnSelection(books.COLUMNS, authors.COLUMNS, categories.COLUMNS)
