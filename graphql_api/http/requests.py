"""What an HTTP request asks for: a document, its variables and the operation's name."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl

import orjson
from starlette.types import Receive, Scope

from graphql_api.http.answers import Refusal

PARAMETERS = ("query", "variables", "operationName", "extensions")


class ClientLeft(Exception):
    """The client went away before it was answered."""


@dataclass(slots=True)
class GraphQLRequest:
    """One operation to run; `wants_cost` asks for its cost in the answer."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None
    wants_cost: bool = False


async def read_request(scope: Scope, receive: Receive, *, most: int) -> GraphQLRequest:
    """The GraphQL request in an HTTP request of at most so many bytes.

    Raises Refusal when there is none, ClientLeft when it does not come to its end.
    """
    if scope["method"] == "POST":
        if media_type_of(scope) != b"application/json":
            raise Refusal(415, "Send the request as JSON, with Content-Type: application/json.")
        return checked(parsed_json("The body", await body_of(scope, receive, most)))
    if len(scope["query_string"]) > most:
        raise Refusal(414, too_large("address", most))
    return checked(parameters_in(scope["query_string"]))


def parameters_in(query_string: bytes) -> dict[str, Any]:
    """The parameters of a GET. Each may be given once: readers differ in which of two they take."""
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100
        )
    except ValueError as error:
        raise Refusal(400, "The address holds parameters that are not UTF-8, or too many.") from error
    parameters: dict[str, Any] = {}
    for name, value in pairs:
        if name in parameters and name in PARAMETERS:
            raise Refusal(400, f"The address gives `{name}` twice.")
        parameters[name] = value
    for name in ("variables", "extensions"):
        if name in parameters:
            parameters[name] = parsed_json(name, parameters[name].encode()) if parameters[name] else None
    return parameters


def header(scope: Scope, name: bytes) -> bytes:
    """The value of a header; empty where there is none."""
    for key, value in scope["headers"]:
        if key == name:
            return value
    return b""


def listed(scope: Scope, name: bytes) -> bytes:
    """The values of a header that may have several, or be sent several times, which means the same."""
    return b",".join([value for key, value in scope["headers"] if key == name])


def media_type_of(scope: Scope) -> bytes:
    kind, _, parameters = header(scope, b"content-type").lower().partition(b";")
    for parameter in parameters.split(b";"):
        name, _, value = parameter.strip().partition(b"=")
        if name == b"charset" and value.strip(b'" ') not in (b"utf-8", b"utf8"):
            raise Refusal(415, "Send the request as JSON in UTF-8.")
    return kind.strip()


async def body_of(scope: Scope, receive: Receive, most: int) -> bytes:
    """The body; refused as soon as it is known to be longer than allowed.

    The connection is not closed for that: the answer would be lost with it to a client that is still sending.
    """
    require_plain(scope)
    if int(header(scope, b"content-length") or 0) > most:
        raise Refusal(413, too_large("body", most))
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise Refusal(413, too_large("body", most))
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def require_plain(scope: Scope) -> None:
    """Raise Refusal if the body is packed in a way that is not unpacked here."""
    for key, value in scope["headers"]:
        if key == b"content-encoding" and value.lower() != b"identity":
            raise Refusal(415, "Send the body as it is, without a Content-Encoding.")
        if key == b"transfer-encoding" and value.lower() != b"chunked":
            raise Refusal(501, "Send the body with no Transfer-Encoding but chunked.")


def too_large(what: str, most: int) -> str:
    return f"The {what} is too large; at most {most:,} bytes are allowed (MAX_BODY)."


def checked(parameters: Any) -> GraphQLRequest:
    if not isinstance(parameters, dict):
        batch = " Send one operation a request." if isinstance(parameters, list) else ""
        raise Refusal(400, f"The body must be a JSON object with a `query`.{batch}")
    given = cast("dict[str, Any]", parameters)
    query, extensions = given.get("query"), given.get("extensions")
    variables, operation_name = given.get("variables"), given.get("operationName")
    if not isinstance(query, str):
        raise Refusal(400, "`query` must be a string that holds a GraphQL document.")
    if variables is not None and not isinstance(variables, dict):
        raise Refusal(400, "`variables` must be an object.")
    if operation_name is not None and not isinstance(operation_name, str):
        raise Refusal(400, "`operationName` must be a string.")
    if extensions is not None and not isinstance(extensions, dict):
        raise Refusal(400, "`extensions` must be an object.")
    wants_cost = extensions is not None and cast("dict[str, Any]", extensions).get("cost") is True
    return GraphQLRequest(query, cast("dict[str, Any] | None", variables), operation_name or None, wants_cost)


# What may be a key: its closing quote and the colon. In a string the quote would have a backslash, which
# does not matter here: more is found then, never less.
KEY = re.compile(rb'"[ \t\r\n]*+:')


def parsed_json(name: str, text: bytes) -> Any:
    """The value, in which no object has a key twice and no string a NUL, which PostgreSQL cannot hold."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"{name} is not JSON: {error}.") from error
    if rb"\u0000" in text and holds_nul(value):
        raise Refusal(400, f"{name} holds a NUL character: leave it out.")
    if len(KEY.findall(text)) != number_of_keys(value) and has_key_twice(text):
        raise Refusal(400, f"{name} has an object with the same key twice.")
    return value


def number_of_keys(value: Any) -> int:
    keys, pending = 0, [value]
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            entries = cast("Mapping[str, Any]", each)
            keys += len(entries)
            pending += [within for within in entries.values() if within.__class__ in (dict, list)]
        elif isinstance(each, list):
            pending += [within for within in cast("Sequence[Any]", each) if within.__class__ in (dict, list)]
    return keys


def holds_nul(value: Any) -> bool:
    pending = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, str) and "\0" in each:
            return True
        if isinstance(each, dict):
            pending += [part for pair in cast("Mapping[str, Any]", each).items() for part in pair]
        elif isinstance(each, list):
            pending += cast("Sequence[Any]", each)
    return False


def has_key_twice(text: bytes) -> bool:
    """Whether an object has a key twice, or may have one too deep to tell, by a slower parser."""

    def noted(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        twice.append(len(made) != len(pairs))
        return made

    twice: list[bool] = []
    try:
        json.loads(text, object_pairs_hook=noted, parse_int=str)
    except RecursionError:
        return True
    return any(twice)
