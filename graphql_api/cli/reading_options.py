"""The options that say how the files of an import are written."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from db.importing.readers import ReadingOptions

_OPTIONS = (
    click.option(
        "--decimal-comma/--decimal-point",
        default=None,
        help='How "1.800" is read (default: by the column).',
    ),
    click.option(
        "--date-order",
        type=click.Choice(("dmy", "mdy", "ymd")),
        help="The order in days such as 05/06/1999.",
    ),
    click.option("--author-separator", metavar="TEXT", help="What alone separates authors."),
    click.option("--category-separator", metavar="TEXT", help="What alone separates paths of categories."),
    click.option("--ignore", multiple=True, metavar="COLUMN", help="Do not read a column. Repeatable."),
    click.option(
        "--key",
        multiple=True,
        metavar="COLUMN",
        help="A column of the key of a book. Repeatable.",
    ),
    click.option("--encoding", metavar="NAME", help="The encoding of the files, for example windows-1252."),
    click.option("--delimiter", metavar="CHARACTER", help="What separates the cells of a row."),
    click.option("--no-header", is_flag=True, help="The first row is a book; columns are named by numbers."),
    click.option("--skip-lines", type=click.IntRange(min=0), default=0, help="Lines before the headings."),
)


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which receives them as `reading`."""

    @wraps(command)
    def run_with_options(
        *arguments: object,
        decimal_comma: bool | None,
        date_order: Any,
        author_separator: str | None,
        category_separator: str | None,
        ignore: tuple[str, ...],
        key: tuple[str, ...],
        encoding: str | None,
        delimiter: str | None,
        no_header: bool,
        skip_lines: int,
        **others: object,
    ) -> Any:
        reading = ReadingOptions(
            decimal_mark="" if decimal_comma is None else "," if decimal_comma else ".",
            date_order=date_order or "",
            author_separator=author_separator or "",
            category_separator=category_separator or "",
            ignore=ignore,
            key=key,
            encoding=encoding or "",
            delimiter=_parse_delimiter(delimiter or ""),
            header=not no_header,
            skip_lines=skip_lines,
        )
        return command(*arguments, reading=reading, **others)

    for option in reversed(_OPTIONS):
        run_with_options = option(run_with_options)
    return run_with_options


def _parse_delimiter(text: str) -> str:
    """Return the separator of cells, which may be written as "tab" or "\\t"."""
    delimiter = "\t" if text in ("tab", "\\t") else text
    if len(delimiter) > 1 or (delimiter and delimiter in '\r\n"'):
        raise click.BadParameter(f'{text!r} is not one character, or "tab".', param_hint="--delimiter")
    return delimiter
