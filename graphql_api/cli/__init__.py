"""The `bookstore` command and its subcommands, one module per group of commands."""

import click

from graphql_api.cli.catalog import explain_command, migrate_command, seed_command, verify_command
from graphql_api.cli.import_ import import_command
from graphql_api.cli.postgres import postgres_group
from graphql_api.cli.schema import plan_command, schema_command
from graphql_api.cli.serve import serve_command


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    commands=[
        serve_command,
        migrate_command,
        import_command,
        seed_command,
        verify_command,
        explain_command,
        schema_command,
        plan_command,
        postgres_group,
    ],
)
@click.version_option(package_name="bookstore-graphql")
def main() -> None:
    """A GraphQL API over a bookstore catalog.

    Every command uses the PostgreSQL database in DATABASE_URL. If DATABASE_URL is not set, it uses the
    embedded PostgreSQL in the folder DATA_DIR.
    """
