"""No N+1 queries: each relation runs the same statements for 5 parents as for 50, at any depth."""

from collections.abc import AsyncGenerator
from decimal import Decimal

import asyncpg
import pytest

from db import embedded
from db.connections.connect import Connection, connect
from graphql_api.access.roles import Role
from graphql_api.schema import schema_for
from tests.catalogs import add_author, add_book, add_category
from tests.conftest import clone_template
from tests.graphql_api.conftest import Client

PEOPLE = 12
BOOKS = 60


@pytest.fixture(scope="module")
async def filled(server: embedded.Server, template: str, maintenance: str) -> AsyncGenerator[Connection]:
    """A database that the module's tests only read."""
    async with clone_template(server, template, maintenance) as dsn:
        connection = await connect(dsn, application_name="bookstore test")
        await fill(connection)
        yield connection
        await connection.close()


@pytest.fixture
def shop(filled: Connection) -> Client:
    return Client(filled)


async def fill(connection: asyncpg.Connection) -> None:
    """Add 60 books by 12 authors, two each, in a tree of three levels with 12 leaves."""
    root = await add_category(connection, "Fiction")
    middles = [await add_category(connection, f"Middle {number}", root) for number in range(3)]
    leaves = [await add_category(connection, f"Leaf {number}", middles[number % 3]) for number in range(12)]
    people = [await add_author(connection, f"Person {number:02}") for number in range(PEOPLE)]
    for number in range(BOOKS):
        await add_book(
            connection,
            f"Book {number:02}",
            description=f"About {number}",
            price=Decimal("9.90"),
            currency="EUR",
            series=f"Series {number % 12}",
            authors=[people[number % PEOPLE], (people[(number + 1) % PEOPLE], "TRANSLATOR")],
            categories=[leaves[number % 12]],
        )


BOOK_LEAVES = (
    "title price { amount currencyCode } description authors { name } contributions { role author { name } }"
)
RELATIONS = [
    ("books(first: $n) { nodes { title isbn price { amount } } }", ["page_of_books"]),
    ("books(first: $n) { nodes { description } }", ["page_of_books"]),
    ("books(first: $n) { nodes { authors { name } } }", ["page_of_books", "authors_by_book_ids"]),
    (
        "books(first: $n) { nodes { authors { id } contributions { role position author { name } } } }",
        ["page_of_books", "authors_by_book_ids"],
    ),
    ("books(first: $n) { nodes { categories { path } } }", ["page_of_books", "categories_by_book_ids"]),
    (
        "books(first: $n) { nodes { series { position series { slug name } } } }",
        ["page_of_books", "series_by_book_ids"],
    ),
    (
        "books(first: $n) { nodes { series { series { bookCount books(first: $n) { totalCount nodes { title } } } } } }",
        ["page_of_books", "series_by_book_ids", "book_counts_by_series_ids", "books_by_series_ids"],
    ),
    (
        "books(first: $n) { nodes { categories { parent { name } } } }",
        ["page_of_books", "categories_by_book_ids", "categories_by_ids"],
    ),
    (
        "books(first: $n) { nodes { categories { ancestors { name } parent { name } } } }",
        ["page_of_books", "categories_by_book_ids", "categories_by_ids"],
    ),
    (
        "books(first: $n) { nodes { breadcrumb { name } related { title } } }",
        ["page_of_books", "breadcrumbs_by_book_ids", "related_books_by_book_ids"],
    ),
    (
        "books(first: $n) { totalCount nodes { id } edges { cursor } pageInfo { endCursor } }",
        ["count_of_books", "page_of_books"],
    ),
    ("books(first: $n) { totalCount }", ["count_of_books"]),
    ("authors(first: $n) { totalCount }", ["count_of_authors"]),
    ("categories(first: $n) { totalCount }", ["count_of_categories"]),
    ("categories(first: $n, rootsOnly: true) { totalCount }", ["count_of_root_categories"]),
    ("categories(first: $n) { nodes { name bookCount } }", ["page_of_categories"]),
    (
        "categories(first: $n) { nodes { books(first: $n) { totalCount } } }",
        ["page_of_categories"],
    ),
    (
        "categories(first: $n) { nodes { books(first: $n, includeDescendants: false) { totalCount nodes { id } } } }",
        ["page_of_categories", "books_directly_by_category_ids"],
    ),
    (
        "categories(first: $n) { nodes { children(first: $n) { totalCount } } }",
        ["page_of_categories", "counts_of_children_by_category_ids"],
    ),
    (
        "categories(first: $n) { nodes { parent { name } children(first: $n) { nodes { name } } } }",
        ["page_of_categories", "categories_by_ids", "children_by_category_ids"],
    ),
    (
        "authors(first: $n) { nodes { books(first: $n) { totalCount nodes { authors { name } } } } }",
        ["page_of_authors", "books_by_author_ids", "authors_by_book_ids"],
    ),
    (
        "authors(first: $n) { nodes { books(first: $n) { nodes { categories { books(first: $n) { nodes { title } } } } } } }",
        ["page_of_authors", "books_by_author_ids", "categories_by_book_ids", "books_by_category_ids"],
    ),
    (
        'category(by: {path: "fiction"}) { ancestors { name } children { nodes { name } }'
        " books(first: $n, orderBy: {field: ADDED, direction: DESC}) { totalCount nodes { title authors { name } } } }",
        [
            "categories_by_paths",
            "children_by_category_ids",
            "books_by_category_ids",
            "authors_by_book_ids",
        ],
    ),
    (
        'author(by: {slug: "person-00"}) { books(first: $n) { nodes { authors { books(first: $n) { nodes { title } } } } } }',
        ["authors_by_slugs", "books_by_author_ids", "authors_by_book_ids", "books_by_author_ids"],
    ),
]


@pytest.mark.parametrize("size", [5, 50])
@pytest.mark.parametrize(("selection", "statements"), RELATIONS, ids=lambda value: str(value)[:70])
async def test_a_relation_runs_the_same_statements_at_every_size(
    shop: Client, selection: str, statements: list[str], size: int
) -> None:
    await shop.data(f"query ($n: Int!) {{ {selection} }}", n=size)

    assert sorted(shop.statements) == sorted(statements)


async def test_a_field_with_different_arguments_runs_one_statement_per_set_of_arguments(shop: Client) -> None:
    await shop.data(
        "{ authors(first: 9) { nodes { a: books(first: 1) { nodes { title } } b: books(first: 1) { nodes { id } }"
        " c: books(first: 2) { nodes { id } } d: books(first: 1, orderBy: {field: PRICE}) { nodes { id } } } } }"
    )

    assert shop.statements == ["page_of_authors", *["books_by_author_ids"] * 3]


async def test_all_fields_of_a_book_are_returned(filled: Connection) -> None:
    editor = Client(filled, schema_for(Role.EDITOR))

    data = await editor.data(
        f"{{ books(first: 1) {{ nodes {{ {BOOK_LEAVES} stock ratingCount source sourceId }} }} }}"
    )

    assert data["books"]["nodes"] == [
        {
            "title": "Book 00",
            "price": {"amount": "9.90", "currencyCode": "EUR"},
            "description": "About 0",
            "authors": [{"name": "Person 00"}],
            "contributions": [
                {"role": "AUTHOR", "author": {"name": "Person 00"}},
                {"role": "TRANSLATOR", "author": {"name": "Person 01"}},
            ],
            "stock": 0,
            "ratingCount": 0,
            "source": "test",
            "sourceId": "Book 00",
        }
    ]


async def test_an_author_in_two_roles_is_one_author_with_two_contributions(
    client: Client, connection: asyncpg.Connection
) -> None:
    person = await add_author(connection, "Person")
    await add_book(connection, "Book", authors=[(person, "EDITOR"), (person, "TRANSLATOR")])

    data = await client.data(
        '{ author(by: {slug: "person"}) { bookCount books { totalCount nodes { authors { name }'
        " contributions { position role } } } } }"
    )

    assert data["author"] == {
        "bookCount": 1,
        "books": {
            "totalCount": 1,
            "nodes": [
                {
                    "authors": [{"name": "Person"}],
                    "contributions": [
                        {"position": 1, "role": "EDITOR"},
                        {"position": 2, "role": "TRANSLATOR"},
                    ],
                }
            ],
        },
    }


async def test_a_failing_field_does_not_cancel_loads_of_another_branch(shop: Client) -> None:
    response = await shop.run(
        '{ bad: category(by: {path: "fiction/middle-0"}) { parent { name } books(first: 999) { totalCount } }'
        ' good: category(by: {path: "fiction/middle-1"}) { parent { name } } }'
    )

    assert response["data"] == {"bad": None, "good": {"parent": {"name": "Fiction"}}}
    assert [error["path"] for error in response["errors"]] == [["bad", "books"]]
    assert shop.statements == ["categories_by_paths", "categories_by_ids"]
