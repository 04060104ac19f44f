"""Parsing of GraphQL requests over HTTP: a document, its variables and the operation name."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isinf
from typing import Any, cast
from urllib.parse import parse_qsl

import orjson
from starlette.types import Receive, Scope

from graphql_api.execution.manifests import strip_prefix
from graphql_api.http.responses import HttpError

_PARAMETERS = ("query", "documentId", "variables", "operationName", "extensions")
_PERSISTED_QUERY_VERSION = 1


class ClientDisconnectedError(Exception):
    """The client disconnected before it received a response."""


@dataclass(frozen=True, slots=True)
class SizeLimit:
    """The maximum size of a body or a URL in bytes, and the setting that has it."""

    setting: str
    max_bytes: int


@dataclass(slots=True)
class GraphQLRequest:
    """One operation to run. `wants_cost` requests its cost in the response.

    `document_id` identifies the document, without the prefix `sha256:`; empty: the request has none. `query`
    may then be empty. `consistency_token` names what the operation must see; empty: anything.
    """

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None
    document_id: str = ""
    wants_cost: bool = False
    consistency_token: str = ""


async def read_request(scope: Scope, receive: Receive, *, limit: SizeLimit) -> GraphQLRequest:
    """Return the GraphQL request in an HTTP request whose body or query string is within the limit.

    Raise HttpError if the request is invalid, ClientDisconnectedError if it is incomplete.
    """
    if scope["method"] == "POST":
        if _body_media_type(scope) != b"application/json":
            raise HttpError(
                415,
                "Unsupported Content-Type: send the request as JSON, with Content-Type: application/json.",
            )
        return _validate_request(_parse_json("The body", await _read_body(scope, receive, limit)))
    if len(scope["query_string"]) > limit.max_bytes:
        raise HttpError(414, too_large_message("URL", limit))
    return _validate_request(_parse_query_string(scope["query_string"]))


def _parse_query_string(query_string: bytes) -> dict[str, Any]:
    """Return the parameters of a GET request.

    Raise HttpError for duplicates of a GraphQL parameter: parsers differ in which of the two they use.
    """
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100
        )
    except ValueError as error:
        raise HttpError(
            400, "The URL has parameters that are not UTF-8, or more than 100 parameters."
        ) from error
    parameters: dict[str, Any] = {}
    for name, value in pairs:
        if name in parameters and name in _PARAMETERS:
            raise HttpError(400, f"The URL has the parameter `{name}` twice.")
        parameters[name] = value
    for name in ("variables", "extensions"):
        if name in parameters:
            parameters[name] = _parse_json(name, parameters[name].encode()) if parameters[name] else None
    if not {"query", "documentId", "extensions"} & parameters.keys():
        raise HttpError(
            400,
            "The URL has no GraphQL document. Add one, for example ?query={__typename}, or send it by POST "
            "as JSON with a `query`.",
        )
    return parameters


def header_value(scope: Scope, name: bytes) -> bytes:
    """Return the first value of a header, or an empty value if it is missing."""
    for key, value in scope["headers"]:
        if key == name:
            return value
    return b""


def joined_header(scope: Scope, name: bytes) -> bytes:
    """Return all values of a list header, joined by commas. Repeating such a header means the same."""
    return b",".join([value for key, value in scope["headers"] if key == name])


def _body_media_type(scope: Scope) -> bytes:
    media_type, _, parameters = header_value(scope, b"content-type").lower().partition(b";")
    for parameter in parameters.split(b";"):
        name, _, value = parameter.strip().partition(b"=")
        if name == b"charset" and value.strip(b'" ') not in (b"utf-8", b"utf8"):
            raise HttpError(415, "Unsupported charset: send the request as JSON in UTF-8.")
    return media_type.strip()


async def _read_body(scope: Scope, receive: Receive, limit: SizeLimit) -> bytes:
    """Return the body. Raise HttpError as soon as it exceeds the limit.

    The connection stays open: closing it would lose the response if the client is still sending.
    """
    _require_identity_encoding(scope)
    if int(header_value(scope, b"content-length") or 0) > limit.max_bytes:
        raise HttpError(413, too_large_message("body", limit))
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnectedError
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit.max_bytes:
            raise HttpError(413, too_large_message("body", limit))
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _require_identity_encoding(scope: Scope) -> None:
    """Raise HttpError if the body has a Content-Encoding, or a Transfer-Encoding other than chunked."""
    for key, value in scope["headers"]:
        if key == b"content-encoding" and value.lower() != b"identity":
            raise HttpError(415, "Unsupported Content-Encoding: send the body without one.")
        if key == b"transfer-encoding" and value.lower() != b"chunked":
            raise HttpError(501, "Unsupported Transfer-Encoding: use chunked or none.")


def too_large_message(what: str, limit: SizeLimit) -> str:
    return f"The {what} is too large; at most {limit.max_bytes:,} bytes are allowed ({limit.setting})."


def _validate_request(parameters: Any) -> GraphQLRequest:
    if not isinstance(parameters, dict):
        batch = " Send one operation per request." if isinstance(parameters, list) else ""
        raise HttpError(400, f"The body must be a JSON object with a `query`.{batch}")
    request = cast("dict[str, Any]", parameters)
    query, extensions = request.get("query"), request.get("extensions")
    variables, operation_name = request.get("variables"), request.get("operationName")
    if variables is not None and not isinstance(variables, dict):
        raise HttpError(400, "`variables` must be an object.")
    if operation_name is not None and not isinstance(operation_name, str):
        raise HttpError(400, "`operationName` must be a string.")
    if extensions is not None and not isinstance(extensions, dict):
        raise HttpError(400, "`extensions` must be an object.")
    options = cast("dict[str, Any]", extensions or {})
    document_id = ""
    if "documentId" in request or "persistedQuery" in options:
        document_id = _read_document_id(request, options)
        query = "" if query is None and document_id else query
    if not isinstance(query, str):
        raise HttpError(400, "`query` must be a string containing a GraphQL document.")
    token = options.get("consistency", "")
    if not isinstance(token, str):
        raise HttpError(400, "`extensions.consistency` must be a string: the last token that was received.")
    return GraphQLRequest(
        query,
        cast("dict[str, Any] | None", variables),
        operation_name or None,
        document_id=document_id,
        wants_cost=options.get("cost") is True,
        consistency_token=token,
    )


def _read_document_id(request: Mapping[str, Any], extensions: Mapping[str, Any]) -> str:
    """Return the identifier in `documentId` or in `extensions.persistedQuery`; empty if both are null."""
    identifiers: set[str] = set()
    if request.get("documentId") is not None:
        identifiers.add(_validate_identifier("documentId", request["documentId"]))
    if extensions.get("persistedQuery") is not None:
        hash_ = _read_hash(extensions["persistedQuery"])
        identifiers.add(_validate_identifier("extensions.persistedQuery.sha256Hash", hash_))
    if len(identifiers) > 1:
        raise HttpError(400, "`documentId` and `extensions.persistedQuery` identify two documents: send one.")
    return identifiers.pop() if identifiers else ""


def _validate_identifier(name: str, value: object) -> str:
    identifier = strip_prefix(value) if isinstance(value, str) else ""
    if not identifier:
        raise HttpError(400, f"`{name}` must be a string that identifies a document.")
    return identifier


def _read_hash(persisted_query: object) -> object:
    if not isinstance(persisted_query, dict):
        raise HttpError(400, "`extensions.persistedQuery` must be an object.")
    members = cast("dict[str, Any]", persisted_query)
    if members.get("version") != _PERSISTED_QUERY_VERSION:
        raise HttpError(
            400, f"`extensions.persistedQuery.version` must be {_PERSISTED_QUERY_VERSION}, the only version."
        )
    return members.get("sha256Hash")


# The closing quote of an object key and the colon. A match inside of a string value, after an escaped quote,
# only makes the count too high, which `_parse_json` allows for.
_JSON_KEY = re.compile(rb'"[ \t\r\n]*+:')


_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def _parse_json(name: str, text: bytes) -> Any:
    """Return the parsed value.

    Raise HttpError for invalid JSON, duplicate keys and NUL characters, which PostgreSQL cannot store.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        number = _NUMBER.match(error.doc, error.pos)
        if number and isinf(float(number[0])):
            raise HttpError(
                400, f"{name} has a number that is too large: its absolute value must be below 1.8e308."
            ) from error
        raise HttpError(400, f"{name} is not JSON: {error}.") from error
    if rb"\u0000" in text and _contains_nul(value):
        raise HttpError(400, f"{name} contains a NUL character: remove it.")
    if len(_JSON_KEY.findall(text)) != _count_keys(value) and _has_duplicate_keys(text):
        raise HttpError(400, f"{name} has an object with a duplicate key.")
    return value


def _count_keys(value: Any) -> int:
    key_count, pending = 0, [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            members = cast("Mapping[str, Any]", item)
            key_count += len(members)
            pending += [child for child in members.values() if child.__class__ in (dict, list)]
        elif isinstance(item, list):
            pending += [child for child in cast("Sequence[Any]", item) if child.__class__ in (dict, list)]
    return key_count


def _contains_nul(value: Any) -> bool:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str) and "\0" in item:
            return True
        if isinstance(item, dict):
            pending += [part for pair in cast("Mapping[str, Any]", item).items() for part in pair]
        elif isinstance(item, list):
            pending += cast("Sequence[Any]", item)
    return False


def _has_duplicate_keys(text: bytes) -> bool:
    """Return whether an object has a duplicate key, using a slower parser.

    Return True as well if the objects are nested too deeply to parse.
    """

    def record_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        has_duplicates.append(len(members) != len(pairs))
        return members

    has_duplicates: list[bool] = []
    try:
        json.loads(text, object_pairs_hook=record_duplicates, parse_int=str)
    except RecursionError:
        return True
    return any(has_duplicates)
