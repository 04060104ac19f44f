"""The application: routes and what lives as long as it does."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Route

from db.migrations import require_head
from db.pool import open_pool
from db.views import ViewLog
from graphql_api.context import Context
from graphql_api.execution.documents import Documents
from graphql_api.http.endpoint import Endpoint
from graphql_api.http.explorer_page import explorer_assets
from graphql_api.schema import schema
from graphql_api.settings import Settings


def create_app(settings: Settings, dsn: str) -> Starlette:
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

    endpoint = Endpoint(Documents(schema), context)
    app = Starlette(routes=[Route("/graphql", endpoint), explorer_assets()], lifespan=lifespan)
    return app
