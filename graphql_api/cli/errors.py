"""Errors that a user can fix, printed without a traceback."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import click

from db.errors import CatalogError
from graphql_api.execution.manifests import ManifestError
from graphql_api.settings import SettingsError

P = ParamSpec("P")


def report_errors_without_traceback(command: Callable[P, None]) -> Callable[P, None]:
    """Decorate a command to print the errors of a user as one line and exit with 1."""

    @wraps(command)
    def run_command(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except (CatalogError, ManifestError, SettingsError) as error:
            raise click.ClickException(str(error)) from None

    return run_command
