"""The help of every command, as it appears in a terminal of 80 columns."""

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from graphql_api.cli import main


def walk_commands(command: click.Command, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield each command with the words that call it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            subcommand = command.get_command(context, name)
            assert subcommand
            assert subcommand.name == name
            yield from walk_commands(subcommand, *path, name)


COMMANDS = dict(walk_commands(main))


def help_of(path: tuple[str, ...]) -> str:
    """Return the help at 80 columns, as words separated by one space."""
    result = CliRunner().invoke(main, [*path, "--help"], prog_name="bookstore", terminal_width=80)
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80
    return " ".join(result.output.split())


def test_every_command_is_listed() -> None:
    assert sorted(COMMANDS) == [
        (),
        ("audit",),
        ("db",),
        ("db", "start"),
        ("db", "status"),
        ("db", "stop"),
        ("explain",),
        ("export",),
        ("import",),
        ("imports",),
        ("imports", "show"),
        ("keys",),
        ("keys", "create"),
        ("keys", "list"),
        ("keys", "revoke"),
        ("migrate",),
        ("plan",),
        ("rebuild",),
        ("sample",),
        ("sample", "remove"),
        ("schema",),
        ("seed",),
        ("serve",),
        ("undo",),
        ("verify",),
    ]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_no_help_is_cut_off(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    shown = help_of(path)

    parts = [" ".join((command.help or "").split())]
    parts += [option.help for option in command.params if isinstance(option, click.Option) and option.help]
    if isinstance(command, click.Group):
        subcommands = command.commands.items()
        parts += [f"{name} {each.get_short_help_str(limit=1_000)}" for name, each in subcommands]
    for part in parts:
        assert part
        assert part in shown
