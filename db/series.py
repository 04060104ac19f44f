"""Series of books: their record and every read of them."""

from collections.abc import Sequence

from db.database import Database
from db.records import CatalogRecord, Columns, align_to_keys, all_columns
from db.statements import ReadStatement, StatementTemplate


class Series(CatalogRecord):
    """A series, which at least one book is in, published or not. `slug` is its folded name."""

    __slots__ = ()

    type_name = "Series"

    id: int
    slug: str
    name: str


class SeriesOfBook(Series):
    """A series with the id of a book that is in it, and the position of the book."""

    __slots__ = ()

    book_id: int
    position: str | None

    @property
    def series(self) -> Series:
        return self


COLUMNS = all_columns(Series)


_SERIES_BY_IDS = StatementTemplate(
    "series_by_ids",
    """
SELECT {columns}
FROM series AS t
WHERE t.id = ANY ($1::bigint[]) AND EXISTS (SELECT FROM book AS b WHERE b.series_id = t.id AND b.is_published)
""",
)

_ANY_SERIES_BY_IDS = StatementTemplate(
    "any_series_by_ids",
    """
SELECT {columns}
FROM series AS t
WHERE t.id = ANY ($1::bigint[])
""",
)


async def series_by_ids(
    database: Database, ids: Sequence[int], *, unpublished: bool = False, columns: Columns[Series] = COLUMNS
) -> list[Series | None]:
    """Return the series of each id that has a published book, or None; with `unpublished`, any series."""
    template = _ANY_SERIES_BY_IDS if unpublished else _SERIES_BY_IDS
    found = await database.fetch(*columns.render_for_keys(template, ids), record_class=columns.record_class)
    return align_to_keys(ids, {each["id"]: each for each in found})


_SERIES_BY_SLUGS = StatementTemplate(
    "series_by_slugs",
    """
SELECT {columns}
FROM series AS t
WHERE t.slug = ANY ($1::text[]) AND EXISTS (SELECT FROM book AS b WHERE b.series_id = t.id AND b.is_published)
""",
)

_ANY_SERIES_BY_SLUGS = StatementTemplate(
    "any_series_by_slugs",
    """
SELECT {columns}
FROM series AS t
WHERE t.slug = ANY ($1::text[])
""",
)


async def series_by_slugs(
    database: Database, slugs: Sequence[str], *, unpublished: bool = False, columns: Columns[Series] = COLUMNS
) -> list[Series | None]:
    """Return the series of each slug that has a published book, or None; with `unpublished`, any series."""
    selection = columns.with_column("slug")
    template = _ANY_SERIES_BY_SLUGS if unpublished else _SERIES_BY_SLUGS
    found = await database.fetch(
        *selection.render_for_keys(template, slugs), record_class=selection.record_class
    )
    return align_to_keys(slugs, {each["slug"]: each for each in found})


_SERIES_BY_BOOK_IDS = StatementTemplate(
    "series_by_book_ids",
    """
SELECT {columns}, b.id AS book_id, b.series_position AS position
FROM book AS b
JOIN series AS t ON t.id = b.series_id
WHERE b.id = ANY ($1::bigint[])
""",
)


async def series_by_book_ids(
    database: Database, book_ids: Sequence[int], *, columns: Columns[Series] = COLUMNS
) -> list[SeriesOfBook | None]:
    """Return the series of each book with the position of the book, or None."""
    found = await database.fetch(columns.render(_SERIES_BY_BOOK_IDS), book_ids, record_class=SeriesOfBook)
    return align_to_keys(book_ids, {each["book_id"]: each for each in found})


_BOOK_COUNTS_BY_SERIES_IDS = ReadStatement(
    "book_counts_by_series_ids",
    """
SELECT series_id, count(*) AS books
FROM book
WHERE series_id = ANY ($1::bigint[]) AND is_published
GROUP BY series_id
""",
)


async def book_counts_by_series_ids(database: Database, series_ids: Sequence[int]) -> list[int]:
    """Return the number of published books of each series."""
    rows = await database.fetch(_BOOK_COUNTS_BY_SERIES_IDS, series_ids)
    counts: dict[int, int] = {row["series_id"]: row["books"] for row in rows}
    return [counts.get(series_id, 0) for series_id in series_ids]
