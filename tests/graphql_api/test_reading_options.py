"""The options of `bookstore import` that say how files are written reach the reader."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from db.importing.readers import ReadingOptions
from graphql_api.cli import main
from graphql_api.cli.reading_options import reading_options


@click.command()
@reading_options
def show(reading: ReadingOptions) -> None:
    click.echo(repr(reading))


def parse(*arguments: str) -> ReadingOptions:
    result = CliRunner().invoke(show, arguments, catch_exceptions=False)
    assert result.output == f"{ReadingOptions()!r}\n" or arguments
    return eval(result.output, {"ReadingOptions": ReadingOptions})  # noqa: S307 - the repr of a value


def test_without_options_nothing_is_said() -> None:
    assert parse() == ReadingOptions()


def test_every_option_is_passed_on() -> None:
    assert parse(
        *("--decimal-comma", "--date-order", "dmy", "--author-separator", "/", "--category-separator", ","),
        *("--ignore", "a", "--ignore", "b", "--key", "c", "--encoding", "latin-1", "--delimiter", "tab"),
        *("--no-header", "--skip-lines", "2"),
    ) == ReadingOptions(
        decimal_mark=",",
        date_order="dmy",
        author_separator="/",
        category_separator=",",
        ignore=("a", "b"),
        key=("c",),
        encoding="latin-1",
        delimiter="\t",
        header=False,
        skip_lines=2,
    )
    assert parse("--decimal-point") == ReadingOptions(decimal_mark=".")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--delimiter", "::"), "'::' is not one character, or \"tab\"."),
        (("--date-order", "ydm"), "'ydm' is not one of 'dmy', 'mdy', 'ymd'."),
        (("--skip-lines", "-1"), "-1 is not in the range x>=0."),
    ],
)
def test_an_invalid_option_is_an_error(arguments: tuple[str, ...], message: str) -> None:
    result = CliRunner().invoke(show, arguments)

    assert result.exit_code == 2
    assert message in result.output


def test_a_column_can_be_mapped_only_once(tmp_path: Path) -> None:
    arguments = ("import", "csv", str(tmp_path), "--map", "Name=title", "--map", "Name=source_id")
    result = CliRunner().invoke(main, arguments)

    assert result.exit_code == 2
    assert "'Name' is given twice; for a column that is the key too, add --key." in " ".join(
        result.output.split()
    )
