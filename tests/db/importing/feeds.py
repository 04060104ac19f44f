"""Build feeds by hand, import them, and read the catalog afterwards."""

import csv
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from db.checksum import content_checksum
from db.connections.connect import Connection
from db.importing.importer import Summary, import_feed
from db.importing.options import DEFAULT_OPTIONS, ImportOptions
from db.importing.readers import Feed, RecordBatch
from db.importing.records import ALL_FIELDS, BookRecord, Reject
from db.verify import run_checks

CLEAR = """
TRUNCATE book, author, category, series, catalog_size, catalog_code, search_word CASCADE;
INSERT INTO catalog_size DEFAULT VALUES
"""


def book(source_id: str, title: str | None = "A title", **fields: object) -> BookRecord:
    return replace(BookRecord(0, source_id, title), **fields)


def feed(records: Sequence[BookRecord | Reject], source: str = "shop") -> Feed:
    """Return a feed of the records in batches of three. Number the rows that have no number."""
    numbered = [record if record.row else replace(record, row=n) for n, record in enumerate(records, 1)]

    async def batches() -> AsyncGenerator[RecordBatch]:
        for start in range(0, len(numbered), 3):
            yield list(numbered[start : start + 3])

    return Feed(source, batches(), total=len(numbered), unit="rows", completed=lambda: 0)


class Catalog:
    """A database with a connection to inspect it and a method to import records."""

    def __init__(self, dsn: str, connection: Connection, rejects: Path) -> None:
        self.dsn = dsn
        self.connection = connection
        self.rejects = rejects

    async def import_records(
        self,
        *records: BookRecord | Reject,
        source: str = "shop",
        fields: Iterable[str] = ALL_FIELDS,
        options: ImportOptions = DEFAULT_OPTIONS,
    ) -> Summary:
        """Import the records as a feed with these fields."""
        records_feed = replace(feed(records, source), fields=frozenset(fields))
        return await import_feed(self.dsn, records_feed, rejects=self.rejects, options=options)

    async def clear(self) -> None:
        await self.connection.execute(CLEAR)

    async def checksum(self) -> str:
        """Assert that the audit finds nothing, and return the content checksum."""
        assert [finding for finding in await run_checks(self.connection) if finding.count] == []
        return await content_checksum(self.connection)

    async def rows(self, query: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in await self.connection.fetch(query)]

    def rejected(self) -> list[tuple[str, ...]]:
        with self.rejects.open(encoding="utf-8", newline="") as file:
            return [tuple(row[:4]) for row in csv.reader(file)][1:]
