"""What imports do to the times of books: a change moves the time of the last change, and nothing else does."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from db.importing import import_transaction
from db.importing.options import ImportOptions
from db.importing.records import AuthorRecord
from db.importing.undo import undo_import
from db.view_counts import ViewCounter
from tests.db.importing.feeds import Catalog, book

JANE, JOHN = AuthorRecord("Jane Doe", sort_name="Doe, Jane"), AuthorRecord("John Roe", sort_name="Roe, John")
TIMES = """
SELECT b.source_id, b.version, b.updated_at,
       (SELECT a.added_at FROM book_addition a WHERE a.first_id <= b.id ORDER BY a.first_id DESC LIMIT 1)
FROM book b
"""

Rows = dict[str, tuple[Any, Any, Any]]


async def times(catalog: Catalog) -> Rows:
    """Return the version, the time of the last change and that of the addition of each book, by its key."""
    await catalog.checksum()
    return {str(key): (version, updated, added) for key, version, updated, added in await catalog.rows(TIMES)}


def changed(before: Rows, after: Rows) -> set[str]:
    """Return the keys of the books whose times or versions differ. Assert that both moved, and that none went back."""
    moved = {key for key in before.keys() & after.keys() if before[key] != after[key]}
    for key in moved:
        (version, updated, added), (new_version, new_updated, new_added) = before[key], after[key]
        assert new_version > version
        assert new_updated > updated
        assert new_added == added
    return moved


@pytest.fixture(params=[True, False], ids=["rebuilt", "row by row"])
def bulk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function after which imports rebuild tables, or do not."""

    def choose() -> None:
        monkeypatch.setattr(import_transaction, "BULK_MIN_BOOKS", 0 if request.param else 10**9)

    return choose


@pytest.fixture
async def shop(catalog: Catalog, bulk: Callable[[], None]) -> Catalog:
    bulk()
    await catalog.import_records(
        *(
            book(key, f"Title {key}", price=Decimal(1), currency="EUR", authors=(JANE,), categories=(("A",),))
            for key in ("1", "2", "3")
        )
    )
    return catalog


async def test_books_of_one_import_have_one_time(shop: Catalog) -> None:
    rows = await times(shop)

    assert len({updated for _, updated, _ in rows.values()}) == 1
    assert len({added for _, _, added in rows.values()}) == 1
    assert await shop.rows("SELECT kind, code, books FROM catalog_code") == [("currency", "EUR", 3)]


async def test_an_import_that_changes_nothing_moves_no_time(shop: Catalog) -> None:
    before = await times(shop)

    await shop.import_records(
        *(
            book(key, f"Title {key}", price=Decimal(1), currency="EUR", authors=(JANE,), categories=(("A",),))
            for key in ("1", "2", "3")
        )
    )

    assert await times(shop) == before


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"price": Decimal(2), "currency": "EUR"}, ("price", "currency")),
        ({"stock": 7}, ("stock",)),
        ({"authors": (JOHN,)}, ("authors",)),
        ({"categories": (("A", "B"),)}, ("categories",)),
    ],
)
async def test_a_change_moves_the_time_of_its_book_alone(
    shop: Catalog, change: dict[str, object], fields: tuple[str, ...]
) -> None:
    before = await times(shop)

    await shop.import_records(book("2", None, **change), fields=("source_id", *fields))

    assert changed(before, await times(shop)) == {"2"}


async def test_new_books_come_after_all_others(shop: Catalog) -> None:
    before = await times(shop)

    await shop.import_records(*(book(str(number)) for number in range(4, 13)))

    after = await times(shop)
    assert changed(before, after) == set()
    assert min(added for key, (_, _, added) in after.items() if key not in before) > before["1"][2]  # type: ignore[operator]


async def test_an_undo_is_a_change_and_brings_a_deleted_book_back_with_its_addition(shop: Catalog) -> None:
    before = await times(shop)
    summary = await shop.import_records(
        book("1", "Other", price=Decimal(1), currency="EUR", authors=(JANE,), categories=(("A",),)),
        book("2", "Title 2", price=Decimal(1), currency="EUR", authors=(JANE,), categories=(("A",),)),
        options=ImportOptions(missing="delete", missing_limit=100),
    )
    without = await times(shop)

    await undo_import(shop.dsn, summary.number)

    after = await times(shop)
    assert without.keys() == {"1", "2"}
    assert changed(without, after) == {"1"}
    assert after["3"][2] == before["3"][2]
    assert after["3"][1] > before["3"][1]  # type: ignore[operator]


async def test_a_view_moves_no_time(shop: Catalog) -> None:
    before = await times(shop)
    counter = ViewCounter(shop.connection)
    [(first,)] = await shop.rows("SELECT min(id) FROM book")
    counter.pending.update({first: 2})  # type: ignore[dict-item]

    await counter.flush()

    assert await times(shop) == before


async def test_unpublishing_a_book_is_a_change(shop: Catalog) -> None:
    before = await times(shop)

    await shop.connection.execute("UPDATE book SET is_published = false WHERE source_id = '3'")

    assert changed(before, await times(shop)) == {"3"}


async def test_a_category_that_moves_changes_no_book(shop: Catalog) -> None:
    before = await times(shop)

    await shop.connection.execute("UPDATE category SET name = 'B'")

    assert await times(shop) == before
