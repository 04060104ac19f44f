"""The explorer page at /graphql: GraphiQL as built by npm, or why there is none and what works without it."""

from html import escape
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from graphql_api.http.graphql_requests import joined_header
from graphql_api.http.gzip import accepts_gzip

DIST = Path(__file__).parent / "explorer" / "dist"
"""The folder to which `make explorer` writes the page and its assets. The wheel contains it too."""

_PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "worker-src 'self'",
            # Monaco, GraphiQL's editor, writes its themes and dimensions into style elements.
            "style-src 'self' 'unsafe-inline'",
            "connect-src 'self'",
            "img-src 'self' data:",
            "font-src 'self' data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    ),
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}

_ASSET_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}

# Explicit types: some systems map .js to text/plain, which browsers refuse to run.
_ASSET_TYPES = {".css": "text/css", ".js": "text/javascript", ".ttf": "font/ttf"}


def explorer_response(
    url: str = "http://127.0.0.1:8000/graphql", dist: Path = DIST, *, introspection: bool = True
) -> Response:
    """Return GraphiQL, or a page that says why it is not there. `url` is the URL of the API.

    GraphiQL needs introspection. Each page has status 200: the URL is correct and the API works in any case.
    """
    if not introspection:
        return _page_without_graphiql(url, _NO_INTROSPECTION)
    try:
        page = (dist / "index.html").read_text(encoding="utf-8")
    except FileNotFoundError:
        return _page_without_graphiql(url, _NOT_BUILT)
    return HTMLResponse(page, headers=_PAGE_HEADERS)


def _page_without_graphiql(url: str, reason: str) -> Response:
    page = _PAGE_WITHOUT_GRAPHIQL.replace("{reason}", reason).replace("{url}", escape(url))
    return HTMLResponse(page, headers=_PAGE_HEADERS)


def explorer_assets(dist: Path = DIST) -> Route:
    """Return the route of the page's scripts, styles and fonts, whose names contain a content hash."""
    folder = dist / "graphql" / "assets"

    async def serve_asset(request: Request) -> Response:
        path = folder / request.path_params["name"]
        media_type = _ASSET_TYPES.get(path.suffix)
        if media_type is None or path.parent != folder or not _is_file(path):
            raise HTTPException(404)
        headers = dict(_ASSET_HEADERS)
        gzipped = path.with_name(f"{path.name}.gz")
        if accepts_gzip(joined_header(request.scope, b"accept-encoding")[:1000]) and gzipped.is_file():
            path = gzipped
            headers["Content-Encoding"] = "gzip"
        return FileResponse(path, headers=headers, media_type=media_type)

    return Route("/graphql/assets/{name}", serve_asset, name="explorer_assets")


def _is_file(path: Path) -> bool:
    """Return whether a file exists. Return False if the name is too long for a file."""
    try:
        return path.is_file()
    except OSError:
        return False


_NOT_BUILT = """\
    <h1>The API works. GraphiQL is not built.</h1>
    <p>GraphiQL, the page to explore this API with, is built once with Node.js:</p>
    <ol>
      <li>Install <strong>Node.js 20.19 or newer</strong>.</li>
      <li>Run <code>make explorer</code> in the project's folder.</li>
      <li>Load this page again.</li>
    </ol>"""

_NO_INTROSPECTION = """\
    <h1>The API works. Its schema cannot be explored here.</h1>
    <p>GraphiQL, the page to explore an API with, reads the schema by introspection. This server runs with
    <code>INTROSPECTION=false</code>.</p>"""

_PAGE_WITHOUT_GRAPHIQL = """\
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Bookstore GraphQL API</title>
    <link rel="icon" href="data:,">
    <style>
      body { font: 16px/1.6 system-ui, sans-serif; max-width: 44rem; margin: 12vh auto; padding: 0 1.5rem; }
      h1 { font-size: 1.6rem; }
      code, pre { font-family: ui-monospace, monospace; font-size: 0.9em; }
      pre { padding: 1rem; overflow-x: auto; border-radius: 8px; background: rgb(128 128 128 / 0.15); }
    </style>
  </head>
  <body>
{reason}
    <p>Everything else works without it:</p>
    <pre><code>curl {url} \\
  -H 'Content-Type: application/json' \\
  -d '{"query": "{ books(first: 3) { nodes { title authors { name } } } }"}'</code></pre>
  </body>
</html>
"""
