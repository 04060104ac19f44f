"""The root path: browsers get the storefront or the explorer, other clients what this server is."""

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from graphql_api.http.graphql_requests import joined_header
from graphql_api.http.media_types import prefers_html
from graphql_api.http.storefront_page import Storefront

_EXAMPLE = "?query={books(first:3){nodes{title}}}"
_HEADERS = {"Vary": "Accept"}


def root_route(graphql_path: str, *, explorer: bool, storefront: Storefront | None) -> Route:
    """Return the route of the root path. With `explorer`, the API's path has a page for browsers."""
    links = {
        "name": "Bookstore GraphQL API",
        "graphql": graphql_path,
        "example": graphql_path + _EXAMPLE,
        "health": ["/livez", "/readyz"],
    }

    async def root(request: Request) -> Response:
        if prefers_html(joined_header(request.scope, b"accept")[:1000]):
            if storefront and storefront.is_built:
                return storefront.respond(request.scope)
            if explorer:
                # A relative URL: a proxy may serve this under another path.
                return RedirectResponse(graphql_path.removeprefix("/"), 303, headers=_HEADERS)
        return JSONResponse(links, headers=_HEADERS)

    return Route("/", root)
