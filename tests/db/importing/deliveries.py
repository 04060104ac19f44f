"""Deliveries made by hand, and what a catalog holds after them."""

import csv
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path

import asyncpg

from db.checksum import content_checksum
from db.importing.readers import Batch, Delivery
from db.importing.records import BookRecord, Reject
from db.importing.run import Summary, import_delivery
from db.verify import audit

CLEAR = "TRUNCATE book, author, category, catalog_size CASCADE; INSERT INTO catalog_size DEFAULT VALUES"


def book(source_id: str, title: str = "A title", **fields: object) -> BookRecord:
    return replace(BookRecord(0, source_id, title), **fields)


def delivery(records: Sequence[BookRecord | Reject], source: str = "shop") -> Delivery:
    """The records in batches of three, their rows numbered where they have no number."""
    numbered = [record if record.row else replace(record, row=n) for n, record in enumerate(records, 1)]

    async def batches() -> AsyncGenerator[Batch]:
        for start in range(0, len(numbered), 3):
            yield list(numbered[start : start + 3])

    return Delivery(source, batches(), total=len(numbered), unit="rows", position=lambda: 0)


class Catalog:
    """A database, a connection to look into it, and imports into it."""

    def __init__(self, dsn: str, connection: asyncpg.Connection, rejects: Path) -> None:
        self.dsn = dsn
        self.connection = connection
        self.rejects = rejects

    async def bring(self, *records: BookRecord | Reject, source: str = "shop") -> Summary:
        return await import_delivery(self.dsn, delivery(records, source), rejects=self.rejects)

    async def clear(self) -> None:
        await self.connection.execute(CLEAR)

    async def checksum(self) -> str:
        """That of the content, in which nothing is wrong."""
        assert [finding for finding in await audit(self.connection) if finding.wrong] == []
        return await content_checksum(self.connection)

    async def rows(self, query: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in await self.connection.fetch(query)]

    def rejected(self) -> list[tuple[str, ...]]:
        with self.rejects.open(encoding="utf-8", newline="") as file:
            return [tuple(row) for row in csv.reader(file)][1:]
