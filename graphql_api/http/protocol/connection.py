"""The connection: an asyncio protocol that joins reading, admission control, the ASGI cycle and closing."""

import asyncio
import select
from collections.abc import Coroutine, Sequence
from typing import Any, cast

from uvicorn.server import ServerState

from graphql_api.http.admission import ADMISSION_STATE
from graphql_api.http.graphql_requests import header_value
from graphql_api.http.media_types import APPLICATION_JSON
from graphql_api.http.protocol.config import ProtocolConfig
from graphql_api.http.protocol.cycle import RequestCycle
from graphql_api.http.protocol.lingering_close import LingeringClose
from graphql_api.http.protocol.parsing import RequestReader
from graphql_api.http.protocol.pipelining import Pipeline
from graphql_api.http.protocol.requests import Request
from graphql_api.http.protocol.response_heads import CLOSE, CONTINUE, encode_head
from graphql_api.http.protocol.scopes import ScopeFactory
from graphql_api.http.protocol.timeouts import ConnectionTimeouts
from graphql_api.http.request_ids import REQUEST_ID_HEADER, choose_request_id
from graphql_api.http.responses import Header, HttpError, service_unavailable

IDLE_DRAIN_SECONDS = 1.0
"""Seconds that an idle connection stays open during shutdown, because a request may be on its way."""


class BookstoreHttpProtocol(asyncio.Protocol):
    """One connection. It answers one request at a time, in the order of their arrival.

    uvicorn's server makes it (`Config(http=…)`), reads `ServerState`, and calls `shutdown` when it ends.
    """

    def __init__(
        self,
        config: ProtocolConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        settings = config.settings
        self._config = config
        self._server_state = server_state
        self._connections = cast("set[BookstoreHttpProtocol]", server_state.connections)
        self._app_state = app_state
        self._loop = _loop or asyncio.get_running_loop()
        self._reader = RequestReader(settings.max_body_bytes, config.uploads, self._answer_head, self._accept)
        self._timeouts = ConnectionTimeouts(
            settings.client_timeout, settings.keep_alive_timeout, self._loop.time()
        )
        self._pipeline = Pipeline()
        self._cycle: RequestCycle | None = None
        self._pending_head: Request | None = None
        self._lingering: LingeringClose | None = None
        self._is_draining = False
        self._drain_timer: asyncio.TimerHandle | None = None
        self._read_paused = False
        self._writable: asyncio.Future[None] | None = None  # while writing is paused

    # Called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not one by its class
        self._scopes = ScopeFactory(
            self._transport, {**self._app_state, ADMISSION_STATE: self._config.admission}
        )
        self._connections.add(self)
        self._config.timeout_monitor.watch(self._connections, self._loop)
        limit = self._config.settings.max_connections
        if len(self._connections) > limit:
            self._reject(service_unavailable(f"{limit:,} connections are open (MAX_CONNECTIONS)."))
            self._transport.close()  # without lingering: it would be one more open connection

    def data_received(self, data: bytes) -> None:
        if self._lingering:
            self._lingering.record_read(self._loop.time())
        elif not self._pipeline.is_closed:
            try:
                self._reader.feed(data)
            except HttpError as error:
                self._reject(error)
                return
            if self._reader.is_reading and self._timeouts.read_started_at is None:
                self._timeouts.read_started_at = self._loop.time()

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        self._wake_writer()
        if self._cycle is None:
            self._begin_next()

    def connection_lost(self, exc: Exception | None) -> None:
        """Withdraw the request that is being answered, drop those behind it, and break reference cycles."""
        self._connections.discard(self)
        self._pipeline.clear()
        self._pending_head = None
        self._reader.close()
        if self._drain_timer:
            self._drain_timer.cancel()
        self._wake_writer()
        if self._cycle:
            self._config.admission.withdraw(self._cycle)
            self._cycle.disconnect()
            self._cycle = None

    # Called by the server and the monitor

    def shutdown(self) -> None:
        """Answer the requests that have come, and those that come within IDLE_DRAIN_SECONDS; then close."""
        self._is_draining = True
        if self._cycle is None:
            self._drain_idle()

    def check_timeouts(self, now: float) -> None:
        unsent = self._transport.get_write_buffer_size()
        if self._timeouts.is_write_expired(now, unsent):
            self._transport.abort()
        elif self._lingering:
            if self._lingering.has_ended(now):
                self._transport.close()
        elif self._timeouts.is_read_expired(now):
            self._time_out_request()
        elif self._timeouts.is_keep_alive_expired(now, unsent):
            self._close_idle()

    # Reading

    def pause_reading(self) -> None:
        if not (self._read_paused or self._transport.is_closing()):
            self._read_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._read_paused and not (self._pipeline or self._transport.is_closing()):
            self._read_paused = False
            self._transport.resume_reading()

    def _accept(self, request: Request) -> None:
        """Answer a complete request, after those before it."""
        self._timeouts.read_started_at = None
        self._pending_head = None
        if request.is_answered:
            self._timeouts.idle_since = self._loop.time()
        elif not self._pipeline.is_closed:
            is_first = self._is_free
            if not is_first:
                self._pipeline.add(request)
                self.pause_reading()
            if not request.keep_alive:
                self._pipeline.close()
            if is_first:
                self._begin(request)

    def _answer_head(self, request: Request) -> None:
        """Answer a request whose body is still to come: with an error, or with 100 Continue."""
        if not self._is_free:
            self._pending_head = request
        elif request.error or not self._can_admit(request):
            request.is_answered = True
            if request.expects_continue or not request.keep_alive:
                self._pipeline.close()  # the client may send the body or not: what follows could be either
            self._begin(request)
        else:
            self.write(CONTINUE)

    def _time_out_request(self) -> None:
        if self._reader.is_reading and self._reader.request.is_answered:
            self._transport.close()
        else:
            limit = self._config.settings.client_timeout
            message = f"The request did not arrive within {limit:g} seconds (CLIENT_TIMEOUT)."
            self._reject(HttpError(408, message))

    # Answering

    @property
    def _is_free(self) -> bool:
        """Whether a request can be answered now: none is being answered, and the client takes responses."""
        return self._cycle is None and self._writable is None

    def _can_admit(self, request: Request) -> bool:
        has_capacity = self._config.admission.has_capacity(self._loop.time())
        return has_capacity or not request.is_admission_controlled

    def _begin(self, request: Request) -> None:
        now, admission = self._loop.time(), self._config.admission
        is_controlled = request.is_admission_controlled
        if request.error:
            self._respond_with_error(request, request.error)
        elif is_controlled and not admission.has_capacity(now):
            self._respond_overloaded(request)
        else:
            on_end = admission.release if is_controlled else None
            scope = self._scopes.build(request, now)
            self._cycle = RequestCycle(self._config.application, scope, request, self, on_end)
            if is_controlled:
                admission.admit(self._cycle, now)
            else:
                self._cycle.start()

    def _begin_next(self) -> None:
        """Answer the next request of the pipeline, or wait for one."""
        if not self._is_free or self._lingering:
            return
        if request := self._pipeline.take():
            self._begin(request)
            return
        self._timeouts.idle_since = self._loop.time()
        self.resume_reading()
        if request := self._pending_head:
            self._pending_head = None
            self._answer_head(request)
        elif self._is_draining:
            self._drain_idle()

    def _respond_overloaded(self, request: Request) -> None:
        closes = self.closes_after_response
        response = self._config.overload_response.encode(
            self._request_id(request),
            self._cors_lines(request),
            closes=closes,
            has_body=request.method != b"HEAD",
        )
        self.write(response)
        self.complete_response(closes=closes)
        if not closes:
            self._config.read_throttle.throttle(self, self._loop)

    def _respond_with_error(self, request: Request, error: HttpError) -> None:
        closes = self.closes_after_response
        response = error.to_response(APPLICATION_JSON)
        headers = [
            *self.default_headers,
            *response.build_headers(),
            (REQUEST_ID_HEADER, self._request_id(request)),
        ]
        if closes:
            headers.append(CLOSE)
        head = encode_head(response.status, headers).removesuffix(b"\r\n") + self._cors_lines(request)
        self.write(b"%b\r\n%b" % (head, b"" if request.method == b"HEAD" else response.body))
        self.complete_response(closes=closes)

    def _request_id(self, request: Request) -> bytes:
        return choose_request_id({"headers": request.headers})

    def _cors_lines(self, request: Request) -> bytes:
        cors = self._config.cors
        return cors.header_block(header_value({"headers": request.headers}, b"origin")) if cors else b""

    # The response stream of a cycle

    @property
    def default_headers(self) -> Sequence[Header]:
        return self._server_state.default_headers

    @property
    def closes_after_response(self) -> bool:
        return self._pipeline.is_exhausted or (self._is_draining and not self._pipeline)

    @property
    def is_closing(self) -> bool:
        return self._transport.is_closing()

    @property
    def write_paused(self) -> bool:
        return self._writable is not None

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the client has taken enough of what was written, or has disconnected."""
        if self._writable:
            await asyncio.shield(self._writable)

    def start_task(self, work: Coroutine[Any, Any, None]) -> None:
        tasks = self._server_state.tasks
        task = self._loop.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def complete_response(self, *, closes: bool) -> None:
        self._cycle = None
        self._server_state.total_requests += 1
        if closes or self._pipeline.is_exhausted:
            self._begin_lingering_close()
        else:
            self._begin_next()

    def abort_response(self, request: Request, error: HttpError, *, is_head_written: bool) -> None:
        """Send an error in place of the response, or cut it off where it has begun; then close."""
        self._pipeline.clear()
        if is_head_written:
            self._transport.abort()
        else:
            self._respond_with_error(request, error)

    # Closing

    def _reject(self, error: HttpError) -> None:
        """Send an error and close. Behind a request that is being answered there is only the latter."""
        self._timeouts.read_started_at = None
        self._pipeline.close()
        if self._cycle or self._pipeline or self._lingering:
            return
        if self._reader.is_reading and self._reader.request.is_answered:
            self._begin_lingering_close()
        else:
            self._respond_with_error(self._reader.request, error)

    def _begin_lingering_close(self) -> None:
        if not (self._lingering or self._transport.is_closing()):
            self._pipeline.clear()
            self._lingering = LingeringClose(self._loop.time(), self._config.settings.client_timeout)
            self._transport.write_eof()
            self.resume_reading()

    def _drain_idle(self) -> None:
        self._drain_timer = self._loop.call_later(IDLE_DRAIN_SECONDS, self._close_idle)

    def _close_idle(self) -> None:
        """Close unless a request is on its way. One that the close crosses is not answered, but not reset."""
        if self._is_free and not self._reader.is_reading and not self._has_unread_data():
            self._begin_lingering_close()

    def _has_unread_data(self) -> bool:
        """Whether data has arrived that the event loop has not read yet."""
        if self._transport.is_closing():
            return False
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def _wake_writer(self) -> None:
        writable, self._writable = self._writable, None
        if writable and not writable.done():
            writable.set_result(None)
