"""Processes that replace one another, and end together."""

import asyncio
import fcntl
import os
import pty
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.http_client import Client, HttpResponse, read_response
from tests.serving import BOOKSTORE, ServerProcess, build_environment, read_until_serving, run_server
from tests.waiting import until

PROC = Path("/proc")
QUERY = "{ books(first: 1) { totalCount } }"

pytestmark = pytest.mark.skipif(
    not (PROC / "self").exists(), reason="the children of a process are read in /proc"
)


def workers_of(pid: int) -> set[int]:
    """The children of a process that are not Python's resource tracker."""
    children = (PROC / str(pid) / "task" / str(pid) / "children").read_text().split()
    return {int(child) for child in children if is_worker(child)}


def is_worker(child: str) -> bool:
    try:
        return "resource_tracker" not in (PROC / child / "cmdline").read_bytes().decode()
    except FileNotFoundError:  # it has ended since its parent was looked at
        return False


def is_alive(pid: int) -> bool:
    try:
        return ") Z " not in (PROC / str(pid) / "stat").read_text()
    except FileNotFoundError:
        return False


def complaints_in(said: str) -> list[str]:
    """The lines that a server printed but those of its usual course."""
    return [line for line in said.splitlines() if not line.startswith("INFO ")]


@asynccontextmanager
async def server(folder: Path, *arguments: str, **settings: str) -> AsyncGenerator[ServerProcess]:
    """`bookstore serve`, started and ended while the event loop goes on."""
    manager = run_server(folder, BOOKSTORE, arguments, **settings)
    served = await asyncio.to_thread(manager.__enter__)
    try:
        yield served
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)


@asynccontextmanager
async def asking(served: ServerProcess) -> AsyncGenerator[list[HttpResponse]]:
    """Ask over several connections, without a pause, while the context lasts; the replies."""
    client, replies, is_over = Client(served.url), list[HttpResponse](), False

    async def ask() -> None:
        while not is_over:
            replies.append(await client.send(client.build_post(QUERY)))

    tasks = [asyncio.create_task(ask()) for _ in range(4)]
    yield replies
    is_over = True
    await asyncio.gather(*tasks)
    client.close()


async def replacements_of(served: ServerProcess, workers: set[int], count: int) -> set[int]:
    """The workers of a server, once there are so many and none of these is among them."""

    def successors() -> set[int]:
        now = workers_of(served.process.pid)
        return now if len(now) == count and not now & workers else set()

    return await until(successors)


async def test_sighup_replaces_one_process_without_a_lost_request(dsn: str, tmp_path: Path) -> None:
    """By a worker, and that by another one. The id of the process that was started stays the same."""
    async with server(tmp_path, DATABASE_URL=dsn) as served:
        generations = [workers_of(served.process.pid)]
        async with asking(served) as replies:
            for _ in range(2):
                served.process.send_signal(signal.SIGHUP)
                generations.append(await replacements_of(served, generations[-1], 1))
                seen = len(replies)
                await until(lambda seen=seen: len(replies) > seen + 100)
        said = await asyncio.to_thread(served.stop)

    assert [len(generation) for generation in generations] == [0, 1, 1]
    assert {reply.status for reply in replies} == {200}
    assert (complaints_in(said), served.process.returncode) == ([], 0)
    assert not any(is_alive(worker) for worker in set().union(*generations))


async def test_one_process_hands_over_to_a_worker_and_finishes_its_requests(dsn: str, tmp_path: Path) -> None:
    settings = {
        "REQUEST_TIMEOUT": "60",
        "COMMAND_TIMEOUT": "60",
        "DRAIN_TIMEOUT": "60",
        "KEEP_ALIVE_TIMEOUT": "600",
    }
    locking = await asyncpg.connect(dsn)

    async with server(tmp_path, DATABASE_URL=dsn, **settings) as served:
        client = Client(served.url)
        reader, writer = await client.connect()
        writer.write(client.build_get("/livez"))
        await read_response(reader)
        async with locking.transaction():
            await locking.execute("LOCK TABLE book IN ACCESS EXCLUSIVE MODE")
            running = asyncio.create_task(
                client.send(client.build_post("{ books(first: 1) { nodes { title } } }"))
            )
            await until(lambda: locking.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
            served.process.send_signal(signal.SIGHUP)
            idle_connection_ends_with = await reader.read()
            is_running = not running.done()
            served.process.send_signal(signal.SIGSTOP)  # so that the worker alone can answer
            taken_over = await client.send(client.build_get("/livez"))
            served.process.send_signal(signal.SIGCONT)
        reply = await running
        writer.close()
        client.close()
        said = await asyncio.to_thread(served.stop)
    await locking.close()

    assert (idle_connection_ends_with, is_running, taken_over.status) == (b"", True, 200)
    assert (reply.status, reply.headers["connection"]) == (200, "close")
    assert (complaints_in(said), served.process.returncode) == ([], 0)


@pytest.mark.parametrize("count", [1, 2])
async def test_a_worker_that_does_not_start_replaces_none(dsn: str, tmp_path: Path, count: int) -> None:
    connection = await asyncpg.connect(dsn)

    async with server(tmp_path, "--workers", str(count), DATABASE_URL=dsn) as served:
        before = workers_of(served.process.pid)
        await connection.execute("UPDATE alembic_version SET version_num = 'x'")
        served.process.send_signal(signal.SIGHUP)
        said = await asyncio.to_thread(read_until, served, "a new worker did not start; the old one is kept")
        after = workers_of(served.process.pid)
        client = Client(served.url)
        reply = await client.send(client.build_post(QUERY))
        await connection.execute("UPDATE alembic_version SET version_num = '0005'")
        client.close()
    await connection.close()

    assert said.splitlines()[-1].startswith("ERROR bookstore.")
    assert (before, reply.status) == (after, 200)


def read_until(served: ServerProcess, text: str) -> str:
    """What a server prints until a line with the text."""
    assert served.process.stdout is not None
    said = ""
    for line in served.process.stdout:
        said += line
        if text in line:
            return said
    raise AssertionError(said)


@pytest.mark.parametrize("count", [1, 2])
async def test_workers_end_with_a_parent_that_is_killed(dsn: str, tmp_path: Path, count: int) -> None:
    async with server(tmp_path, "--workers", str(count), DATABASE_URL=dsn) as served:
        if count == 1:
            served.process.send_signal(signal.SIGHUP)
        workers = await replacements_of(served, set(), count)
        served.process.kill()
        await until(lambda: not any(is_alive(worker) for worker in workers))
        parts = urlsplit(served.url)
        socket.create_server((parts.hostname or "", parts.port or 0)).close()

    assert len(workers) == count


async def test_a_worker_that_dies_is_started_again(dsn: str, tmp_path: Path) -> None:
    async with server(tmp_path, "--workers", "2", DATABASE_URL=dsn) as served:
        victim, other = workers_of(served.process.pid)
        os.kill(victim, signal.SIGKILL)
        said = await asyncio.to_thread(read_until, served, f"worker {victim} has ended")
        await until(lambda: len(workers_of(served.process.pid) - {victim, other}) == 1)

    assert said.splitlines()[-1].endswith(f"worker {victim} has ended with -9; it is started again")


SUPERVISE = """
import socket, sys
from graphql_api.server.listener import listening
from graphql_api.server.supervisor import WorkerSupervisor
from graphql_api.settings import Settings

if __name__ == "__main__":
    settings = Settings(workers=2, port=0)
    with listening(settings) as listener:
        WorkerSupervisor(settings, sys.argv[1], listener).run(lambda: print("started"))
"""


async def test_a_server_whose_workers_do_not_start_ends(dsn: str, tmp_path: Path) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("UPDATE alembic_version SET version_num = 'x'")
    await connection.close()
    (tmp_path / "supervise.py").write_text(SUPERVISE)

    result = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "supervise.py", dsn],
        cwd=tmp_path,
        env=build_environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.endswith("a worker did not start\n")


@pytest.mark.parametrize(("count", "number"), [(1, signal.SIGTERM), (2, signal.SIGINT)])
async def test_a_server_that_is_told_to_end_ends_well(
    dsn: str, tmp_path: Path, count: int, number: signal.Signals
) -> None:
    async with server(tmp_path, "--workers", str(count), DATABASE_URL=dsn) as served:
        served.process.send_signal(number)
        said, _ = await asyncio.to_thread(served.process.communicate, timeout=60)

    assert (complaints_in(said), served.process.returncode) == ([], 0)


@pytest.mark.parametrize("count", [1, 2])
def test_a_server_ends_with_its_terminal(dsn: str, tmp_path: Path, count: int) -> None:
    """A terminal that is closed sends SIGHUP, too."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [BOOKSTORE, "serve", "--workers", str(count)],
        cwd=tmp_path,
        env=build_environment(PORT="0", DATABASE_URL=dsn),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    try:
        read_until_serving(process)
        os.close(ours)
        said, _ = process.communicate(timeout=60)
    finally:
        process.kill()

    assert (complaints_in(said), process.returncode) == ([], 0)
