"""Contributors by role: bylines, the books of an author, and the filter by author."""

import asyncpg
import pytest

from db.view_counts import ViewCounter
from graphql_api.context import Context
from graphql_api.execution.documents import DocumentCache
from graphql_api.execution.executor import run_operation
from graphql_api.schema import schema
from graphql_api.schema.ids import global_id
from tests.catalogs import add_author, add_book, add_category
from tests.graphql_api.conftest import Client


@pytest.fixture
async def publisher(connection: asyncpg.Connection) -> dict[str, str]:
    """Add books with contributors in many roles; return the global ids of the authors by name."""
    dahl = await add_author(connection, "Dahl")
    blake = await add_author(connection, "Blake")
    heaney = await add_author(connection, "Heaney")
    fiction = await add_category(connection, "Fiction")
    await add_book(
        connection, "Anthology", authors=[(blake, "EDITOR"), (dahl, "EDITOR"), (heaney, "TRANSLATOR")]
    )
    await add_book(connection, "Beowulf", authors=[(heaney, "TRANSLATOR")], categories=[fiction])
    await add_book(
        connection,
        "Matilda",
        authors=[(blake, "ILLUSTRATOR"), (dahl, "AUTHOR"), (heaney, "EDITOR")],
        categories=[fiction],
        language="en",
    )
    await add_book(connection, "Words and Pictures", authors=[(blake, "AUTHOR"), (blake, "ILLUSTRATOR")])
    return {
        name: global_id("Author", key) for name, key in (("dahl", dahl), ("blake", blake), ("heaney", heaney))
    }


@pytest.mark.parametrize(
    ("roles", "names"),
    [
        ("", [["Blake", "Dahl"], [], ["Dahl"], ["Blake"]]),
        ("(roles: null)", [["Blake", "Dahl"], [], ["Dahl"], ["Blake"]]),
        ("(roles: [AUTHOR])", [[], [], ["Dahl"], ["Blake"]]),
        ("(roles: [EDITOR, TRANSLATOR])", [["Blake", "Dahl", "Heaney"], ["Heaney"], ["Heaney"], []]),
        ("(roles: [ILLUSTRATOR, AUTHOR])", [[], [], ["Blake", "Dahl"], ["Blake"]]),
        ("(roles: [])", [[], [], [], []]),
    ],
)
async def test_a_byline_names_the_authors_or_else_the_editors(
    client: Client, publisher: dict[str, str], roles: str, names: list[list[str]]
) -> None:
    data = await client.data(f"{{ books {{ nodes {{ authors{roles} {{ name }} }} }} }}")

    assert [[author["name"] for author in node["authors"]] for node in data["books"]["nodes"]] == names
    assert client.statements == ["page_of_books", "authors_by_book_ids"]


BOOKS_OF_AUTHOR = (
    "query ($id: ID!, $roles: [ContributorRole!], $filter: BookFilter) { author(by: {id: $id}) { bookCount"
    " books(roles: $roles, filter: $filter) { totalCount nodes { title } pageInfo { hasNextPage }"
    " facets { languages { entries { language count } } } } } }"
)


@pytest.mark.parametrize(
    ("roles", "titles"),
    [
        (None, ["Anthology", "Matilda", "Words and Pictures"]),
        (["AUTHOR"], ["Words and Pictures"]),
        (["ILLUSTRATOR", "EDITOR"], ["Anthology", "Matilda", "Words and Pictures"]),
        (["NARRATOR"], []),
        ([], []),
    ],
)
async def test_the_books_of_an_author_are_those_in_any_role_or_in_the_given_roles(
    client: Client, publisher: dict[str, str], roles: list[str] | None, titles: list[str]
) -> None:
    data = await client.data(BOOKS_OF_AUTHOR, id=publisher["blake"], roles=roles)

    assert data["author"] == {
        "bookCount": 3,
        "books": {
            "totalCount": len(titles),
            "nodes": [{"title": title} for title in titles],
            "pageInfo": {"hasNextPage": False},
            "facets": {
                "languages": {"entries": [{"language": "en", "count": 1}] if "Matilda" in titles else []}
            },
        },
    }


async def test_roles_apply_with_a_filter_whose_list_is_shorter(
    client: Client, connection: asyncpg.Connection, publisher: dict[str, str]
) -> None:
    fiction = global_id("Category", await connection.fetchval("SELECT id FROM category"))

    data = await client.data(
        BOOKS_OF_AUTHOR,
        id=publisher["blake"],
        roles=["ILLUSTRATOR"],
        filter={"category": {"eq": fiction}},
    )

    assert data["author"]["books"]["nodes"] == [{"title": "Matilda"}]
    assert data["author"]["books"]["totalCount"] == 1
    assert "books_by_category_ids_matching" in client.statements


@pytest.mark.parametrize(
    ("author", "titles"),
    [
        ({"eq": "dahl"}, ["Anthology", "Matilda"]),
        ({"eq": "dahl", "roles": None}, ["Anthology", "Matilda"]),
        ({"eq": "dahl", "roles": ["AUTHOR"]}, ["Matilda"]),
        ({"eq": "dahl", "roles": []}, []),
        ({"neq": "dahl", "roles": ["AUTHOR"]}, ["Anthology", "Beowulf", "Words and Pictures"]),
        ({"in": ["dahl", "blake"], "roles": ["AUTHOR"]}, ["Matilda", "Words and Pictures"]),
        ({"notIn": ["dahl", "heaney"], "roles": ["EDITOR"]}, ["Beowulf", "Words and Pictures"]),
        ({"roles": ["AUTHOR"]}, ["Anthology", "Beowulf", "Matilda", "Words and Pictures"]),
    ],
)
async def test_the_filter_by_author_counts_any_role_or_the_given_roles(
    client: Client, publisher: dict[str, str], author: dict[str, object], titles: list[str]
) -> None:
    by_id = {
        key: publisher.get(value, value) if isinstance(value, str) else value for key, value in author.items()
    }
    by_id |= {key: [publisher[name] for name in author[key]] for key in ("in", "notIn") if key in author}  # type: ignore[attr-defined]

    data = await client.data(
        "query ($author: AuthorIdFilter) { books(filter: {author: $author}) { totalCount nodes { title }"
        " facets { authors { entries { author { name } count } } } } }",
        author=by_id,
    )

    assert [node["title"] for node in data["books"]["nodes"]] == titles
    assert data["books"]["totalCount"] == len(titles)
    assert data["books"]["facets"]["authors"]["entries"] == [
        {"author": {"name": "Blake"}, "count": 3},
        {"author": {"name": "Heaney"}, "count": 3},
        {"author": {"name": "Dahl"}, "count": 2},
    ]


async def test_a_page_in_given_roles_is_not_prefetched_with_the_author(
    client: Client, publisher: dict[str, str]
) -> None:
    """The plan reads an author and the first page of all their books in one statement."""
    query = (
        'query ($roles: [ContributorRole!]) { author(by: {slug: "blake"}) {'
        " books(roles: $roles) { nodes { title } } } }"
    )
    cache = DocumentCache(schema)

    async def run(roles: list[str] | None) -> object:
        client.statements.clear()
        context = Context(ViewCounter(client), client)
        outcome = await run_operation(cache.get(query, None), {"roles": roles}, context)
        assert outcome.fallback_reason is None
        return outcome.result.data

    illustrated = await run(["EDITOR"])
    statements = list(client.statements)
    await run(None)

    assert illustrated == {"author": {"books": {"nodes": [{"title": "Anthology"}]}}}
    assert statements == ["authors_by_slugs", "books_by_author_ids_matching"]
    assert client.statements == ["author_with_books_by_author_ids"]
