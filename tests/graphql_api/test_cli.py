"""The `bookstore` command, run as a user runs it."""

import asyncio
import csv
import re
import shlex
import socket
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import pytest

from db.importing.readers import FORMATS
from db.verify import CHECKS
from tests.serving import BookstoreProcess, embedded_catalog, run_bookstore, run_server
from tests.waiting import GUARD

COUNT = {"query": "{ books { totalCount } }"}


@dataclass(frozen=True)
class FirstStart:
    """The first start of a server in an empty folder: its output, its number of books and its exit status."""

    folder: Path
    startup_output: str
    books: int
    shutdown_output: str
    returncode: int | None


@pytest.fixture(scope="module")
def first_start() -> Generator[FirstStart]:
    with embedded_catalog() as folder:
        with run_server(folder) as server:
            books = count_books(server)
            shutdown_output = server.stop()
        yield FirstStart(folder, server.startup_output, books, shutdown_output, server.process.returncode)


@pytest.fixture
def shop(first_start: FirstStart) -> Path:
    """A folder with an embedded catalog that runs: the sample, and the imports of other tests."""
    return first_start.folder


def count_books(server: BookstoreProcess) -> int:
    response = httpx.post(server.url, json=COUNT, timeout=GUARD).json()
    return response["data"]["books"]["totalCount"]


def test_the_first_start_imports_the_sample(first_start: FirstStart) -> None:
    assert first_start.books == 169
    lines = first_start.startup_output.splitlines()
    assert lines[:-1] == [
        "The catalog was empty: it now holds the sample of 169 books.",
        "INFO bookstore.database [-] PostgreSQL is available",
    ]
    assert lines[-1].startswith("Serving http://127.0.0.1:")
    assert first_start.shutdown_output == "PostgreSQL keeps running; `bookstore db stop` stops it.\n"
    assert first_start.returncode == 0


def test_a_second_start_imports_nothing(shop: Path) -> None:
    with run_server(shop) as server:
        books = count_books(server)
    with run_server(shop) as again:
        assert count_books(again) == books >= 169
        assert "sample" not in again.startup_output


def test_the_database_keeps_running_and_can_be_stopped_and_started(shop: Path) -> None:
    running = run_bookstore("db", "status", cwd=shop).stdout
    assert running.startswith("PostgreSQL 18 runs as process ")
    assert run_bookstore("db", "stop", cwd=shop).stdout == "PostgreSQL is stopped.\n"
    assert run_bookstore("db", "stop", cwd=shop).stdout == "No PostgreSQL was running.\n"
    assert run_bookstore("db", "status", cwd=shop).stdout.startswith("PostgreSQL 18 is stopped, ")
    assert run_bookstore("db", "start", cwd=shop).stdout.startswith("postgresql://app@/bookstore?host=")


def test_status_without_a_database_says_so(tmp_path: Path) -> None:
    assert run_bookstore("db", "status", cwd=tmp_path).stdout == "No PostgreSQL has been started here.\n"


def test_an_import_prints_a_summary_and_writes_rejected_rows_to_a_file(shop: Path) -> None:
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

    dry_run = run_bookstore(*arguments, "--currency", "EUR", "--dry-run", cwd=shop)
    first = run_bookstore(*arguments, "--currency", "EUR", cwd=shop)
    second = run_bookstore(*arguments, "--currency", "EUR", cwd=shop)

    for result in (dry_run, first, second):
        assert result.returncode == 1, result.stderr
        assert "The rejected rows and their reasons are in csv.rejects.csv." in result.stdout
    assert "csv (dry run: nothing was written)" in dry_run.stdout
    assert "0 rows changed" not in first.stdout
    assert "0 rows changed: every other row already matches this import." in second.stdout
    with (shop / "csv.rejects.csv").open() as file:
        rejects = list(csv.DictReader(file))
    assert [
        (reject["reject_row"], reject["reject_field"], reject["Name"], reject["ISBN No"])
        for reject in rejects
    ] == [
        ("line 3", "title", "", "978-0-306-40615-7"),
        ("line 4", "isbn", "Kim", "978-0-306-40615-8"),
    ]
    with run_server(shop) as server:
        query = '{ book(by: {isbn: "0199535817"}) { title price { amount currencyCode } } }'
        response = httpx.post(server.url, json={"query": query}, timeout=GUARD).json()
    assert response["data"]["book"] == {
        "title": "Emma",
        "price": {"amount": "9.90", "currencyCode": "EUR"},
    }


def test_the_rejects_of_an_import_are_corrected_and_imported_by_the_command_that_it_prints(
    shop: Path,
) -> None:
    (shop / "list.csv").write_bytes("Name;Nr;Seiten\nEmma;1;12\nGöthe;2;viele\n".encode("windows-1252"))
    options = ("--map", "Name=title", "--map", "Nr=source_id", "--author-separator", " und ", "--yes")

    first = run_bookstore(
        "import", "csv", "list.csv", *options, "--encoding", "windows-1252", "--source", "mend", cwd=shop
    )
    rejects = shop / "mend.rejects.csv"
    rejects.write_text(rejects.read_text().replace("Göthe,2,viele", "Goethe,2,300"))
    command = first.stdout.partition("import that file by itself: ")[2].splitlines()[0]
    dry = run_bookstore(*shlex.split(command)[1:], "--dry-run", cwd=shop)
    kept = rejects.exists()
    second = run_bookstore(*shlex.split(command)[1:], cwd=shop)

    assert (first.returncode, dry.returncode, second.returncode) == (0, 0, 0)
    assert command == (
        "bookstore import csv mend.rejects.csv --source mend --map Name=title --map Nr=source_id"
        " --author-separator ' und '"
    )
    assert kept
    assert "line 2: mend/2 Göthe: (empty) -> 300" in dry.stdout
    assert re.search(r"changed pages +│ +1 ", second.stdout)
    assert not rejects.exists()


def test_generated_books_are_imported_once_and_pass_the_audit(shop: Path) -> None:
    seeded = run_bookstore("seed", "--books", "300", cwd=shop)
    again = run_bookstore("seed", "--books", "300", cwd=shop)
    audit = run_bookstore("verify", cwd=shop)

    assert seeded.returncode == again.returncode == audit.returncode == 0, audit.stdout
    assert "0 rows changed" in again.stdout
    assert audit.stdout == f"{len(CHECKS)} of {len(CHECKS)} checks found no errors.\n"


def test_bounded_plans_are_printed_only_on_request(shop: Path) -> None:
    explained = run_bookstore("explain", cwd=shop)
    one = run_bookstore("explain", "books_by_ids", cwd=shop)
    all_of_one = run_bookstore("explain", "books_by_ids", "--all", cwd=shop)
    none = run_bookstore("explain", "no_such", cwd=shop)

    assert explained.returncode == one.returncode == all_of_one.returncode == 0
    assert re.fullmatch(r"([\d,]+) of \1 plans are bounded\.\n", explained.stdout)
    assert one.stdout == "2 of 2 plans are bounded.\n"
    assert "one key" in all_of_one.stdout
    assert "20 keys" in all_of_one.stdout
    assert all_of_one.stdout.endswith("\n2 of 2 plans are bounded.\n")
    assert none.returncode == 1
    assert none.stderr == "Error: No read statement is called no_such.\n"


def test_a_plan_that_is_not_bounded_is_printed_alone(shop: Path) -> None:
    assert run_bookstore("seed", "--books", "300", cwd=shop).returncode == 0
    execute(shop, *(f"ALTER ROLE app SET {name} = off" for name in INDEX_SETTINGS))
    explained = run_bookstore("explain", "books_by_category_ids", cwd=shop)
    execute(shop, "ALTER ROLE app RESET ALL")

    assert explained.returncode == 1
    assert "20 categories" in explained.stdout
    assert "title asc" not in explained.stdout
    assert "sequential scan of " in explained.stdout
    [bounded, total] = re.findall(r"\d+", explained.stdout.splitlines()[-1])
    assert int(bounded) == int(total) - 1


INDEX_SETTINGS = ("enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan")


def execute(shop: Path, *statements: str) -> None:
    """Run statements in the embedded PostgreSQL of a folder."""

    async def run() -> None:
        connection = await asyncpg.connect(run_bookstore("db", "start", cwd=shop).stdout.strip())
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    asyncio.run(run())


def test_the_audit_fails_if_a_counter_is_wrong(shop: Path) -> None:
    execute(shop, "UPDATE author SET book_count = book_count + 1 WHERE id = (SELECT min(id) FROM author)")
    audit = run_bookstore("verify", cwd=shop)
    whole_audit = run_bookstore("verify", "--all", cwd=shop)
    execute(shop, "UPDATE author SET book_count = book_count - 1 WHERE id = (SELECT min(id) FROM author)")

    assert audit.returncode == whole_audit.returncode == 1
    summary = f"{len(CHECKS) - 1} of {len(CHECKS)} checks found no errors.\nErrors found: 1.\n"
    assert audit.stdout.endswith(summary)
    assert whole_audit.stdout.endswith(summary)
    assert [check.name for check in CHECKS if f" {check.name} " in audit.stdout] == ["author_counts"]
    assert [check.name for check in CHECKS if f" {check.name} " not in whole_audit.stdout] == []


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
        (["import", "xml", "x"], {}, "Invalid value for 'FORMAT': unknown format xml"),
        (["seed", "--books", "0"], {}, "Invalid value for '--books'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_user_errors_are_printed_without_a_traceback(
    shop: Path, arguments: list[str], settings: dict[str, str], message: str
) -> None:
    result = run_bookstore(*arguments, cwd=shop, **settings)

    assert result.returncode != 0
    assert message in result.stderr
    assert "Traceback" not in result.stderr + result.stdout
    assert "secret" not in result.stderr + result.stdout


def test_a_port_in_use_is_reported_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run_bookstore("serve", cwd=tmp_path, PORT=str(port))

    assert result.returncode == 1
    assert (
        result.stderr
        == f"Error: Cannot listen on 127.0.0.1:{port}: Address already in use. Change HOST or PORT.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_an_external_database_is_migrated_and_gets_no_sample(
    shop: Path, maintenance: str, tmp_path: Path
) -> None:
    async def execute(statement: str) -> None:
        connection = await asyncpg.connect(maintenance)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(execute("CREATE DATABASE own"))
    own = maintenance.replace("/postgres?", "/own?")

    with run_server(tmp_path, DATABASE_URL=own) as server:
        assert count_books(server) == 0
        assert "sample" not in server.startup_output
        assert own not in server.startup_output
    asyncio.run(execute("DROP DATABASE own WITH (FORCE)"))
    assert list(tmp_path.iterdir()) == []


def test_help_names_every_format_and_command(tmp_path: Path) -> None:
    commands = run_bookstore("--help", cwd=tmp_path).stdout

    for command in ("serve", "migrate", "import", "seed", "verify", "schema", "db"):
        assert f"\n  {command} " in commands
    formats = run_bookstore("import", "--help", cwd=tmp_path).stdout.partition("\nFormats:\n")[2]
    assert re.findall(r"^  (\w+)  ", formats, re.MULTILINE) == list(FORMATS)


def test_the_schema_is_printed_without_a_database(tmp_path: Path) -> None:
    committed = (Path(__file__).parents[2] / "graphql_api" / "schema.graphql").read_text(encoding="utf-8")

    assert run_bookstore("schema", cwd=tmp_path).stdout == committed
    assert run_bookstore("schema", "--role", "public", cwd=tmp_path).stdout == committed


def test_the_schema_of_a_role_adds_lines_to_the_public_one(tmp_path: Path) -> None:
    public, editor = (
        run_bookstore("schema", "--role", role, cwd=tmp_path).stdout.splitlines()
        for role in ("public", "editor")
    )

    added = [line.strip() for line in editor if line not in public]
    assert [line for line in public if line not in editor] == []
    assert 'recentViews: Int! @cost(weight: "1")' in added
    assert "source: String!" in added
    assert "type Mutation {" in added
    assert not any("deleteBook" in line for line in editor)


def test_an_import_rejects_unused_options_and_invalid_rows(shop: Path) -> None:
    (shop / "bad.csv").write_text("source_id,title\n1,\n", encoding="utf-8")
    from_server = run_bookstore("import", "csv", "bad.csv", "--from", "postgresql://nowhere", cwd=shop)
    rejected = run_bookstore("import", "csv", "bad.csv", cwd=shop)

    assert from_server.returncode == 2
    assert from_server.stderr.endswith("Error: --from does not apply to the format csv; leave it out.\n")
    assert rejected.returncode == 2
    assert "0 rows changed: no row could be imported." in rejected.stdout


def test_the_sample_is_named_by_an_import_and_can_be_removed() -> None:
    with embedded_catalog() as folder:
        with run_server(folder):
            pass
        (folder / "own.csv").write_text("source_id,title,authors\n1,Emma,Jane Austen\n")
        imported = run_bookstore("import", "csv", "own.csv", cwd=folder)
        removed = run_bookstore("sample", "remove", cwd=folder)
        again = run_bookstore("sample", "remove", cwd=folder)
        audit = run_bookstore("verify", cwd=folder)
        exported = run_bookstore("export", "csv", cwd=folder)
        left = sorted(path.name for path in folder.iterdir())

    assert (
        "The catalog also holds the sample of 169 books; `bookstore sample remove` deletes it."
        in imported.stdout
    )
    assert (removed.returncode, removed.stdout) == (0, "Removed the 169 books of the sample.\n")
    assert (again.returncode, again.stdout) == (0, "The catalog has no book of the sample.\n")
    assert audit.returncode == 0, audit.stdout
    assert [line.split(",")[2] for line in exported.stdout.splitlines()] == ["title", "Emma"]
    assert not [name for name in left if "sample" in name]


def test_a_plan_tells_what_each_column_became_and_what_was_guessed(shop: Path) -> None:
    (shop / "read.csv").write_text(
        "Artikel-Nr;Titel;Autor;Preis;ISBN13;Regal\n"
        "1;Emma;Jane Austen;7,90 €;978-0-306-40615-7;A\n2;Nana;Zola, Émile;1.234,50 €;9.78E+12;B\n3;Kim;n/a;;;C\n"
    )

    result = run_bookstore(
        "import",
        "csv",
        "read.csv",
        "--map",
        "Artikel-Nr=source_id",
        "--source",
        "read",
        "--dry-run",
        cwd=shop,
    )

    assert result.stdout.startswith('Guessed: read.csv: ";" separates the cells; --delimiter says otherwise.')
    said = " ".join(result.stdout.split())
    assert (
        "Columns: Artikel-Nr is read as source_id; Titel is read as title; Autor is read as authors;" in said
    )
    assert "Preis is read as price; ISBN13 is read as isbn." in said
    assert "Guessed: prices have a decimal comma; " in said
    assert "Columns that are not read: Regal. Read one with --map COLUMN=FIELD." in said
    assert 'authors cells that say nothing, such as "n/a" │ 1' in said
    assert "dropped values │ 1" in said  # an ISBN that lost its digits


def test_a_shop_changes_what_its_files_speak_of_and_is_told(shop: Path) -> None:
    lines = [f"{n},Title {n},Jane Doe,{n}.00,5" for n in range(1, 201)]
    (shop / "full.csv").write_text("\n".join(("source_id,title,authors,price,stock", *lines)))
    (shop / "prices.csv").write_text("source_id,price,Regal\n1,99,A\n2,99,B\n777,1,C\n")
    (shop / "stock.csv").write_text("\n".join(("source_id,stock", *(f"{n},0" for n in range(1, 201)))))
    (shop / "short.csv").write_text("\n".join(("source_id,title,authors,price,stock", *lines[:199])))
    week = ("--currency", "EUR", "--source", "week")

    def import_file(name: str, *options: str) -> str:
        result = run_bookstore("import", "csv", name, *week, *options, cwd=shop)
        said.append(result.returncode)
        return " ".join((result.stdout + result.stderr).split())

    said: list[int] = []
    import_file("full.csv")
    dry = import_file("prices.csv", "--dry-run")
    prices = import_file("prices.csv", "--max-rejects", "1")
    updates = import_file("prices.csv", "--update-only")
    refused = import_file("stock.csv")
    approved = import_file("stock.csv", "--yes")
    deleted = import_file("short.csv", "--missing", "delete", "--missing-limit", "1%", "--yes")
    odd = import_file("full.csv", "--missing-limit", "many")
    unowned = import_file("full.csv", "--owner-of", "isbn")

    assert said == [0, 1, 0, 0, 2, 0, 0, 2, 2]
    assert "Fields that this import sets: price." in dry
    assert "Columns that are not read: Regal. Read one with --map COLUMN=FIELD." in dry
    assert "2 changed price line 2: week/1 Title 1: 1.00 EUR -> 99 EUR" in dry
    assert "198 books missing from this import, kept" in dry
    assert "Columns that were not read: Regal." in prices
    assert "0 rows changed: every other row already matches this import." in updates
    assert "This import changes or deletes 200 of " in refused
    assert "see what changes with --dry-run, and go on with --yes." in refused
    assert "changed stock │ 200" in approved
    assert "The deleted books are listed in week.missing.csv." in deleted
    assert (shop / "week.missing.csv").read_text() == "source_id,isbn,title\n200,,Title 200\n"
    assert "'many' is not a share between 0% and 100%." in odd
    assert "--owner-of isbn: a source cannot own this field" in unowned
