"""The example storefront: one built page at each of its addresses, which reads the API from the browser."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from graphql_api.http.built_pages import assets_route, page_headers
from graphql_api.http.graphql_requests import joined_header
from graphql_api.http.media_types import prefers_html

DIST = Path(__file__).parent / "storefront" / "dist"
"""The folder to which `make storefront` writes the page and its assets. The wheel contains it too."""

MANIFEST = DIST / "documents.json"
"""The file that `make storefront` writes the texts of its operations to, by their SHA-256."""

_PATHS = ("/search", "/books/{slug}", "/authors/{slug}", "/series/{slug}", "/categories/{path:path}")
"""The addresses of pages, besides the root path. src/pages has the same."""

_HEADERS = page_headers(
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)


class Storefront:
    """The storefront as built by npm. With `explorer`, its pages link to GraphiQL."""

    def __init__(self, dist: Path = DIST, *, explorer: bool) -> None:
        self._dist = dist
        self._explorer = explorer

    @property
    def is_built(self) -> bool:
        return (self._dist / "index.html").is_file()

    def routes(self) -> list[Route]:
        """Return the routes of the pages and their assets. The root path is not one of them."""
        pages = [Route(path, self._serve_page) for path in _PATHS]
        return [*pages, assets_route("/assets", self._dist / "assets")]

    def respond(self, scope: Scope, status: int = 200) -> Response:
        """Return the page for the path of a request. Raise FileNotFoundError if it is not built."""
        page = (self._dist / "index.html").read_text(encoding="utf-8")
        # Relative URLs, as deep as the path: a proxy may serve this under another path.
        depth = scope["raw_path"].count(b"/") - 1
        page = page.replace('"./', f'"{"../" * depth}') if depth else page
        if not self._explorer:
            page = page.replace('data-explorer="on"', 'data-explorer="off"')
        return HTMLResponse(page, status, headers=_HEADERS)

    async def respond_not_found(self, request: Request, error: Exception) -> Response:
        """Return the storefront's page for an unknown address to browsers, and one line to other clients."""
        if self.is_built and prefers_html(joined_header(request.scope, b"accept")[:1000]):
            return self.respond(request.scope, 404)
        return PlainTextResponse("Not Found", 404, headers={"Vary": "Accept"})

    async def _serve_page(self, request: Request) -> Response:
        if not self.is_built:
            raise HTTPException(404)
        return self.respond(request.scope)
