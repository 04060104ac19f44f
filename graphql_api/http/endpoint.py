"""The GraphQL endpoint: a request in, an answer out; to a browser that asks for a page, the explorer."""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from graphql_api.context import Context
from graphql_api.http.explorer_page import explorer_response
from graphql_api.http.requests import GraphQLRequest, RequestError, read_request
from graphql_api.loaders import Loaders
from graphql_api.schema import schema
from graphql_api.schema.errors import present


async def graphql(request: Request) -> Response:
    """Run the operation that a GET or POST holds."""
    if wants_page(request):
        return explorer_response(str(request.url.replace(query="")))
    try:
        asked = await read_request(request)
        return answer(await executed(asked, request))
    except RequestError as error:
        shown = {"message": str(error), "extensions": {"code": "BAD_REQUEST"}}
        return answer({"errors": [shown]}, error.status, error.headers)


def wants_page(request: Request) -> bool:
    return (
        request.method in ("GET", "HEAD")
        and "query" not in request.query_params
        and "text/html" in request.headers.get("accept", "")
    )


async def executed(asked: GraphQLRequest, request: Request) -> dict[str, Any]:
    """The answer to an operation, as GraphQL describes it."""
    database, views = request.app.state.database, request.app.state.views
    allowed = (
        {OperationType.QUERY} if request.method == "GET" else {OperationType.QUERY, OperationType.MUTATION}
    )
    try:
        result = await schema.execute(
            asked.query,
            variable_values=asked.variables,
            operation_name=asked.operation_name,
            context_value=Context(database, views, Loaders(database)),
            allowed_operation_types=allowed,
        )
    except CannotGetOperationTypeError as error:
        raise RequestError(400, error.as_http_error_reason()) from error
    except InvalidOperationTypeError as error:
        raise RequestError(405, error.as_http_error_reason(request.method), {"Allow": "POST"}) from error
    before_execution = isinstance(result, PreExecutionError)
    shown: dict[str, Any] = {} if before_execution else {"data": result.data}
    if result.errors:
        shown["errors"] = [present(error, executed=not before_execution) for error in result.errors]
    return shown


def answer(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers, media_type="application/json")
