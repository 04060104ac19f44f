"""The catalog as a whole: counters, the last change, languages and currencies."""

from decimal import Decimal
from typing import Any

from db.connections.connect import Connection
from db.verify import run_checks
from tests.catalogs import add_author, add_book, add_category
from tests.graphql_api.conftest import Client

CATALOG = """
{
  catalog {
    bookCount authorCount categoryCount updatedAt
    languages { code bookCount } currencies { code bookCount }
  }
}
"""


async def test_an_empty_catalog_has_no_last_change(client: Client) -> None:
    assert (await client.data(CATALOG))["catalog"] == {
        "bookCount": 0,
        "authorCount": 0,
        "categoryCount": 0,
        "updatedAt": None,
        "languages": [],
        "currencies": [],
    }


async def test_the_catalog_counts_published_books(client: Client) -> None:
    await add_author(client.connection, "Jane")
    await add_category(client.connection, "Fiction")
    for number, language in enumerate(["de", "en", "en", None]):
        priced: dict[str, Any] = {"price": Decimal(1), "currency": "EUR"} if number else {}
        await add_book(client.connection, f"Book {number}", language=language, **priced)
    await add_book(client.connection, "Hidden", language="fr", is_published=False)

    catalog = (await client.data(CATALOG))["catalog"]
    newest = (await client.data("{ books(last: 1, orderBy: {field: UPDATED}) { nodes { updatedAt } } }"))[
        "books"
    ]

    assert client.statements == ["page_of_books"]
    assert catalog == {
        "bookCount": 4,
        "authorCount": 1,
        "categoryCount": 1,
        "updatedAt": newest["nodes"][0]["updatedAt"],
        "languages": [{"code": "en", "bookCount": 2}, {"code": "de", "bookCount": 1}],
        "currencies": [{"code": "EUR", "bookCount": 3}],
    }


async def test_each_value_is_read_once_and_only_if_it_is_selected(client: Client) -> None:
    await client.data("{ catalog { bookCount authorCount } again: catalog { categoryCount } }")
    sizes = client.statements.copy()
    await client.data(CATALOG)

    assert sizes == ["catalog_size"]
    assert sorted(client.statements) == [
        "catalog_codes_by_kind",
        "catalog_codes_by_kind",
        "catalog_size",
        "catalog_updated_at",
    ]


async def codes(connection: Connection) -> dict[str, int]:
    return dict(await connection.fetch("SELECT code, books FROM catalog_code WHERE books <> 0"))


async def test_the_counters_follow_every_change(connection: Connection) -> None:
    columns: dict[str, Any] = {"language": "en", "price": Decimal(1), "currency": "EUR"}
    first, second = [await add_book(connection, title, **columns) for title in "AB"]
    added = await codes(connection)
    await connection.execute("UPDATE book SET language = 'de', currency = 'USD' WHERE id = $1", first)
    changed = await codes(connection)
    await connection.execute("UPDATE book SET price = 2, stock = 3")
    await connection.execute("UPDATE book SET is_published = false WHERE id = $1", second)
    unpublished = await codes(connection)
    await connection.execute("UPDATE book SET language = 'fr' WHERE id = $1", second)
    await connection.execute("UPDATE book SET is_published = true WHERE id = $1", second)
    published = await codes(connection)
    await connection.execute("DELETE FROM book WHERE id = $1", first)

    assert added == {"en": 2, "EUR": 2}
    assert changed == {"en": 1, "EUR": 1, "de": 1, "USD": 1}
    assert unpublished == {"de": 1, "USD": 1}
    assert published == {"de": 1, "USD": 1, "fr": 1, "EUR": 1}
    assert await codes(connection) == {"fr": 1, "EUR": 1}
    assert [finding for finding in await run_checks(connection) if finding.count] == []
