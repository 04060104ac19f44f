"""The command line that imports a rejects file with the options of the import that wrote it."""

import shlex
from pathlib import Path
from typing import cast

import click
from click.core import ParameterSource

_OF_ONE_IMPORT = frozenset(
    (
        *("source", "rejects", "dry_run", "yes", "max_rejects", "missing", "missing_limit", "missing_file"),
        *("encoding", "delimiter", "no_header", "skip_lines"),
    )
)
"""The options that are not repeated: those of that import alone, and of how its files were written."""


def command_for_rejects(context: click.Context, format: str, rejects: Path, source: str) -> str:  # noqa: A002
    """Return the command that imports the rejects of the command of this context."""
    words = ["bookstore", "import", format, str(rejects), "--source", source]
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if isinstance(parameter, click.Option) and given and name not in _OF_ONE_IMPORT:
            words += _words_of_option(parameter, context.params[name])
    return shlex.join(words)


def _words_of_option(option: click.Option, value: object) -> list[str]:
    if option.is_flag:
        return [option.opts[0] if value else option.secondary_opts[0]]
    values = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
    return [word for each in values for word in (option.opts[0], str(each))]
