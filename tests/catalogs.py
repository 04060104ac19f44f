"""Small catalogs written with plain SQL, so that tests of reads do not depend on the import."""

from collections.abc import Sequence
from typing import Any

import asyncpg


async def add_author(connection: asyncpg.Connection, name: str, **columns: Any) -> int:
    """Insert an author and return the id.

    The author is identified by name, or by `source` and `source_id` if these are given.
    """
    values = {"source": "name", "name": name, "sort_name": name, **columns}
    if "source_id" not in values:
        values["source_id"] = await connection.fetchval("SELECT slug($1)", name)
    return await insert_row(connection, "author", values)


async def add_category(connection: asyncpg.Connection, name: str, parent: int | None = None) -> int:
    return await insert_row(connection, "category", {"name": name, "parent_id": parent})


async def add_book(
    connection: asyncpg.Connection,
    title: str,
    *,
    authors: Sequence[int | tuple[int, str]] = (),
    categories: Sequence[int] = (),
    **columns: Any,
) -> int:
    """Insert a book with its authors in order (an id, or an id and a role) and its categories. Return the id."""
    values = {"source": "test", "source_id": title, "title": title, **columns}
    book = await insert_row(connection, "book", values)
    for position, author in enumerate(authors, 1):
        author_id, role = author if isinstance(author, tuple) else (author, "AUTHOR")
        await connection.execute(
            "INSERT INTO book_author (book_id, position, author_id, role) VALUES ($1, $2, $3, $4)",
            book,
            position,
            author_id,
            role,
        )
    for category in categories:
        await connection.execute(
            "INSERT INTO book_category (book_id, category_id) VALUES ($1, $2)", book, category
        )
    return book


async def insert_row(connection: asyncpg.Connection, table: str, values: dict[str, Any]) -> int:
    columns = ", ".join(values)
    placeholders = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    row_id = await connection.fetchval(
        f"INSERT INTO {table} ({columns}) VALUES ({placeholders}) RETURNING id", *values.values()
    )
    assert isinstance(row_id, int)
    return row_id
