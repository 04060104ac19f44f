"""The files in examples/ work: nginx runs with its configuration, and each setting in them exists."""

import getpass
import re
import shutil
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import httpx
import pytest

from graphql_api.settings import Settings
from tests.serving import BookstoreProcess, run_server
from tests.waiting import GUARD, wait_until

EXAMPLES = Path(__file__).parent.parent / "examples"
NGINX = shutil.which("nginx")
QUERY = {"query": "{ books { totalCount } }"}


@dataclass(frozen=True)
class Proxy:
    """nginx in front of a server. `log` is what it has written."""

    url: str
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")


@pytest.fixture
def proxy(dsn: str, tmp_path: Path) -> Generator[Proxy]:
    """nginx with the configuration of the example, but for the addresses, the log, the temporary files and the rate."""
    if NGINX is None:
        pytest.skip("nginx is not installed: apt-get install nginx")
    with run_server(tmp_path, DATABASE_URL=dsn) as server, run_nginx(NGINX, server, tmp_path) as proxy:
        yield proxy


@contextmanager
def run_nginx(program: str, server: BookstoreProcess, folder: Path) -> Generator[Proxy]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = (EXAMPLES / "nginx.conf").read_text(encoding="utf-8")
    for example, replacement in (
        ("bookstore:8000", httpx.URL(server.url).netloc.decode()),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("rate=50r/s", "rate=1r/m"),
        ("http {", f"http {{ client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;"),
        ("/dev/stdout", str(folder / "access.log")),
    ):
        assert text.count(example) == 1
        text = text.replace(example, replacement)
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    command = [
        program,
        "-p",
        folder,
        "-c",
        "nginx.conf",
        "-g",
        f"user {getpass.getuser()}; daemon off; pid {folder}/nginx.pid;",
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: is_listening(port) or process.poll() is not None)
        yield Proxy(f"http://127.0.0.1:{port}", folder / "access.log")
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=GUARD)
        assert process.returncode == 0, errors


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_nginx_passes_requests_with_their_ids_and_hides_the_metrics(proxy: Proxy) -> None:
    with httpx.Client(base_url=proxy.url, timeout=GUARD) as client:
        response = client.post("/graphql", json=QUERY)
        page = client.get("/graphql", headers={"accept": "text/html"})
        metrics = client.get("/metrics")
        too_large = client.post("/graphql", json={"query": "#" * 200_000})

    assert (response.status_code, response.json()) == (200, {"data": {"books": {"totalCount": 0}}})
    assert f' {response.headers["x-request-id"]} "POST /graphql HTTP/1.1" 200 ' in proxy.log
    assert page.headers["content-type"].startswith("text/html")
    assert (metrics.status_code, metrics.headers["server"]) == (404, page.headers["server"])
    assert too_large.status_code == 413
    assert too_large.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


def test_nginx_limits_the_rate_of_a_client(proxy: Proxy) -> None:
    with httpx.Client(base_url=proxy.url, timeout=GUARD) as client:
        statuses = [client.get("/livez").status_code for _ in range(120)]

    assert {*statuses[:101]} == {200}
    assert 429 in statuses[101:]


def test_each_setting_in_the_examples_exists() -> None:
    settings = {entry.name.upper() for entry in fields(Settings)}
    [service] = re.findall(
        r"^  bookstore:\n(.*?)^  \w", (EXAMPLES / "compose.yaml").read_text(encoding="utf-8"), re.M | re.S
    )
    [environment] = re.findall(r"^ENV (.*)$", (EXAMPLES / "Dockerfile").read_text(encoding="utf-8"), re.M)
    unit = (EXAMPLES / "bookstore.service").read_text(encoding="utf-8")
    named = re.findall(r"^ +([A-Z_]+):", service, re.M)
    named += re.findall(r"\b([A-Z_]+)=", environment)
    named += re.findall(r"\b([A-Z]+_[A-Z]+)\b", unit)

    assert {*named} - settings == {"PATH", "AF_INET", "AF_UNIX"}
