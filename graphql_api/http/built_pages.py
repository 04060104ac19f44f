"""Pages that Vite has built: their assets, whose names contain a content hash, and the headers of both."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from graphql_api.http.graphql_requests import joined_header
from graphql_api.http.gzip import accepts_gzip

_ASSET_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}

# Explicit types: some systems map .js to text/plain, which browsers refuse to run.
_ASSET_TYPES = {".css": "text/css", ".js": "text/javascript", ".ttf": "font/ttf"}


def page_headers(*policy: str) -> dict[str, str]:
    """Return the headers of a page that may load nothing but what the directives of its policy allow."""
    return {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": "; ".join(
            ["default-src 'none'", *policy, "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]
        ),
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
    }


def assets_route(path: str, folder: Path) -> Route:
    """Return the route of a page's scripts, styles and fonts in a folder; gzip files beside them are used."""

    async def serve_asset(request: Request) -> Response:
        file = folder / request.path_params["name"]
        media_type = _ASSET_TYPES.get(file.suffix)
        if media_type is None or file.parent != folder or not _is_file(file):
            raise HTTPException(404)
        headers = dict(_ASSET_HEADERS)
        gzipped = file.with_name(f"{file.name}.gz")
        if accepts_gzip(joined_header(request.scope, b"accept-encoding")[:1000]) and gzipped.is_file():
            file = gzipped
            headers["Content-Encoding"] = "gzip"
        return FileResponse(file, headers=headers, media_type=media_type)

    return Route(f"{path}/{{name}}", serve_asset)


def _is_file(path: Path) -> bool:
    """Return whether a file exists. Return False if the name is too long for a file."""
    try:
        return path.is_file()
    except OSError:
        return False
