"""The commands that manage the embedded PostgreSQL."""

import os
from dataclasses import replace

import click

from db import embedded
from graphql_api.cli.database import database_dsn
from graphql_api.cli.errors import report_errors_without_traceback
from graphql_api.settings import Settings


@click.group("db")
def postgres_group() -> None:
    """Manage the embedded PostgreSQL.

    It keeps running after the command that started it ends.
    """


@postgres_group.command("start")
@report_errors_without_traceback
def start_command() -> None:
    """Start the embedded PostgreSQL and print its DSN."""
    settings = Settings.from_environment(os.environ)
    click.echo(database_dsn(replace(settings, database_url=None, direct_database_url=None)))


@postgres_group.command("stop")
@report_errors_without_traceback
def stop_command() -> None:
    """Stop the embedded PostgreSQL."""
    stopped = embedded.stop(Settings.from_environment(os.environ).data_dir)
    click.echo("PostgreSQL is stopped." if stopped else "No PostgreSQL was running.")


@postgres_group.command("status")
@report_errors_without_traceback
def status_command() -> None:
    """Print each server's version, state, size and DSN."""
    clusters = embedded.status(Settings.from_environment(os.environ).data_dir)
    for cluster in clusters:
        state = f"runs as process {cluster.pid}" if cluster.pid else "is stopped"
        size = f"{cluster.size / 2**20:.0f} MB"
        click.echo(f"PostgreSQL {cluster.server.version} {state}, {size}: {cluster.server.dsn}")
    if not clusters:
        click.echo("No PostgreSQL has been started here.")
