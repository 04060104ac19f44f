"""Clients in Python, against a live server. They have an environment of their own with an older graphql-core."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import EXAMPLES, TESTS
from tests.serving import BookstoreProcess
from tests.waiting import GUARD

BIN = TESTS / ".venv" / "bin"

GQL = """
from catalog import amount_of, create_client, iterate_books
from gql.transport.exceptions import TransportQueryError

async def run(url):
    client = create_client(url)
    books = [book async for book in iterate_books(client)]
    yield [len(books), books[0]["title"], str(amount_of(books[0]))]
    yield [book["title"] async for book in iterate_books(client, text="jane austn", price={"lt": "8.50"})]
    for price in ("cheap", 12.5):
        try:
            yield [book["title"] async for book in iterate_books(client, price={"eq": price})]
        except TransportQueryError as error:
            yield error.errors[0]["message"]
"""

GQL_VALIDATION = """
from catalog import create_client
from gql import gql
from graphql import GraphQLError

async def run(url):
    async with create_client(url) as session:
        try:
            await session.execute(gql("{ books { nodes { author } } }"))
        except GraphQLError as error:
            yield error.message
"""

ARIADNE = """
from decimal import Decimal
from bookstore_client import BookFilter, Client, DecimalFilter, GraphQLClientGraphQLMultiError

async def run(url):
    async with Client(url) as client:
        book = (await client.book_by_isbn("978-6900000012")).book
        yield [book.title, book.published_on.isoformat(), str(book.price.amount), book.price.currency_code]
        books = (await client.search_books(BookFilter(text="jane austn", rating=DecimalFilter(gte=Decimal("4.2"))))).books
        yield [books.total_count, books.nodes[0].title, books.nodes[0].authors[0].name]
        node = (await client.node(book.id)).node
        yield [node.typename__, node.title]
        try:
            await client.search_books(BookFilter(), first=100)
        except GraphQLClientGraphQLMultiError as error:
            yield str(error)
"""

RUN = """
import asyncio, json, sys
async def collect():
    return [result async for result in run(sys.argv[1])]
print(json.dumps(asyncio.run(collect())))
"""


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    if not (TESTS / ".venv" / "installed").exists():
        pytest.skip("the clients in Python are not installed: the network, then `make clients`")


def run_client(script: str, url: str, folder: Path) -> list[Any]:
    """Return what `run(url)` of the script yields, run in a folder."""
    run = subprocess.run(
        [BIN / "python", "-c", script + RUN, url],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=GUARD,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_gql_reads_all_pages_with_a_checked_document(client_server: BookstoreProcess) -> None:
    results = run_client(GQL, client_server.url, EXAMPLES / "python-gql")

    assert results == [
        [169, "The Epic of Gilgamesh", "8.95"],
        ["Persuasion"],
        "Variable '$filter' has invalid value at .price.eq: 'cheap' is not a decimal number. Give a number such as "
        "12.90, or a string that contains one.",
        ["Moby-Dick"],
    ]


def test_gql_refuses_a_wrong_document_before_it_is_sent(client_server: BookstoreProcess) -> None:
    results = run_client(GQL_VALIDATION, client_server.url, EXAMPLES / "python-gql")

    assert results == ["Cannot query field 'author' on type 'Book'. Did you mean 'authors'?"]


def test_ariadne_codegen_generates_a_typed_client_from_a_running_server(
    client_server: BookstoreProcess, tmp_path: Path
) -> None:
    for name in ("pyproject.toml", "operations.graphql"):
        (tmp_path / name).write_text((EXAMPLES / "ariadne-codegen" / name).read_text("utf-8"), "utf-8")
    (tmp_path / "generated").mkdir()

    subprocess.run(
        [BIN / "ariadne-codegen"],
        cwd=tmp_path,
        env={**os.environ, "GRAPHQL_URL": client_server.url},
        capture_output=True,
        timeout=GUARD,
        check=True,
    )

    assert run_client(ARIADNE, client_server.url, tmp_path / "generated") == [
        ["A Christmas Carol", "1843-12-19", "5.95", "GBP"],
        [1, "Pride and Prejudice", "Jane Austen"],
        ["Book", "A Christmas Carol"],
        "The operation costs 501 rows; at most 500 are allowed (MAX_COST).",
    ]
