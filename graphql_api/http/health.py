"""Health checks: whether the process runs and whether PostgreSQL is available. They do not use the pool."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_NO_STORE = {"Cache-Control": "no-store"}


def health_routes(is_ready: Callable[[], bool]) -> list[Route]:
    """Return the routes /livez and /readyz. `is_ready` returns whether the catalog can be read.

    The response does not say why the catalog cannot be read; the log does.
    """

    async def livez(request: Request) -> Response:
        return JSONResponse({"status": "alive"}, headers=_NO_STORE)

    async def readyz(request: Request) -> Response:
        if is_ready():
            return JSONResponse({"status": "ready"}, headers=_NO_STORE)
        return JSONResponse({"status": "not ready"}, 503, {**_NO_STORE, "Retry-After": "1"})

    return [Route("/livez", livez), Route("/readyz", readyz)]
