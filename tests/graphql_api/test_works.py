"""Works and their editions."""

from typing import Any

import asyncpg
import pytest
from strawberry.types.execution import PreExecutionError

from graphql_api.access.principal import Principal
from graphql_api.access.roles import Role
from graphql_api.context import Context
from graphql_api.schema.ids import global_id
from tests.catalogs import add_author, add_book, add_category
from tests.graphql_api.conftest import Client

BOOK = """query ($id: ID!, $page: Int) { book(by: {id: $id}) {
  work { id title authors { name } editionCount editions { totalCount nodes { sourceId } } }
  editions(first: $page) { totalCount nodes { sourceId } }
} }"""


class Shop:
    """Adds editions with a name each, and reads the works of them."""

    def __init__(self, client: Client, connection: asyncpg.Connection) -> None:
        self.client, self.connection = client, connection
        self.ids: dict[str, int] = {}

    async def add(self, name: str, title: str, *authors: int | tuple[int, str], **columns: Any) -> None:
        self.ids[name] = await add_book(self.connection, title, source_id=name, authors=authors, **columns)

    async def read(self, name: str) -> dict[str, Any]:
        return (await self.client.data(BOOK, id=global_id("Book", self.ids[name])))["book"]

    async def editions(self, name: str) -> list[str]:
        """Return the other editions of a book, after a check that its work has them too."""
        book = await self.read(name)
        others = [each["sourceId"] for each in book["editions"]["nodes"]]
        of_work = [each["sourceId"] for each in book["work"]["editions"]["nodes"]]
        assert [each for each in of_work if each != name] == others
        assert book["work"]["editionCount"] == book["work"]["editions"]["totalCount"] == len(of_work)
        assert book["editions"]["totalCount"] == len(others)
        return others


async def data_for_editors(client: Client, document: str, **variables: Any) -> dict[str, Any]:
    principal = Principal("editor", Role.EDITOR, "key:1")
    context = Context(client.views, client, principal=principal)
    result = await client.schema.execute(document, variable_values=variables, context_value=context)
    assert not isinstance(result, PreExecutionError)
    assert result.data
    assert result.errors is None
    return result.data


@pytest.fixture
def shop(client: Client, connection: asyncpg.Connection) -> Shop:
    return Shop(client, connection)


async def test_a_work_has_the_title_and_authors_of_its_most_popular_edition(shop: Shop) -> None:
    austen = await add_author(shop.connection, "Jane Austen", sort_name="Austen, Jane")
    other = await add_author(shop.connection, "Seth Grahame", sort_name="Grahame, Seth")
    await shop.add("first", "Emma", austen)
    await shop.add("popular", "Emma: A Novel", austen, other, rating_count=9, rating_average=4)
    await shop.add("german", "Emma", (other, "ILLUSTRATOR"), (austen, "AUTHOR"), language="de")
    await shop.add("persuasion", "Persuasion", austen)

    assert await shop.read("german") == {
        "work": {
            "id": global_id("Work", shop.ids["first"]),
            "title": "Emma: A Novel",
            "authors": [{"name": "Jane Austen"}, {"name": "Seth Grahame"}],
            "editionCount": 3,
            "editions": {
                "totalCount": 3,
                "nodes": [{"sourceId": "popular"}, {"sourceId": "german"}, {"sourceId": "first"}],
            },
        },
        "editions": {"totalCount": 2, "nodes": [{"sourceId": "popular"}, {"sourceId": "first"}]},
    }


async def test_a_book_alone_is_the_only_edition_of_its_work(shop: Shop) -> None:
    author = await add_author(shop.connection, "Author")
    await shop.add("alone", "Emma", author)

    assert await shop.read("alone") == {
        "work": {
            "id": global_id("Work", shop.ids["alone"]),
            "title": "Emma",
            "authors": [{"name": "Author"}],
            "editionCount": 1,
            "editions": {"totalCount": 1, "nodes": [{"sourceId": "alone"}]},
        },
        "editions": {"totalCount": 0, "nodes": []},
    }


async def test_works_that_only_share_a_title_are_not_one(shop: Shop) -> None:
    austen, blake = await add_author(shop.connection, "Austen"), await add_author(shop.connection, "Blake")
    await shop.add("a", "Poems", austen)
    await shop.add("b", "Poems", blake)
    await shop.add("edited", "Poems", (austen, "EDITOR"), (blake, "AUTHOR"))
    await shop.add("nobody", "Poems")
    await shop.add("nobody else", "Poems")

    assert await shop.editions("a") == []
    assert await shop.editions("b") == ["edited"]
    assert await shop.editions("nobody") == []


async def test_authors_with_one_name_in_two_sources_are_compared_by_their_names(shop: Shop) -> None:
    one = await add_author(shop.connection, "Jane Austen", sort_name="Austen, Jane")
    other = await add_author(
        shop.connection, "Jane AUSTEN", sort_name="AUSTEN, Jane", source="gutenberg", source_id="68"
    )
    await shop.add("a", "Emma", one)
    await shop.add("b", "Emma", other)

    assert await shop.editions("a") == ["b"]


@pytest.mark.parametrize("name", ["Various", "Unknown"])
async def test_books_by_nobody_are_no_editions_of_each_other(shop: Shop, name: str) -> None:
    nobody = await add_author(shop.connection, name)
    await shop.add("a", "Punch", nobody)
    await shop.add("b", "Punch", nobody)

    assert await shop.editions("a") == []


async def test_a_changed_title_or_author_changes_the_work(shop: Shop) -> None:
    austen, blake = await add_author(shop.connection, "Austen"), await add_author(shop.connection, "Blake")
    for name in "abc":
        await shop.add(name, "Emma", austen)
    assert await shop.editions("a") == ["c", "b"]

    await shop.connection.execute("UPDATE book SET title = 'Emmeline' WHERE source_id = 'b'")
    await shop.connection.execute(
        "UPDATE book_author SET author_id = $1 WHERE book_id = $2", blake, shop.ids["c"]
    )

    assert await shop.editions("a") == []


async def test_an_unpublished_book_is_no_edition(shop: Shop) -> None:
    austen = await add_author(shop.connection, "Austen")
    for name in "abc":
        await shop.add(name, "Emma", austen)
    await shop.connection.execute("UPDATE book SET is_published = false WHERE source_id = 'a'")

    assert await shop.editions("b") == ["c"]
    assert (await shop.read("c"))["work"]["id"] == global_id("Work", shop.ids["b"])
    seen = (await data_for_editors(shop.client, BOOK, id=global_id("Book", shop.ids["a"])))["book"]
    assert seen["work"]["editionCount"] == 2
    assert seen["editions"]["totalCount"] == 2


async def test_an_id_of_a_work_stays_valid_while_its_book_is_published(shop: Shop) -> None:
    austen = await add_author(shop.connection, "Austen")
    for name in "ab":
        await shop.add(name, "Emma", austen)
    node = "query ($id: ID!) { node(id: $id) { id ... on Work { title editionCount } } }"
    of_first, of_second = ({"id": global_id("Work", shop.ids[name])} for name in "ab")

    by_second = await shop.client.data(node, **of_second)
    await shop.connection.execute("UPDATE book SET is_published = false WHERE source_id = 'a'")
    by_unpublished = await shop.client.data(node, **of_first)
    later = await shop.client.data(node, **of_second)
    for_editors = await data_for_editors(shop.client, node, **of_first)

    assert by_second["node"] == {**of_first, "title": "Emma", "editionCount": 2}
    assert by_unpublished["node"] is None
    assert later["node"] == for_editors["node"] == {**of_second, "title": "Emma", "editionCount": 1}


@pytest.mark.parametrize("field", ["TRENDING", "UPDATED"])
async def test_editions_are_not_in_an_order_that_needs_another_list(shop: Shop, field: str) -> None:
    austen = await add_author(shop.connection, "Austen")
    await shop.add("a", "Emma", austen)
    book = "query ($id: ID!, $field: BookOrderField!) { node(id: $id) { ... on Book { %s } } }"
    editions = "editions(orderBy: {field: $field}) { totalCount }"

    for selection in (editions, f"work {{ {editions} }}"):
        result = await shop.client.run(book % selection, id=global_id("Book", shop.ids["a"]), field=field)

        assert [error["message"] for error in result["errors"]] == [
            f"orderBy.field {field} is not possible for editions. Use ADDED, POPULARITY, PRICE, PUBLICATION, "
            "RATING or TITLE."
        ]
        assert result["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_editions_are_pages_in_any_order(shop: Shop) -> None:
    austen = await add_author(shop.connection, "Austen")
    for number, price in enumerate([3, None, 1, 2, None]):
        currency = price and "EUR"
        await shop.add(f"e{number}", "Emma", austen, price=price, currency=currency, rating_count=0)
    query = """query ($id: ID!, $after: String, $before: String, $first: Int, $last: Int) { book(by: {id: $id}) {
      editions(first: $first, after: $after, last: $last, before: $before, orderBy: {field: PRICE}) {
        nodes { sourceId } pageInfo { endCursor startCursor hasNextPage hasPreviousPage }
        facets { languages { entries { count } } } edges { matchedOn highlightedTitle } } } }"""
    book = {"id": global_id("Book", shop.ids["e2"])}

    async def page(**arguments: Any) -> tuple[list[str], dict[str, Any]]:
        editions = (await shop.client.data(query, **book, **arguments))["book"]["editions"]
        return [each["sourceId"] for each in editions["nodes"]], editions["pageInfo"]

    first, info = await page(first=2)
    second, _ = await page(first=2, after=info["endCursor"])
    last, last_info = await page(last=1)
    before, _ = await page(last=2, before=last_info["startCursor"])

    assert (first, second, last, before) == (["e3", "e0"], ["e1", "e4"], ["e4"], ["e0", "e1"])
    assert (info["hasNextPage"], info["hasPreviousPage"]) == (True, False)


async def test_the_statements_of_works_do_not_depend_on_the_number_of_books(shop: Shop) -> None:
    author = await add_author(shop.connection, "Author")
    category = await add_category(shop.connection, "Fiction")
    for number in range(12):
        await shop.add(f"b{number}", f"Book {number % 5}", author, categories=[category])
    query = """query ($n: Int) { books(first: $n) { nodes {
      work { title authors { name } editions(first: 2) { nodes { title } } }
      editions(first: 2) { totalCount nodes { title } } } } }"""
    statements = [
        "authors_by_book_ids",
        "counts_of_other_editions_by_book_ids",
        "editions_by_work_ids",
        "other_editions_by_book_ids",
        "page_of_books",
        "works_by_book_ids",
    ]

    for size in (2, 12):
        await shop.client.data(query, n=size)
        assert sorted(shop.client.statements) == statements


async def test_books_with_one_key_of_a_work_are_editions_whatever_their_titles(shop: Shop) -> None:
    austen = await add_author(shop.connection, "Austen")
    await shop.add("emma", "Emma", austen, work_key="w1")
    await shop.add("german", "Emma oder die Heiratsvermittlerin", work_key="w1", language="de")
    await shop.add("other source", "Emmeline", austen, work_key="w1", source="other")
    await shop.add("unkeyed", "Emma: A Novel", austen)

    assert await shop.editions("german") == ["unkeyed", "emma"]
    assert await shop.editions("unkeyed") == ["german", "emma"]
    assert await shop.editions("other source") == []


async def test_a_source_that_tells_two_works_with_one_title_apart_is_believed(shop: Shop) -> None:
    austen = await add_author(shop.connection, "Austen")
    await shop.add("first", "Letters", austen, work_key="w1")
    await shop.add("second", "Letters", austen, work_key="w2")
    await shop.add("later", "Letters", austen, work_key="w2")
    await shop.add("unkeyed", "Letters", austen)
    await shop.add("other source", "Letters", austen, work_key="w9", source="other")

    assert await shop.editions("first") == ["other source", "unkeyed"]
    assert await shop.editions("unkeyed") == ["other source", "first"]
    assert await shop.editions("second") == ["later"]
    assert await shop.editions("later") == ["second"]


async def test_a_changed_key_of_a_work_moves_the_version_once_and_is_an_edit(shop: Shop) -> None:
    await shop.add("a", "Emma")

    await shop.connection.execute("UPDATE book SET work_key = 'w1'")
    await shop.connection.execute("UPDATE book SET work_key = 'w2', title = 'Emmeline'")
    await shop.connection.execute("UPDATE book SET work_key = 'w2'")

    assert await shop.connection.fetchval("SELECT version FROM book") == 3
    await shop.connection.execute("UPDATE book SET updated_at = '2000-01-01'")
    await shop.connection.execute("UPDATE book SET work_key = 'w3'")
    assert await shop.connection.fetchval("SELECT version = 4 AND updated_at > '2020-01-01' FROM book")
    assert await shop.connection.fetch("SELECT field FROM book_field ORDER BY field") == [
        ("title",),
        ("work",),
    ]
