"""One book, author or category by its key; any node by its id."""

import asyncpg
import pytest

from graphql_api.schema.ids import global_id
from tests.catalogs import add_author, add_book, add_category
from tests.graphql_api.conftest import Client


@pytest.fixture
async def hamlet(connection: asyncpg.Connection) -> int:
    author = await add_author(
        connection, "William Shakespeare", sort_name="Shakespeare, William", birth_year=1564, death_year=1616
    )
    plays = await add_category(connection, "Plays")
    tragedies = await add_category(connection, "Tragedies", plays)
    return await add_book(
        connection, "Hamlet", isbn="9780199535811", authors=[author], categories=[tragedies]
    )


@pytest.mark.parametrize("isbn", ["9780199535811", "978-0-19-953581-1", "0199535817", "0-19-953581-7"])
async def test_a_book_is_found_by_its_isbn_in_any_form(client: Client, hamlet: int, isbn: str) -> None:
    data = await client.data("query ($isbn: ISBN!) { book(by: {isbn: $isbn}) { title isbn } }", isbn=isbn)

    assert data == {"book": {"title": "Hamlet", "isbn": "9780199535811"}}
    assert client.statements == ["books_by_isbns"]


@pytest.mark.parametrize(
    ("look_up", "statement"),
    [
        ('author(by: {slug: "william-shakespeare"}) { id }', "authors_by_slugs"),
        ('category(by: {path: "plays/tragedies"}) { id }', "categories_by_paths"),
        ('book(by: {isbn: "9780199535811"}) { id }', "books_by_isbns"),
        ('book(by: {sourceKey: {source: "test", sourceId: "Hamlet"}}) { id }', "books_by_source_keys"),
    ],
)
async def test_an_object_is_found_by_its_global_id(
    client: Client, hamlet: int, look_up: str, statement: str
) -> None:
    found = await client.data(f"{{ found: {look_up} }}")
    assert client.statements == [statement]

    field = look_up.partition("(")[0]
    again = await client.data(
        f"query ($id: ID!) {{ node(id: $id) {{ __typename id }} {field}(by: {{id: $id}}) {{ id }} }}",
        id=found["found"]["id"],
    )

    type_name = field.capitalize()
    assert again == {"node": {"__typename": type_name, **found["found"]}, field: found["found"]}
    assert client.statements == [
        {"Book": "books", "Author": "authors", "Category": "categories"}[type_name] + "_by_ids"
    ]


async def test_nodes_are_in_the_order_of_the_ids_with_null_for_missing_ones(
    client: Client, connection: asyncpg.Connection, hamlet: int
) -> None:
    author = await connection.fetchval("SELECT id FROM author")
    tragedies = await connection.fetchval("SELECT id FROM category WHERE path = 'plays/tragedies'")
    ids = [
        global_id("Book", 0),
        global_id("Book", hamlet),
        global_id("Author", author),
        global_id("Category", tragedies),
    ]

    data = await client.data(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on Book { title } ... on Category { path } } }",
        ids=ids,
    )

    assert data["nodes"] == [
        None,
        {"__typename": "Book", "title": "Hamlet"},
        {"__typename": "Author"},
        {"__typename": "Category", "path": "plays/tragedies"},
    ]
    assert sorted(client.statements) == ["authors_by_ids", "books_by_ids", "categories_by_ids"]


@pytest.mark.parametrize(
    "look_up",
    [
        f'book(by: {{id: "{global_id("Book", 0)}"}}) {{ title }}',
        'book(by: {isbn: "9780306406157"}) { title }',
        'book(by: {sourceKey: {source: "test", sourceId: "hamlet"}}) { title }',
        'book(by: {sourceKey: {source: "", sourceId: "Hamlet"}}) { title }',
        'author(by: {slug: "nobody"}) { name }',
        'author(by: {slug: ""}) { name }',
        'category(by: {path: "nowhere"}) { name }',
        f'node(id: "{global_id("Category", 2**63 - 1)}") {{ id }}',
    ],
)
async def test_an_object_that_does_not_exist_is_null(client: Client, hamlet: int, look_up: str) -> None:
    assert await client.data(f"{{ found: {look_up} }}") == {"found": None}


@pytest.mark.parametrize(
    ("look_up", "argument", "message"),
    [
        ('book(by: {isbn: "9780199535812"}) { id }', "by.isbn", "is not a valid ISBN. Give 10 or 13 digits"),
        ("book(by: {isbn: 12}) { id }", "by.isbn", "is not a valid ISBN"),
        (
            'book(by: {id: "7"}) { id }',
            "by.id",
            "by.id is '7', which is not a global id. Use a value of an `id` field.",
        ),
        ('book(by: {id: ""}) { id }', "by.id", "by.id is '', which is not a global id"),
        (
            f'book(by: {{id: "{global_id("Author", 1)}"}}) {{ id }}',
            "by.id",
            "an id of type Author. Use an id of type Book.",
        ),
        (f'node(id: "{global_id("Planet", 1)}") {{ id }}', "id", "an id of the unknown type Planet."),
        (f'node(id: "{global_id("Book", 2**63)}") {{ id }}', "id", "is not a global id"),
        ('node(id: "Qm9vazowNw==") { id }', "id", "is not a global id"),
        ('node(id: "é") { id }', "id", "is not a global id"),
        ('author(by: {slug: "a\\u0000b"}) { id }', "by.slug", "contains a NUL character"),
        ('category(by: {path: "\\u0000"}) { id }', "by.path", "contains a NUL character"),
        (
            'book(by: {sourceKey: {source: "\\u0000", sourceId: "a"}}) { id }',
            "by.sourceKey.source",
            "contains a NUL character",
        ),
        (
            'book(by: {sourceKey: {source: "a", sourceId: "\\u0000"}}) { id }',
            "by.sourceKey.sourceId",
            "contains a NUL character",
        ),
    ],
)
async def test_an_invalid_key_is_bad_user_input(
    client: Client, look_up: str, argument: str, message: str
) -> None:
    error = await client.error(f"{{ {look_up} }}")

    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": argument}
    assert message in error["message"]
    assert client.statements == []


async def test_an_invalid_id_is_null_at_its_place_with_an_error(client: Client, hamlet: int) -> None:
    ids = [global_id("Book", hamlet), "x", global_id("Planet", 1), "", global_id("Book", hamlet)]

    response = await client.run(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { id } books { totalCount } }", ids=ids
    )

    assert response["data"] == {
        "nodes": [{"id": ids[0]}, None, None, None, {"id": ids[0]}],
        "books": {"totalCount": 1},
    }
    assert [
        (error["path"], error["extensions"], error["message"].partition(",")[0])
        for error in response["errors"]
    ] == [
        (["nodes", 1], {"code": "BAD_USER_INPUT", "argument": "ids[1]"}, "ids[1] is 'x'"),
        (["nodes", 2], {"code": "BAD_USER_INPUT", "argument": "ids[2]"}, "ids[2] is 'UGxhbmV0OjE='"),
        (["nodes", 3], {"code": "BAD_USER_INPUT", "argument": "ids[3]"}, "ids[3] is ''"),
    ]
    assert sorted(client.statements) == ["books_by_ids", "count_of_books"]


async def test_an_invalid_isbn_in_a_variable_is_bad_user_input(client: Client) -> None:
    error = await client.error("query ($isbn: ISBN!) { book(by: {isbn: $isbn}) { id } }", isbn="978")

    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "by.isbn"}
    assert "$isbn" in error["message"]


@pytest.mark.parametrize("by", ["{}", '{id: "x", isbn: "9780199535811"}', "{id: null}"])
async def test_a_look_up_takes_exactly_one_key(client: Client, by: str) -> None:
    response = await client.run(f"{{ book(by: {by}) {{ id }} }}")

    assert {error["extensions"]["code"] for error in response["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}


CART = "query ($isbns: [String!]!) { booksByIsbn(isbns: $isbns) { title } }"


async def test_a_cart_is_one_field_in_the_order_of_its_isbns(
    client: Client, connection: asyncpg.Connection, hamlet: int
) -> None:
    await add_book(connection, "Emma", isbn="9780306406157")
    await add_book(connection, "Hidden", isbn="9780747532699", is_published=False)
    isbns = ["0306406152", "9780747532699", "9780140449136", "978-0-19-953581-1", "9780306406157"]

    data = await client.data(CART, isbns=isbns)

    emma, hamlet_title = {"title": "Emma"}, {"title": "Hamlet"}
    assert data == {"booksByIsbn": [emma, None, None, hamlet_title, emma]}
    assert client.statements == ["books_by_isbns"]
    assert client.views.pending == {}


async def test_an_invalid_isbn_of_a_cart_is_null_at_its_place_with_an_error(
    client: Client, hamlet: int
) -> None:
    isbns = ["9780199535812", "9780199535811"]

    response = await client.run(CART, isbns=isbns)
    names = await client.run(CART.replace("title", "__typename"), isbns=isbns)

    assert response["data"] == {"booksByIsbn": [None, {"title": "Hamlet"}]}
    assert names == {"data": {"booksByIsbn": [None, {"__typename": "Book"}]}, "errors": response["errors"]}
    [error] = response["errors"]
    assert error["path"] == ["booksByIsbn", 0]
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "isbns[0]"}
    assert error["message"] == (
        "isbns[0] is '9780199535812', which is not a valid ISBN. Give 10 or 13 digits, with or without "
        "hyphens; the last one is a check digit."
    )


async def test_a_cart_has_at_most_100_isbns(client: Client) -> None:
    assert await client.data(CART, isbns=["9780199535811"] * 100) == {"booksByIsbn": [None] * 100}
    error = await client.error(CART, isbns=["9780199535811"] * 101)

    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "isbns"}
    assert error["message"] == "isbns has 101 ISBNs; at most 100 are allowed."


async def test_more_than_100_ids_are_rejected(client: Client) -> None:
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"

    assert await client.data(query, ids=[global_id("Book", 1)] * 100) == {"nodes": [None] * 100}
    error = await client.error(query, ids=[global_id("Book", 1)] * 101)

    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "ids"}
    assert error["message"] == "ids has 101 ids; at most 100 are allowed."


async def test_looking_up_a_book_counts_a_view_that_is_written_later(editor: Client, hamlet: int) -> None:
    query = 'query { book(by: {isbn: "9780199535811"}) { recentViews } }'

    assert await editor.data(query) == {"book": {"recentViews": 0}}
    assert editor.statements == ["books_by_isbns", "recent_views_by_book_ids"]
    assert editor.views.pending == {hamlet: 1}
    await editor.data("{ books { nodes { title } } }")
    await editor.views.flush()

    assert await editor.data(query) == {"book": {"recentViews": 1}}
