"""The GraphQL endpoint: a request in, an answer out; to a browser that asks for a page, the explorer."""

import logging
from typing import Any

import orjson
from graphql import ExecutionResult
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from db.errors import TimedOut
from db.keeper import Keeper
from db.reading import Reading
from db.views import ViewLog
from graphql_api.context import Context
from graphql_api.execution.documents import Document, Documents, InvalidDocument, UnknownOperation
from graphql_api.execution.limits import LimitExceeded
from graphql_api.execution.run import run
from graphql_api.http.answers import Answer, Refusal, unavailable
from graphql_api.http.deadlines import DeadlineMonitor, RequestDeadline
from graphql_api.http.explorer_page import explorer_response
from graphql_api.http.media_types import GRAPHQL, LEGACY, OFFERED, negotiated
from graphql_api.http.paths import GRAPHQL_PATH
from graphql_api.http.requests import ClientLeft, GraphQLRequest, listed, read_request
from graphql_api.schema.errors import masked, present
from graphql_api.settings import Settings

logger = logging.getLogger("bookstore.endpoint")

METHODS = ("GET", "HEAD", "OPTIONS", "POST")
ALLOW = [(b"allow", ", ".join(METHODS).encode())]


def not_by_get() -> Refusal:
    return Refusal(405, "Send what is not a query by POST.", [(b"allow", b"POST")])


class NoViews(ViewLog):
    """Takes no views: what comes by GET changes nothing."""

    def note(self, book_id: int) -> None:
        """Let it pass."""


class Endpoint:
    """An ASGI application that runs the operation that a GET or POST holds."""

    def __init__(
        self,
        settings: Settings,
        documents: Documents,
        keeper: Keeper,
        views: ViewLog,
    ) -> None:
        self.settings = settings
        self.documents = documents
        self.keeper = keeper
        self.views = views
        self.no_views = NoViews(keeper)
        self.deadlines = DeadlineMonitor(settings.request_timeout)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if wants_page(scope):
            await page_at(scope)(scope, receive, send)
            return
        media_type = negotiated(listed(scope, b"accept")[:1000])
        try:
            answer = await self.answer(scope, receive, media_type)
        except ClientLeft:
            return
        except Refusal as refusal:
            answer = refusal.answer(media_type or LEGACY)
        except Exception as error:
            answer = Answer(orjson.dumps({"errors": [masked(error)]}), 500, media_type or LEGACY)
        await answer.send(send)

    async def answer(self, scope: Scope, receive: Receive, media_type: bytes | None) -> Answer:
        method = scope["method"]
        if method == "OPTIONS":
            return Answer(b"", 204, headers=ALLOW)
        if method not in METHODS:
            raise Refusal(405, f"Use {', '.join(METHODS)}.", ALLOW)
        if media_type is None:
            raise Refusal(406, f"Accept one of {', '.join(OFFERED)}.")
        asked = await read_request(scope, receive, most=self.settings.max_body)
        with RequestDeadline(scope, self.deadlines):
            return await self.answered(asked, media_type, reads_only=method != "POST")

    async def answered(self, asked: GraphQLRequest, media_type: bytes, *, reads_only: bool) -> Answer:
        """The answer to a request, as GraphQL describes it."""
        try:
            document = self.documents.find(asked.query, asked.operation_name)
            if reads_only and not document.is_query:
                raise not_by_get()
            return await self.run(document, asked, media_type, reads_only=reads_only)
        except LimitExceeded as exceeded:
            raise Refusal.of(exceeded.error) from exceeded
        except UnknownOperation as unknown:
            raise Refusal(400, str(unknown), code="OPERATION_RESOLUTION_FAILURE") from unknown
        except InvalidDocument as invalid:
            if reads_only and not invalid.is_query:
                raise not_by_get() from invalid
            return request_error([present(error, executed=False) for error in invalid.errors], media_type)

    async def run(
        self, document: Document, asked: GraphQLRequest, media_type: bytes, *, reads_only: bool
    ) -> Answer:
        reading = Reading(self.keeper)
        context = Context(self.no_views if reads_only else self.views, reading)
        try:
            outcome = await run(document, asked.variables, context)
        finally:
            reading.end()
        if reading.failure:
            logger.debug("not answered: %s", reading.failure)
            code = "TIMEOUT" if isinstance(reading.failure, TimedOut) else "SERVICE_UNAVAILABLE"
            raise unavailable("The catalog cannot be read at the moment: try again.", code)
        result = outcome.result
        errors = [present(error, executed=True) for error in result.errors or ()]
        if result.data is None and all("path" not in error for error in errors):
            return request_error(errors, media_type)
        body = self.body(document, asked, result, errors)
        if len(body) > self.settings.max_response:
            raise Refusal(
                400,
                f"The answer has {len(body):,} bytes; at most {self.settings.max_response:,} are allowed "
                "(MAX_RESPONSE): ask for less.",
                code="LIMIT_EXCEEDED",
                extensions={"limit": "MAX_RESPONSE", "allowed": self.settings.max_response},
            )
        return Answer(body, 200, media_type)

    def body(
        self, document: Document, asked: GraphQLRequest, result: ExecutionResult, errors: list[dict[str, Any]]
    ) -> bytes:
        shown: dict[str, Any] = {"data": result.data}
        if errors:
            shown["errors"] = errors
        if asked.wants_cost:
            shown["extensions"] = {"cost": document.cost_with(asked.variables)}
        return orjson.dumps(shown)


def wants_page(scope: Scope) -> bool:
    return (
        scope["method"] in ("GET", "HEAD")
        and b"text/html" in listed(scope, b"accept")
        and b"query=" not in scope["query_string"]
    )


def page_at(scope: Scope) -> Response:
    """The explorer; its files are found from the address without a slash at the end."""
    if scope["path"].endswith("/"):
        return RedirectResponse(f"..{GRAPHQL_PATH}")
    return explorer_response(str(Request(scope).url.replace(query="")))


def request_error(errors: list[dict[str, Any]], media_type: bytes) -> Answer:
    """The answer to an operation that could not begin."""
    return Answer(orjson.dumps({"errors": errors}), 400 if media_type is GRAPHQL else 200, media_type)
