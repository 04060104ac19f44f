"""The application: routes and what lives as long as it does."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from db.migrations import require_head
from db.pool import open_pool
from db.views import ViewLog
from graphql_api.context import Context
from graphql_api.execution.documents import Documents
from graphql_api.http.endpoint import Endpoint
from graphql_api.http.explorer_page import explorer_assets
from graphql_api.schema import schema
from graphql_api.settings import Settings

PATH = "/graphql"


class App(Starlette):
    """Starlette's application, with a short way past its routes for the one that nearly all requests take."""

    def __init__(self, endpoint: Endpoint, **options: Any) -> None:
        super().__init__(routes=[Route(PATH, endpoint), explorer_assets()], **options)
        self.endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH:
            await self.endpoint(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(settings: Settings, dsn: str) -> App:
    """The API over the database at `dsn`, which is connected to when the application starts.

    Starting raises DatabaseError when the database cannot be reached or is not migrated.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        pool = await open_pool(dsn, size=settings.pool_size, command_timeout=settings.command_timeout)
        async with pool:
            await require_head(pool)
            app.state.database, app.state.views = pool, ViewLog(pool)
            writing = asyncio.create_task(app.state.views.run())
            yield
            writing.cancel()
            await asyncio.wait([writing])

    def context() -> Context:
        return Context(app.state.views, app.state.database)

    app = App(Endpoint(Documents(schema), context), lifespan=lifespan)
    return app
