"""Hostile requests, and the most expensive allowed ones, do not stall other requests.

A stall is counted in function calls, whose number is the same on every machine. `make faults` also measures it
in CPU time of the event loop's thread, and compares it with the machine's speed.
"""

import asyncio
import gc
import os
import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator
from time import thread_time
from typing import Any

import asyncpg
import orjson
import pytest
from graphql import get_introspection_query
from starlette.types import ASGIApp, Message

from db.connections import supervisor
from db.migrations import migrate
from graphql_api.execution import yielding
from graphql_api.server.process import build_application
from graphql_api.settings import Settings
from tests.faults.postgres import Postgres
from tests.faults.speed import measure_cpu_slowness
from tests.graphql_api.execution.hostile import SHAPES
from tests.graphql_api.execution.test_hostile import HOSTILE_DOCUMENTS
from tests.serving import PATIENT
from tests.tables import note
from tests.waiting import GUARD
from tests.work import call_clock

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "100"))
CALLS_PER_SECOND = 8_000_000
"""Function calls per second on the reference machine."""

MAX_WAIT_CALLS = 600_000
"""Maximum function calls between the arrival of another request and its response."""

MAX_WAIT_SECONDS = 0.1
"""The same in seconds of CPU time on the reference machine of tests/faults/speed.py."""

SIZES = [1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200, 400]

FILL = """
INSERT INTO category (name) SELECT 'Category ' || n FROM generate_series(1, 100) AS n;
INSERT INTO author (source, source_id, name, sort_name)
    SELECT 'test', n, 'Author ' || n, 'author ' || n FROM generate_series(1, 100) AS n;
INSERT INTO book (source, source_id, title, description, language, page_count, stock)
    SELECT 'test', n, 'Book ' || n, repeat('word ', 40), 'en', n, n FROM generate_series(1, 100) AS n;
INSERT INTO book_author (book_id, position, author_id, role)
    SELECT b.id, p, (b.id + p * 7) % 100 + 1, 'AUTHOR' FROM book b, generate_series(1, 4) AS p;
INSERT INTO book_category (book_id, category_id) SELECT b.id, c.id FROM book b, category c;
ANALYZE;
"""

ALL_FIELDS = "id title subtitle isbn description language pageCount stock"
EXPENSIVE = {
    "9,900 rows": f"{{ categories(first: 100) {{ nodes {{ books(first: 98) {{ nodes {{ {ALL_FIELDS} }} }} }} }} }}",
    "9,900 rows and an error": (
        f"{{ categories(first: 98) {{ nodes {{ books(first: 98) {{ nodes {{ {ALL_FIELDS} }} }} }} }} "
        'node(id: "nothing") { id } }'
    ),
    "19 pages with their authors and an error": (
        "{ "
        + " ".join(
            f"a{n}: books(first: 100) {{ nodes {{ id title authors {{ name }} }} }}" for n in range(19)
        )
        + ' node(id: "nothing") { id } }'
    ),
    "9,900 authors and an error": (
        "{ categories(first: 100) { nodes { books(first: 19) { nodes { authors { name } } } } } "
        'node(id: "nothing") { id } }'
    ),
    "99,000 values": (
        "{ categories(first: 100) { nodes { books(first: 33) { nodes { "
        + " ".join(f"a{n}: id" for n in range(28))
        + " } } } } }"
    ),
    "99,000 values and an error": (
        "{ categories(first: 100) { nodes { books(first: 33) { nodes { "
        + " ".join(f"a{n}: id" for n in range(28))
        + ' } } } } node(id: "nothing") { id } }'
    ),
    "the standard introspection": get_introspection_query(),
    "28 introspections": (
        "{ "
        + " ".join(
            f"s{n}: __schema {{ types {{ name fields {{ name args {{ name type {{ name kind }} }} type {{ name kind }} }} }} }}"
            for n in range(28)
        )
        + " }"
    ),
}
RAW_BODIES = {
    "100,000 brackets": b"[" * 99_999,
    "19,000 objects": b'{"a":' * 19_000,
    "a number of 90,000 digits": b'{"query": "{ a }", "variables": {"a": ' + b"9" * 90_000 + b"}}",
    "7,000 keys, one twice": b'{"query": "{ a }",'
    + b",".join(b'"k%d":{}' % n for n in range(7_000))
    + b',"k1":0}',
}


@pytest.fixture(scope="module")
def dsn(postgres: Postgres) -> str:
    """The DSN of a catalog in which nested pages have their maximum size."""

    async def fill(dsn: str, *statements: str) -> None:
        connection = await asyncpg.connect(dsn)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    there = postgres.server.dsn
    asyncio.run(fill(there, "DROP DATABASE IF EXISTS dense", "CREATE DATABASE dense"))
    dsn = there.replace("/bookstore", "/dense", 1)
    migrate(dsn)
    asyncio.run(fill(dsn, FILL))
    return dsn


@pytest.fixture
def restored_gc_settings() -> Generator[None]:
    """Restore the garbage-collection settings, which the application changes."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.fixture
async def app(
    dsn: str, restored_gc_settings: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[ASGIApp]:
    monkeypatch.setattr(supervisor, "PROBE_TIMEOUT", GUARD)  # a slow probe is not an outage
    app = build_application(Settings(**PATIENT), dsn)
    async with app.router.lifespan_context(app):
        yield app


async def post(app: ASGIApp, body: bytes) -> tuple[int, bytes]:
    """Post a body. Return the status and the body of the response."""
    waiting, sent, messages = asyncio.Event(), False, list[Message]()

    async def receive() -> Message:
        nonlocal sent
        if sent:
            await waiting.wait()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b""}
    await app({**scope, "headers": headers}, receive, send)
    return messages[0]["status"], messages[1]["body"]


def encode_body(text: str) -> bytes:
    return orjson.dumps({"query": text.encode("utf-8", "replace").decode()})


CHEAP_BODY = encode_body("{ __typename }")
BODIES = {
    **RAW_BODIES,
    **{name: encode_body(text) for name, text in EXPENSIVE.items()},
    **{name: encode_body(text) for name, (text, _) in HOSTILE_DOCUMENTS.items()},
}


class ConcurrentClient:
    """Sends `{ __typename }` repeatedly while the context lasts. `waits` has the duration of each by `clock`."""

    def __init__(self, app: ASGIApp, clock: Callable[[], float]) -> None:
        self.app = app
        self.clock = clock
        self.waits: list[float] = []
        self.responded = asyncio.Event()

    async def __aenter__(self) -> "ConcurrentClient":
        self.sending = asyncio.create_task(self.send_repeatedly())
        await asyncio.wait_for(self.responded.wait(), GUARD)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.responded.clear()
        await asyncio.wait_for(self.responded.wait(), GUARD)
        self.sending.cancel()
        await asyncio.wait([self.sending])

    async def send_repeatedly(self) -> None:
        while True:
            began = self.clock()
            await asyncio.sleep(0)  # a request from a socket takes iterations of the event loop too
            status, _ = await post(self.app, CHEAP_BODY)
            await asyncio.sleep(0)
            assert status == 200
            self.waits.append(self.clock() - began)
            self.responded.set()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Generator[Callable[[], int]]:
    """A clock that counts function calls. The time slices of graphql-core use it too."""
    with call_clock() as clock:
        monkeypatch.setattr(yielding, "thread_time", lambda: clock() / CALLS_PER_SECOND)
        yield clock


async def measure_stall(app: ASGIApp, body: bytes, clock: Callable[[], int]) -> tuple[int, bytes, int]:
    """Post a body. Return the status, the response, and the maximum calls that another request waited for."""
    async with ConcurrentClient(app, clock) as concurrent:
        status, response = await post(app, body)
    return status, response, int(max(concurrent.waits))


@pytest.mark.parametrize("name", BODIES)
async def test_a_hostile_or_expensive_request_stalls_no_other(
    app: ASGIApp, clock: Callable[[], int], name: str
) -> None:
    body = BODIES[name]

    status, response, calls = await measure_stall(app, body, clock)

    note("request | bytes | status | longest stall in calls", name, f"{len(body):,}", status, f"{calls:,}")
    assert (orjson.loads(response).get("data") is not None) == (name in EXPENSIVE)
    assert calls < MAX_WAIT_CALLS


def draw_document(random_: random.Random) -> tuple[str, str]:
    """Return the name of a hostile shape, and a document of that shape."""
    shape = random_.choice(SHAPES)
    return shape.__name__, shape(random_.choice(SIZES), random_.choice(SIZES[:7]))[:95_000]


async def test_generated_hostile_documents_stall_no_other_request(
    app: ASGIApp, clock: Callable[[], int]
) -> None:
    random_ = random.Random(5)
    statuses, waits = Counter[int](), list[tuple[int, str]]()

    for _ in range(EXAMPLES):
        shape, text = draw_document(random_)
        status, _, calls = await measure_stall(app, encode_body(text), clock)
        statuses[status] += 1
        waits.append((calls, shape))
    waits.sort()
    note(
        "hostile requests | statuses | stall in calls: p99 | maximum | shape",
        f"{EXAMPLES:,}",
        ", ".join(f"{count:,} × {status}" for status, count in sorted(statuses.items())),
        f"{waits[int(len(waits) * 0.99)][0]:,}",
        f"{waits[-1][0]:,}",
        waits[-1][1],
    )

    assert statuses.keys() <= {200, 400, 413}
    assert waits[-1][0] < MAX_WAIT_CALLS


@pytest.mark.timing
async def test_the_longest_stall_is_within_its_bound_at_the_speed_of_this_machine(app: ASGIApp) -> None:
    """The shortest of three measurements counts, because the garbage collector may run during one."""
    random_ = random.Random(5)
    bodies = BODIES | {
        f"{n} {name}": encode_body(text) for n, (name, text) in enumerate(map(draw_document, [random_] * 100))
    }
    longest: dict[str, float] = {}

    for name, body in bodies.items():
        waits = list[float]()
        for _ in range(3):
            async with ConcurrentClient(app, thread_time) as concurrent:
                await post(app, body)
            waits.append(max(concurrent.waits))
        longest[name] = min(waits)
    name = max(longest, key=longest.__getitem__)
    slowness = measure_cpu_slowness()
    note(
        "longest stall | request | bound | slowness of this machine",
        f"{longest[name] * 1000:.0f} ms",
        name,
        f"{MAX_WAIT_SECONDS * slowness * 1000:.0f} ms",
        f"{slowness:.2f}",
    )

    assert longest[name] < MAX_WAIT_SECONDS * slowness
