"""What a request that writes does as a whole: idempotency keys, versions, races and failures."""

import asyncio
from typing import Any

import asyncpg
import pytest

from db.connections.write_session import WriteSession
from db.statements import WriteStatement
from db.verify import run_checks
from db.writes.answers import delete_old_answers
from graphql_api.execution.executor import operation_counts
from tests.catalogs import add_author, add_book, add_category
from tests.graphql_api.mutations.conftest import Shop
from tests.waiting import until

ISBN = "9780306406157"
ADD = 'mutation { adjustStock(by: {isbn: "9780306406157"}, delta: 1) { book { stock } errors { code message } } }'
TAKE = ADD.replace("delta: 1", "delta: -1")
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


async def wait_for_locks(connection: asyncpg.Connection, number: int) -> None:
    """Wait until as many sessions wait for a lock."""

    async def are_waiting() -> bool:
        return await connection.fetchval(WAITING) == number

    await until(are_waiting)


async def test_a_repeated_request_gets_the_first_answer_byte_by_byte(shop: Shop) -> None:
    await add_book(shop.connection, "Emma", isbn=ISBN, stock=1)

    first = await shop.post(ADD, key="k-1")
    await shop.run(ADD)
    repeated = await shop.post(ADD, key='"k-1"')
    other = await shop.post(TAKE, key="k-1")
    new = await shop.post(ADD, key="k-2")

    assert first.json()["data"]["adjustStock"]["book"] == {"stock": 2}
    assert (repeated.content, repeated.headers["idempotent-replayed"]) == (first.content, "true")
    assert (other.status_code, other.json()["errors"][0]["extensions"]["code"]) == (
        422,
        "IDEMPOTENCY_KEY_REUSED",
    )
    assert new.json()["data"]["adjustStock"]["book"] == {"stock": 4}
    assert await shop.rows("SELECT stock FROM book") == [(4,)]


async def test_errors_of_the_first_request_are_repeated_too(shop: Shop) -> None:
    first = await shop.post(ADD, key="k")
    await add_book(shop.connection, "Emma", isbn=ISBN, stock=1)
    repeated = await shop.post(ADD, key="k")

    assert first.json()["data"]["adjustStock"]["errors"][0]["code"] == "NOT_FOUND"
    assert repeated.content == first.content


async def test_a_request_repeated_while_the_first_one_runs_waits_for_its_answer(shop: Shop) -> None:
    await add_book(shop.connection, "Emma", isbn=ISBN, stock=1)
    blocker = shop.connection.transaction()
    await blocker.start()
    await shop.connection.execute("SELECT FROM book FOR UPDATE")

    async with asyncio.TaskGroup() as group:
        first = group.create_task(shop.post(ADD, key="k"))
        observer = await asyncpg.connect(dsn=shop.app.endpoint.cluster.primary.dsn)
        await wait_for_locks(observer, 1)
        second = group.create_task(shop.post(ADD, key="k"))
        await wait_for_locks(observer, 2)
        await observer.close()
        await blocker.rollback()

    answers = [first.result(), second.result()]
    assert answers[0].content == answers[1].content
    assert sorted("idempotent-replayed" in answer.headers for answer in answers) == [False, True]
    assert await shop.rows("SELECT stock FROM book") == [(2,)]


async def test_a_mutation_whose_data_is_null_writes_nothing_and_keeps_no_answer(shop: Shop) -> None:
    await add_book(shop.connection, "Emma", isbn=ISBN, stock=1)
    broken = ADD.removesuffix("}") + 'moveCategory(by: {path: "art"}) { errors { code } } }'

    failed = await shop.post(broken, key="k")
    stock = await shop.rows("SELECT stock FROM book")
    again = await shop.post(broken, key="k")

    assert failed.json()["data"] is None
    assert failed.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert again.content == failed.content
    assert "idempotent-replayed" not in again.headers
    assert stock == [(1,)]
    assert await shop.rows("SELECT FROM audit_entry") == []


async def test_a_commit_after_a_statement_that_failed_is_an_error(shop: Shop) -> None:
    session = WriteSession(shop.app.endpoint.cluster.primary)

    with pytest.raises(asyncpg.DivisionByZeroError):
        await session.fetch(WriteStatement("divide", "SELECT 1 / 0"))
    with pytest.raises(RuntimeError, match="answered a commit by ROLLBACK"):
        await session.commit()


async def test_a_mutation_that_is_abandoned_leaves_no_statement_waiting_in_postgresql(shop: Shop) -> None:
    await add_book(shop.connection, "Emma", isbn=ISBN, stock=1)
    session = WriteSession(shop.app.endpoint.cluster.primary)
    observer = await asyncpg.connect(dsn=shop.app.endpoint.cluster.primary.dsn)
    blocker = shop.connection.transaction()
    await blocker.start()
    await shop.connection.execute("SELECT FROM book FOR UPDATE")

    waiting = asyncio.create_task(
        session.fetch(WriteStatement("take_stock", "UPDATE book SET stock = 0 WHERE stock > 0"))
    )
    await wait_for_locks(observer, 1)
    waiting.cancel()
    await asyncio.wait([waiting])
    session.abandon()

    await wait_for_locks(observer, 0)
    await blocker.rollback()
    await observer.close()
    assert (await shop.run(ADD))["adjustStock"]["book"] == {"stock": 2}


async def test_a_key_is_free_again_after_a_day_and_its_answer_deleted(shop: Shop) -> None:
    await add_book(shop.connection, "Emma", isbn=ISBN, stock=1)
    await shop.post(ADD, key="k")
    await shop.post(ADD, key="old")
    await shop.connection.execute(
        "UPDATE repeatable_answer SET answered_at = now() - interval '25 hours' WHERE key = 'k'"
    )

    again = await shop.post(TAKE, key="k")
    await shop.connection.execute(
        "UPDATE repeatable_answer SET answered_at = now() - interval '25 hours' WHERE key = 'old'"
    )
    cleaning = asyncio.create_task(delete_old_answers(shop.app.endpoint.cluster.primary, interval=0))

    async def is_deleted() -> bool:
        return await shop.rows("SELECT key FROM repeatable_answer") == [("k",)]

    await until(is_deleted)
    cleaning.cancel()
    assert again.json()["data"]["adjustStock"]["book"] == {"stock": 2}


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "ä"])
async def test_an_invalid_key_is_refused(shop: Shop, key: str) -> None:
    response = await shop.client.post(
        "/graphql", json={"query": ADD}, headers=[(b"idempotency-key", key.encode("latin-1"))]
    )

    assert response.status_code == 400
    assert response.json()["errors"][0]["message"] == (
        "The Idempotency-Key header has no valid key: send 1 to 255 printable ASCII characters, for example a UUID."
    )


async def test_two_keys_are_refused(shop: Shop) -> None:
    response = await shop.client.post(
        "/graphql", json={"query": ADD}, headers=[("idempotency-key", "a"), ("idempotency-key", "b")]
    )

    assert (response.status_code, response.json()["errors"][0]["message"]) == (
        400,
        "The request has two Idempotency-Key headers: send one.",
    )


async def test_a_mutation_is_not_run_by_get(shop: Shop) -> None:
    response = await shop.client.get("/graphql", params={"query": ADD})

    assert response.status_code == 405


async def test_versions_move_once_with_every_change_also_by_sql(shop: Shop) -> None:
    author, art = await add_author(shop.connection, "Jane"), await add_category(shop.connection, "Art")
    book = await add_book(shop.connection, "Emma")
    sql = shop.connection.execute
    versions = "SELECT b.version, a.version, c.version FROM book b, author a, category c"
    seen: list[tuple[Any, ...]] = []

    for statement in (
        "UPDATE book SET stock = 0",
        "UPDATE book SET stock = 1",
        f"INSERT INTO book_author (book_id, position, author_id, role) VALUES ({book}, 1, {author}, 'AUTHOR')",
        f"INSERT INTO book_category (book_id, category_id) VALUES ({book}, {art})",
        "UPDATE author SET birth_year = 1775",
        "UPDATE category SET name = 'Arts'",
        "DELETE FROM book_author",
    ):
        await sql(statement)
        seen += await shop.rows(versions)

    assert seen == [(1, 1, 1), (2, 1, 1), (3, 1, 1), (4, 1, 1), (4, 2, 1), (4, 2, 2), (5, 2, 2)]


async def test_pairs_of_racing_updates_have_one_winner_each(shop: Shop) -> None:
    await add_book(shop.connection, "Emma", isbn=ISBN)
    update = """mutation ($version: Int!, $stock: Int!) {
      updateBook(by: {isbn: "9780306406157"}, input: {stock: $stock}, expectedVersion: $version) { errors { code } }
    }"""

    for version in range(1, 101):
        pair = await asyncio.gather(
            shop.run(update, version=version, stock=2 * version),
            shop.run(update, version=version, stock=2 * version + 1),
        )
        errors = sorted((done["updateBook"]["errors"] for done in pair), key=len)
        assert errors == [[], [{"code": "CONFLICT"}]]

    assert await shop.rows("SELECT version FROM book") == [(101,)]


async def test_overlapping_batches_and_structural_changes_never_deadlock(shop: Shop) -> None:
    author, art = await add_author(shop.connection, "Jane"), await add_category(shop.connection, "Art")
    keys = [
        await add_book(shop.connection, f"Book {number}", stock=0, authors=[author], categories=[art])
        for number in range(12)
    ]
    offers = (
        """mutation ($offers: [OfferInput!]!) { updateOffers(offers: $offers) { errors { code message } } }"""
    )
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"

    def offer(number: int, stock: int) -> dict[str, Any]:
        key = {"source": "test", "sourceId": f"Book {number}"}
        price = {"amount": stock + 1, "currencyCode": "EUR"}
        return {"by": {"sourceKey": key}, "stock": stock, "price": price}

    async def race(turn: int) -> None:
        order = [(turn * 5 + step * 7) % 12 for step in range(6)]
        done = await shop.run(offers, offers=[offer(number, turn) for number in dict.fromkeys(order)])
        assert done["updateOffers"]["errors"] == []
        if turn % 4 == 0:
            done = await shop.run(
                """mutation ($title: String!) {
                  createBook(input: {title: $title, contributions: [{author: {slug: "jane"}}],
                                     categories: [{path: "art"}]}) { errors { message } }
                  updateBook(by: {sourceKey: {source: "test", sourceId: "Book 3"}},
                             input: {categories: [{path: "art"}], contributions: []}) { errors { message } }
                }""",
                title=f"New {turn}",
            )
            assert [each["errors"] for each in done.values()] == [[], []]

    await asyncio.gather(*(race(turn) for turn in range(60)))

    assert len(keys) == 12
    assert await shop.rows(deadlocks) == [(0,)]
    assert await shop.rows("SELECT count(*) FROM book") == [(12 + 15,)]
    assert [finding for finding in await run_checks(shop.connection) if finding.count] == []


async def test_a_transaction_that_postgresql_rolls_back_is_run_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_book(shop.connection, "Emma", isbn=ISBN, stock=1)
    await shop.connection.execute(
        """
        CREATE SEQUENCE attempt;
        CREATE FUNCTION fail_twice() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('attempt') < 3 THEN
                RAISE EXCEPTION 'could not serialize' USING ERRCODE = 'serialization_failure';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER fail_twice BEFORE UPDATE ON book FOR EACH ROW EXECUTE FUNCTION fail_twice()
        """
    )

    done = await shop.run(ADD)

    assert done["adjustStock"] == {"book": {"stock": 2}, "errors": []}
    assert await shop.rows("SELECT count(*) FROM audit_entry") == [(1,)]


async def test_a_mutation_whose_connection_is_lost_is_not_run_again(shop: Shop) -> None:
    await add_book(shop.connection, "Emma", isbn=ISBN, stock=1)
    await shop.connection.execute(
        """
        CREATE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_terminate_backend(pg_backend_pid());
            RETURN NEW;
        END $$;
        CREATE TRIGGER end_session BEFORE UPDATE ON book FOR EACH ROW EXECUTE FUNCTION end_session()
        """
    )

    lost = await shop.post(ADD)
    await shop.connection.execute("DROP TRIGGER end_session ON book")
    again = await shop.run(ADD)

    assert (lost.status_code, lost.json()["errors"][0]["extensions"]["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert again["adjustStock"]["book"] == {"stock": 2}


async def test_the_outcome_is_unknown_if_the_connection_is_lost_during_the_commit(shop: Shop) -> None:
    await add_book(shop.connection, "Emma", isbn=ISBN, stock=1)
    await shop.connection.execute(
        """
        CREATE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_terminate_backend(pg_backend_pid());
            RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER end_session AFTER UPDATE ON book DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION end_session()
        """
    )

    lost = await shop.post(ADD, key="k")
    await shop.connection.execute("DROP TRIGGER end_session ON book")
    told = await shop.post(ADD, key="k")

    assert (lost.status_code, lost.json()["errors"][0]["extensions"]["code"]) == (503, "OUTCOME_UNKNOWN")
    assert told.json()["data"]["adjustStock"]["book"] == {"stock": 2}
    assert await shop.rows("SELECT stock FROM book") == [(2,)]


async def test_a_plan_that_fails_after_the_write_writes_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_book(shop.connection, "Emma", isbn=ISBN, stock=1)
    before = operation_counts["the plan failed"]
    fetch = WriteSession.fetch
    failures = iter([ValueError("broken")])

    async def fail_once(self: WriteSession, statement: Any, *args: object, **options: Any) -> list[Any]:
        if statement.name == "any_books_by_ids" and (failure := next(failures, None)):
            raise failure
        return await fetch(self, statement, *args, **options)

    monkeypatch.setattr(WriteSession, "fetch", fail_once)
    done = await shop.run(ADD)

    assert done["adjustStock"] == {"book": {"stock": 2}, "errors": []}
    assert operation_counts["the plan failed"] == before + 1
    assert await shop.rows("SELECT stock FROM book") == [(2,)]
