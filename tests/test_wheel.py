"""The wheel contains everything it needs: migrations, the sample, GraphiQL and the storefront if they were built."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.serving import embedded_catalog, run_bookstore, run_server
from tests.waiting import GUARD

ROOT = Path(__file__).parent.parent
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
EXPLORER = ROOT / "graphql_api" / "http" / "explorer"
STOREFRONT = ROOT / "graphql_api" / "http" / "storefront"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    [path] = folder.glob("*.whl")
    return path


def test_the_wheel_contains_the_packages_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert {name.split("/")[0] for name in names} == {
        "graphql_api",
        "db",
        "migrations",
        f"bookstore_graphql-{VERSION}.dist-info",
    }
    assert "db/importing/sample.jsonl" in names
    assert "migrations/versions/0001_catalog.py" in names
    assert [name for name in names if "node_modules" in name or "explorer/src" in name] == []


def test_the_installed_wheel_works_without_the_repository(wheel: Path) -> None:
    with embedded_catalog() as folder:
        installed = folder / "installed"
        subprocess.run(
            [
                Path(sys.executable).with_name("uv"),
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--no-index",
                "--target",
                installed,
                wheel,
            ],
            check=True,
            capture_output=True,
        )
        command = installed / "bin" / "bookstore"
        imported_from = subprocess.run(
            [
                sys.executable,
                "-c",
                "import graphql_api, db, migrations; print(db.__file__, migrations.__path__)",
            ],
            cwd=folder,
            env={"PYTHONPATH": str(installed)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        assert str(ROOT) not in imported_from

        with run_server(folder, command, PYTHONPATH=str(installed)) as server:
            response = httpx.post(server.url, json={"query": "{ books { totalCount } }"}, timeout=GUARD)
            page = httpx.get(server.url, headers={"accept": "text/html"}, timeout=GUARD)
            storefront = httpx.get(f"{server.url}/../search", headers={"accept": "text/html"}, timeout=GUARD)

        assert response.json() == {"data": {"books": {"totalCount": 169}}}
        assert ("GraphiQL is not built" in page.text) is not (EXPLORER / "dist" / "index.html").exists()
        assert (storefront.status_code == 200) is (STOREFRONT / "dist" / "index.html").exists()
        assert run_bookstore("migrate", cwd=folder, PYTHONPATH=str(installed)).returncode == 0
