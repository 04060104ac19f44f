"""The `bookstore` command: serve, migrate, import, seed, verify, and the embedded PostgreSQL."""

import logging
import os
import socket
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import click
import uvicorn

from db import embedded
from db.errors import CatalogError
from db.migrations import migrate
from graphql_api.app import create_app
from graphql_api.schema import schema
from graphql_api.settings import Settings, SettingsError

P = ParamSpec("P")


def in_one_line(command: Callable[P, None]) -> Callable[P, None]:
    """Report what a person can mend as one line, without a traceback."""

    @wraps(command)
    def reported(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except (CatalogError, SettingsError) as error:
            raise click.ClickException(str(error)) from None

    return reported


def database(settings: Settings) -> str:
    """The address of the database to use: the given one, or the embedded one, started if need be."""
    if settings.database_url:
        return settings.database_url
    return embedded.start(settings.data, bin_folder=settings.postgres_bin).dsn


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bookstore-graphql")
def main() -> None:
    """A GraphQL API over a bookstore catalog.

    Every command uses the PostgreSQL named by DATABASE_URL, or else the embedded one in DATA.
    """


@main.command()
@in_one_line
def serve() -> None:
    """Serve the API; on the embedded PostgreSQL an empty catalog gets the sample first."""
    settings = Settings.read(os.environ)
    logging.basicConfig(level=settings.log_level.upper(), format="%(levelname)s %(name)s: %(message)s")
    listener = listen(settings.host, settings.port)
    dsn = database(settings)
    migrate(dsn)
    if not settings.database_url:
        load_sample(dsn)
    config = uvicorn.Config(
        create_app(settings, dsn), log_level=settings.log_level, access_log=False, server_header=False
    )
    host, port = listener.getsockname()[:2]
    click.echo(f"http://{f'[{host}]' if ':' in host else host}:{port}/graphql")
    uvicorn.Server(config).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; SettingsError when the address cannot be had."""
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048
        )
    except OSError as error:
        raise SettingsError(
            f"{host}:{port} cannot be listened on: {error.strerror}. Set PORT or HOST to another."
        ) from error


@main.command("migrate")
@in_one_line
def migrate_command() -> None:
    """Bring the database to the newest revision."""
    migrate(database(Settings.read(os.environ)))
    click.echo("The database is at the newest revision.")


@main.command("schema")
def print_schema() -> None:
    """Print the GraphQL schema."""
    click.echo(schema.as_str())


@main.group()
def db() -> None:
    """The embedded PostgreSQL, which goes on running when the command that started it ends."""


@db.command("start")
@in_one_line
def start() -> None:
    """Start it, and print its address."""
    settings = Settings.read(os.environ)
    click.echo(embedded.start(settings.data, bin_folder=settings.postgres_bin).dsn)


@db.command("stop")
@in_one_line
def stop() -> None:
    """Stop it."""
    stopped = embedded.stop(Settings.read(os.environ).data)
    click.echo("PostgreSQL is stopped." if stopped else "No PostgreSQL was running.")


@db.command("status")
@in_one_line
def status() -> None:
    """Say whether it runs, and where."""
    clusters = embedded.status(Settings.read(os.environ).data)
    for cluster in clusters:
        state = f"runs as process {cluster.pid}" if cluster.pid else "is stopped"
        click.echo(
            f"PostgreSQL {cluster.server.version} {state}, {cluster.size / 2**20:.0f} MB: {cluster.server.dsn}"
        )
    if not clusters:
        click.echo("No PostgreSQL has been started here.")
