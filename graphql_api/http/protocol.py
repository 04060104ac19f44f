# pyright: basic
"""The wire: uvicorn's HTTP protocol with what an open endpoint needs besides.

Who sends slowly, or does not take the answer, is cut off; a head, a queue of requests and what follows a body
have an end; connections are counted; who is refused hears so before the connection ends; and when the server
ends, a request that is on its way on an idle connection is still answered.
"""

import asyncio
from functools import partial
from typing import Any

from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserInvalidURLError,
    HttpParserUpgrade,
    HttpRequestParser,
)
from uvicorn import Config
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from graphql_api.http.admission import Admission
from graphql_api.http.cors import CorsMiddleware
from graphql_api.http.flow import Flow, Leaving, Pace
from graphql_api.http.graphql_requests import header_value
from graphql_api.http.media_types import APPLICATION_JSON
from graphql_api.http.request_ids import WRITE_RESPONSE_EXTENSION, choose_request_id
from graphql_api.http.responses import Header, HttpError, RawResponse, service_unavailable
from graphql_api.http.vigil import LEFT
from graphql_api.settings import Settings

LOOK_EVERY = 0.5
LINGER = 1.0
"""For how many seconds an idle connection is kept after the server was told to end."""

PARTING = 2.0
"""After the last answer what still comes is thrown away until nothing came for so many seconds. To close at
once would reset the connection of a client that is still sending, and the answer be lost with it (RFC 9112,
9.6)."""

MOST_QUEUED = 16
"""So many requests may be sent before the one ahead of them is answered; the connection ends after these."""

ROOM_FOR_HEADERS = 16_384

LONGEST_ADDRESS = 65_535
"""What httptools reads of an address, in bytes."""


class WireConfig(Config):
    """uvicorn's configuration with the settings that the protocol goes by."""

    def __init__(self, app: Any, settings: Settings, **options: Any) -> None:
        super().__init__(app, http=Wire, ws="none", **options)
        self.settings = settings
        self.pace = Pace()
        self.cors = CorsMiddleware(app, settings.origins) if settings.origins else None


GRAPHQL = b"/graphql"


class TurnedAway:
    """What uvicorn looks for where a request is under way, of one that has its answer already."""

    response_started = response_complete = True
    message_event = asyncio.Event()


TURNED_AWAY: Any = TurnedAway()


def head_of(answer: RawResponse, *further: Header) -> bytes:
    """What goes over the wire before an answer's body, but for its end: more headers may follow."""
    headers = b"".join([b"%b: %b\r\n" % header for header in (*further, *answer.build_headers())])
    return STATUS_LINE[answer.status] + headers


class Wire(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: WireConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.settings = config.settings
        self.pace = config.pace
        self.cors = config.cors
        self.most_head = config.settings.max_body + ROOM_FOR_HEADERS
        self.in_head = True
        self.head = 0
        self.began: float | None = self.loop.time()
        self.idle_since: float | None = None
        self.unsent, self.unsent_since = 0, 0.0
        self.draining = False
        self.overfull = self.passes_over = False
        self.answering: Any = None
        self.parted_at: float | None = None
        self.heard = 0.0
        self.admission: Admission = app_state["admission"]
        self.no_room = self.admission.refusal.to_response(APPLICATION_JSON)
        self.no_room_head = head_of(self.no_room)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = Flow(transport, self.pipeline)
        self.leaving: Any = Leaving(transport, self.part)
        self.looking = self.loop.call_later(LOOK_EVERY, self.look)
        most = self.settings.max_connections
        if len(self.connections) > most:
            self.refuse(service_unavailable(f"{most:,} connections are open (MAX_CONNECTIONS)."))
            transport.close()  # of these none is kept, not for a moment

    def connection_lost(self, exc: Exception | None) -> None:
        """Begin with nothing more that was asked for, and leave no circle of references behind."""
        self.looking.cancel()
        super().connection_lost(exc)
        if self.answering:
            self.answering.disconnected = not self.answering.response_complete
            self.answering.message_event.set()
        for cycle, _ in self.pipeline:
            self.drop(cycle)
        self.pipeline.clear()
        self.cycle = TURNED_AWAY
        self.leaving.close = self.transport.close

    def data_received(self, data: bytes) -> None:
        if self.parted_at is not None:
            self.heard = self.loop.time()
            return
        self.head += len(data)
        self.feed(data)
        if self.head > self.most_head:
            self.refuse(
                HttpError(
                    431, f"The head is too large; at most {self.most_head:,} bytes are allowed (MAX_BODY)."
                )
            )

    def feed(self, data: bytes) -> None:
        """Take what came apart, which calls the methods named on_… below."""
        try:
            self.parser.feed_data(data)
            return
        except HttpParserUpgrade as offered:
            rest = data[offered.args[0] :]
        except HttpParserError as error:
            self.refuse(self.no_request(error))
            return
        head = self.head_without_upgrade()
        self.parser = HttpRequestParser(self)
        self.feed(head + rest)

    def head_without_upgrade(self) -> bytes:
        """The head of a request that offers another protocol, as it goes on in this one (RFC 9110, 7.8)."""
        parser: Any = self.parser
        lines = [b"%b %b HTTP/%b\r\n" % (self.method, self.url, parser.get_http_version().encode())]
        for name, value in self.headers:
            kept = value
            if name == b"connection":
                kept = b",".join(each for each in value.split(b",") if each.strip().lower() != b"upgrade")
            if name != b"upgrade":
                lines.append(b"%b: %b\r\n" % (name, kept))
        return b"".join([*lines, b"\r\n"])

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.began, self.idle_since, self.passes_over = self.loop.time(), None, self.overfull

    def on_headers_complete(self) -> None:
        parser: Any = self.parser
        self.in_head = False
        if parser.should_upgrade():
            self.passes_over = True
            if self.method == b"CONNECT":
                raise HttpError(501, "Use GET, HEAD, OPTIONS or POST: CONNECT leads nowhere from here.")
        if self.passes_over:
            return
        self.require_host()
        if self.url.startswith(GRAPHQL) and self.idle:
            if not self.admission.has_room(self.loop) and self.method != b"OPTIONS":
                self.turn_away()
                return
            super().on_headers_complete()
            self.admission.expect(self.loop)
        elif self.idle or len(self.pipeline) < MOST_QUEUED:
            super().on_headers_complete()
        else:
            self.end_the_queue()
            return
        self.headers = []  # what comes after a body in pieces is no part of the head
        self.cycle.transport = self.leaving
        extensions: Any = {
            WRITE_RESPONSE_EXTENSION: partial(self.answer, self.cycle),
            LEFT: self.transport.is_closing,
        }
        self.scope["extensions"] = extensions
        # Who asks whether to send the body may do so after the answer, or not: what comes next can be either.
        if self.draining or self.expect_100_continue:
            self.cycle.keep_alive = False

    def require_host(self) -> None:
        """HTTP/1.0 knows neither Host nor expectations."""
        hosts = [name for name, _ in self.headers].count(b"host")
        if hosts == 1 and not self.expect_100_continue:
            return
        parser: Any = self.parser
        if parser.get_http_version() == "1.0":
            self.expect_100_continue = False
        elif hosts != 1:
            raise HttpError(400, f"HTTP/1.1 asks for one Host; there are {hosts}.")

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self.answering = cycle
        super()._start_asgi_task(cycle, app)

    def answer(self, cycle: RequestResponseCycle, answer: RawResponse, identity: Header) -> bool:
        """Write an answer in one piece, past the messages of ASGI and what uvicorn checks in them.

        False, with nothing written, where there is more to it than that.
        """
        if answer.headers or cycle.disconnected or self.flow.write_paused or not cycle.keep_alive:
            return False
        if cycle.response_started or cycle.scope["method"] == "HEAD":
            return False
        cycle.response_started = cycle.response_complete = True
        head = head_of(answer, *self.server_state.default_headers, identity)
        self.transport.write(b"%b\r\n%b" % (head, answer.body))
        cycle.message_event.set()
        cycle.on_response()
        return True

    def turn_away(self) -> None:
        """Answer that there is no room, without the work that an application takes: of such answers there
        may be thousands a second, beside requests that were let in."""
        self.cycle = TURNED_AWAY
        parser: Any = self.parser
        stays = parser.should_keep_alive() and not (self.draining or self.expect_100_continue)
        scope: Any = self.scope
        head = b"%s%s%sx-request-id: %s\r\n\r\n" % (
            self.no_room_head,
            self.cors.header_block(header_value(scope, b"origin")) if self.cors else b"",
            b"" if stays else b"connection: close\r\n",
            self.request_id,
        )
        self.transport.write(head if self.method == b"HEAD" else head + self.no_room.body)
        if stays:
            self.on_response_complete()
            self.pace.hold(self.flow, self.loop)
        else:
            self.part()

    def on_body(self, body: bytes) -> None:
        self.head -= len(body)
        if not self.passes_over:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self.in_head, self.head, self.began = True, 0, None
        if not self.passes_over:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Begin the next request of a pipeline, or idle: `look` ends that, not a timer for each answer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        queued = self.pipeline.pop() if self.pipeline else None
        self.flow.resume_reading()
        if queued:
            self._start_asgi_task(*queued)
        else:
            self.idle_since = self.loop.time()

    def look(self) -> None:
        """See whether the client has kept us waiting for too long."""
        now, patience = self.loop.time(), self.settings.sender_timeout
        unsent = self.transport.get_write_buffer_size()
        if self.parted_at is not None:
            if now - self.heard >= PARTING or now - self.parted_at >= patience:
                self.transport.close()
        elif self.began is not None and now - self.began >= patience:
            self.give_up(patience)
        elif not unsent and self.began is None and self.has_idled(now):
            self.transport.close()
        if unsent != self.unsent or not unsent:
            self.unsent, self.unsent_since = unsent, now
        elif now - self.unsent_since >= patience:
            self.transport.abort()
        self.looking = self.loop.call_later(LOOK_EVERY, self.look)

    def give_up(self, patience: float) -> None:
        """Wait no longer for the rest of a request, which may have its answer already."""
        if self.in_head or not self.idle:
            self.refuse(
                HttpError(408, f"The request did not come within {patience:g} seconds (SENDER_TIMEOUT).")
            )
        else:
            self.transport.close()

    def has_idled(self, now: float) -> bool:
        """Whether the client has asked nothing for so long that it need not be waited for."""
        return self.idle_since is not None and now - self.idle_since >= self.timeout_keep_alive

    def no_request(self, error: HttpParserError) -> HttpError:
        """Why what came is no request of HTTP, has an address that is longer than the parser reads, or is
        refused by one of the methods that it calls."""
        if len(getattr(self, "url", b"")) > LONGEST_ADDRESS:
            return HttpError(414, f"The address is too large; at most {LONGEST_ADDRESS:,} bytes are allowed.")
        problem: object = error
        if isinstance(error, HttpParserCallbackError):
            match error.__context__:
                case HttpError() as refusal:
                    return refusal
                case HttpParserInvalidURLError():
                    problem = "Invalid address"
                case _:
                    raise error
        return HttpError(400, f"This is no request of HTTP: {problem}")

    def refuse(self, refusal: HttpError) -> None:
        """Say why, and part. Behind a request that has no answer yet there is no place to say it: that one is
        answered, and then is the end."""
        if self.parted_at is not None or self.transport.is_closing():
            return
        if not self.idle:
            if self.cycle is not self.answering or not self.cycle.more_body:
                self.end_the_queue()
                return
            if self.cycle.response_started:
                self.transport.close()
                return
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        answer = refusal.to_response(APPLICATION_JSON)
        head = head_of(answer, (b"connection", b"close"), (b"x-request-id", self.request_id))
        self.transport.write(b"%b\r\n%b" % (head, answer.body))
        self.part()

    def end_the_queue(self) -> None:
        """Answer the requests that have come whole, and nothing after them."""
        if self.cycle.more_body:
            self.drop(self.pipeline.popleft()[0])
            self.cycle = self.pipeline[0][0] if self.pipeline else self.answering
        self.cycle.keep_alive = False
        self.overfull = self.passes_over = True

    def drop(self, cycle: RequestResponseCycle) -> None:
        """Forget a request that was not begun with: it refers to itself."""
        vars(cycle).clear()

    def part(self) -> None:
        """Send no more, and close when the client has seen that, or shortly after."""
        if self.parted_at is None and not self.transport.is_closing():
            self.parted_at = self.heard = self.loop.time()
            self.transport.write_eof()
            self.flow.resume_reading()

    def shutdown(self) -> None:
        """Answer what is under way or comes within LINGER, and close."""
        if self.idle:
            self.draining = True
            self.loop.call_later(LINGER, self.close_if_idle)
        else:
            super().shutdown()

    @property
    def method(self) -> bytes:
        parser: Any = self.parser
        return parser.get_method()

    @property
    def request_id(self) -> bytes:
        scope: Any = self.scope
        return choose_request_id(scope)

    @property
    def idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def close_if_idle(self) -> None:
        if self.idle:
            self.transport.close()
