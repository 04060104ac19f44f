"""The storefront without a browser: its routes and headers, the npm project, its operations."""

import gzip
import json
import re
from pathlib import Path

import httpx
import pytest
from graphql import parse, validate
from starlette.applications import Starlette

from benchmarks.storefront_operations import PROJECT, load_operations
from graphql_api.http.root import root_route
from graphql_api.http.storefront_page import DIST, Storefront
from graphql_api.schema import schema
from tests.graphql_api.http.conftest import Shop

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PAGE = (
    '<html data-explorer="on"><script src="./assets/index-1a2b.js"></script>'
    '<link href="./assets/index-3c4d.css"></html>'
)
needs_build = pytest.mark.skipif(
    not (DIST / "index.html").is_file(),
    reason="The storefront is not built: Node 20.19 or newer, then `make storefront`",
)


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """Return a build of one page, one script with its gzip file, and a file that must not be served."""
    assets = tmp_path / "dist" / "assets"
    assets.mkdir(parents=True)
    (tmp_path / "dist" / "index.html").write_text(PAGE, encoding="utf-8")
    (assets / "index-1a2b.js").write_text("let a = 1", encoding="utf-8")
    (assets / "index-1a2b.js.gz").write_bytes(gzip.compress(b"let a = 1"))
    (tmp_path / "dist" / "secret.js").write_text("secret", encoding="utf-8")
    return tmp_path / "dist"


def client_for(dist: Path, *, explorer: bool = True) -> httpx.AsyncClient:
    storefront = Storefront(dist, explorer=explorer)
    app = Starlette(
        routes=[root_route("/graphql", explorer=explorer, storefront=storefront), *storefront.routes()],
        exception_handlers={404: storefront.respond_not_found},
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop", headers=BROWSER)


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        ("/", "./"),
        ("/search?q=emma", "./"),
        ("/books/emma-1", "../"),
        ("/series/discworld", "../"),
        ("/authors/jane-austen", "../"),
        ("/authors/jane-austen?after=abc", "../"),
        ("/categories/fiction", "../"),
        ("/categories/fiction/novels/modernism", "../../../"),
        ("/categories/fiction/", "../../"),
    ],
)
async def test_each_address_has_the_page_with_assets_relative_to_it(
    dist: Path, path: str, prefix: str
) -> None:
    async with client_for(dist) as client:
        response = await client.get(path)

    assert response.status_code == 200
    assert response.text == PAGE.replace("./", prefix)
    for name in ("index-1a2b.js", "index-3c4d.css"):
        assert f'"{prefix}assets/{name}"' in response.text
        assert response.url.join(f"{prefix}assets/{name}").path == f"/assets/{name}"


async def test_a_page_may_load_nothing_from_another_origin_and_run_no_script_of_a_text(dist: Path) -> None:
    async with client_for(dist) as client:
        headers = (await client.get("/search")).headers

    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "require-trusted-types-for 'script'; trusted-types 'none'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert headers["cache-control"] == "no-cache"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["vary"] == "Accept"


async def test_an_unknown_address_is_a_page_with_status_404_for_browsers_alone(dist: Path) -> None:
    async with client_for(dist) as client:
        page = await client.get("/shelves/first")
        encoded = await client.get("/books/a%2Fb")
        tool = await client.get("/shelves/first", headers={"accept": "*/*"})

    assert (page.status_code, page.text) == (404, PAGE.replace("./", "../"))
    assert (encoded.status_code, encoded.text) == (404, PAGE.replace("./", "../"))
    assert (tool.status_code, tool.text) == (404, "Not Found")
    assert (page.headers["vary"], tool.headers["vary"]) == ("Accept", "Accept")


async def test_an_asset_is_cacheable_forever_and_compressed_for_clients_that_accept_gzip(dist: Path) -> None:
    async with client_for(dist) as client:
        packed = await client.get("/assets/index-1a2b.js", headers={"accept-encoding": "gzip"})
        plain = await client.get("/assets/index-1a2b.js", headers={"accept-encoding": "identity"})
        missing = [
            await client.get(f"/assets/{name}") for name in ("x.js", "..%2Fsecret.js", "index-1a2b.js.gz")
        ]

    assert (packed.text, packed.headers["content-encoding"]) == ("let a = 1", "gzip")
    assert (plain.text, "content-encoding" in plain.headers) == ("let a = 1", False)
    assert packed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert packed.headers["content-type"] == "text/javascript; charset=utf-8"
    assert [response.status_code for response in missing] == [404, 404, 404]


async def test_without_the_explorer_the_pages_do_not_link_to_it(dist: Path) -> None:
    async with client_for(dist, explorer=False) as client:
        page = await client.get("/")

    assert page.text == PAGE.replace('"on"', '"off"')


async def test_without_a_build_the_root_path_leads_to_the_explorer(tmp_path: Path) -> None:
    async with client_for(tmp_path) as client:
        root = await client.get("/")
        page = await client.get("/search")

    assert (root.status_code, root.headers["location"]) == (303, "graphql")
    assert (page.status_code, page.text) == (404, "Not Found")


async def test_the_storefront_can_be_turned_off(shop: Shop) -> None:
    async with shop(storefront=False) as http:
        root = await http.get("/", headers=BROWSER)
        page = await http.get("/search", headers=BROWSER)

    assert (root.status_code, root.headers["location"]) == (303, "graphql")
    assert (page.status_code, page.text) == (404, "Not Found")


@needs_build
async def test_the_application_serves_what_is_built(http: httpx.AsyncClient) -> None:
    page = await http.get("/categories/fiction/novels", headers=BROWSER)
    assets = re.findall(r'(?:src|href)="(\.\./[^"]+)"', page.text)
    responses = [await http.get(str(page.url.join(asset))) for asset in assets]
    tool = await http.get("/")

    assert sorted(Path(asset).suffix for asset in assets) == [".css", ".js"]
    assert [response.status_code for response in responses] == [200, 200]
    assert {response.headers["content-encoding"] for response in responses} == {"gzip"}
    assert tool.json()["name"] == "Bookstore GraphQL API"


def test_the_server_and_the_storefront_have_the_same_addresses() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in (PROJECT / "src" / "pages").glob("*.ts"))
    routes = Storefront(explorer=True).routes()

    assert sorted(re.findall(r"^  path: /\^(\w+)", pages, re.M)) == sorted(
        path.split("/")[1] for path in [route.path for route in routes] if path != "/assets/{name}"
    )


def test_the_lock_file_names_no_registry_and_every_version_is_exact() -> None:
    package = json.loads((PROJECT / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((PROJECT / "package-lock.json").read_text(encoding="utf-8"))

    assert "resolved" not in json.dumps(lock)
    assert "dependencies" not in package
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["devDependencies"].values())
    assert lock["packages"][""]["devDependencies"] == package["devDependencies"]


def test_each_page_has_an_operation_and_each_operation_is_valid() -> None:
    operations = load_operations()

    assert sorted(operations) == [
        "AuthorPage",
        "BookPage",
        "CategoryPage",
        "HomePage",
        "SearchPage",
        "SeriesPage",
        "Suggest",
    ]
    assert [error for text in operations.values() for error in validate(schema._schema, parse(text))] == []
