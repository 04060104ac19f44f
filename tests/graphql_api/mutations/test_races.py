"""Mutations that meet in the middle of a transaction, or an import: no deadlock, no fault, a correct catalog."""

import asyncio
import itertools
import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from db.importing.importer import import_feed
from db.importing.readers import open_feed
from db.verify import run_checks
from tests.catalogs import add_author, add_book, add_category
from tests.graphql_api.mutations.conftest import Shop
from tests.graphql_api.mutations.test_transactions import ADD, ISBN, WAITING, wait_for_locks
from tests.waiting import until

DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"

MUTATIONS = {
    "create a book": """createBook(input: {title: "New", contributions: [{author: {slug: "jane"}}],
        categories: [{path: "art/modern"}], rating: {average: 4, count: 3}})""",
    "relink a book": f"""updateBook(by: {{isbn: "{ISBN}"}}, input: {{title: "Again", categories: [{{path: "craft"}}],
        contributions: [{{author: {{slug: "john"}}}}, {{author: {{slug: "jane"}}}}]}})""",
    "retitle a book": f'updateBook(by: {{isbn: "{ISBN}"}}, input: {{title: "Fresh", rating: {{average: 3, count: 30}}}})',
    "unpublish a book": f'updateBook(by: {{isbn: "{ISBN}"}}, input: {{isPublished: false}})',
    "update offers": f'updateOffers(offers: [{{by: {{isbn: "{ISBN}"}}, stock: 5}}])',
    "adjust a stock": f'adjustStock(by: {{isbn: "{ISBN}"}}, delta: 1)',
    "delete a book": f'deleteBook(by: {{isbn: "{ISBN}"}})',
    "create an author": 'createAuthor(input: {name: "Ann"})',
    "rename an author": 'updateAuthor(by: {slug: "jane"}, input: {name: "Janet"})',
    "merge authors": 'mergeAuthors(into: {slug: "john"}, from: {slug: "jane"})',
    "merge them back": 'mergeAuthors(into: {slug: "jane"}, from: {slug: "john"})',
    "merge a lone author": 'mergeAuthors(into: {slug: "jane"}, from: {slug: "lone"})',
    "delete a lone author": 'deleteAuthor(by: {slug: "lone"})',
    "use what is alone": """createBook(input: {title: "Both", contributions: [{author: {slug: "lone"}}],
        categories: [{path: "lonely"}]})""",
    "create a category": 'createCategory(input: {name: "Glass", parent: {path: "art/modern"}})',
    "create a category in a lonely one": 'createCategory(input: {name: "Glass", parent: {path: "lonely"}})',
    "rename a category": 'updateCategory(by: {path: "art"}, input: {name: "Kunst"})',
    "move a category": 'moveCategory(by: {path: "art/modern"}, parent: {path: "craft"})',
    "move it into a cycle": 'moveCategory(by: {path: "craft"}, parent: {path: "art/modern"})',
    "move one to a lonely one": 'moveCategory(by: {path: "craft"}, parent: {path: "lonely"})',
    "delete a lonely category": 'deleteCategory(by: {path: "lonely"})',
    "upsert books": f"""upsertBooks(source: "shop", books: [
        {{isbn: "{ISBN}", title: "Emma", authors: "Jane; Lone", categories: "Art > Modern; Lonely"}},
        {{sourceId: "2", title: "Two", authors: "Janet", categories: "Kunst > Modern"}}])""",
}

LOCK_ONE_BOOK = ("retitle", "update offers", "adjust", "upsert")
"""How the names of mutations begin that add and remove nothing, or lock the whole catalog."""

RACES = [
    ("rename an author", "retitle a book"),
    ("rename an author", "rename a category"),
    ("move a category", "rename an author"),
    ("merge authors", "merge them back"),
    ("delete a lone author", "merge a lone author"),
    ("delete a lone author", "use what is alone"),
    ("delete a lonely category", "create a category in a lonely one"),
    ("delete a lonely category", "move one to a lonely one"),
    ("move a category", "move it into a cycle"),
    ("rename a category", "create a category"),
    ("delete a book", "upsert books"),
    ("upsert books", "relink a book"),
]
"""Pairs that have gone wrong or are close to it. `make fuzz` takes all pairs."""

# The first transaction with this trigger stops before its commit until the lock 2 is free.
STOP_FIRST_COMMIT = """
CREATE FUNCTION stop_first_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_try_advisory_xact_lock(1) THEN
        PERFORM pg_advisory_xact_lock(2);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER stop_first_commit AFTER INSERT ON audit_entry DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION stop_first_commit()
"""


@asynccontextmanager
async def hold(shop: Shop, statement: str) -> AsyncGenerator[asyncpg.Connection]:
    """Run a statement in a transaction that is rolled back at the end. Yield a connection to observe from."""
    observer = await asyncpg.connect(shop.app.endpoint.cluster.primary.dsn)
    blocker = shop.connection.transaction()
    await blocker.start()
    await shop.connection.execute(statement)
    yield observer
    await blocker.rollback()
    await observer.close()


async def fill_catalog(connection: asyncpg.Connection) -> None:
    jane, john, _ = [await add_author(connection, name) for name in ("Jane", "John", "Lone")]
    art, _, _ = [await add_category(connection, name) for name in ("Art", "Craft", "Lonely")]
    modern = await add_category(connection, "Modern", art)
    await add_book(
        connection,
        "Emma",
        isbn=ISBN,
        stock=1,
        authors=[jane],
        categories=[art],
        rating_average=4,
        rating_count=10,
    )
    await add_book(connection, "Other", authors=[john, (jane, "EDITOR")], categories=[modern])


async def assert_correct(shop: Shop) -> None:
    assert [(each.name, each.examples) for each in await run_checks(shop.connection) if each.count] == []
    assert await shop.rows(DEADLOCKS) == [(0,)]


@pytest.mark.parametrize(
    ("first", "second"),
    list(itertools.product(MUTATIONS, MUTATIONS)) if "FUZZ_EXAMPLES" in os.environ else RACES,
)
async def test_a_mutation_that_begins_before_the_commit_of_another_one_is_correct(
    shop: Shop, first: str, second: str
) -> None:
    await fill_catalog(shop.connection)
    await shop.connection.execute(STOP_FIRST_COMMIT)

    def start(name: str) -> asyncio.Task[Any]:
        return asyncio.create_task(shop.post(f"mutation {{ {MUTATIONS[name]} {{ errors {{ code }} }} }}"))

    async with hold(shop, "SELECT pg_advisory_xact_lock(2)") as observer:

        async def is_done_or_waits(task: asyncio.Task[Any], waiting: int) -> bool:
            return task.done() or await observer.fetchval(WAITING) == waiting

        one = start(first)
        await until(lambda: is_done_or_waits(one, 1))
        two = start(second)
        await until(lambda: is_done_or_waits(two, 1 if one.done() else 2))
    answers = [await one, await two]

    assert [(answer.status_code, "errors" in answer.json()) for answer in answers] == [(200, False)] * 2
    await assert_correct(shop)


@pytest.mark.parametrize("name", [name for name in MUTATIONS if not name.startswith(LOCK_ONE_BOOK)])
async def test_the_counters_are_locked_before_anything_else(shop: Shop, name: str) -> None:
    await fill_catalog(shop.connection)

    await shop.post(f"mutation {{ {MUTATIONS[name]} {{ errors {{ code }} }} }}")

    locking = [each for each in shop.statements if not each.startswith("referenced_")]
    assert locking[0] == "lock_counters"


async def test_a_mutation_that_comes_while_an_upsert_waits_does_not_deadlock(shop: Shop) -> None:
    await fill_catalog(shop.connection)
    upsert = f"""mutation {{
      upsertBooks(source: "shop", books: [{{isbn: "{ISBN}", title: "Emma", stock: 5}}]) {{ errors {{ message }} }}
    }}"""

    async with hold(shop, "UPDATE book SET stock = 9 WHERE title = 'Other'") as observer:
        upserting = asyncio.create_task(shop.run(upsert))
        await wait_for_locks(observer, 1)
        adding = asyncio.create_task(shop.run(ADD))
        await wait_for_locks(observer, 2)

    assert await upserting == {"upsertBooks": {"errors": []}}
    assert await adding == {"adjustStock": {"book": {"stock": 6}, "errors": []}}
    await assert_correct(shop)


async def test_an_import_waits_for_the_end_of_an_upsert(shop: Shop, tmp_path: Path) -> None:
    await fill_catalog(shop.connection)
    await shop.connection.execute(STOP_FIRST_COMMIT)
    file = tmp_path / "books.jsonl"
    file.write_text(json.dumps({"source_id": "1", "title": "Imported"}))
    feed = await open_feed("jsonl", [file], source="feed")

    async with hold(shop, "SELECT pg_advisory_xact_lock(2)") as observer:
        upserting = asyncio.create_task(
            shop.run(f"mutation {{ {MUTATIONS['upsert books']} {{ errors {{ code }} }} }}")
        )
        await wait_for_locks(observer, 1)
        importing = asyncio.create_task(
            import_feed(shop.app.endpoint.cluster.primary.dsn, feed, rejects=tmp_path / "rejects.csv")
        )
        await wait_for_locks(observer, 2)

    assert await upserting == {"upsertBooks": {"errors": []}}
    assert (await importing).plan.counts.new == 1
    await assert_correct(shop)


async def test_imports_and_mutations_wait_for_each_other_and_all_end(shop: Shop, tmp_path: Path) -> None:
    await fill_catalog(shop.connection)
    dsn = shop.app.endpoint.cluster.primary.dsn
    file = tmp_path / "books.jsonl"
    imported = 0

    async def import_books() -> None:
        nonlocal imported
        for number in range(4):
            rows = [
                {
                    "source_id": "0",
                    "isbn": ISBN,
                    "title": f"Emma {number}",
                    "authors": "Jane",
                    "categories": "Art",
                }
            ]
            rows += [
                {"source_id": str(row), "title": f"{row} {number}", "authors": "Ann"} for row in range(1, 20)
            ]
            file.write_text("\n".join(json.dumps(row) for row in rows))
            await import_feed(
                dsn, await open_feed("jsonl", [file], source="feed"), rejects=tmp_path / "rejects.csv"
            )
            imported += 1

    async def adjust_stocks() -> int:
        sent = 0
        while imported < 4:
            assert (await shop.run(ADD))["adjustStock"]["errors"] == []
            sent += 1
        return sent

    async with asyncio.TaskGroup() as group:
        group.create_task(import_books())
        adding = [group.create_task(adjust_stocks()) for _ in range(3)]

    assert await shop.rows("SELECT stock FROM book WHERE isbn = $1", ISBN) == [
        (1 + sum(each.result() for each in adding),)
    ]
    await assert_correct(shop)
