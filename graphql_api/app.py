"""The application: routes, middleware, and what lives as long as it does."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from db.keeper import Keeper
from db.migrations import require_head
from db.views import ViewLog
from graphql_api.execution.documents import Documents
from graphql_api.execution.run import operations
from graphql_api.http.cors import Cors
from graphql_api.http.endpoint import Endpoint
from graphql_api.http.explorer_page import explorer_assets
from graphql_api.http.gzip import Gzip
from graphql_api.http.health import health_routes
from graphql_api.http.metrics import metrics_route
from graphql_api.http.paths import GRAPHQL_PATHS
from graphql_api.http.request_ids import RequestIds
from graphql_api.schema import schema
from graphql_api.settings import Settings


class App(Starlette):
    """Starlette's application, with a short way past its router for the one route that nearly all requests
    take."""

    def __init__(self, endpoint: Endpoint, settings: Settings, routes: list[Route], **options: Any) -> None:
        api = [Route(path, endpoint) for path in GRAPHQL_PATHS]
        super().__init__(routes=[*api, explorer_assets(), *routes], **options)
        self.router.redirect_slashes = False
        self.endpoint = endpoint
        self.origins = settings.origins

    def build_middleware_stack(self) -> ASGIApp:
        routed = super().build_middleware_stack()

        async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
            direct = scope["type"] == "http" and scope["path"] in GRAPHQL_PATHS
            await (self.endpoint if direct else routed)(scope, receive, send)

        app: ASGIApp = Gzip(dispatch, minimum_size=1_000, compresslevel=5)
        if self.origins:
            app = Cors(app, self.origins)
        return RequestIds(app)


def create_app(settings: Settings, dsn: str) -> App:
    """The API over the database at `dsn`, which is connected to when the application starts.

    While PostgreSQL is away requests are answered with 503. Starting raises DatabaseError when the database
    refuses us, or is not migrated.
    """
    keeper = Keeper(
        dsn,
        size=settings.pool_size,
        command_timeout=settings.command_timeout,
        wait=settings.connection_wait,
        check=require_head,
    )
    views = ViewLog(keeper)
    documents = Documents(
        schema,
        limits=settings.limits,
        introspection=settings.introspection,
        suggestions=settings.suggestions,
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        await keeper.begin()
        tasks = [asyncio.create_task(keeper.run()), asyncio.create_task(views.run())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await keeper.end()

    routes = health_routes(lambda: keeper.lender is not None)
    if settings.metrics:
        routes.append(metrics_route(operations))
    endpoint = Endpoint(settings, documents, keeper, views)
    return App(endpoint, settings, routes, lifespan=lifespan)
