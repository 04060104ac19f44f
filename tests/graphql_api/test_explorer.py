"""The explorer page without a browser: headers, files, the npm project, the example documents."""

import gzip
import json
import re
from pathlib import Path

import httpx
import pytest
from graphql import parse, validate
from starlette.applications import Starlette

from graphql_api.http.explorer_page import DIST, explorer_assets, explorer_response

EXPLORER = DIST.parent
EXAMPLES = re.findall(
    r"example\(`\n(.*?)`\)", (EXPLORER / "src" / "examples.ts").read_text("utf-8"), re.DOTALL
)

OPENED = ["Books", "Category", "Author", "Paging", "Search"]
"""The examples that are tabs at first."""

needs_build = pytest.mark.skipif(
    not (DIST / "index.html").is_file(),
    reason="GraphiQL is not built: Node 20.19 or newer, then `make explorer`",
)


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """Return a build of one page, one script and its gzip file, and a file that must not be served."""
    assets = tmp_path / "dist" / "graphql" / "assets"
    assets.mkdir(parents=True)
    (tmp_path / "dist" / "index.html").write_text("<title>Built – page</title>", encoding="utf-8")
    (assets / "index-1a2b.js").write_text("let a = 1", encoding="utf-8")
    (assets / "index-1a2b.js.gz").write_bytes(gzip.compress(b"let a = 1"))
    (assets / "index-3c4d.css").write_text("a {}", encoding="utf-8")
    (assets / "notes.txt").write_text("not an asset", encoding="utf-8")
    (tmp_path / "dist" / "secret.js").write_text("secret", encoding="utf-8")
    return tmp_path / "dist"


def client_for(dist: Path) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(Starlette(routes=[explorer_assets(dist)]))
    return httpx.AsyncClient(transport=transport, base_url="http://books.test")


def test_the_page_is_the_built_one(dist: Path) -> None:
    response = explorer_response(dist=dist)

    assert response.status_code == 200
    assert bytes(response.body).decode() == "<title>Built – page</title>"


def test_the_page_may_load_nothing_from_another_origin(dist: Path) -> None:
    headers = explorer_response(dist=dist).headers

    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; "
        "connect-src 'self'; img-src 'self' data:; font-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert headers["cache-control"] == "no-cache"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"


def test_without_a_build_the_page_has_build_instructions(tmp_path: Path) -> None:
    response = explorer_response("http://127.0.0.1:9000/graphql", dist=tmp_path)
    page = bytes(response.body).decode()

    assert response.status_code == 200
    assert "GraphiQL is not built" in page
    assert "<code>make explorer</code>" in page
    assert "curl http://127.0.0.1:9000/graphql" in page
    assert "<script" not in page
    assert re.findall(r"(?:src|href)=\"(?!data:)", page) == []
    assert response.headers["content-security-policy"].startswith("default-src 'none'")


def test_the_url_on_the_page_is_escaped(tmp_path: Path) -> None:
    response = explorer_response("http://<script>alert(1)</script>/graphql", dist=tmp_path)

    assert b"<script" not in response.body


async def test_an_asset_is_cacheable_forever_and_compressed_for_clients_that_accept_gzip(dist: Path) -> None:
    async with client_for(dist) as client:
        compressed = await client.get(
            "/graphql/assets/index-1a2b.js", headers={"Accept-Encoding": "br, gzip"}
        )
        plain = await client.get("/graphql/assets/index-1a2b.js", headers={"Accept-Encoding": "gzip;q=0"})

    assert (compressed.status_code, compressed.text) == (200, "let a = 1")
    assert compressed.headers["content-encoding"] == "gzip"
    assert compressed.headers["content-type"] == "text/javascript; charset=utf-8"
    assert compressed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert compressed.headers["vary"] == "Accept-Encoding"
    assert compressed.headers["x-content-type-options"] == "nosniff"
    assert (plain.status_code, plain.text) == (200, "let a = 1")
    assert "content-encoding" not in plain.headers


async def test_an_asset_without_a_gzip_file_is_sent_uncompressed(dist: Path) -> None:
    async with client_for(dist) as client:
        response = await client.get("/graphql/assets/index-3c4d.css", headers={"Accept-Encoding": "gzip"})

    assert (response.status_code, response.text) == (200, "a {}")
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize(
    "name",
    [
        "absent.js",
        "notes.txt",
        "..",
        "..%2f..%2fsecret.js",
        "%2e%2e/%2e%2e/secret.js",
        "..%5c..%5csecret.js",
        "%2fetc%2fpasswd",
        "index-1a2b.js%00",
        "x" * 256 + ".js",
        "x" * 5_000 + ".js",
    ],
)
async def test_only_assets_can_be_read(dist: Path, name: str) -> None:
    async with client_for(dist) as client:
        response = await client.get(f"/graphql/assets/{name}")

    assert response.status_code == 404
    assert "secret" not in response.text


async def test_a_folder_that_was_never_built_has_no_assets(tmp_path: Path) -> None:
    async with client_for(tmp_path / "dist") as client:
        response = await client.get("/graphql/assets/index-1a2b.js")

    assert response.status_code == 404


def test_the_npm_lock_names_no_registry_and_pins_every_file() -> None:
    packages: dict[str, dict[str, object]] = json.loads((EXPLORER / "package-lock.json").read_text("utf-8"))[
        "packages"
    ]
    installed = {name: package for name, package in packages.items() if name}

    assert [name for name, package in installed.items() if "resolved" in package] == []
    assert [name for name, package in installed.items() if "integrity" not in package] == []


def test_the_npm_project_pins_exact_versions() -> None:
    package = json.loads((EXPLORER / "package.json").read_text("utf-8"))
    versions = {**package["dependencies"], **package["devDependencies"]}

    assert [name for name, version in versions.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []


@needs_build
def test_the_built_files_load_nothing_from_elsewhere() -> None:
    loads = re.compile(
        r"""(?:<(?:script|link|img)[^>]+(?:src|href)=["']?|url\(["']?|@import\s*["']|"""
        r"""(?:import|fetch|importScripts|Worker)\(\s*["'`]|\.src\s*=\s*["'`]|from\s*["'`])(?:https?:)?//[^"'`)]+"""
    )
    files = [path for path in DIST.rglob("*") if path.suffix in {".html", ".css", ".js"}]

    assert len(files) > 10
    assert {path.name: loads.findall(path.read_text("utf-8")) for path in files} == {
        path.name: [] for path in files
    }


@needs_build
def test_the_built_files_are_all_served() -> None:
    names = re.findall(r"(?:src|href)=\"\./([^\"]+)\"", (DIST / "index.html").read_text("utf-8"))

    assert len(names) >= 2
    assert [name for name in names if not name.startswith("graphql/assets/")] == []
    assert {path.suffix for path in (DIST / "graphql" / "assets").iterdir()} == {
        ".css",
        ".gz",
        ".js",
        ".ttf",
    }


def test_there_are_examples() -> None:
    names = [re.search(r"^query (\w+)", document, re.MULTILINE) for document in EXAMPLES]

    assert [name and name[1] for name in names] == [
        *OPENED,
        *("Suggestions", "Facets", "InStock", "NewBooks", "CategoryTree"),
    ]
    opened = re.search(r"OPENED_EXAMPLES = (\d+)", (EXPLORER / "src" / "examples.ts").read_text("utf-8"))
    assert opened
    assert int(opened[1]) == len(OPENED)


@pytest.mark.parametrize("document", EXAMPLES)
def test_an_example_is_valid(document: str) -> None:
    from graphql_api.schema import schema

    assert validate(schema._schema, parse(document)) == []
