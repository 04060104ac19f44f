"""The limit: a bare ASGI handler with one hand-written function per operation, sending the same bytes."""

from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from benchmarks.serving.peers.served import dsn, serve

GraphQLData = dict[str, Any] | None
Message = dict[str, Any]
Connection: TypeAlias = "asyncpg.Connection | PoolConnectionProxy"

BOOKS_OF_CATEGORY = """
FROM category AS c
LEFT JOIN LATERAL (
    (SELECT title_key, book_id FROM category_listing WHERE category_id = c.id AND direct
     ORDER BY title_key, book_id LIMIT $2)
    UNION ALL
    (SELECT title_key, book_id FROM category_listing WHERE category_id = c.id AND NOT direct
     ORDER BY title_key, book_id LIMIT $2)
    ORDER BY title_key, book_id LIMIT $2
) AS l ON true
LEFT JOIN book AS b ON b.id = l.book_id
WHERE c.path = $1
ORDER BY l.title_key, l.book_id
"""
CARD = "b.id, b.title, b.isbn, b.published_year, b.price::text, b.currency"
FULL = """b.id, b.title, b.subtitle, b.isbn, b.description, b.language, b.published_year, b.published_on,
    b.page_count, b.price::text, b.currency, b.stock, b.cover_url, b.rating_average::float8, b.rating_count"""

CATEGORY_PAGE = f"SELECT c.name, {CARD} {BOOKS_OF_CATEGORY}"
WIDE_LIST = f"SELECT {FULL} {BOOKS_OF_CATEGORY}"
STOREFRONT = f"SELECT c.id, c.name, c.path, c.lineage, c.book_count, {CARD} {BOOKS_OF_CATEGORY}"
ONE_BOOK = f"SELECT {FULL} FROM book AS b WHERE b.isbn = $1"
AUTHOR_PAGE = f"""
SELECT a.name, a.birth_year, a.death_year, a.book_count, {CARD}
FROM author AS a
LEFT JOIN LATERAL (
    SELECT title_key, book_id FROM author_listing WHERE author_id = a.id ORDER BY title_key, book_id LIMIT $2
) AS l ON true
LEFT JOIN book AS b ON b.id = l.book_id
WHERE a.slug = $1
ORDER BY l.title_key, l.book_id
"""
AUTHORS = """
SELECT l.book_id, a.name, a.slug FROM book_author AS l JOIN author AS a ON a.id = l.author_id
WHERE l.book_id = ANY ($1::bigint[]) ORDER BY l.book_id, l.position
"""
CATEGORIES = """
SELECT l.book_id, c.name, c.path FROM book_category AS l JOIN category AS c ON c.id = l.category_id
WHERE l.book_id = ANY ($1::bigint[]) ORDER BY l.book_id, c.path
"""
# The first column is 0 for ancestors and 1 for children.
AROUND = """
(SELECT 0, c.name, c.path, c.book_count FROM category AS c
 WHERE c.id = ANY ($1::bigint[]) ORDER BY cardinality(c.lineage))
UNION ALL
(SELECT 1, c.name, c.path, c.book_count FROM category AS c
 WHERE c.parent_id = $2::bigint ORDER BY c.sort_key, c.id LIMIT 100)
"""
TREE = """
SELECT c.name, c.path, c.book_count, d.id, d.name, d.path, d.book_count, e.name, e.path, e.book_count
FROM category AS c
LEFT JOIN LATERAL (
    SELECT * FROM category WHERE parent_id = c.id ORDER BY sort_key, id LIMIT 100
) AS d ON true
LEFT JOIN LATERAL (
    SELECT * FROM category WHERE parent_id = d.id ORDER BY sort_key, id LIMIT 100
) AS e ON true
WHERE c.path = $1
ORDER BY d.sort_key, d.id, e.sort_key, e.id
"""
LOCK_BOOKS = "SELECT id, isbn FROM book WHERE isbn = ANY ($1::text[]) ORDER BY id FOR NO KEY UPDATE"
UPDATE_OFFERS = """
UPDATE book AS b SET price = o.price, currency = o.currency, stock = o.stock
FROM unnest($1::bigint[], $2::numeric[], $3::text[], $4::integer[]) AS o (id, price, currency, stock)
WHERE b.id = o.id
"""
ADD_AUDIT_ENTRY = "INSERT INTO audit_entry (client, mutation, items) VALUES ($1, $2, $3)"
OFFERS = (
    "SELECT b.id, b.title, b.price::text, b.currency, b.stock FROM book AS b WHERE b.id = ANY ($1::bigint[])"
)


def price_of(amount: str | None, currency: str | None) -> GraphQLData:
    return None if amount is None else {"amount": amount, "currencyCode": currency}


def cards_by_id(rows: Iterable[asyncpg.Record], start: int) -> dict[int, dict[str, Any]]:
    """Return the books by id, from rows whose columns from `start` on are the CARD columns."""
    return {
        row[start]: {
            "title": row[start + 1],
            "isbn": row[start + 2],
            "publishedYear": row[start + 3],
            "price": price_of(row[start + 4], row[start + 5]),
        }
        for row in rows
        if row[start] is not None
    }


def full_book(row: asyncpg.Record) -> dict[str, Any]:
    return {
        "id": b64encode(b"Book:%d" % row[0]).decode(),
        "title": row[1],
        "subtitle": row[2],
        "isbn": row[3],
        "description": row[4],
        "language": row[5],
        "publishedYear": row[6],
        "publishedOn": row[7],
        "pageCount": row[8],
        "price": price_of(row[9], row[10]),
        "stock": row[11],
        "coverUrl": row[12],
        "ratingAverage": row[13],
        "ratingCount": row[14],
    }


async def category_page(connection: Connection, path: str) -> GraphQLData:
    rows = await connection.fetch(CATEGORY_PAGE, path, 20)
    if not rows:
        return {"category": None}
    books = cards_by_id(rows, 1)
    ids = list(books)
    for book in books.values():
        book["authors"], book["categories"] = [], []
    for book_id, name, _ in await connection.fetch(AUTHORS, ids):
        books[book_id]["authors"].append({"name": name})
    for book_id, name, category_path in await connection.fetch(CATEGORIES, ids):
        books[book_id]["categories"].append({"name": name, "path": category_path})
    return {"category": {"name": rows[0][0], "books": {"nodes": list(books.values())}}}


async def author_page(connection: Connection, slug: str) -> GraphQLData:
    rows = await connection.fetch(AUTHOR_PAGE, slug, 20)
    if not rows:
        return {"author": None}
    books = cards_by_id(rows, 4)
    for book in books.values():
        book["categories"] = []
    for book_id, name, path in await connection.fetch(CATEGORIES, list(books)):
        books[book_id]["categories"].append({"name": name, "path": path})
    name, birth_year, death_year, book_count = rows[0][:4]
    return {
        "author": {
            "name": name,
            "birthYear": birth_year,
            "deathYear": death_year,
            "bookCount": book_count,
            "books": {"nodes": list(books.values())},
        }
    }


async def one_book(connection: Connection, isbn: str) -> GraphQLData:
    row = await connection.fetchrow(ONE_BOOK, isbn)
    return {"book": None if row is None else full_book(row)}


async def wide_list(connection: Connection, path: str) -> GraphQLData:
    rows = await connection.fetch(WIDE_LIST, path, 100)
    return {"category": {"books": {"nodes": [full_book(row) for row in rows]}} if rows else None}


def category_fields(name: str, path: str, book_count: int) -> dict[str, Any]:
    return {"name": name, "path": path, "bookCount": book_count}


async def category_tree(connection: Connection, path: str) -> GraphQLData:
    rows = await connection.fetch(TREE, path)
    if not rows:
        return {"category": None}
    children: dict[int, dict[str, Any]] = {}
    for row in rows:
        child = children.get(row[3])
        if child is None and row[3] is not None:
            child = children[row[3]] = {**category_fields(*row[4:7]), "children": {"nodes": []}}
        if child is not None and row[8] is not None:
            child["children"]["nodes"].append(category_fields(*row[7:10]))
    return {"category": {**category_fields(*rows[0][:3]), "children": {"nodes": list(children.values())}}}


async def storefront(connection: Connection, path: str) -> GraphQLData:
    rows = await connection.fetch(STOREFRONT, path, 20)
    if not rows:
        return {"category": None}
    identity, name, _, lineage, book_count = rows[0][:5]
    books = cards_by_id(rows, 5)
    around = await connection.fetch(AROUND, lineage[:-1], identity)
    for book in books.values():
        book["authors"] = []
    for book_id, author, slug in await connection.fetch(AUTHORS, list(books)):
        books[book_id]["authors"].append({"name": author, "slug": slug})
    return {
        "category": {
            "name": name,
            "path": path,
            "ancestors": [{"name": row[1], "path": row[2]} for row in around if row[0] == 0],
            "children": {"nodes": [category_fields(*row[1:]) for row in around if row[0] == 1]},
            "books": {"totalCount": book_count, "nodes": list(books.values())},
        }
    }


async def update_offers(connection: Connection, offers: Sequence[Message]) -> GraphQLData:
    """Set the prices and stocks in a transaction with an audit entry, and read the books again."""
    await connection.execute("BEGIN")
    try:
        rows = await connection.fetch(LOCK_BOOKS, [offer["by"]["isbn"] for offer in offers])
        ids_by_isbn = {isbn: book_id for book_id, isbn in rows}
        ids = [ids_by_isbn[offer["by"]["isbn"]] for offer in offers]
        await connection.fetch(
            UPDATE_OFFERS,
            ids,
            [Decimal(offer["price"]["amount"]) for offer in offers],
            [offer["price"]["currencyCode"] for offer in offers],
            [offer["stock"] for offer in offers],
        )
        await connection.fetch(
            ADD_AUDIT_ENTRY, "benchmark", "updateOffers", [f"Book {book_id}" for book_id in ids]
        )
        books = {
            book_id: {"title": title, "stock": stock, "price": price_of(amount, currency)}
            for book_id, title, amount, currency, stock in await connection.fetch(OFFERS, ids)
        }
    except BaseException:
        await connection.execute("ROLLBACK")
        raise
    await connection.execute("COMMIT")
    return {"updateOffers": {"books": [books[book_id] for book_id in ids], "errors": []}}


HANDLERS: dict[str, tuple[Callable[[Connection, Any], Awaitable[GraphQLData]], str]] = {
    "CategoryPage": (category_page, "path"),
    "AuthorPage": (author_page, "slug"),
    "OneBook": (one_book, "isbn"),
    "WideList": (wide_list, "path"),
    "CategoryTree": (category_tree, "path"),
    "Storefront": (storefront, "path"),
    "UpdateOffers": (update_offers, "offers"),
}
HEADERS: Sequence[tuple[bytes, bytes]] = ((b"content-type", b"application/json"),)


async def skip_reset(connection: object) -> None:
    """Send nothing when a connection is released: asyncpg's own reset costs a round trip."""


class BareApp:
    """The ASGI application. It opens its pool at startup and closes it at shutdown."""

    pool: asyncpg.Pool

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if scope["type"] == "lifespan":
            await self.live(receive, send)
            return
        message = await receive()
        body: bytes = message["body"]
        while message["more_body"]:
            message = await receive()
            body += message["body"]
        request = orjson.loads(body)
        handler, variable = HANDLERS[request["operationName"]]
        async with self.pool.acquire() as connection:
            data = await handler(connection, request["variables"][variable])
        response = orjson.dumps({"data": data})
        headers = [*HEADERS, (b"content-length", b"%d" % len(response))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": response})

    async def live(
        self, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        await receive()
        self.pool = await asyncpg.create_pool(
            dsn(), min_size=2, max_size=10, max_inactive_connection_lifetime=0, reset=skip_reset
        )
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.pool.close()
        await send({"type": "lifespan.shutdown.complete"})


if __name__ == "__main__":
    serve(BareApp())
