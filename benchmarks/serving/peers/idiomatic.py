"""A typical server: Strawberry types, resolvers and caches, aiodataloader, asyncpg's pool."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import TypeVar, cast

import asyncpg
import strawberry
from aiodataloader import DataLoader
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache

from benchmarks.serving.peers.served import dsn, serve

T = TypeVar("T")

BOOK_COLUMNS = """b.id, b.title, b.subtitle, b.isbn, b.description, b.language, b.published_year,
    b.published_on, b.page_count, b.price, b.currency, b.stock, b.cover_url, b.rating_average, b.rating_count"""
AUTHOR_COLUMNS = "a.id, a.slug, a.name, a.birth_year, a.death_year, a.book_count"
CATEGORY_COLUMNS = "c.id, c.name, c.path, c.book_count, c.lineage"

BOOK = f"SELECT {BOOK_COLUMNS} FROM book AS b WHERE b.isbn = $1"
AUTHOR = f"SELECT {AUTHOR_COLUMNS} FROM author AS a WHERE a.slug = $1"
CATEGORY = f"SELECT {CATEGORY_COLUMNS} FROM category AS c WHERE c.path = $1"
ANCESTORS = f"""
    SELECT {CATEGORY_COLUMNS} FROM category AS c WHERE c.id = ANY ($1) ORDER BY cardinality(c.lineage)
"""
AUTHORS_BY_BOOK = f"""
    SELECT l.book_id AS key, {AUTHOR_COLUMNS}
    FROM book_author AS l JOIN author AS a ON a.id = l.author_id
    WHERE l.book_id = ANY ($1::bigint[]) ORDER BY l.book_id, l.position
"""
CATEGORIES_BY_BOOK = f"""
    SELECT l.book_id AS key, {CATEGORY_COLUMNS}
    FROM book_category AS l JOIN category AS c ON c.id = l.category_id
    WHERE l.book_id = ANY ($1::bigint[]) ORDER BY l.book_id, c.path
"""
CHILDREN_BY_CATEGORY = f"""
    SELECT c.parent_id AS key, {CATEGORY_COLUMNS} FROM category AS c
    WHERE c.parent_id = ANY ($1::bigint[]) ORDER BY c.parent_id, c.sort_key, c.id
"""
BOOKS_OF_AUTHOR = f"""
    SELECT {BOOK_COLUMNS}
    FROM (SELECT title_key, book_id FROM author_listing WHERE author_id = $1
          ORDER BY title_key, book_id LIMIT $2) AS l
    JOIN book AS b ON b.id = l.book_id ORDER BY l.title_key, l.book_id
"""
BOOKS_OF_CATEGORY = f"""
    SELECT {BOOK_COLUMNS}
    FROM ((SELECT title_key, book_id FROM category_listing WHERE category_id = $1 AND direct
           ORDER BY title_key, book_id LIMIT $2)
          UNION ALL
          (SELECT title_key, book_id FROM category_listing WHERE category_id = $1 AND NOT direct
           ORDER BY title_key, book_id LIMIT $2)
          ORDER BY title_key, book_id LIMIT $2) AS l
    JOIN book AS b ON b.id = l.book_id ORDER BY l.title_key, l.book_id
"""


class Context:
    """The pool and the loaders of one request."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.authors_by_book: DataLoader[int, list[Author]] = DataLoader(self.authors)
        self.categories_by_book: DataLoader[int, list[Category]] = DataLoader(self.categories)
        self.children_by_category: DataLoader[int, list[Category]] = DataLoader(self.children)

    async def authors(self, book_ids: list[int]) -> "list[list[Author]]":
        return group_by_key(book_ids, await self.pool.fetch(AUTHORS_BY_BOOK, book_ids), Author.of)

    async def categories(self, book_ids: list[int]) -> "list[list[Category]]":
        return group_by_key(book_ids, await self.pool.fetch(CATEGORIES_BY_BOOK, book_ids), Category.of)

    async def children(self, category_ids: list[int]) -> "list[list[Category]]":
        rows = await self.pool.fetch(CHILDREN_BY_CATEGORY, category_ids)
        return group_by_key(category_ids, rows, Category.of)


def group_by_key(
    keys: list[int], rows: list[asyncpg.Record], build: Callable[[asyncpg.Record], T]
) -> list[list[T]]:
    groups: dict[int, list[T]] = {key: [] for key in keys}
    for row in rows:
        groups[row["key"]].append(build(row))
    return [groups[key] for key in keys]


Info = strawberry.Info[Context, None]


@strawberry.type
class Money:
    amount: Decimal
    currency_code: str


@strawberry.type
class Book:
    id: strawberry.ID
    title: str
    subtitle: str | None
    isbn: str | None
    description: str | None
    language: str | None
    published_year: int | None
    published_on: date | None
    page_count: int | None
    price: Money | None
    stock: int
    cover_url: str | None
    rating_average: float | None
    rating_count: int
    key: strawberry.Private[int]

    @classmethod
    def of(cls, row: asyncpg.Record) -> "Book":
        values = dict(row)
        price, currency = values.pop("price"), values.pop("currency")
        values["price"] = Money(amount=price, currency_code=currency) if price is not None else None
        return cls(key=values["id"], **values)

    @strawberry.field
    async def authors(self, info: Info) -> list["Author"]:
        return await info.context.authors_by_book.load(self.key)

    @strawberry.field
    async def categories(self, info: Info) -> list["Category"]:
        return await info.context.categories_by_book.load(self.key)


@strawberry.type
class BookConnection:
    nodes: list[Book]
    total_count: int


async def page(info: Info, statement: str, parent: "Author | Category", first: int) -> BookConnection:
    rows = await info.context.pool.fetch(statement, parent.key, first)
    return BookConnection(nodes=[Book.of(row) for row in rows], total_count=parent.book_count)


@strawberry.type
class Author:
    id: strawberry.ID
    slug: str
    name: str
    birth_year: int | None
    death_year: int | None
    book_count: int
    key: strawberry.Private[int]

    @classmethod
    def of(cls, row: asyncpg.Record) -> "Author":
        return cls(
            id=row["id"],
            slug=row["slug"],
            name=row["name"],
            birth_year=row["birth_year"],
            death_year=row["death_year"],
            book_count=row["book_count"],
            key=row["id"],
        )

    @strawberry.field
    async def books(self, info: Info, first: int = 20) -> BookConnection:
        return await page(info, BOOKS_OF_AUTHOR, self, first)


@strawberry.type
class CategoryConnection:
    nodes: list["Category"]


@strawberry.type
class Category:
    id: strawberry.ID
    name: str
    path: str
    book_count: int
    key: strawberry.Private[int]
    lineage: strawberry.Private[Sequence[int]]

    @classmethod
    def of(cls, row: asyncpg.Record) -> "Category":
        return cls(
            id=row["id"],
            name=row["name"],
            path=row["path"],
            book_count=row["book_count"],
            key=row["id"],
            lineage=row["lineage"],
        )

    @strawberry.field
    async def ancestors(self, info: Info) -> list["Category"]:
        return [Category.of(row) for row in await info.context.pool.fetch(ANCESTORS, self.lineage[:-1])]

    @strawberry.field
    async def children(self, info: Info, first: int = 20) -> CategoryConnection:
        children = await info.context.children_by_category.load(self.key)
        return CategoryConnection(nodes=children[:first])

    @strawberry.field
    async def books(self, info: Info, first: int = 20) -> BookConnection:
        return await page(info, BOOKS_OF_CATEGORY, self, first)


@strawberry.type
class Query:
    @strawberry.field
    async def book(self, info: Info, isbn: str) -> Book | None:
        row = await info.context.pool.fetchrow(BOOK, isbn)
        return Book.of(row) if row else None

    @strawberry.field
    async def author(self, info: Info, slug: str) -> Author | None:
        row = await info.context.pool.fetchrow(AUTHOR, slug)
        return Author.of(row) if row else None

    @strawberry.field
    async def category(self, info: Info, path: str) -> Category | None:
        row = await info.context.pool.fetchrow(CATEGORY, path)
        return Category.of(row) if row else None


class Endpoint(GraphQL[Context, None]):
    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        return Context(cast("asyncpg.Pool", request.app.state.pool))


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncGenerator[None]:
    async with asyncpg.create_pool(dsn()) as pool:
        app.state.pool = pool
        yield


schema = strawberry.Schema(
    Query, extensions=[lambda: ParserCache(maxsize=100), lambda: ValidationCache(maxsize=100)]
)
app = Starlette(routes=[Route("/graphql", Endpoint(schema, graphql_ide=None))], lifespan=lifespan)

if __name__ == "__main__":
    serve(app)
