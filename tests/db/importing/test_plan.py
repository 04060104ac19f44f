"""The plan of an import, its approval, and books that the feed no longer has."""

from collections.abc import Coroutine
from decimal import Decimal
from pathlib import Path

import pytest

from db.errors import CatalogImportError
from db.importing import import_transaction
from db.importing.importer import import_feed
from db.importing.options import ImportOptions
from db.importing.plan import Example, FieldChange, Plan
from db.importing.records import AuthorRecord, BookRecord
from db.importing.summary import Summary
from tests.db.importing.feeds import Catalog, book, feed

BOOKS = [
    book(
        str(n),
        f"Title {n}",
        price=Decimal(n),
        currency="EUR",
        authors=(AuthorRecord(f"Name {n % 7}"),),
        categories=(("A", f"B {n}"),),
    )
    for n in range(1, 21)
]
DELETES = ImportOptions(missing="delete", missing_limit=30)


def repriced(count: int) -> list[BookRecord]:
    return [book(str(n), f"Title {n}", price=Decimal(99), currency="EUR") for n in range(1, count + 1)]


async def test_a_plan_counts_changes_by_field_with_examples(catalog: Catalog) -> None:
    await catalog.import_records(*BOOKS)

    summary = await catalog.import_records(
        *repriced(4), book("5", "Titel", authors=(AuthorRecord("Ann"),)), book("new"), source="shop"
    )

    assert summary.plan.changes == (
        FieldChange("title", 1, (Example(5, "shop/5", "Title 5", "Title 5", "Titel"),)),
        FieldChange(
            "price",
            4,
            tuple(Example(n, f"shop/{n}", f"Title {n}", f"{n} EUR", "99 EUR") for n in (1, 2, 3)),
        ),
        FieldChange("authors", 1),
    )
    assert summary.plan.new_examples == (Example(6, "new", "A title", "", ""),)
    assert [example.key for example in summary.plan.missing_examples] == ["shop/6", "shop/7", "shop/8"]
    assert (summary.changed, summary.missing_from_feed, summary.plan.deleted) == (5, 15, 0)


async def test_only_a_large_change_needs_approval_and_a_refusal_writes_nothing(catalog: Catalog) -> None:
    asked: list[int] = []

    def refuse(plan: Plan) -> bool:
        asked.append(plan.counts.changed)
        return False

    def imported(count: int, *, dry_run: bool = False) -> Coroutine[None, None, Summary]:
        return import_feed(
            catalog.dsn, feed(repriced(count)), rejects=catalog.rejects, approve=refuse, dry_run=dry_run
        )

    await import_feed(catalog.dsn, feed(BOOKS), rejects=catalog.rejects, approve=refuse)
    small = await imported(10)
    dry = await imported(20, dry_run=True)
    before = await catalog.checksum()
    asked_before = list(asked)
    await catalog.import_records(*BOOKS)
    with pytest.raises(CatalogImportError, match=r"were not approved\. Nothing was written\."):
        await imported(11)

    assert (small.changed, dry.changed, dry.plan.is_large) == (10, 10, False)
    assert (asked_before, asked) == ([], [11])
    assert before != await catalog.checksum()
    assert await catalog.rows("SELECT count(*) FROM book WHERE price = 99") == [(0,)]


@pytest.mark.parametrize("rebuild_at", [0, 10**9], ids=["rebuilt", "row by row"])
async def test_missing_books_are_listed_and_deleted_with_what_only_they_had(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, rebuild_at: int
) -> None:
    monkeypatch.setattr(import_transaction, "BULK_MIN_BOOKS", rebuild_at)
    await catalog.import_records(*BOOKS)
    await catalog.import_records(book("x"), source="other")
    await catalog.connection.execute(
        "INSERT INTO book_view (book_id, viewed_on, views) SELECT id, '2026-01-01', 1 FROM book"
    )

    summary = await catalog.import_records(*BOOKS[:14], options=DELETES)

    assert (summary.plan.deleted, summary.missing_from_feed) == (6, 6)
    assert summary.merged.removed_categories == 6
    assert not summary.changed_nothing
    assert await catalog.rows("SELECT source, count(*) FROM book GROUP BY source ORDER BY source") == [
        ("other", 1),
        ("shop", 14),
    ]
    listed = catalog.rejects.with_name("shop.missing.csv").read_text(encoding="utf-8").splitlines()
    assert listed == ["source_id,isbn,title", *(f"{n},,Title {n}" for n in range(15, 21))]
    await catalog.checksum()
    again = await catalog.import_records(*BOOKS[:14], options=DELETES)
    assert again.changed_nothing


async def test_more_missing_books_than_the_limit_are_refused(catalog: Catalog) -> None:
    await catalog.import_records(*BOOKS)
    before = await catalog.checksum()

    with pytest.raises(
        CatalogImportError,
        match=r"7 of the 20 books of shop are not in this import \(35\.0%\), and at most 30% may be deleted\. "
        "Nothing was written; see that the file is complete, or raise --missing-limit",
    ):
        await catalog.import_records(*BOOKS[:13], options=DELETES)

    assert await catalog.checksum() == before
    assert not catalog.rejects.with_name("shop.missing.csv").exists()


async def test_a_list_that_cannot_be_written_stops_the_deletion(catalog: Catalog, tmp_path: Path) -> None:
    await catalog.import_records(*BOOKS)
    (tmp_path / "mine.csv").write_text("precious\n")

    async def delete(path: Path) -> None:
        await import_feed(
            catalog.dsn, feed(BOOKS[:15]), rejects=catalog.rejects, missing=path, options=DELETES
        )

    with pytest.raises(CatalogImportError, match=r"mine\.csv exists and is not a list of missing books"):
        await delete(tmp_path / "mine.csv")
    with pytest.raises(
        CatalogImportError, match=r"cannot be written: No such file or directory\. Nothing was"
    ):
        await delete(tmp_path / "nowhere" / "missing.csv")

    assert (tmp_path / "mine.csv").read_text() == "precious\n"
    assert await catalog.rows("SELECT count(*) FROM book") == [(20,)]
