"""Loaders: a request's loaders are freed with it, without the garbage collector."""

import gc

import pytest

from graphql_api.context import Context
from graphql_api.execution.documents import DocumentCache
from graphql_api.execution.executor import run_operation
from graphql_api.loaders.registry import Loaders
from graphql_api.schema import schema
from tests.catalogs import add_author, add_book, add_category
from tests.graphql_api.conftest import Client


def count_registries() -> int:
    return sum(isinstance(each, Loaders) for each in gc.get_objects())


@pytest.mark.parametrize(
    "text",
    [
        '{ category(by: {path: "a"}) { name books { nodes { title authors { name } } } } }',
        '{ category(by: {path: "a"}) { children { nodes { children { nodes { id } } } } } }',
        '{ books(filter: {text: "emma", author: {neq: "QXV0aG9yOjE="}}) { totalCount didYouMean edges { '
        "matchedOn } facets { languages { isCapped } } } }",
        '{ authors(filter: {name: {startsWith: "j"}}) { totalCount nodes { books { totalCount } } } }',
        '{ suggest(prefix: "e") { books { title } authors { name } } }',
    ],
)
async def test_an_operation_leaves_no_loaders_behind(client: Client, text: str) -> None:
    author, category = await add_author(client.connection, "Jane"), await add_category(client.connection, "A")
    await add_book(client.connection, "Emma", authors=[author], categories=[category])
    operation = DocumentCache(schema).get(text, None).prepare(None)
    gc.collect()
    gc.disable()
    try:
        before = count_registries()
        outcome = await run_operation(operation, Context(client.views, client))
        after = count_registries()
    finally:
        gc.enable()

    assert outcome.fallback_reason is None
    assert after == before
