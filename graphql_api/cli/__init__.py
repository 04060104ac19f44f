"""The `bookstore` command and its subcommands, one module per group of commands."""

from importlib import import_module
from typing import Any

import click

COMMANDS = {
    "serve": "serve:serve_command",
    "migrate": "catalog:migrate_command",
    "import": "import_:import_command",
    "imports": "imports:imports_group",
    "undo": "imports:undo_command",
    "audit": "audit:audit_command",
    "export": "export:export_command",
    "sample": "catalog:sample_group",
    "seed": "catalog:seed_command",
    "verify": "catalog:verify_command",
    "explain": "catalog:explain_command",
    "rebuild": "catalog:rebuild_command",
    "schema": "schema:schema_command",
    "plan": "schema:plan_command",
    "keys": "keys:keys_group",
    "db": "postgres:postgres_group",
}
"""The module and the name of each command."""


class LazyGroup(click.Group):
    """A group that imports the module of a command when it is run or listed.

    A command then starts without what the others need, and so does a worker, which imports this package.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: Any = getattr(import_module(f"graphql_api.cli.{module}"), name)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bookstore-graphql")
def main() -> None:
    """A GraphQL API over a bookstore catalog.

    Every command uses the PostgreSQL database in DATABASE_URL. If DATABASE_URL is not set, it uses the
    embedded PostgreSQL in the folder DATA_DIR. If DATABASE_URL leads to a pooler, DIRECT_DATABASE_URL may
    lead around it, for all commands but serve.
    """
