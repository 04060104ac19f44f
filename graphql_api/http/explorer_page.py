"""The page a browser sees at /graphql: GraphiQL as npm built it, or how to build it."""

from html import escape
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from graphql_api.http.gzip import takes_gzip
from graphql_api.http.paths import EXPLORER_ASSETS_PATH, GRAPHQL_PATH
from graphql_api.http.requests import listed

BUILT = Path(__file__).parent / "explorer" / "dist"
"""Where `make explorer` puts the page and its files; the wheel holds the same folder."""

PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "worker-src 'self'",
            # Monaco, GraphiQL's editor, writes its themes and measures into style elements.
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
    "X-Content-Type-Options": "nosniff",
}

ASSET_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}

# Named here and not guessed: some systems map .js to text/plain, which a browser then refuses to run.
ASSET_TYPES = {".css": "text/css", ".js": "text/javascript", ".ttf": "font/ttf"}


def explorer_response(url: str = f"http://127.0.0.1:8000{GRAPHQL_PATH}", built: Path = BUILT) -> Response:
    """GraphiQL, or where it was not built a page saying how to build it; `url` is the API's address.

    Both are answered with 200: the address is right and the API behind it works either way.
    """
    try:
        page = (built / "index.html").read_text(encoding="utf-8")
    except FileNotFoundError:
        page = NOT_BUILT.replace("{url}", escape(url))
    return HTMLResponse(page, headers=PAGE_HEADERS)


def explorer_assets(built: Path = BUILT) -> Route:
    """The route of the page's scripts, styles and fonts, whose names change with their content."""
    folder = built / "graphql" / "assets"

    async def asset(request: Request) -> Response:
        path = folder / request.path_params["name"]
        media_type = ASSET_TYPES.get(path.suffix)
        if media_type is None or path.parent != folder or not is_file(path):
            raise HTTPException(404)
        headers = dict(ASSET_HEADERS)
        packed = path.with_name(f"{path.name}.gz")
        if takes_gzip(listed(request.scope, b"accept-encoding")[:1000]) and packed.is_file():
            path = packed
            headers["Content-Encoding"] = "gzip"
        return FileResponse(path, headers=headers, media_type=media_type)

    return Route(f"{EXPLORER_ASSETS_PATH}/{{name}}", asset, name="explorer_assets")


def is_file(path: Path) -> bool:
    """Whether there is a file; of a name that is too long for one there is none."""
    try:
        return path.is_file()
    except OSError:
        return False


NOT_BUILT = """\
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Bookstore – GraphiQL is not built</title>
    <link rel="icon" href="data:,">
    <style>
      body { font: 16px/1.6 system-ui, sans-serif; max-width: 44rem; margin: 12vh auto; padding: 0 1.5rem; }
      h1 { font-size: 1.6rem; }
      code, pre { font-family: ui-monospace, monospace; font-size: 0.9em; }
      pre { padding: 1rem; overflow-x: auto; border-radius: 8px; background: rgb(128 128 128 / 0.15); }
    </style>
  </head>
  <body>
    <h1>The API works. GraphiQL is not built.</h1>
    <p>GraphiQL, the page to explore this API with, is built once with Node.js:</p>
    <ol>
      <li>Install <strong>Node.js 20.19 or newer</strong>.</li>
      <li>Run <code>make explorer</code> in the project's folder.</li>
      <li>Load this page again.</li>
    </ol>
    <p>Everything else works without it:</p>
    <pre><code>curl {url} \\
  -H 'Content-Type: application/json' \\
  -d '{"query": "{ books(first: 3) { nodes { title authors { name } } } }"}'</code></pre>
  </body>
</html>
"""
