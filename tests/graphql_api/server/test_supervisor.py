"""Server and worker processes: replacement, failures and shutdown."""

import asyncio
import fcntl
import json
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
from tests.serving import (
    BOOKSTORE,
    BookstoreProcess,
    build_environment,
    read_until_serving,
    run_server_in_thread,
    worker_pids,
)
from tests.waiting import GUARD, until

PROC = Path("/proc")
QUERY = "{ books(first: 1) { totalCount } }"

pytestmark = pytest.mark.skipif(
    not (PROC / "self").exists(), reason="/proc is needed to list the children of a process"
)


def is_alive(pid: int) -> bool:
    try:
        return ") Z " not in (PROC / str(pid) / "stat").read_text()
    except FileNotFoundError:
        return False


def warnings_in(output: str) -> list[str]:
    """Return the lines of a server's output above the level INFO."""
    return [line for line in output.splitlines() if not line.startswith("INFO ")]


@asynccontextmanager
async def send_continuously(server: BookstoreProcess) -> AsyncGenerator[list[HttpResponse]]:
    """Send queries over four connections during the context. Yield the list of responses."""
    client, responses, is_over = Client(server.url), list[HttpResponse](), False

    async def send_queries() -> None:
        while not is_over:
            responses.append(await client.send(client.build_post(QUERY)))

    tasks = [asyncio.create_task(send_queries()) for _ in range(4)]
    yield responses
    is_over = True
    await asyncio.gather(*tasks)
    client.close()


async def wait_for_new_workers(server: BookstoreProcess, workers: set[int], count: int) -> set[int]:
    """Wait until the server has `count` workers and none of the given ones. Return the new workers."""

    def find_new_workers() -> set[int]:
        current = worker_pids(server.process.pid)
        return current if len(current) == count and not current & workers else set()

    return await until(find_new_workers)


async def test_sighup_replaces_one_process_without_a_failed_request(dsn: str, tmp_path: Path) -> None:
    """The first SIGHUP starts a worker, the second one replaces it. The first process remains as its parent."""
    async with run_server_in_thread(tmp_path, DATABASE_URL=dsn) as server:
        generations = [worker_pids(server.process.pid)]
        async with send_continuously(server) as responses:
            for _ in range(2):
                server.process.send_signal(signal.SIGHUP)
                generations.append(await wait_for_new_workers(server, generations[-1], 1))
                seen = len(responses)
                await until(lambda seen=seen: len(responses) > seen + 100)
        output = await asyncio.to_thread(server.stop)

    assert [len(generation) for generation in generations] == [0, 1, 1]
    assert {response.status for response in responses} == {200}
    assert (warnings_in(output), server.process.returncode) == ([], 0)
    assert not any(is_alive(worker) for worker in set().union(*generations))


async def test_a_replaced_process_closes_idle_connections_and_finishes_its_requests(
    dsn: str, tmp_path: Path
) -> None:
    settings = {
        "REQUEST_TIMEOUT": "60",
        "COMMAND_TIMEOUT": "60",
        "DRAIN_TIMEOUT": "60",
        "KEEP_ALIVE_TIMEOUT": "600",
    }
    locking = await asyncpg.connect(dsn)

    async with run_server_in_thread(tmp_path, DATABASE_URL=dsn, **settings) as server:
        client = Client(server.url)
        reader, writer = await client.connect()
        writer.write(client.build_get("/livez"))
        await read_response(reader)
        async with locking.transaction():
            await locking.execute("LOCK TABLE book IN ACCESS EXCLUSIVE MODE")
            running = asyncio.create_task(
                client.send(client.build_post("{ books(first: 1) { nodes { title } } }"))
            )
            await until(lambda: locking.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
            server.process.send_signal(signal.SIGHUP)
            idle_rest = await reader.read()
            is_running = not running.done()
            server.process.send_signal(signal.SIGSTOP)  # so that only the worker can respond
            from_worker = await client.send(client.build_get("/livez"))
            server.process.send_signal(signal.SIGCONT)
        response = await running
        writer.close()
        client.close()
        output = await asyncio.to_thread(server.stop)
    await locking.close()

    assert (idle_rest, is_running, from_worker.status) == (b"", True, 200)
    assert (response.status, response.headers["connection"]) == (200, "close")
    assert (warnings_in(output), server.process.returncode) == ([], 0)


@pytest.mark.parametrize("count", [1, 2])
async def test_a_worker_that_cannot_use_its_database_does_not_replace_the_old_one(
    dsn: str, tmp_path: Path, count: int
) -> None:
    connection = await asyncpg.connect(dsn)
    revision = await connection.fetchval("SELECT version_num FROM alembic_version")

    async with run_server_in_thread(tmp_path, "--workers", str(count), DATABASE_URL=dsn) as server:
        before = worker_pids(server.process.pid)
        await connection.execute("UPDATE alembic_version SET version_num = 'x'")
        server.process.send_signal(signal.SIGHUP)
        line = await asyncio.to_thread(server.wait_for_line, "the old one is kept")
        await until(lambda: worker_pids(server.process.pid) == before)
        client = Client(server.url)
        response = await client.send(client.build_post(QUERY))
        await connection.execute("UPDATE alembic_version SET version_num = $1", revision)
        client.close()
    await connection.close()

    assert line.startswith("ERROR bookstore.")
    assert line.endswith("a new worker did not start; the old one is kept")
    reasons = [line for line in server.output().splitlines() if "cannot use its database" in line]
    assert len(reasons) == 1
    assert f"The database is at revision x, this version needs {revision}" in reasons[0]
    assert response.status == 200


@pytest.mark.parametrize("count", [1, 2])
async def test_new_workers_read_the_manifest_again(dsn: str, tmp_path: Path, count: int) -> None:
    manifest = tmp_path / "shop.json"
    manifest.write_text(json.dumps({"old": "{ __typename }"}))
    settings = {"DATABASE_URL": dsn, "TRUSTED_DOCUMENTS": str(manifest)}

    async with run_server_in_thread(tmp_path, "--workers", str(count), **settings) as server:
        before = worker_pids(server.process.pid)
        manifest.write_text(json.dumps({"new": "{ nothing }"}))
        server.process.send_signal(signal.SIGHUP)
        await asyncio.to_thread(server.wait_for_line, "the old one is kept")
        await until(lambda: worker_pids(server.process.pid) == before)
        manifest.write_text(json.dumps({"new": "{ __typename }"}))
        server.process.send_signal(signal.SIGHUP)
        await wait_for_new_workers(server, before, count)
        client = Client(server.url)

        async def find_new() -> bool:
            response = await client.send(client.build_get("/graphql?documentId=new"))
            return response.body == b'{"data":{"__typename":"Query"}}'

        await until(find_new)
        client.close()
        output = server.output()

    assert "Traceback" not in output
    reasons = [line for line in output.splitlines() if "cannot be trusted" in line]
    assert len(reasons) == 1
    assert reasons[0].startswith("ERROR bookstore.worker ")
    assert reasons[0].endswith(
        f"{manifest}: the document 'new' cannot be trusted: Cannot query field 'nothing' on type 'Query'. "
        "(line 1, column 3)"
    )


@pytest.mark.parametrize("count", [1, 2])
async def test_workers_end_when_their_parent_is_killed(dsn: str, tmp_path: Path, count: int) -> None:
    async with run_server_in_thread(tmp_path, "--workers", str(count), DATABASE_URL=dsn) as server:
        if count == 1:
            server.process.send_signal(signal.SIGHUP)
        workers = await wait_for_new_workers(server, set(), count)
        server.process.kill()
        await until(lambda: not any(is_alive(worker) for worker in workers))
        parts = urlsplit(server.url)
        socket.create_server((parts.hostname or "", parts.port or 0)).close()

    assert len(workers) == count


async def test_a_killed_worker_is_replaced(dsn: str, tmp_path: Path) -> None:
    async with run_server_in_thread(tmp_path, "--workers", "2", DATABASE_URL=dsn) as server:
        victim, other = worker_pids(server.process.pid)
        os.kill(victim, signal.SIGKILL)
        line = await asyncio.to_thread(server.wait_for_line, f"worker {victim} has ended")
        await until(lambda: len(worker_pids(server.process.pid) - {victim, other}) == 1)

    assert line.endswith(f"worker {victim} has ended with -9; it is started again")


SUPERVISE = """
import socket, sys
from graphql_api.server.listener import listening
from graphql_api.server.supervisor import WorkerSupervisor
from graphql_api.settings import Settings

if __name__ == "__mp_main__":
    sys.exit(3)  # in a worker
if __name__ == "__main__":
    settings = Settings(workers=2, port=0)
    with listening(settings) as listener:
        WorkerSupervisor(settings, sys.argv[1], listener).run(lambda: print("started"))
"""


async def test_a_server_exits_with_an_error_if_its_workers_do_not_start(dsn: str, tmp_path: Path) -> None:
    (tmp_path / "supervise.py").write_text(SUPERVISE)

    result = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "supervise.py", dsn],
        cwd=tmp_path,
        env=build_environment(),
        capture_output=True,
        text=True,
        timeout=GUARD,
        check=False,
    )

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.endswith("a worker did not start\n")


@pytest.mark.parametrize(("count", "number"), [(1, signal.SIGTERM), (2, signal.SIGINT)])
async def test_a_server_exits_without_warnings_on_a_signal(
    dsn: str, tmp_path: Path, count: int, number: signal.Signals
) -> None:
    async with run_server_in_thread(tmp_path, "--workers", str(count), DATABASE_URL=dsn) as server:
        server.process.send_signal(number)
        await asyncio.to_thread(server.wait)

    assert (warnings_in(server.output()), server.process.returncode) == ([], 0)


@pytest.mark.parametrize("count", [1, 2])
def test_a_server_exits_when_its_terminal_is_closed(dsn: str, tmp_path: Path, count: int) -> None:
    """Closing a terminal sends SIGHUP, which must not be taken for a request to replace workers."""
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
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()

    assert (warnings_in(output), process.returncode) == ([], 0)
