"""Errors a client can mend, and how every error is shown to it."""

import logging
import secrets
from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError

from db.connections.error_mapping import to_database_error
from db.errors import StatementTimeoutError

logger = logging.getLogger("bookstore.errors")

TOO_LONG = "The catalog takes too long to answer this: ask for less, or narrow the filter."


class BadInput(ValueError):
    """An argument cannot be used; the message says what is wrong with it and what would be right.

    graphql-core carries `extensions` over to the error it makes of this.
    """

    def __init__(self, argument: str, message: str) -> None:
        super().__init__(message)
        self.extensions = {"code": "BAD_USER_INPUT", "argument": argument}


def present(error: GraphQLError, *, executed: bool) -> dict[str, Any]:
    """The error as the answer shows it, always with `extensions.code`.

    What the client cannot mend is shown as an id alone, under which the log has its traceback.
    """
    cause = error.original_error
    if not executed or cause is None or isinstance(cause, GraphQLError | BadInput):
        shown = dict(error.formatted)
        shown["extensions"] = {"code": code_of(error, executed=executed)} | (error.extensions or {})
        return shown
    if isinstance(to_database_error(cause), StatementTimeoutError):
        return {**error.formatted, "message": TOO_LONG, "extensions": {"code": "TIMEOUT"}}
    return {**error.formatted, **masked(cause, error.path)}


def masked(cause: Exception, path: object = None) -> dict[str, Any]:
    """A failure of ours as an answer shows it: an id, under which the log has its traceback."""
    identity = secrets.token_hex(8)
    logger.error("error %s at %s", identity, path, exc_info=cause)
    return {
        "message": f"Something went wrong on our side; the log knows it as {identity}.",
        "extensions": {"code": "INTERNAL_SERVER_ERROR", "id": identity},
    }


def code_of(error: GraphQLError, *, executed: bool) -> str:
    if isinstance(error, GraphQLSyntaxError):
        return "GRAPHQL_PARSE_FAILED"
    if not executed:
        return "GRAPHQL_VALIDATION_FAILED"
    return "BAD_USER_INPUT" if error.path is None else "INTERNAL_SERVER_ERROR"
