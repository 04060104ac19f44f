"""The commands that print the schema and the plans of operations."""

import os
from typing import BinaryIO

import click

from graphql_api.cli.errors import report_errors_without_traceback
from graphql_api.execution.describe import PlanUnavailableError, describe_plan
from graphql_api.execution.documents import DocumentCache
from graphql_api.schema import schema
from graphql_api.settings import Settings


@click.command("schema")
def schema_command() -> None:
    """Print the GraphQL schema."""
    click.echo(schema.as_str())


@click.command("plan")
@click.argument("file", type=click.File("rb"))
@click.option("--operation", help="Name of the operation, if FILE contains several.")
@click.option(
    "--variables", default="{}", help="Variables as a JSON object; only those of @skip and @include matter."
)
@report_errors_without_traceback
def plan_command(file: BinaryIO, operation: str | None, variables: str) -> None:
    """Print the plan that the operation in FILE is compiled to."""
    try:
        text = file.read().decode()
    except UnicodeDecodeError as error:
        raise click.ClickException(
            f"The file is not valid UTF-8: invalid byte at offset {error.start:,}."
        ) from None
    document_cache = DocumentCache(schema, limits=Settings.from_environment(os.environ).limits)
    try:
        click.echo(describe_plan(document_cache, text, operation, variables))
    except PlanUnavailableError as error:
        raise click.ClickException(str(error)) from None
