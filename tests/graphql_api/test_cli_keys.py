"""The commands that manage access keys, run as a user runs them, and the servers that accept the keys."""

import re
from collections.abc import Generator
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.serving import build_environment, embedded_catalog, run_bookstore, run_server
from tests.waiting import GUARD, wait_until

QUERY = {"query": "{ __typename }"}
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")


@pytest.fixture(scope="module")
def shop() -> Generator[Path]:
    """A folder with an embedded catalog without keys."""
    with embedded_catalog() as folder:
        yield folder


def list_keys(folder: Path) -> list[list[str]]:
    """Return the cells of each listed key, with DAY for a time."""
    listed = run_bookstore("keys", "list", cwd=folder).stdout
    rows = [line.split("│")[1:-1] for line in listed.splitlines() if "│" in line]
    return [[TIME.sub("DAY", cell.strip()) for cell in row] for row in rows]


def test_keys_are_created_listed_and_revoked(shop: Path) -> None:
    none = run_bookstore("keys", "list", cwd=shop)
    created = run_bookstore(
        "keys", "create", " [bold]shop ", "--role", "editor", "--expires", "90d", cwd=shop
    )
    other = run_bookstore("keys", "create", "office", "--role", "manager", cwd=shop)
    twice = run_bookstore("keys", "create", "office", "--role", "editor", cwd=shop)
    revoked = run_bookstore("keys", "revoke", "office", cwd=shop)
    again = run_bookstore("keys", "revoke", "office", cwd=shop)

    assert none.stdout == "There are no access keys; `bookstore keys create` creates one.\n"
    assert re.fullmatch(r"bsk_[\w-]{43}\n", created.stdout)
    assert TIME.sub("DAY", created.stderr) == (
        "The key '[bold]shop' has the role editor. It expires at DAY UTC. It is not shown again:\n"
    )
    assert other.stderr == (
        "The key 'office' has the role manager. It does not expire. It is not shown again:\n"
    )
    assert (twice.returncode, twice.stdout, twice.stderr) == (
        1,
        "",
        "Error: The name 'office' has an active key. Revoke that key first, or choose another name: two keys "
        "with different names work at once.\n",
    )
    assert revoked.stdout == "The key 'office' is revoked: every server refuses it within 5 seconds.\n"
    assert (again.returncode, again.stderr) == (
        1,
        "Error: The name 'office' has no key that could be revoked; `bookstore keys list` lists the keys.\n",
    )
    assert list_keys(shop) == [
        ["[bold]shop", "editor", "DAY", "", "DAY", ""],
        ["office", "manager", "DAY", "", "", "DAY"],
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("", "--role", "editor"), "The name has 0 characters: give 1 to 100."),
        (("  ", "--role", "editor"), "The name has 0 characters: give 1 to 100."),
        (("x" * 101, "--role", "editor"), "The name has 101 characters: give 1 to 100."),
        (
            ("a\tb", "--role", "editor"),
            r"The name 'a\tb' has characters that cannot be printed: remove them.",
        ),
        (("shop",), "Missing option '--role'. Choose from:"),
        (("shop", "--role", "owner"), "'owner' is not one of 'public', 'editor', 'manager'."),
        *(
            (("shop", "--role", "editor", "--expires", value), message)
            for value, message in (
                ("", "'' is not a time: give hours, days or weeks, such as 12h, 90d or 8w."),
                ("90", "'90' is not a time: give hours, days or weeks, such as 12h, 90d or 8w."),
                ("3m", "'3m' is not a time: give hours, days or weeks, such as 12h, 90d or 8w."),
                ("-1d", "'-1d' is not a time: give hours, days or weeks, such as 12h, 90d or 8w."),
                ("1.5d", "'1.5d' is not a time: give hours, days or weeks, such as 12h, 90d or 8w."),
                ("0d", "'0d' is out of range: give 1h to 36500d."),
                ("36501d", "'36501d' is out of range: give 1h to 36500d."),
                ("999999999w", "'999999999w' is out of range: give 1h to 36500d."),
            )
        ),
    ],
)
def test_a_wrong_argument_is_named(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    result = run_bookstore("keys", "create", *arguments, cwd=tmp_path)

    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr


def test_each_worker_accepts_a_key_and_refuses_it_once_it_is_revoked(dsn: str, tmp_path: Path) -> None:
    def statuses() -> list[int]:
        """Return the statuses of requests over new connections, which both workers answer."""
        return [
            httpx.post(server.url, json=QUERY, headers=headers, timeout=GUARD).status_code for _ in range(30)
        ]

    with run_server(tmp_path, DATABASE_URL=dsn, WORKERS="2") as server:
        key = run_bookstore(
            "keys", "create", "shop", "--role", "editor", cwd=tmp_path, DATABASE_URL=dsn
        ).stdout.strip()
        headers = {"authorization": f"Bearer {key}"}
        accepted = statuses()
        run_bookstore("keys", "revoke", "shop", cwd=tmp_path, DATABASE_URL=dsn)
        wait_until(lambda: set(statuses()) == {401})
        output = server.stop()

    assert accepted == [200] * 30
    assert key not in output + server.startup_output


async def test_the_database_holds_nothing_of_a_key_but_its_hash(dsn: str, tmp_path: Path) -> None:
    key = run_bookstore(
        "keys", "create", "shop", "--role", "editor", cwd=tmp_path, DATABASE_URL=dsn
    ).stdout.strip()

    connection = await asyncpg.connect(dsn)
    row = await connection.fetchval("SELECT row_to_json(k)::text FROM access_key AS k")
    await connection.close()

    assert '"name":"shop"' in row
    assert not any(key[start : start + 8] in row for start in range(4, len(key) - 8))
    assert key not in str(build_environment())
