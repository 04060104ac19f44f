"""The commands that create, list and revoke access keys."""

import re
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from db.access_keys import AccessKey, create_access_key, list_access_keys, revoke_access_key
from db.constraints import MAX_ACCESS_KEY_NAME_LENGTH
from graphql_api.access.keys import generate_key, hash_key
from graphql_api.access.roles import Role
from graphql_api.cli.database import query_database
from graphql_api.cli.errors import report_errors_without_traceback

_MAX_LIFETIME = timedelta(days=36_500)

_MIN_TABLE_WIDTH = 120
"""Minimum width of the table of keys in characters."""

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class KeyName(click.ParamType[str]):
    """The name of a key, without the spaces around it."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value).strip()
        if not 0 < len(text) <= MAX_ACCESS_KEY_NAME_LENGTH:
            limit = MAX_ACCESS_KEY_NAME_LENGTH
            self.fail(f"The name has {len(text):,} characters: give 1 to {limit}.", param, ctx)
        if not text.isprintable():
            self.fail(f"The name {text!r} has characters that cannot be printed: remove them.", param, ctx)
        return text


class Lifetime(click.ParamType[timedelta]):
    """A time such as 12h, 90d or 8w."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        match = re.fullmatch(r"([0-9]{1,99})([hdw])", str(value).strip())
        if match is None:
            self.fail(
                f"{value!r} is not a time: give hours, days or weeks, such as 12h, 90d or 8w.", param, ctx
            )
        count, unit = int(match[1]), _UNITS[match[2]]
        if not 0 < count <= _MAX_LIFETIME // unit:
            self.fail(f"{value!r} is out of range: give 1h to {_MAX_LIFETIME.days}d.", param, ctx)
        return count * unit


@click.group("keys")
def keys_group() -> None:
    """Create, list and revoke access keys."""


@keys_group.command("create")
@click.argument("name", type=KeyName())
@click.option(
    "--role",
    type=click.Choice([role.name.lower() for role in Role]),
    required=True,
    help="What the key may do: query (public), write (editor), or delete and merge as well (manager).",
)
@click.option(
    "--expires", "lifetime", type=Lifetime(), help="When it expires, such as 12h, 90d or 8w from now."
)
@report_errors_without_traceback
def create_key_command(name: str, role: str, lifetime: timedelta | None) -> None:
    """Create an access key called NAME and print it.

    It is shown once: only its hash is kept. Clients send it in the header Authorization: Bearer KEY.
    """
    key = generate_key()
    create = partial(
        create_access_key, name=name, role=role.upper(), key_hash=hash_key(key), lifetime=lifetime
    )
    created = query_database(create, "bookstore keys")
    expiry = f"It expires at {_format_time(created.expires_at)} UTC." if lifetime else "It does not expire."
    click.echo(f"The key {name!r} has the role {role}. {expiry} It is not shown again:", err=True)
    click.echo(key)


@keys_group.command("list")
@report_errors_without_traceback
def list_keys_command() -> None:
    """List all keys, the oldest first."""
    keys = query_database(list_access_keys, "bookstore keys")
    if not keys:
        click.echo("There are no access keys; `bookstore keys create` creates one.")
        return
    table = Table(title="Access keys (times in UTC)")
    for column in ("name", "role", "created", "last used", "expires", "revoked"):
        table.add_column(column, overflow="fold")
    for key in keys:
        table.add_row(*_cells(key))
    Console(width=max(Console().width, _MIN_TABLE_WIDTH)).print(table)


@keys_group.command("revoke")
@click.argument("name", type=KeyName())
@report_errors_without_traceback
def revoke_key_command(name: str) -> None:
    """Revoke the key called NAME. Every server refuses it within 5 seconds, without a restart."""
    query_database(partial(revoke_access_key, name=name), "bookstore keys")
    click.echo(f"The key {name!r} is revoked: every server refuses it within 5 seconds.")


def _cells(key: AccessKey) -> list[str | Text]:
    times = (key.created_at, key.last_used_at, key.expires_at, key.revoked_at)
    return [Text(key.name), key.role.lower(), *map(_format_time, times)]


def _format_time(time: datetime | None) -> str:
    return "" if time is None else f"{time:%Y-%m-%d %H:%M}"
