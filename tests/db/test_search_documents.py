"""Documents that another server has made are made again."""

import asyncpg
import pytest

from db import search_documents
from db.connections.connect import connect
from db.errors import DatabaseError
from db.search_documents import rebuild_search_documents
from db.verify import audit_catalog
from tests.catalogs import add_author, add_book


async def fill(dsn: str, books: int) -> None:
    connection = await asyncpg.connect(dsn)
    author = await add_author(connection, "Jane Austen")
    for number in range(books):
        await add_book(connection, f"Book {number}", authors=[author])
    await connection.execute("UPDATE book_search SET document = 'other:1' WHERE book_id % 2 = 0")
    await connection.execute("DELETE FROM book_search WHERE book_id % 3 = 0")
    await connection.close()


async def wrong_documents(dsn: str) -> int:
    [finding] = [each for each in await audit_catalog(dsn) if each.name == "search_documents"]
    return finding.count


@pytest.mark.parametrize("books", [0, 1, 4, 5, 8])
async def test_all_documents_are_rebuilt(dsn: str, monkeypatch: pytest.MonkeyPatch, books: int) -> None:
    monkeypatch.setattr(search_documents, "CHUNK_SIZE", 4)
    await fill(dsn, books)
    before = await wrong_documents(dsn)

    assert await rebuild_search_documents(dsn) == books
    assert (before > 0) == (books > 1)
    assert await wrong_documents(dsn) == 0


async def test_a_database_at_another_revision_is_refused(dsn: str) -> None:
    connection = await connect(dsn, application_name="bookstore tests")
    await connection.execute("UPDATE alembic_version SET version_num = '0000'")
    await connection.close()

    with pytest.raises(DatabaseError, match="at revision 0000"):
        await rebuild_search_documents(dsn)
