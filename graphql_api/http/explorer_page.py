"""The explorer page at /graphql: GraphiQL as built by npm, or why there is none and what works without it."""

from html import escape
from pathlib import Path

from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from graphql_api.http.built_pages import assets_route, page_headers
from graphql_api.http.paths import EXPLORER_ASSETS_PATH, GRAPHQL_PATH

DIST = Path(__file__).parent / "explorer" / "dist"
"""The folder to which `make explorer` writes the page and its assets. The wheel contains it too."""

_PAGE_HEADERS = page_headers(
    "script-src 'self'",
    "worker-src 'self'",
    # Monaco, GraphiQL's editor, writes its themes and dimensions into style elements.
    "style-src 'self' 'unsafe-inline'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "font-src 'self' data:",
)


def explorer_response(
    url: str = f"http://127.0.0.1:8000{GRAPHQL_PATH}",
    dist: Path = DIST,
    *,
    enabled: bool = True,
    introspection: bool = True,
) -> Response:
    """Return GraphiQL, or a page that says why it is not there. `url` is the URL of the API.

    GraphiQL needs introspection. Each page has status 200: the URL is correct and the API works in any case.
    """
    if not enabled:
        return _page_without_graphiql(url, _TURNED_OFF)
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
    """Return the route of the page's assets."""
    return assets_route(EXPLORER_ASSETS_PATH, dist / "graphql" / "assets")


_NOT_BUILT = """\
    <h1>The API works. GraphiQL is not built.</h1>
    <p>GraphiQL, the page to explore this API with, is built once with Node.js:</p>
    <ol>
      <li>Install <strong>Node.js 20.19 or newer</strong>.</li>
      <li>Run <code>make explorer</code> in the project's folder.</li>
      <li>Load this page again.</li>
    </ol>"""

_TURNED_OFF = """\
    <h1>The API works. GraphiQL is turned off.</h1>
    <p>GraphiQL is the page to explore an API with. This server runs with <code>EXPLORER=false</code>.</p>"""

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
