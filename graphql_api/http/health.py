"""Health: whether the process lives, and whether it can answer. Neither touches the pool."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

NOT_STORED = {"Cache-Control": "no-store"}


def health_routes(ready: Callable[[], bool]) -> list[Route]:
    """/livez and /readyz; `ready` tells whether the catalog can be read. Why it cannot is for the log."""

    async def livez(request: Request) -> Response:
        return JSONResponse({"status": "alive"}, headers=NOT_STORED)

    async def readyz(request: Request) -> Response:
        if ready():
            return JSONResponse({"status": "ready"}, headers=NOT_STORED)
        return JSONResponse({"status": "not ready"}, 503, {**NOT_STORED, "Retry-After": "1"})

    return [Route("/livez", livez), Route("/readyz", readyz)]
