"""The GraphQL endpoint: it runs the operation of an HTTP request, or responds with the explorer page."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from graphql import ExecutionResult
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from db.connections.cluster import Cluster, TokenStatus
from db.connections.session import ReadSession
from db.connections.write_session import WriteSession
from db.search.vocabulary_cache import VocabularyCache
from db.view_counts import ViewCounter
from graphql_api.access.authenticator import Authenticator
from graphql_api.access.principal import Principal
from graphql_api.access.roles import Role
from graphql_api.context import Context
from graphql_api.execution.documents import InvalidDocumentError, PreparedOperation, UnknownOperationError
from graphql_api.execution.executor import run_operation
from graphql_api.execution.limits import LimitExceededError
from graphql_api.http.authentication import authenticate_request
from graphql_api.http.consistency import (
    add_token_of_write,
    open_routed_session,
    read_consistency,
    read_token,
)
from graphql_api.http.cost_limits import Charge, CostLimits
from graphql_api.http.deadlines import DeadlineMonitor, RequestDeadline
from graphql_api.http.explorer_page import explorer_response
from graphql_api.http.failure_log import RunningOperation
from graphql_api.http.graphql_requests import (
    ClientDisconnectedError,
    GraphQLRequest,
    SizeLimit,
    joined_header,
    read_request,
)
from graphql_api.http.idempotency import read_request_key
from graphql_api.http.media_types import (
    APPLICATION_JSON,
    SUPPORTED_MEDIA_TYPES,
    negotiate_media_type,
    prefers_html,
)
from graphql_api.http.mutations import outcome_unknown, run_mutation
from graphql_api.http.paths import GRAPHQL_PATH
from graphql_api.http.persisted_documents import PersistedDocuments
from graphql_api.http.responses import (
    Header,
    HttpError,
    RawResponse,
    RequestError,
    catalog_unavailable,
    request_error_status,
)
from graphql_api.loaders.registry import Loaders
from graphql_api.schema.errors import format_error, mask_error
from graphql_api.settings import Settings

_METHODS = ("GET", "HEAD", "OPTIONS", "POST")
_ALLOW_HEADER = [(b"allow", ", ".join(_METHODS).encode())]


def _only_queries_by_get() -> HttpError:
    return HttpError(405, "GET runs queries only: send other operations by POST.", [(b"allow", b"POST")])


class NullViewCounter(ViewCounter):
    """Discards views, because a GET request must not change anything."""

    def record(self, book_id: int) -> None:
        """Do nothing."""


class Endpoint:
    """An ASGI application that runs the operation in a GET or POST request."""

    def __init__(
        self,
        settings: Settings,
        documents: PersistedDocuments,
        authenticator: Authenticator,
        cluster: Cluster,
        view_counter: ViewCounter,
    ) -> None:
        self.settings = settings
        self.documents = documents
        self.authenticator = authenticator
        self.cluster = cluster
        self.view_counter = view_counter
        self.null_view_counter = NullViewCounter(cluster.primary)
        self.vocabulary_cache = VocabularyCache()
        self.deadline_monitor = DeadlineMonitor(settings.request_timeout)
        self.cost_limits = CostLimits(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _wants_html(scope):
            page = _explorer_page(scope, self.settings)
            await page(scope, receive, send)
            return
        media_type = negotiate_media_type(joined_header(scope, b"accept")[:1000])
        try:
            response = await self._respond(scope, receive, media_type)
        except ClientDisconnectedError:
            return
        except HttpError as error:
            response = error.to_response(media_type or APPLICATION_JSON)
        except Exception as error:
            response = RawResponse(
                orjson.dumps({"errors": [mask_error(error)]}), 500, media_type or APPLICATION_JSON
            )
        await response.send(send)

    async def _respond(self, scope: Scope, receive: Receive, media_type: bytes | None) -> RawResponse:
        method = scope["method"]
        if method == "OPTIONS":
            return RawResponse(b"", 204, headers=_ALLOW_HEADER)
        if method not in _METHODS:
            raise HttpError(405, f"Method not allowed: use {', '.join(_METHODS)}.", _ALLOW_HEADER)
        if media_type is None:
            raise HttpError(406, f"No acceptable media type: accept {' or '.join(SUPPORTED_MEDIA_TYPES)}.")
        running = RunningOperation(self.cluster.open_session())
        deadline = RequestDeadline(scope, self.deadline_monitor)
        try:
            with deadline:
                principal = await authenticate_request(scope, self.authenticator, running.session)
                request = await read_request(scope, receive, limit=self._body_limit(principal))
                return await self._execute_request(scope, request, principal, media_type, running)
        except HttpError as error:
            if running.session.failure or error.code == "TIMEOUT":
                running.log_failure(running.session.failure or error, deadline.received_at)
            if isinstance(running.session, WriteSession) and running.session.is_committing:
                raise outcome_unknown() from error
            raise

    def _body_limit(self, principal: Principal) -> SizeLimit:
        """Return the limit of a body, which is read after its sender is known."""
        if principal.role >= Role.EDITOR:
            return SizeLimit("MAX_UPLOAD_BYTES", self.settings.max_upload_bytes)
        return SizeLimit("MAX_BODY_BYTES", self.settings.max_body_bytes)

    async def _execute_request(
        self,
        scope: Scope,
        request: GraphQLRequest,
        principal: Principal,
        media_type: bytes,
        running: RunningOperation,
    ) -> RawResponse:
        """Return the response to a request. Raise HttpError if the operation cannot run."""
        read_only = scope["method"] != "POST"
        try:
            document = self.documents.find(request, principal.role)
            if read_only and not document.is_query:
                raise _only_queries_by_get()
            running.document = document
            if document.deprecated:
                self.documents.count_deprecated_uses(document)
            operation = document.prepare(request.variables)
        except LimitExceededError as exceeded:
            raise RequestError.from_graphql_error(exceeded.error) from exceeded
        except UnknownOperationError as unknown:
            raise RequestError(str(unknown), "OPERATION_RESOLUTION_FAILURE") from unknown
        except InvalidDocumentError as invalid:
            if read_only and not invalid.is_query:
                raise _only_queries_by_get() from invalid
            return _request_error_response(
                [format_error(error, executed=False) for error in invalid.errors], media_type
            )

        charge = self.cost_limits.charge(scope, principal, operation.row_cost or 0)
        execution = _Execution(operation, request, principal, media_type, charge, read_only=read_only)
        if document.is_mutation:
            request_key = read_request_key(scope, request, principal)
            response = await run_mutation(
                self.cluster.primary, running, request_key, partial(self._execute, execution)
            )
            response.media_type = media_type
            if self.cluster.replicas and response.status == 200:
                await add_token_of_write(response, self.cluster)
            return response
        if self.cluster.replicas:
            token = read_token(scope, request)
            running.session, execution.token_status = await open_routed_session(self.cluster, token)
        return (await self._execute(execution, running.session))[0]

    async def _execute(
        self, execution: "_Execution", session: ReadSession | WriteSession
    ) -> tuple[RawResponse, bool]:
        """Return the response of an operation, and whether it has data."""
        view_counter = self.null_view_counter if execution.read_only else self.view_counter
        loaders = Loaders(session, vocabulary_cache=self.vocabulary_cache)
        context = Context(view_counter, session, loaders, principal=execution.principal)
        try:
            outcome = await run_operation(execution.operation, context)
        finally:
            if isinstance(session, ReadSession):
                session.cancel()
            self.cost_limits.give_back(execution.charge, session.rows_read)
        if session.failure:
            raise catalog_unavailable(session.failure)
        result = outcome.result
        errors = [format_error(error, executed=True) for error in result.errors or ()]
        if result.data is None and all("path" not in error for error in errors):
            return _request_error_response(errors, execution.media_type), False
        extensions: dict[str, Any] = {}
        headers: list[Header] = []
        if execution.request.wants_cost:
            extensions["cost"] = self.cost_limits.report(execution.charge, session.rows_read)
        if self.cluster.replicas and isinstance(session, ReadSession) and session.has_read:
            consistency = await read_consistency(self.cluster, session.supervisor, execution.token_status)
            extensions["consistency"] = consistency.to_extension()
            headers += consistency.to_headers()
        body = _encode(result, errors, extensions)
        max_bytes = self.settings.max_response_bytes
        if len(body) > max_bytes:
            raise RequestError(
                f"The response has {len(body):,} bytes; at most {max_bytes:,} are allowed "
                "(MAX_RESPONSE_BYTES): request fewer fields or rows.",
                "LIMIT_EXCEEDED",
                {"limit": "MAX_RESPONSE_BYTES", "allowed": max_bytes},
            )
        return RawResponse(body, 200, execution.media_type, headers), result.data is not None


@dataclass(slots=True)
class _Execution:
    """An operation that is ready to run, and what its response depends on."""

    operation: PreparedOperation
    request: GraphQLRequest
    principal: Principal
    media_type: bytes
    charge: Charge
    read_only: bool
    token_status: TokenStatus = TokenStatus.CURRENT


def _encode(result: ExecutionResult, errors: list[dict[str, Any]], extensions: Mapping[str, Any]) -> bytes:
    payload: dict[str, Any] = {"data": result.data}
    if errors:
        payload["errors"] = errors
    if extensions:
        payload["extensions"] = extensions
    return orjson.dumps(payload)


def _wants_html(scope: Scope) -> bool:
    return (
        scope["method"] in ("GET", "HEAD")
        and prefers_html(joined_header(scope, b"accept")[:1000])
        and b"query=" not in scope["query_string"]
        and b"documentId=" not in scope["query_string"]
    )


def _explorer_page(scope: Scope, settings: Settings) -> Response:
    """Return the explorer page. A URL with a trailing slash is redirected, since asset URLs are relative."""
    if scope["path"].endswith("/"):
        return RedirectResponse(f"..{GRAPHQL_PATH}", headers={"Vary": "Accept"})
    url = str(Request(scope).url.replace(query=""))
    return explorer_response(url, enabled=settings.explorer, introspection=settings.introspection)


def _request_error_response(errors: list[dict[str, Any]], media_type: bytes) -> RawResponse:
    """Return the response to an operation that did not start."""
    return RawResponse(orjson.dumps({"errors": errors}), request_error_status(media_type), media_type)
