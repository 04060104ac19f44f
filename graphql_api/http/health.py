"""Health: whether the process lives, and whether it can answer. Neither touches the pool."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

NOT_STORED = {"Cache-Control": "no-store"}


def health_routes(reason: Callable[[], str | None]) -> list[Route]:
    """/livez and /readyz; `reason` says why the catalog cannot be read, None if it can."""

    async def livez(request: Request) -> Response:
        return JSONResponse({"status": "alive"}, headers=NOT_STORED)

    async def readyz(request: Request) -> Response:
        why = reason()
        if why is None:
            return JSONResponse({"status": "ready"}, headers=NOT_STORED)
        headers = {**NOT_STORED, "Retry-After": "1"}
        return JSONResponse({"status": "not ready", "reason": why}, 503, headers)

    return [Route("/livez", livez), Route("/readyz", readyz)]
