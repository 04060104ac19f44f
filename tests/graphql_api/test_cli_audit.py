"""`bookstore audit`, run as a user runs it."""

import asyncio
import re
from collections.abc import Generator
from pathlib import Path

import asyncpg
import pytest

from db import embedded
from tests.serving import embedded_catalog, run_bookstore


@pytest.fixture(scope="module")
def shop() -> Generator[Path]:
    with embedded_catalog() as folder:
        assert run_bookstore("audit", cwd=folder).stdout == "No mutation was recorded.\n"
        asyncio.run(_add_entries(embedded.start(folder / ".data").dsn))
        yield folder


async def _add_entries(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    for client, mutation, items in (
        ("till", "updateOffers", [f"Book {number}" for number in range(1, 8)]),
        ("office", "deleteBook", ["Book 3"]),
    ):
        await connection.execute(
            "INSERT INTO audit_entry (client, mutation, items) VALUES ($1, $2, $3)", client, mutation, items
        )
    await connection.close()


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (
            [],
            [
                "office  deleteBook  Book 3",
                "till  updateOffers  Book 1, Book 2, Book 3, Book 4, Book 5 and 2 more",
            ],
        ),
        (["--limit", "1"], ["office  deleteBook  Book 3"]),
        (["--client", "office"], ["office  deleteBook  Book 3"]),
        (
            ["--item", "Book 7", "--all"],
            ["till  updateOffers  Book 1, Book 2, Book 3, Book 4, Book 5, Book 6, Book 7"],
        ),
        (["--item", "Book 8"], ["No mutation was recorded."]),
    ],
)
def test_the_last_mutations_are_shown(shop: Path, arguments: list[str], lines: list[str]) -> None:
    shown = run_bookstore("audit", *arguments, cwd=shop)

    assert re.sub(r"^[-0-9]{10} [:0-9]{8} UTC  ", "", shown.stdout, flags=re.MULTILINE).splitlines() == lines
