"""The catalog over gql. A document is checked against the server's schema before it is sent."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

from gql import Client, gql
from gql.transport.httpx import HTTPXAsyncTransport

BOOKS = gql("""
    query Books($filter: BookFilter, $after: String) {
      books(first: 50, after: $after, filter: $filter, orderBy: { field: PUBLICATION }) {
        nodes {
          id
          title
          publishedYear
          price {
            amount
            currencyCode
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
""")


def create_client(url: str) -> Client:
    return Client(transport=HTTPXAsyncTransport(url), fetch_schema_from_transport=True)


async def iterate_books(client: Client, **filters: Any) -> AsyncIterator[dict[str, Any]]:
    """Yield all books that match, the oldest first. Raises TransportQueryError for a refused request."""
    after = None
    async with client as session:
        while True:
            BOOKS.variable_values = {"filter": filters, "after": after}
            books = (await session.execute(BOOKS))["books"]
            for book in books["nodes"]:
                yield book
            if not books["pageInfo"]["hasNextPage"]:
                return
            after = books["pageInfo"]["endCursor"]


def amount_of(book: dict[str, Any]) -> Decimal | None:
    """Return the exact amount of a book's price; None if it is not for sale."""
    return book["price"] and Decimal(book["price"]["amount"])
