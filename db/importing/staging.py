"""Copy the records of a feed to the staging tables, by binary COPY while the feed is read."""

import asyncio
from collections.abc import Iterable
from operator import attrgetter

import asyncpg

from db.book_columns import BOOK_COLUMNS
from db.importing.records import AuthorRecord, BookRecord, Reject
from db.importing.temporary_tables import decimal_text_column

# Maximum number of people, and of paths, whose numbers are cached.
MAX_CACHED_KEYS = 100_000

_ANALYZE_TABLES = """
/* analyze_staging */
ANALYZE stage_book, stage_link, stage_dropped, stage_person, stage_path
"""

_PLAIN_FIELDS = ("row", "source_id", *(column.name for column in BOOK_COLUMNS if not column.is_decimal))
_DECIMAL_FIELDS = tuple(column.name for column in BOOK_COLUMNS if column.is_decimal)
_BOOK_COLUMNS = ("ordinal", *_PLAIN_FIELDS, *map(decimal_text_column, _DECIMAL_FIELDS))
_LINK_COLUMNS = ("ordinal", "people", "paths")
_PERSON_FIELDS = ("name", "role", "source_id", "sort_name", "birth_year", "death_year")
_PERSON_COLUMNS = ("person", *_PERSON_FIELDS)
_PATH_COLUMNS = ("path", "names")
_DROPPED_COLUMNS = ("row", "field")

_select_plain_fields = attrgetter(*_PLAIN_FIELDS)
_select_decimal_fields = attrgetter(*_DECIMAL_FIELDS)
_select_person_fields = attrgetter(*_PERSON_FIELDS)

_StagedRow = tuple[object, ...]


class Staging:
    """Send books, people and category paths to the staging tables.

    Each distinct person or path is sent once; books refer to it by number. When the cache is full it is
    cleared, and a repeated person or path is sent again under another number. With `keeps_absent` the fields are
    sent that a row does not speak of: they stay as they are.
    """

    __slots__ = (
        "_connection",
        "_keeps_absent",
        "_ordinal",
        "_path_count",
        "_paths",
        "_pending_send",
        "_people",
        "_person_count",
    )

    def __init__(self, connection: asyncpg.Connection, *, keeps_absent: bool = False) -> None:
        self._connection = connection
        self._keeps_absent = keeps_absent
        self._ordinal = 0
        self._people: dict[_StagedRow, str] = {}
        self._person_count = 0
        self._paths: dict[tuple[str, ...], str] = {}
        self._path_count = 0
        self._pending_send: asyncio.Task[None] | None = None

    async def add(self, records: Iterable[BookRecord | Reject]) -> None:
        """Start to send the records, after the previous send. Return before the send ends, so the caller can read on.

        Of the rejects only those of a single value are sent: its field is not empty, but unknown.
        """
        dropped: list[_StagedRow] = []
        books: list[_StagedRow] = []
        links: list[_StagedRow] = []
        people: list[_StagedRow] = []
        paths: list[_StagedRow] = []
        for record in records:
            if isinstance(record, Reject):
                if record.dropped == "field":
                    dropped.append((record.row, record.field))
                continue
            self._ordinal += 1
            if self._keeps_absent:
                dropped += [(record.row, field) for field in record.absent]
            books.append(
                (
                    self._ordinal,
                    *_select_plain_fields(record),
                    *[None if value is None else str(value) for value in _select_decimal_fields(record)],
                )
            )
            links.append(
                (
                    self._ordinal,
                    ",".join([self._person_number(author, people) for author in record.authors]),
                    ",".join([self._path_number(names, paths) for names in record.categories]),
                )
            )
        await self._await_pending_send()
        self._pending_send = asyncio.create_task(self._send(books, links, people, paths, dropped))
        await asyncio.sleep(0)

    async def finish(self) -> None:
        """Wait for the pending send, then ANALYZE the staging tables."""
        await self._await_pending_send()
        await self._connection.execute(_ANALYZE_TABLES)

    async def close(self) -> None:
        """Cancel the pending send, if any."""
        if self._pending_send is not None:
            self._pending_send.cancel()
            await asyncio.gather(self._pending_send, return_exceptions=True)

    async def _await_pending_send(self) -> None:
        sending, self._pending_send = self._pending_send, None
        if sending is not None:
            await sending

    async def _send(
        self,
        books: list[_StagedRow],
        links: list[_StagedRow],
        people: list[_StagedRow],
        paths: list[_StagedRow],
        dropped: list[_StagedRow],
    ) -> None:
        for table, rows, columns in (
            ("stage_book", books, _BOOK_COLUMNS),
            ("stage_link", links, _LINK_COLUMNS),
            ("stage_person", people, _PERSON_COLUMNS),
            ("stage_path", paths, _PATH_COLUMNS),
            ("stage_dropped", dropped, _DROPPED_COLUMNS),
        ):
            if rows:
                await self._connection.copy_records_to_table(table, records=rows, columns=columns)

    def _person_number(self, author: AuthorRecord, people: list[_StagedRow]) -> str:
        fields = _select_person_fields(author)
        number = self._people.get(fields)
        if number is None:
            if len(self._people) >= MAX_CACHED_KEYS:
                self._people.clear()
            self._person_count += 1
            self._people[fields] = number = str(self._person_count)
            people.append((self._person_count, *fields))
        return number

    def _path_number(self, names: tuple[str, ...], paths: list[_StagedRow]) -> str:
        number = self._paths.get(names)
        if number is None:
            if len(self._paths) >= MAX_CACHED_KEYS:
                self._paths.clear()
            self._path_count += 1
            self._paths[names] = number = str(self._path_count)
            paths.append((self._path_count, names))
        return number
