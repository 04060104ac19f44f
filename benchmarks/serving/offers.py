"""Offers of the works that write: the prices and stocks that each request sets, and how many of them did.

Each work has its own books. Its requests set all of them one after the other to raised values, then all of them
back to what the catalog had. Sent from the start and repeatedly, each one changes each of its books.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import asyncpg

SAMPLED_OFFERS = 20_000

OFFERS = """
/* offers */
SELECT isbn, price::text, currency, stock FROM book
WHERE isbn IS NOT NULL AND price IS NOT NULL AND id % greatest(1, (SELECT count(*) FROM book) / $1::bigint) = 0
ORDER BY isbn
"""

COUNT_CHANGES = """
/* changes */
SELECT coalesce(sum(version), 0) FROM book WHERE isbn = ANY ($1::text[])
"""


@dataclass(frozen=True, slots=True)
class Offer:
    """The price and the stock of a book."""

    isbn: str
    amount: str
    currency: str
    stock: int

    def raised(self) -> "Offer":
        return replace(self, amount=str(Decimal(self.amount) + 1), stock=self.stock + 1)


async def draw_offers(dsn: str, sizes: Sequence[int], seed: int) -> list[list[Sequence[Offer]]]:
    """Return the requests of one work for each size, which is the number of offers in a request.

    No two works have a book in common.
    """
    connection = await asyncpg.connect(dsn)
    try:
        offers = [Offer(*row) for row in await connection.fetch(OFFERS, SAMPLED_OFFERS)]
    finally:
        await connection.close()
    Random(seed).shuffle(offers)  # noqa: S311 - nothing is secret
    return [cut_requests(offers[number :: len(sizes)], size) for number, size in enumerate(sizes)]


def cut_requests(offers: Sequence[Offer], size: int) -> list[Sequence[Offer]]:
    """Return the requests that raise every price, then the requests that restore it."""
    as_they_are = [offers[start : start + size] for start in range(0, len(offers) - size + 1, size)]
    return [*([offer.raised() for offer in request] for request in as_they_are), *as_they_are]


async def count_changes(dsn: str, requests: Sequence[Sequence[Offer]]) -> int:
    """Return the sum of the versions of the requests' books: each change of a book adds 1."""
    connection = await asyncpg.connect(dsn)
    try:
        changes: int = await connection.fetchval(
            COUNT_CHANGES, [offer.isbn for request in requests for offer in request]
        )
    finally:
        await connection.close()
    return changes


def write_variables(dialect: str, offers: Sequence[Offer]) -> dict[str, Any]:
    """Return the variables of a request."""
    if dialect == "postgraphile":
        return {f"offer{number}": patch_of(offer) for number, offer in enumerate(offers)}
    return {
        "offers": [
            {
                "by": {"isbn": offer.isbn},
                "price": {"amount": offer.amount, "currencyCode": offer.currency},
                "stock": offer.stock,
            }
            for offer in offers
        ]
    }


def patch_of(offer: Offer) -> dict[str, Any]:
    patch = {"price": offer.amount, "currency": offer.currency, "stock": offer.stock}
    return {"isbn": offer.isbn, "bookPatch": patch}


def write_text(dialect: str, size: int, folder: Path) -> str:
    """Return the operation. PostGraphile updates one book by a mutation, so it has one for each offer."""
    if dialect != "postgraphile":
        return (folder / "writes" / "update_offers.graphql").read_text()
    variables = ", ".join(f"$offer{number}: UpdateBookByIsbnInput!" for number in range(size))
    mutation = "updateBookByIsbn(input: $offer{0}) {{ book {{ title stock price currency }} }}"
    fields = "\n  ".join(f"offer{number}: {mutation.format(number)}" for number in range(size))
    return f"mutation UpdateOffers({variables}) {{\n  {fields}\n}}\n"
