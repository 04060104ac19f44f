"""The command that serves the API."""

import asyncio
import logging
import logging.config
import os
from contextlib import suppress
from dataclasses import replace

import click

from db.books import count_books
from db.connections.capacity import check_capacity
from db.connections.connect import connect
from db.connections.error_mapping import database_errors
from db.connections.pooler import check_pooler
from db.errors import DatabaseUnavailableError
from db.importing.sample import import_sample
from db.revision import migrate_to_head
from graphql_api.app import check_manifests
from graphql_api.cli.database import database_dsn, direct_dsn
from graphql_api.cli.errors import report_errors_without_traceback
from graphql_api.server import listening, log_config
from graphql_api.server import serve as run_server
from graphql_api.settings import Settings

logger = logging.getLogger("bookstore.cli")


@click.command("serve")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Number of server processes (default: WORKERS). SIGHUP replaces them one by one.",
)
@report_errors_without_traceback
def serve_command(workers: int | None) -> None:
    """Migrate the database and serve the API.

    If the embedded PostgreSQL has no books, the sample is imported first. While the database in
    DATABASE_URL is unavailable, requests get 503.
    """
    settings = Settings.from_environment(os.environ)
    settings = replace(settings, workers=workers or settings.workers)
    logging.config.dictConfig(log_config(settings.log_level))
    check_manifests(settings)
    with listening(settings) as listener:
        dsn = database_dsn(settings)
        try:
            migrate_to_head(direct_dsn(settings) if settings.direct_database_url else dsn)
            asyncio.run(_check_limits(settings, dsn))
        except DatabaseUnavailableError as error:
            logger.warning(
                "%s; skipping migrations; requests get 503 until PostgreSQL is reachable and migrated", error
            )
        if not settings.database_url:
            asyncio.run(_import_sample_if_empty(dsn))
        with suppress(KeyboardInterrupt):
            run_server(settings, dsn, listener)
    if not settings.database_url and os.getpid() != 1:
        click.echo("PostgreSQL keeps running; `bookstore db stop` stops it.")


async def _check_limits(settings: Settings, dsn: str) -> None:
    """Warn if PostgreSQL, or a pooler before it, grants the workers less than their settings say.

    Raise DatabaseError if the database cannot be used through the pooler.
    """
    connection = await connect(dsn, application_name="bookstore serve")
    try:
        with database_errors("The database cannot be used"):
            warnings = (
                await check_pooler(connection, dsn, settings.command_timeout),
                await check_capacity(connection, workers=settings.workers, pool_size=settings.pool_size),
            )
    finally:
        connection.terminate()
    for warning in filter(None, warnings):
        logger.warning("%s", warning)


async def _import_sample_if_empty(dsn: str) -> None:
    """Import the sample into a catalog without books."""
    if await _is_catalog_empty(dsn):
        books = await import_sample(dsn)
        click.echo(f"The catalog was empty: it now holds the sample of {books} books.")


async def _is_catalog_empty(dsn: str) -> bool:
    connection = await connect(dsn, application_name="bookstore serve")
    try:
        return await count_books(connection) == 0
    finally:
        await connection.close()
