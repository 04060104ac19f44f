"""As process 1 of a container, `bookstore` stops the embedded PostgreSQL, which could not outlive it."""

import shutil
import signal
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.serving import BOOKSTORE, build_environment, embedded_catalog, read_until_serving, run_bookstore
from tests.waiting import wait_until

NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc"]


def can_unshare() -> bool:
    return (
        shutil.which("unshare") is not None
        and subprocess.run([*NAMESPACE, "true"], check=False).returncode == 0
    )


pytestmark = pytest.mark.skipif(not can_unshare(), reason="no PID namespace can be created")


@pytest.fixture
def folder() -> Generator[Path]:
    """A folder for an embedded catalog."""
    with embedded_catalog() as folder:
        yield folder


def read_server_log(folder: Path) -> str:
    return (folder / ".data" / "postgresql-18" / "server.log").read_text()


@pytest.mark.parametrize(("number", "workers"), [(signal.SIGTERM, "1"), (signal.SIGINT, "2")])
def test_serve_shuts_down_the_embedded_postgresql(folder: Path, number: signal.Signals, workers: str) -> None:
    process = subprocess.Popen(
        [*NAMESPACE, BOOKSTORE, "serve", "--workers", workers],
        cwd=folder,
        env=build_environment(PORT="0"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    read_until_serving(process)

    signal_pid_1(process, number)
    output, _ = process.communicate(timeout=60)

    assert output.splitlines()[-1] == "PostgreSQL is stopped: it cannot outlive PID 1."
    assert process.returncode == 0
    assert "database system is shut down" in read_server_log(folder)
    assert run_bookstore("db", "status", cwd=folder).stdout.startswith("PostgreSQL 18 is stopped, ")


def signal_pid_1(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal to the child of `unshare`, which is process 1 of the namespace."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    subprocess.run(["kill", f"-{number.value}", *children], check=True)


def test_other_commands_shut_down_the_embedded_postgresql(folder: Path) -> None:
    environment = build_environment()

    done = subprocess.run(
        [*NAMESPACE, BOOKSTORE, "seed", "--books", "10"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines()[-1] == "PostgreSQL is stopped: it cannot outlive PID 1."
    assert "database system is shut down" in read_server_log(folder)


def test_sigterm_during_a_command_shuts_down_the_embedded_postgresql(folder: Path) -> None:
    """The kernel ignores signals that process 1 does not handle."""
    process = subprocess.Popen(
        [*NAMESPACE, BOOKSTORE, "seed", "--books", "1000000"],
        cwd=folder,
        env=build_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    ready = folder / ".data" / "postgresql-18" / "postmaster.pid"
    wait_until(lambda: ready.exists() and "ready" in ready.read_text())

    signal_pid_1(process, signal.SIGTERM)
    output, _ = process.communicate(timeout=60)

    assert output.splitlines()[-1] == "PostgreSQL is stopped: it cannot outlive PID 1."
    assert "database system is shut down" in read_server_log(folder)
