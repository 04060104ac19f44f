"""What an HTTP request asks for: a document, its variables and the operation's name."""

from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl

import orjson
from starlette.types import Receive, Scope

Headers = list[tuple[bytes, bytes]]


class RequestError(ValueError):
    """The HTTP request does not hold a GraphQL request; the message says what is wrong with it."""

    def __init__(self, status: int, message: str, headers: Headers | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or []


class ClientLeft(Exception):
    """The client went away before its request was complete."""


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """One operation to run."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None


async def read_request(scope: Scope, receive: Receive) -> GraphQLRequest:
    """The GraphQL request in an HTTP request; RequestError when there is none."""
    if scope["method"] == "POST":
        if media_type_of(scope) != b"application/json":
            raise RequestError(415, "Send the request as JSON, with Content-Type: application/json.")
        return checked(parsed_json("The body", await body_of(receive)))
    parameters: dict[str, Any] = dict(parse_qsl(scope["query_string"].decode("ascii", "replace")))
    for name in ("variables", "extensions"):
        if name in parameters:
            parameters[name] = parsed_json(name, parameters[name])
    return checked(parameters)


def header(scope: Scope, name: bytes) -> bytes:
    """The value of a header; empty where there is none."""
    for key, value in scope["headers"]:
        if key == name:
            return value
    return b""


def media_type_of(scope: Scope) -> bytes:
    return header(scope, b"content-type").partition(b";")[0].strip().lower()


async def body_of(receive: Receive) -> bytes:
    message = await receive()
    if not message.get("more_body"):
        if message["type"] == "http.disconnect":
            raise ClientLeft
        return message.get("body", b"")
    parts = [message["body"]]
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        parts.append(message.get("body", b""))
    return b"".join(parts)


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
