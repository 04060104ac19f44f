"""The commands that print the schema and the plans of operations."""

import asyncio
import os
from pathlib import Path
from typing import BinaryIO

import click
from graphql import build_schema

from graphql_api.access.roles import Role
from graphql_api.cli.analysis import analyze_operation, print_analysis
from graphql_api.cli.database import direct_dsn
from graphql_api.cli.errors import report_errors_without_traceback
from graphql_api.cli.schema_changes import check_schema, read_schema
from graphql_api.execution.describe import PlanUnavailableError, describe_plan, parse_operation
from graphql_api.execution.documents import DocumentCache
from graphql_api.execution.manifests import load_manifests
from graphql_api.schema import schema_for
from graphql_api.settings import Settings


@click.command("schema")
@click.option(
    "--role",
    type=click.Choice([role.name.lower() for role in Role]),
    default="public",
    show_default=True,
    help="The role whose schema is printed or checked.",
)
@click.option(
    "--check",
    "old",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An older schema of the role, as this command printed it, to compare with.",
)
@click.option(
    "--changelog",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A changelog whose section Unreleased names changes that can break a client, in backticks.",
)
@click.option(
    "--manifest",
    "manifests",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of trusted documents that must stay valid; may be repeated.",
)
@report_errors_without_traceback
def schema_command(role: str, old: Path | None, changelog: Path | None, manifests: tuple[Path, ...]) -> None:
    """Print the GraphQL schema of a role.

    With --check, print instead what can break the clients of an older schema: a removed field, a new value of
    an enum in responses. The status is 1 if there is such a change that the changelog does not name, or a
    document of a manifest that is not valid any more.
    """
    text = schema_for(Role[role.upper()]).as_str()
    if old is None:
        click.echo(text)
        return
    check = check_schema(
        read_schema(old),
        build_schema(text),
        changelog=changelog.read_text(encoding="utf-8") if changelog else "",
        documents=load_manifests(manifests),
    )
    click.echo(check.report())
    if check.unannounced or check.broken:
        raise SystemExit(1)


@click.command("plan")
@click.argument("file", type=click.File("rb"))
@click.option("--operation", help="Name of the operation, if FILE contains several.")
@click.option(
    "--variables",
    default="{}",
    help="Variables as a JSON object. The plan depends only on those of @skip and @include.",
)
@click.option(
    "--analyze", is_flag=True, help="Run the operation and print its SQL statements instead of the plan."
)
@report_errors_without_traceback
def plan_command(file: BinaryIO, operation: str | None, variables: str, analyze: bool) -> None:
    """Print the plan that the operation in FILE is compiled to.

    The operation may use all that a manager may use. With --analyze the operation runs twice on the database,
    and the second run is measured. Each statement is printed with its rows, its milliseconds and its buffers
    of 8 KB. No view is counted.
    """
    try:
        text = file.read().decode()
    except UnicodeDecodeError as error:
        raise click.ClickException(
            f"The file is not valid UTF-8: invalid byte at offset {error.start:,}."
        ) from None
    settings = Settings.from_environment(os.environ)
    try:
        document, variable_values = parse_operation(
            DocumentCache(schema_for(Role.MANAGER), limits=settings.limits), text, operation, variables
        )
        plan = None if analyze else describe_plan(document, variable_values)
    except PlanUnavailableError as error:
        raise click.ClickException(str(error)) from None
    if plan is None:
        print_analysis(asyncio.run(analyze_operation(direct_dsn(settings), document, variable_values)))
    else:
        click.echo(plan)
