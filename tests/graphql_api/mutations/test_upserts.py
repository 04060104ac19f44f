"""upsertBooks: outcomes by row, and the rules of the import."""

from decimal import Decimal
from typing import Any

import pytest

from db.importing.import_transaction import TRY_IMPORT_LOCK
from db.verify import run_checks
from tests.catalogs import add_author, add_book
from tests.graphql_api.mutations.conftest import Shop

ISBN, OTHER_ISBN = "9780306406157", "9780261102217"

UPSERT = """
mutation ($source: String!, $books: [BookRecordInput!]!, $onError: OnError!, $dryRun: Boolean!) {
  upsertBooks(source: $source, books: $books, onError: $onError, dryRun: $dryRun) {
    results { outcome book { title } errors { path code message } }
    errors { path code }
  }
}
"""

EMMA = {
    "isbn": "0-306-40615-2",
    "title": "Emma",
    "series": "Highbury, #1",
    "price": "7,90 €",
    "stock": 3,
    "authors": "Austen, Jane",
    "categories": "Fiction > Novels; Classics",
    "published": "1815-12-23",
    "pages": 474,
    "format": "Taschenbuch",
    "ratingAverage": 4.25,
    "ratingCount": 10,
}


async def upsert(
    shop: Shop,
    *books: dict[str, Any],
    source: str = "shop",
    on_error: str = "REJECT_ALL",
    dry_run: bool = False,
) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the outcomes and the errors."""
    done = await shop.run(UPSERT, source=source, books=books, onError=on_error, dryRun=dry_run)
    results = done["upsertBooks"]
    return [row["outcome"] for row in results["results"]], results["errors"]


async def test_records_are_created_then_unchanged_then_updated(shop: Shop) -> None:
    created = await upsert(shop, EMMA, {"sourceId": "a-1", "title": "Atlas"})
    unchanged = await upsert(shop, EMMA, {"sourceId": "a-1"})
    updated = await upsert(shop, {"isbn": ISBN, "price": "8.90 EUR"}, {"sourceId": "a-1", "stock": 5})

    assert (created, unchanged, updated) == (
        (["CREATED", "CREATED"], []),
        (["UNCHANGED", "UNCHANGED"], []),
        (["UPDATED", "UPDATED"], []),
    )
    assert await shop.rows(
        "SELECT source, source_id, isbn, title, price, currency, stock, page_count, format, rating_average FROM book"
        " ORDER BY id"
    ) == [
        (
            "shop", ISBN, ISBN, "Emma", Decimal("8.90"), "EUR", 3, 474, "PAPERBACK", Decimal("4.25"),
        ),
        ("shop", "a-1", None, "Atlas", None, None, 5, None, None, None),
    ]  # fmt: skip
    assert await shop.rows("SELECT path, book_count FROM category ORDER BY path") == [
        ("classics", 1),
        ("fiction", 1),
        ("fiction/novels", 1),
    ]
    assert await shop.rows("SELECT count(*) FROM import") == [(0,)]
    assert [finding for finding in await run_checks(shop.connection) if finding.count] == []


async def test_null_empties_and_what_is_not_given_stays(shop: Shop) -> None:
    await upsert(shop, EMMA)

    outcomes = await upsert(shop, {"isbn": ISBN, "authors": None, "price": ""})

    assert outcomes == (["UPDATED"], [])
    assert await shop.rows("SELECT price, stock, page_count FROM book") == [(None, 3, 474)]
    assert await shop.rows("SELECT count(*) FROM book_author") == [(0,)]
    assert await shop.rows("SELECT count(*) FROM book_category") == [(2,)]


WRONG = [
    {"isbn": ISBN, "title": "Good"},
    {"isbn": "0306406152", "title": "The same book"},
    {"isbn": "123", "title": "No ISBN"},
    {"sourceId": "x", "title": "Price", "price": "1,800", "currency": "EUR"},
    {"title": "Nothing identifies it"},
    {"sourceId": "y"},
]
WRONG_PATHS = [
    (["books", "1", "isbn"], "DUPLICATE"),
    (["books", "2", "isbn"], "INVALID"),
    (["books", "3", "price"], "INVALID"),
    (["books", "4", "sourceId"], "INVALID"),
    (["books", "5", "title"], "INVALID"),
]


async def test_each_wrong_record_is_told_and_nothing_written(shop: Shop) -> None:
    outcomes, errors = await upsert(shop, *WRONG)

    assert outcomes == []
    assert sorted((error["path"], error["code"]) for error in errors) == WRONG_PATHS
    assert await shop.rows("SELECT count(*) FROM book") == [(0,)]
    assert await shop.rows("SELECT count(*) FROM audit_entry") == [(0,)]


async def test_wrong_records_are_skipped_on_request(shop: Shop) -> None:
    outcomes, errors = await upsert(shop, *WRONG, on_error="SKIP_ROW")
    done = await shop.run(UPSERT, source="shop", books=WRONG[:2], onError="SKIP_ROW", dryRun=False)

    assert outcomes == ["CREATED", *["REJECTED"] * 5]
    assert sorted((error["path"], error["code"]) for error in errors) == WRONG_PATHS
    assert done["upsertBooks"]["results"][1]["errors"][0]["message"] == f"'{ISBN}': is already in books[0]"
    assert await shop.rows("SELECT title FROM book") == [("Good",)]


async def test_a_dry_run_writes_nothing(shop: Shop) -> None:
    outcomes = await upsert(shop, EMMA, dry_run=True)

    assert outcomes == (["CREATED"], [])
    for table in ("book", "author", "category", "audit_entry", "import"):
        assert await shop.rows(f"SELECT count(*) FROM {table}") == [(0,)]


async def test_records_set_fields_of_other_sources_and_of_editors(shop: Shop) -> None:
    author = await add_author(shop.connection, "Jane")
    await add_book(shop.connection, "Emma", isbn=ISBN, stock=1, authors=[author])
    await shop.connection.execute("UPDATE book SET stock = 2")

    outcomes = await upsert(shop, {"isbn": ISBN, "stock": 9, "price": "5 EUR"})

    assert outcomes == (["UPDATED"], [])
    assert await shop.rows("SELECT source, title, stock, price FROM book") == [
        ("test", "Emma", 9, Decimal(5))
    ]
    assert await shop.rows("SELECT field, owner FROM book_field WHERE field <> 'authors' ORDER BY field") == [
        ("price", "shop"),
        ("stock", "shop"),
    ]


async def test_several_upserts_and_other_steps_share_a_transaction(shop: Shop) -> None:
    done = await shop.run(
        """mutation {
          a: upsertBooks(source: "shop", books: [{isbn: "9780306406157", title: "Emma"}]) { results { outcome } }
          b: adjustStock(by: {isbn: "9780306406157"}, delta: 2) { book { stock } }
          c: upsertBooks(source: "shop", books: [{isbn: "9780306406157", stock: 2}]) { results { outcome } }
        }"""
    )

    assert done == {
        "a": {"results": [{"outcome": "CREATED"}]},
        "b": {"book": {"stock": 2}},
        "c": {"results": [{"outcome": "UNCHANGED"}]},
    }
    assert await shop.rows("SELECT field, edited_at IS NOT NULL FROM book_field") == []


async def test_upserts_wait_for_no_import(shop: Shop) -> None:
    running = shop.connection.transaction()
    await running.start()
    await shop.connection.fetchval(TRY_IMPORT_LOCK)

    refused = await shop.post(UPSERT, source="shop", books=[EMMA], onError="SKIP_ROW", dryRun=False)
    await running.rollback()
    done = await upsert(shop, EMMA)

    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (
        503,
        "SERVICE_UNAVAILABLE",
    )
    assert done == (["CREATED"], [])


@pytest.mark.parametrize("source", ["", " x", "name", "editor", "a\x01", "x" * 201])
async def test_a_reserved_source_is_refused(shop: Shop, source: str) -> None:
    outcomes, errors = await upsert(shop, EMMA, source=source)

    assert (outcomes, errors) == ([], [{"path": ["source"], "code": "INVALID"}])


async def test_a_record_leaves_a_book_off_sale_that_an_editor_unpublished(shop: Shop) -> None:
    await upsert(shop, EMMA)
    await shop.connection.execute("UPDATE book SET is_published = false")

    outcomes = await upsert(shop, {"isbn": ISBN, "stock": 8})

    assert outcomes == (["UPDATED"], [])
    assert await shop.rows("SELECT is_published, stock FROM book") == [(False, 8)]


async def test_too_many_records_are_told_also_in_a_wide_selection(shop: Shop) -> None:
    books = [{"isbn": ISBN}] * 1_000 + [{"isbn": ISBN}]

    response = await shop.post(UPSERT, source="shop", books=books, onError="SKIP_ROW", dryRun=True)

    assert response.json()["errors"][0]["message"] == (
        "books has 1,001 records; at most 1,000 are allowed: send several calls."
    )


async def test_a_feed_that_names_a_merged_or_renamed_author_as_before_adds_nobody(shop: Shop) -> None:
    await upsert(shop, {"sourceId": "1", "title": "Emma", "authors": "Jane Austen"})
    await upsert(shop, {"sourceId": "2", "title": "Persuasion", "authors": "J. Austen; Jon Roe"})
    await shop.run(
        """mutation {
          mergeAuthors(into: {slug: "jane-austen"}, from: {slug: "j-austen"}) { errors { code } }
          updateAuthor(by: {slug: "jon-roe"}, input: {name: "John Roe"}) { errors { code } }
        }"""
    )

    outcomes = await upsert(
        shop,
        {"sourceId": "2", "authors": "J. Austen; Jon Roe"},
        {"sourceId": "3", "title": "Sanditon", "authors": "J. Austen; Jon Roe"},
    )

    assert outcomes == (["UNCHANGED", "CREATED"], [])
    assert await shop.rows("SELECT name, book_count FROM author ORDER BY name") == [
        ("Jane Austen", 3),
        ("John Roe", 2),
    ]
    assert [finding for finding in await run_checks(shop.connection) if finding.count] == []
