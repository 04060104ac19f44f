"""User input errors, and the format of every error in a response."""

import json
import logging
import re
import secrets
from ast import literal_eval
from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError, ValueNode

from db.connections.error_mapping import to_database_error
from db.errors import StatementTimeoutError

logger = logging.getLogger("bookstore.errors")

_TIMEOUT_MESSAGE = (
    "The query exceeded the time limit for database statements. Request less data, or narrow the filter."
)


class UserInputError(ValueError):
    """An argument has an invalid value. The message says what is wrong and which values are valid.

    graphql-core copies `extensions` to the GraphQLError that it raises from this one.
    """

    def __init__(self, argument: str, message: str) -> None:
        super().__init__(message)
        self.extensions = {"code": "BAD_USER_INPUT", "argument": argument}


def format_error(error: GraphQLError, *, executed: bool) -> dict[str, Any]:
    """Return the error as it appears in a response, always with `extensions.code`.

    Errors that the client did not cause are masked: see `mask_error`.
    """
    cause = error.original_error
    if not executed or cause is None or isinstance(cause, GraphQLError | UserInputError):
        formatted: dict[str, Any] = dict(error.formatted)
        formatted["message"] = _show_values_as_json(error.message)
        formatted["extensions"] = {"code": _error_code(error, executed=executed)} | (error.extensions or {})
        return formatted
    if isinstance(to_database_error(cause), StatementTimeoutError):
        return {**error.formatted, "message": _TIMEOUT_MESSAGE, "extensions": {"code": "TIMEOUT"}}
    return {**error.formatted, **mask_error(cause, error.path)}


def mask_error(cause: Exception, path: object = None) -> dict[str, Any]:
    """Log an internal error with its traceback and an id; return an error that reveals only the id."""
    error_id = secrets.token_hex(8)
    logger.error("internal error %s at path %s", error_id, path, exc_info=cause)
    return {
        "message": f"Internal server error. The server's log has the details under the id {error_id}.",
        "extensions": {"code": "INTERNAL_SERVER_ERROR", "id": error_id},
    }


def _error_code(error: GraphQLError, *, executed: bool) -> str:
    if isinstance(error, GraphQLSyntaxError):
        return "GRAPHQL_PARSE_FAILED"
    if not executed:
        return "GRAPHQL_VALIDATION_FAILED"
    # graphql-core locates an invalid value of an argument at that value, and an invalid result at the field.
    is_argument = bool(error.nodes) and isinstance(error.nodes[0], ValueNode)
    return "BAD_USER_INPUT" if error.path is None or is_argument else "INTERNAL_SERVER_ERROR"


_PYTHON_VALUE = re.compile(r"(.*(?: value| found): )(.{1,300}?)(\.?)", re.DOTALL)


def _show_values_as_json(message: str) -> str:
    """Return a message of graphql-core with `null` for `None`, and the value at its end as JSON.

    A literal of GraphQL and an abbreviated value stay as they are.
    """
    message = message.replace(" not to be None", " not to be null")
    match = _PYTHON_VALUE.fullmatch(message)
    if match is None:
        return message
    before, value, after = match.groups()
    try:
        return f"{before}{json.dumps(literal_eval(value), ensure_ascii=False)}{after}"
    except (MemoryError, RecursionError, SyntaxError, TypeError, ValueError):
        return message
