"""Temporary tables on the importing connection, filled with a delivery by binary COPY as it is read."""

import asyncio
from collections.abc import Iterable
from operator import attrgetter

import asyncpg

from db.importing.records import AuthorRecord, BookRecord

REMEMBERED = 100_000

# asyncpg takes five times as long to encode a number or an array in binary as to send its text; `people` and
# `paths` are numbers of stage_person and stage_path, separated by commas.
CREATE_TABLES = """
/* create_staging */
CREATE TEMPORARY TABLE stage_book (
    ordinal integer PRIMARY KEY,
    row bigint NOT NULL,
    source_id text NOT NULL,
    isbn text COLLATE "C",
    title text NOT NULL,
    subtitle text,
    description text,
    language text COLLATE "C",
    published_year integer,
    published_on date,
    page_count integer,
    price_text text,
    price numeric GENERATED ALWAYS AS (price_text::numeric) STORED,
    currency text COLLATE "C",
    stock integer NOT NULL,
    cover_url text,
    rating_text text,
    rating_average numeric(3, 2) GENERATED ALWAYS AS (rating_text::numeric) STORED,
    rating_count integer NOT NULL
) ON COMMIT DROP;
CREATE TEMPORARY TABLE stage_link (
    ordinal integer NOT NULL,
    people text NOT NULL,
    paths text NOT NULL
) ON COMMIT DROP;
CREATE TEMPORARY TABLE stage_person (
    person integer NOT NULL,
    name text NOT NULL,
    role text COLLATE "C" NOT NULL,
    source_id text,
    sort_name text,
    birth_year integer,
    death_year integer
) ON COMMIT DROP;
CREATE TEMPORARY TABLE stage_path (
    path integer NOT NULL,
    names text[] NOT NULL
) ON COMMIT DROP;
"""

ANALYZE_TABLES = """
/* analyze_staging */
ANALYZE stage_book, stage_link, stage_person, stage_path
"""

FIELDS = (
    "row", "source_id", "isbn", "title", "subtitle", "description", "language", "published_year", "published_on",
    "page_count", "currency", "stock", "cover_url", "rating_count",
)  # fmt: skip
BOOK_COLUMNS = ("ordinal", "price_text", "rating_text", *FIELDS)
LINK_COLUMNS = ("ordinal", "people", "paths")
PERSON_FIELDS = ("name", "role", "source_id", "sort_name", "birth_year", "death_year")
PERSON_COLUMNS = ("person", *PERSON_FIELDS)
PATH_COLUMNS = ("path", "names")

fields_of = attrgetter(*FIELDS)
person_of = attrgetter(*PERSON_FIELDS)

Row = tuple[object, ...]


class Staging:
    """The staged delivery: books, and apart from them the numbers of their people and category paths.

    A person or a path is sent once and then named by its number, for as long as it is among those
    remembered; what is forgotten and met again is sent again, under another number.
    """

    __slots__ = ("_connection", "_ordinal", "_path_count", "_paths", "_people", "_person_count", "_sending")

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._ordinal = 0
        self._people: dict[Row, str] = {}
        self._person_count = 0
        self._paths: dict[tuple[str, ...], str] = {}
        self._path_count = 0
        self._sending: asyncio.Task[None] | None = None

    async def create(self) -> None:
        await self._connection.execute(CREATE_TABLES)

    async def add(self, records: Iterable[BookRecord]) -> None:
        """Send the records; the server takes them in while the caller reads the next ones."""
        books: list[Row] = []
        links: list[Row] = []
        people: list[Row] = []
        paths: list[Row] = []
        for record in records:
            self._ordinal += 1
            books.append(
                (
                    self._ordinal,
                    None if record.price is None else str(record.price),
                    None if record.rating_average is None else str(record.rating_average),
                    *fields_of(record),
                )
            )
            links.append(
                (
                    self._ordinal,
                    ",".join([self._person(author, people) for author in record.authors]),
                    ",".join([self._path(names, paths) for names in record.categories]),
                )
            )
        await self._sent()
        self._sending = asyncio.create_task(self._send(books, links, people, paths))
        await asyncio.sleep(0)

    async def finish(self) -> None:
        """Wait for what is on its way, and let the planner know the tables."""
        await self._sent()
        await self._connection.execute(ANALYZE_TABLES)

    async def close(self) -> None:
        """Leave nothing running, whatever has happened."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)

    async def _sent(self) -> None:
        sending, self._sending = self._sending, None
        if sending is not None:
            await sending

    async def _send(self, books: list[Row], links: list[Row], people: list[Row], paths: list[Row]) -> None:
        for table, rows, columns in (
            ("stage_book", books, BOOK_COLUMNS),
            ("stage_link", links, LINK_COLUMNS),
            ("stage_person", people, PERSON_COLUMNS),
            ("stage_path", paths, PATH_COLUMNS),
        ):
            if rows:
                await self._connection.copy_records_to_table(table, records=rows, columns=columns)

    def _person(self, author: AuthorRecord, people: list[Row]) -> str:
        fields = person_of(author)
        number = self._people.get(fields)
        if number is None:
            if len(self._people) >= REMEMBERED:
                self._people.clear()
            self._person_count += 1
            self._people[fields] = number = str(self._person_count)
            people.append((self._person_count, *fields))
        return number

    def _path(self, names: tuple[str, ...], paths: list[Row]) -> str:
        number = self._paths.get(names)
        if number is None:
            if len(self._paths) >= REMEMBERED:
                self._paths.clear()
            self._path_count += 1
            self._paths[names] = number = str(self._path_count)
            paths.append((self._path_count, names))
        return number
