"""The embedded server is started again after a kill, a lost socket, or a deleted or moved folder."""

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
    create_running_server,
    create_stopped_server,
    fetch_rows,
    find_server_pids,
    postmaster_pid,
    private_folder,
    read_output,
    start_in_subprocess,
    start_server,
)
from tests.waiting import GUARD, wait_until


@pytest.fixture
def folder() -> Generator[Path]:
    with private_folder() as made:
        yield made


async def test_no_committed_row_is_lost_when_all_server_processes_are_killed(folder: Path) -> None:
    server = await asyncio.to_thread(start, folder / "data", options={"shared_buffers": "16MB"})
    connection = await asyncpg.connect(server.dsn)
    await connection.execute("CREATE TABLE kept (n integer)")
    committed = 0
    has_committed_enough = asyncio.Event()

    async def write() -> None:
        nonlocal committed
        while True:
            await connection.execute("INSERT INTO kept VALUES ($1)", committed)
            committed += 1
            if committed == 200:
                has_committed_enough.set()

    writing = asyncio.create_task(write())
    await has_committed_enough.wait()
    os.kill(postmaster_pid(server), signal.SIGKILL)
    for pid in find_server_pids(folder):
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(  # depends on what the driver is doing
        (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, ConnectionError)
    ):
        await writing
    again = await asyncio.to_thread(start, folder / "data", options={"shared_buffers": "16MB"})

    connection = await asyncpg.connect(again.dsn)
    kept = await connection.fetchval("SELECT count(*) FILTER (WHERE n < $1) FROM kept", committed)
    await connection.close()
    assert kept == committed >= 200


def terminate_once_start_is_refused(server: Server, pid: int) -> None:
    """Terminate a process of the server once it has made another start fail."""
    log = server.data_folder / "server.log"
    wait_until(lambda: log.exists() and "still in use" in log.read_text())
    os.kill(pid, signal.SIGTERM)


@pytest.mark.parametrize("proc", [True, False])
def test_a_busy_backend_of_a_killed_server_does_not_block_the_next_start(
    folder: Path, proc: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = create_running_server(folder / "data")
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
        lambda: fetch_rows(
            server.dsn, "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'DO %' AND state = 'active'"
        )
    )
    others = set(find_server_pids(folder))
    former = postmaster_pid(server)
    os.kill(former, signal.SIGKILL)
    # Idle processes end by themselves; the busy one does not.
    wait_until(lambda: len(others & set(find_server_pids(folder))) == 1)
    left = others & set(find_server_pids(folder))
    if not proc:  # the busy process cannot be found, so the start is retried until it has ended
        monkeypatch.setattr(postmaster, "PROC", folder / "no-proc")
        monkeypatch.setattr(embedded, "_STALE_PROCESS_TIMEOUT", GUARD)
        wait_until(lambda: not Path(f"/proc/{former}").exists())
        threading.Thread(target=terminate_once_start_is_refused, args=(server, *left)).start()

    again = start_server(folder / "data")

    assert not left & set(find_server_pids(folder))
    assert fetch_rows(again.dsn, "SELECT one FROM kept") == [(1,)]
    assert busy.wait(GUARD) != 0


def test_an_initdb_whose_parent_is_killed_leaves_no_incomplete_cluster(folder: Path) -> None:
    data = folder / "data"
    process = start_in_subprocess(data)
    wait_until(lambda: list(data.glob("postgresql-18.*.partial/base")))
    process.kill()
    process.communicate()

    server = start_server(data)

    assert fetch_rows(server.dsn, "SELECT 1") == [(1,)]
    wait_until(lambda: not list(data.glob("*.partial/global")) or not (stop(data), start_server(data)))
    assert len(status(data)) == 1


def test_a_server_whose_starting_process_is_killed_can_be_joined(folder: Path) -> None:
    create_stopped_server(folder / "data")
    process = start_in_subprocess(folder / "data")
    wait_until((folder / "data" / "postgresql-18" / "postmaster.pid").exists)
    process.kill()
    process.communicate()

    server = start_server(folder / "data")

    assert fetch_rows(server.dsn, "SELECT 1") == [(1,)]
    assert read_output(start_in_subprocess(folder / "data")).endswith(f" {postmaster_pid(server)}")


@pytest.mark.parametrize(
    "content", ["", "nonsense\n", "{unrelated}\n", "{unrelated}\n/nowhere\n0\n5432\n\n\n1 2\nready\n", "1\n"]
)
def test_a_stale_lock_file_does_not_block_a_start(folder: Path, content: str) -> None:
    server = create_stopped_server(folder / "data")
    owner = server.data_folder.stat()
    # The pid in the file belongs to another process of the same account, as after a restart of a container.
    unrelated = subprocess.Popen(
        ["sleep", "60"],
        user=owner.st_uid if os.geteuid() == 0 else None,
        group=owner.st_gid if os.geteuid() == 0 else None,
        extra_groups=[] if os.geteuid() == 0 else None,
    )
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        (server.data_folder / name).write_text(content.format(unrelated=unrelated.pid))

    state = status(folder / "data")[0].pid
    again = start_server(folder / "data")

    assert state is None
    assert fetch_rows(again.dsn, "SELECT one FROM kept") == [(1,)]
    assert unrelated.poll() is None
    unrelated.kill()
    unrelated.wait()


def test_a_server_whose_socket_was_deleted_is_restarted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "MISSING_SOCKET_TIMEOUT", 0.3)
    server = create_running_server(folder / ("a" * 120))
    former = postmaster_pid(server)
    shutil.rmtree(server.socket_folder)

    again = start_server(folder / ("a" * 120))

    assert again == server
    assert postmaster_pid(again) != former
    assert fetch_rows(again.dsn, "SELECT one FROM kept") == [(1,)]
    shutil.rmtree(server.socket_folder)


@pytest.mark.parametrize("name", ["data", "a" * 120])
def test_a_data_folder_deleted_while_its_server_runs_is_created_again(folder: Path, name: str) -> None:
    server = create_running_server(folder / name)
    shutil.rmtree(folder / name)

    fresh = start_server(folder / name)

    assert fresh == server
    assert fetch_rows(fresh.dsn, "SELECT to_regclass('kept')::text") == [(None,)]
    if fresh.socket_folder != fresh.data_folder:
        shutil.rmtree(fresh.socket_folder)


def test_a_copy_of_a_running_cluster_does_not_end_its_server(folder: Path) -> None:
    """The lock file of the socket is copied with the cluster. It names a process of the first server."""
    server = create_running_server(folder / "data")
    copy = folder / "copy" / server.data_folder.name
    shutil.copytree(
        server.data_folder,
        copy,
        ignore=lambda path, names: [name for name in names if Path(path, name).is_socket()],
    )
    for path in (copy, *copy.rglob("*")):
        os.chown(path, server.data_folder.stat().st_uid, server.data_folder.stat().st_gid)
    before = postmaster_pid(server)

    other = start(folder / "copy")

    assert postmaster_pid(server) == before
    assert other.data_folder != server.data_folder
    assert fetch_rows(server.dsn, "SELECT 1") == fetch_rows(other.dsn, "SELECT 1")


def test_a_data_folder_can_be_moved_while_its_server_runs(folder: Path) -> None:
    server = create_running_server(folder / "data")
    pid = postmaster_pid(server)
    (folder / "data").rename(folder / "moved")

    moved = start_server(folder / "moved")

    assert postmaster_pid(moved) == pid
    assert fetch_rows(moved.dsn, "SELECT 1") == [(1,)]
