"""The command that shows who wrote what by the API."""

import asyncio
import os

import click

from db.connections.connect import connect
from db.revision import migrate_to_head
from db.writes.audit import AuditEntry, last_audit_entries
from graphql_api.cli.database import direct_dsn
from graphql_api.cli.errors import report_errors_without_traceback
from graphql_api.settings import Settings

_MAX_ITEMS = 5
"""How many items a line names."""


@click.command("audit")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many entries."
)
@click.option("--client", help="Only entries of the client with this name.")
@click.option("--item", help='Only entries that wrote this item, for example "Book 12".')
@click.option("--all", "show_all", is_flag=True, help="Name all items of an entry, not only 5.")
@report_errors_without_traceback
def audit_command(limit: int, client: str | None, item: str | None, show_all: bool) -> None:
    """Show the last mutations, the newest first: when, which client, which mutation, which items."""
    dsn = direct_dsn(Settings.from_environment(os.environ))
    migrate_to_head(dsn)

    async def read() -> list[AuditEntry]:
        connection = await connect(dsn, application_name="bookstore audit", settings={"timezone": "UTC"})
        try:
            return await last_audit_entries(connection, limit, client=client, item=item)
        finally:
            await connection.close()

    entries = asyncio.run(read())
    if not entries:
        click.echo("No mutation was recorded.")
    for entry in entries:
        items = entry.items if show_all else entry.items[:_MAX_ITEMS]
        more = f" and {len(entry.items) - len(items):,} more" if len(items) < len(entry.items) else ""
        named = ", ".join(items) + more
        click.echo(f"{entry.written_at:%Y-%m-%d %H:%M:%S} UTC  {entry.client}  {entry.mutation}  {named}")
