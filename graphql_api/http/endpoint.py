"""The GraphQL endpoint: a request in, an answer out; to a browser that asks for a page, the explorer."""

from collections.abc import Callable
from typing import Any

import orjson
from graphql import ExecutionResult
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from graphql_api.context import Context
from graphql_api.execution.documents import Documents, InvalidDocument, UnknownOperation
from graphql_api.execution.run import Outcome, run
from graphql_api.http.explorer_page import explorer_response
from graphql_api.http.requests import ClientLeft, GraphQLRequest, Headers, RequestError, header, read_request
from graphql_api.schema.errors import present

METHODS = "GET, HEAD, POST"
JSON = (b"content-type", b"application/json")

NOT_BY_GET = RequestError(405, "Send what is not a query by POST.", [(b"allow", b"POST")])


class Endpoint:
    """An ASGI application that runs the operation that a GET or POST holds.

    `context` makes what a request carries to its resolvers.
    """

    def __init__(self, documents: Documents, context: Callable[[], Context]) -> None:
        self.documents = documents
        self.context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if wants_page(scope):
                page = explorer_response(str(Request(scope).url.replace(query="")))
                await page(scope, receive, send)
                return
            if scope["method"] not in METHODS.split(", "):
                raise RequestError(405, f"Use {METHODS}.", [(b"allow", METHODS.encode())])
            asked = await read_request(scope, receive)
            await answer(send, await self.body(asked, reads_only=scope["method"] != "POST"))
        except RequestError as error:
            shown = {"message": str(error), "extensions": {"code": "BAD_REQUEST"}}
            await answer(send, orjson.dumps({"errors": [shown]}), error.status, error.headers)
        except ClientLeft:
            return

    async def body(self, asked: GraphQLRequest, *, reads_only: bool) -> bytes:
        """The answer to a request, as GraphQL describes it, in JSON."""
        try:
            document = self.documents.find(asked.query, asked.operation_name)
        except InvalidDocument as invalid:
            if reads_only and not invalid.is_query:
                raise NOT_BY_GET from invalid
            return orjson.dumps({"errors": [present(error, executed=False) for error in invalid.errors]})
        except UnknownOperation as unknown:
            raise RequestError(400, str(unknown)) from unknown
        if reads_only and not document.is_query:
            raise NOT_BY_GET
        outcome: Outcome = await run(document, asked.variables, self.context())
        return orjson.dumps(shown(outcome.result))


def wants_page(scope: Scope) -> bool:
    return (
        scope["method"] != "POST"
        and scope["method"] in METHODS
        and b"text/html" in header(scope, b"accept")
        and b"query=" not in scope["query_string"]
    )


def shown(result: ExecutionResult) -> dict[str, Any]:
    if not result.errors:
        return {"data": result.data}
    return {"data": result.data, "errors": [present(error, executed=True) for error in result.errors]}


async def answer(send: Send, body: bytes, status: int = 200, headers: Headers | None = None) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [JSON, length, *(headers or ())]})
    await send({"type": "http.response.body", "body": body})
