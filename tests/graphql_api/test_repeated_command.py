"""The command that imports a rejects file repeats the options of its import."""

from pathlib import Path

import pytest

from graphql_api.cli.import_ import import_command
from graphql_api.cli.repeated_command import command_for_rejects


@pytest.mark.parametrize(
    ("given", "repeated"),
    [
        ("--map Name=title --map Nr=source_id", "--map Name=title --map Nr=source_id"),
        ("--decimal-comma --date-order dmy", "--decimal-comma --date-order dmy"),
        ("--decimal-point --replace", "--decimal-point --replace"),
        (
            "--ignore A --key B --key C --owner-of price,stock",
            "--ignore A --key B --key C --owner-of price,stock",
        ),
        ("--encoding cp1252 --delimiter ^ --no-header --skip-lines 2", ""),
        ("--missing delete --missing-limit 7 --dry-run --yes --max-rejects 3 --rejects other.csv", ""),
    ],
)
def test_options_that_say_how_rows_are_read_are_repeated(given: str, repeated: str) -> None:
    context = import_command.make_context("import", ["csv", "list.csv", *given.split()])

    command = command_for_rejects(context, "csv", Path("shop.rejects.csv"), "shop")

    words = set(command.removeprefix("bookstore import csv shop.rejects.csv --source shop").split())
    assert words == set(repeated.split())
