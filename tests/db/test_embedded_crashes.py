"""The embedded server after a kill, a sweep of /tmp or a deleted folder: it comes back, with its data."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path

import asyncpg
import pytest

from db import embedded
from db.embedded import Server, start, status, stop
from db.postgres import postmaster
from tests.db.embedded_folders import (
    existing,
    output_of,
    postmaster_number,
    private_folder,
    rows,
    server_processes,
    started,
    starting_process,
    stopped,
)
from tests.waiting import GUARD, wait_until


@pytest.fixture
def folder() -> Generator[Path]:
    with private_folder() as made:
        yield made


async def test_a_postmaster_killed_under_writes_loses_no_acknowledged_row(folder: Path) -> None:
    server = await asyncio.to_thread(start, folder / "data", options={"shared_buffers": "16MB"})
    connection = await asyncpg.connect(server.dsn)
    await connection.execute("CREATE TABLE kept (n integer)")
    acknowledged = 0
    enough = asyncio.Event()

    async def write() -> None:
        nonlocal acknowledged
        while True:
            await connection.execute("INSERT INTO kept VALUES ($1)", acknowledged)
            acknowledged += 1
            if acknowledged == 200:
                enough.set()

    writing = asyncio.create_task(write())
    await enough.wait()
    os.kill(postmaster_number(server), signal.SIGKILL)
    for pid in server_processes(folder):
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(  # whichever the driver happens to be in
        (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, ConnectionError)
    ):
        await writing
    again = await asyncio.to_thread(start, folder / "data", options={"shared_buffers": "16MB"})

    connection = await asyncpg.connect(again.dsn)
    kept = await connection.fetchval("SELECT count(*) FILTER (WHERE n < $1) FROM kept", acknowledged)
    await connection.close()
    assert kept == acknowledged >= 200


def end_once_refused(server: Server, pid: int) -> None:
    """End a process of the server once another start was refused because of it."""
    log = server.data_folder / "server.log"
    wait_until(lambda: log.exists() and "still in use" in log.read_text())
    os.kill(pid, signal.SIGTERM)


@pytest.mark.parametrize("proc", [True, False])
def test_a_backend_busy_in_a_statement_does_not_hold_up_the_next_start(
    folder: Path, proc: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = existing(folder / "data")
    loop = "DO $$ BEGIN LOOP NULL; END LOOP; END $$"
    script = f"""
import asyncio, asyncpg
async def main():
    connection = await asyncpg.connect({server.dsn!r})
    await connection.execute({loop!r})
asyncio.run(main())
"""
    busy = subprocess.Popen(
        [sys.executable, "-c", script],
        env={"PATH": os.defpath, "PYTHONPATH": str(Path(asyncpg.__file__).parents[1])},
        stderr=subprocess.DEVNULL,
    )
    wait_until(
        lambda: rows(
            server.dsn, "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'DO %' AND state = 'active'"
        )
    )
    others = set(server_processes(folder))
    former = postmaster_number(server)
    os.kill(former, signal.SIGKILL)
    # The idle processes notice by themselves; the busy one does not.
    wait_until(lambda: len(others & set(server_processes(folder))) == 1)
    left = others & set(server_processes(folder))
    if not proc:  # nothing shows the busy one, so the start is tried until it has ended
        monkeypatch.setattr(postmaster, "PROC", folder / "no-proc")
        monkeypatch.setattr(embedded, "_STALE_PROCESS_TIMEOUT", GUARD)
        wait_until(lambda: not Path(f"/proc/{former}").exists())
        threading.Thread(target=end_once_refused, args=(server, *left)).start()

    again = started(folder / "data")

    assert not left & set(server_processes(folder))
    assert rows(again.dsn, "SELECT one FROM kept") == [(1,)]
    assert busy.wait(GUARD) != 0


def test_an_app_killed_amid_initdb_leaves_nothing_half_made(folder: Path) -> None:
    data = folder / "data"
    app = starting_process(data)
    wait_until(lambda: list(data.glob("postgresql-18.*.partial/base")))
    app.kill()
    app.communicate()

    server = started(data)

    assert rows(server.dsn, "SELECT 1") == [(1,)]
    wait_until(lambda: not list(data.glob("*.partial/global")) or not (stop(data), started(data)))
    assert len(status(data)) == 1


def test_an_app_killed_amid_the_start_leaves_a_server_to_join(folder: Path) -> None:
    stopped(folder / "data")
    app = starting_process(folder / "data")
    wait_until((folder / "data" / "postgresql-18" / "postmaster.pid").exists)
    app.kill()
    app.communicate()

    server = started(folder / "data")

    assert rows(server.dsn, "SELECT 1") == [(1,)]
    assert output_of(starting_process(folder / "data")).endswith(f" {postmaster_number(server)}")


@pytest.mark.parametrize(
    "content", ["", "nonsense\n", "{stranger}\n", "{stranger}\n/nowhere\n0\n5432\n\n\n1 2\nready\n", "1\n"]
)
def test_a_lock_file_left_by_a_crash_bars_nobody(folder: Path, content: str) -> None:
    server = stopped(folder / "data")
    owner = server.data_folder.stat()
    # Another process of the server's account, as in a container whose process numbers begin anew.
    stranger = subprocess.Popen(
        ["sleep", "60"],
        user=owner.st_uid if os.geteuid() == 0 else None,
        group=owner.st_gid if os.geteuid() == 0 else None,
        extra_groups=[] if os.geteuid() == 0 else None,
    )
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        (server.data_folder / name).write_text(content.format(stranger=stranger.pid))

    state = status(folder / "data")[0].pid
    again = started(folder / "data")

    assert state is None
    assert rows(again.dsn, "SELECT one FROM kept") == [(1,)]
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_server_whose_socket_was_swept_away_is_started_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "MISSING_SOCKET_TIMEOUT", 0.3)
    server = existing(folder / ("a" * 120))
    former = postmaster_number(server)
    shutil.rmtree(server.socket_folder)

    again = started(folder / ("a" * 120))

    assert again == server
    assert postmaster_number(again) != former
    assert rows(again.dsn, "SELECT one FROM kept") == [(1,)]
    shutil.rmtree(server.socket_folder)


@pytest.mark.parametrize("name", ["data", "a" * 120])
def test_a_data_folder_deleted_under_its_server_begins_anew(folder: Path, name: str) -> None:
    server = existing(folder / name)
    shutil.rmtree(folder / name)

    fresh = started(folder / name)

    assert fresh == server
    assert rows(fresh.dsn, "SELECT to_regclass('kept')::text") == [(None,)]
    if fresh.socket_folder != fresh.data_folder:
        shutil.rmtree(fresh.socket_folder)


def test_a_running_data_folder_may_be_moved(folder: Path) -> None:
    server = existing(folder / "data")
    pid = postmaster_number(server)
    (folder / "data").rename(folder / "moved")

    moved = started(folder / "moved")

    assert postmaster_number(moved) == pid
    assert rows(moved.dsn, "SELECT 1") == [(1,)]
