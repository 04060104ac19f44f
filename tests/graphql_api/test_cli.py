"""The `bookstore` command, run as a user runs it."""

import csv
import socket
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest

from db.importing.readers import FORMATS
from tests.serving import Served, bookstore, embedded_catalog, serving

COUNT = {"query": "{ books { totalCount } }"}


@pytest.fixture(scope="module")
def shop() -> Generator[Path]:
    """A folder with an embedded catalog that the tests of this module share, in this order."""
    with embedded_catalog() as folder:
        yield folder


def count_at(served: Served) -> int:
    answer = httpx.post(served.url, json=COUNT, timeout=30).json()
    return answer["data"]["books"]["totalCount"]


def test_the_first_start_serves_the_sample_and_the_second_one_is_quick(shop: Path) -> None:
    with serving(shop) as first:
        assert count_at(first) == 169
        assert "The catalog was empty: it now holds the sample of 169 books." in first.said
        assert first.stop() == "PostgreSQL goes on running; `bookstore db stop` stops it.\n"
        assert first.process.returncode == 0
    with serving(shop) as second:
        assert count_at(second) == 169
        assert "sample" not in second.said


def test_the_database_goes_on_running_and_can_be_stopped_and_started(shop: Path) -> None:
    running = bookstore("db", "status", cwd=shop).stdout
    assert running.startswith("PostgreSQL 18 runs as process ")
    assert bookstore("db", "stop", cwd=shop).stdout == "PostgreSQL is stopped.\n"
    assert bookstore("db", "stop", cwd=shop).stdout == "No PostgreSQL was running.\n"
    assert bookstore("db", "status", cwd=shop).stdout.startswith("PostgreSQL 18 is stopped, ")
    assert bookstore("db", "start", cwd=shop).stdout.startswith("postgresql://app@/bookstore?host=")


def test_where_nothing_was_started_there_is_no_status(tmp_path: Path) -> None:
    assert bookstore("db", "status", cwd=tmp_path).stdout == "No PostgreSQL has been started here.\n"


def test_an_import_says_what_it_did_and_keeps_what_it_could_not_take(shop: Path) -> None:
    (shop / "list.csv").write_text(
        "Name,ISBN No,Preis\nEmma,0-19-953581-7,9.90\n,978-0-306-40615-7,1\nKim,978-0-306-40615-8,2\n"
    )
    arguments = (
        "import",
        "csv",
        "list.csv",
        "--map",
        "Name=title",
        "--map",
        "ISBN No=isbn",
        "--map",
        "Preis=price",
    )

    dry = bookstore(*arguments, "--currency", "EUR", "--dry-run", cwd=shop)
    done = bookstore(*arguments, "--currency", "EUR", cwd=shop)
    again = bookstore(*arguments, "--currency", "EUR", cwd=shop)

    for result in (dry, done, again):
        assert result.returncode == 0, result.stderr
        assert "The rejected rows and their reasons are in csv.rejects.csv." in result.stdout
    assert "csv (dry run: nothing was written)" in dry.stdout
    assert "0 rows changed" not in done.stdout
    assert "0 rows changed: the catalog is as this delivery describes it." in again.stdout
    with (shop / "csv.rejects.csv").open() as file:
        rejects = list(csv.DictReader(file))
    assert [(reject["row"], reject["field"], reject["value"]) for reject in rejects] == [
        ("2", "title", ""),
        ("3", "isbn", "978-0-306-40615-8"),
    ]
    with serving(shop) as served:
        query = '{ book(by: {isbn: "0199535817"}) { title price { amount currencyCode } source } }'
        answer = httpx.post(served.url, json={"query": query}, timeout=30).json()
    assert answer["data"]["book"] == {
        "title": "Emma",
        "price": {"amount": "9.90", "currencyCode": "EUR"},
        "source": "csv",
    }


def test_made_up_books_come_in_any_number_and_the_catalog_is_sound(shop: Path) -> None:
    seeded = bookstore("seed", "--books", "300", cwd=shop)
    again = bookstore("seed", "--books", "300", cwd=shop)
    audit = bookstore("verify", cwd=shop)

    assert seeded.returncode == again.returncode == audit.returncode == 0, audit.stdout
    assert "0 rows changed" in again.stdout
    assert "Nothing is wrong." in audit.stdout


def test_every_read_statement_is_explained(shop: Path) -> None:
    explained = bookstore("explain", cwd=shop)
    one = bookstore("explain", "books_by_ids", cwd=shop)
    none = bookstore("explain", "no_such", cwd=shop)

    assert explained.returncode == 0
    assert "hits_of_text" in explained.stdout
    assert explained.stdout.endswith("0 of them wrong.\n")
    assert one.stdout.endswith("2 runs, 0 of them wrong.\n")
    assert none.returncode == 1
    assert none.stderr == "Error: No read statement is called no_such.\n"


def test_the_audit_fails_when_something_is_wrong(shop: Path) -> None:
    import asyncio

    import asyncpg

    async def break_a_counter() -> None:
        connection = await asyncpg.connect(bookstore("db", "start", cwd=shop).stdout.strip())
        await connection.execute("UPDATE author SET book_count = book_count + 1 WHERE slug = 'jane-austen'")
        await connection.close()

    asyncio.run(break_a_counter())
    audit = bookstore("verify", cwd=shop)

    assert audit.returncode == 1
    assert "1 wrong" in audit.stdout


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        (["serve"], {"PORT": "x"}, "Error: PORT is 'x': give a number.\n"),
        (["serve", "--workers", "0"], {}, "Invalid value for '--workers'"),
        (
            ["serve"],
            {"DATABASE_URL": "mysql://app:secret@127.0.0.1/x", "PORT": "0"},
            "Error: DATABASE_URL: the address is not like postgresql://",
        ),
        (
            ["migrate"],
            {"DATABASE_URL": "postgresql://app:secret@127.0.0.1:1/x"},
            "Error: PostgreSQL cannot be reached",
        ),
        (
            ["migrate"],
            {"DATABASE_URL": "nonsense"},
            "Error: DATABASE_URL: the address is not like postgresql://",
        ),
        (["migrate"], {"POSTGRES_BIN": "nowhere"}, "Error: "),
        (["import", "csv", "missing.csv"], {}, "Error: missing.csv"),
        (
            ["import", "csv", "x.csv", "--map", "title"],
            {},
            "Invalid value for --map: 'title' is not COLUMN=FIELD.",
        ),
        (["import", "xml", "x"], {}, "Invalid value for '{csv|jsonl|gutenberg|goodbooks|oscar|postgres}'"),
        (["seed", "--books", "0"], {}, "Invalid value for '--books'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_goes_wrong_is_said_in_one_line(
    shop: Path, arguments: list[str], settings: dict[str, str], message: str
) -> None:
    result = bookstore(*arguments, cwd=shop, **settings)

    assert result.returncode != 0
    assert message in result.stderr
    assert "Traceback" not in result.stderr + result.stdout
    assert "secret" not in result.stderr + result.stdout


def test_a_port_that_is_taken_is_said_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = bookstore("serve", cwd=tmp_path, PORT=str(port))

    assert result.returncode == 1
    assert (
        result.stderr
        == f"Error: 127.0.0.1:{port} cannot be listened on: Address already in use. Set HOST or PORT to another.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_ones_own_is_migrated_and_gets_no_sample(
    shop: Path, maintenance: str, tmp_path: Path
) -> None:
    import asyncio

    import asyncpg

    async def create() -> None:
        connection = await asyncpg.connect(maintenance)
        await connection.execute("CREATE DATABASE own")
        await connection.close()

    asyncio.run(create())
    own = maintenance.replace("/postgres?", "/own?")

    with serving(tmp_path, DATABASE_URL=own) as served:
        assert count_at(served) == 0
        assert "sample" not in served.said
        assert own not in served.said
    assert list(tmp_path.iterdir()) == []


def test_help_names_every_format_and_command(tmp_path: Path) -> None:
    commands = bookstore("--help", cwd=tmp_path).stdout

    for command in ("serve", "migrate", "import", "seed", "verify", "schema", "db"):
        assert f"\n  {command} " in commands
    assert "|".join(FORMATS) in bookstore("import", "--help", cwd=tmp_path).stdout


def test_the_schema_is_printed_without_a_database(tmp_path: Path) -> None:
    committed = (Path(__file__).parent / "schema.graphql").read_text(encoding="utf-8")

    assert bookstore("schema", cwd=tmp_path).stdout == committed


def test_what_an_import_cannot_use_is_named(shop: Path) -> None:
    (shop / "bad.csv").write_text("source_id,title\n1,\n", encoding="utf-8")
    from_server = bookstore("import", "csv", "bad.csv", "--from", "postgresql://nowhere", cwd=shop)
    rejected = bookstore("import", "csv", "bad.csv", cwd=shop)

    assert from_server.returncode == 2
    assert from_server.stderr.endswith(
        "Invalid value for --from: only the format postgres reads from a server, not csv.\n"
    )
    assert rejected.returncode == 0
    assert "0 rows changed: no row could be imported." in rejected.stdout
