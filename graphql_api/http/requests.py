"""What an HTTP request asks for: a document, its variables and the operation's name."""

from dataclasses import dataclass
from typing import Any, cast

import orjson
from starlette.requests import Request


class RequestError(ValueError):
    """The HTTP request does not hold a GraphQL request; the message says what is wrong with it."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """One operation to run."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None


async def read_request(request: Request) -> GraphQLRequest:
    """The GraphQL request in an HTTP request; RequestError when there is none."""
    if request.method == "POST":
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise RequestError(415, "Send the request as JSON, with Content-Type: application/json.")
        parameters = parsed_json("The body", await request.body())
    else:
        parameters = dict(request.query_params)
        for name in ("variables", "extensions"):
            if parameters.get(name):
                parameters[name] = parsed_json(name, parameters[name])
    return checked(parameters)


def checked(parameters: Any) -> GraphQLRequest:
    if not isinstance(parameters, dict):
        raise RequestError(400, "The body must be a JSON object with a `query`.")
    given = cast("dict[str, Any]", parameters)
    query, variables, operation_name = (given.get(name) for name in ("query", "variables", "operationName"))
    if not isinstance(query, str):
        raise RequestError(400, "`query` must be a string that holds a GraphQL document.")
    if not isinstance(variables, dict | None):
        raise RequestError(400, "`variables` must be an object.")
    if not isinstance(operation_name, str | None):
        raise RequestError(400, "`operationName` must be a string.")
    if not isinstance(given.get("extensions"), dict | None):
        raise RequestError(400, "`extensions` must be an object.")
    return GraphQLRequest(query, cast("dict[str, Any] | None", variables), operation_name or None)


def parsed_json(name: str, text: str | bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, f"{name} is not JSON: {error}.") from error
