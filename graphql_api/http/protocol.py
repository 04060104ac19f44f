# pyright: basic
"""The wire: uvicorn's HTTP protocol with what an open endpoint needs besides.

Who sends slowly, or does not take the answer, is cut off; a head has an end; connections are counted; and
when the server ends, a request that is on its way on an idle connection is still answered.
"""

import asyncio
from collections import deque
from functools import partial
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from graphql_api.http.admission import Admission
from graphql_api.http.answers import Answer, Header, Refusal, unavailable
from graphql_api.http.cors import Cors
from graphql_api.http.media_types import LEGACY
from graphql_api.http.request_ids import ANSWERS, request_id
from graphql_api.http.requests import header
from graphql_api.http.vigil import LEFT
from graphql_api.settings import Settings

LOOK_EVERY = 0.5
LINGER = 1.0
"""For how many seconds an idle connection is kept after the server was told to end."""

PARTING = 2.0
"""For how many seconds what still comes is thrown away after the last answer: to close at once would reset
the connection of a client that is still sending, and the answer would be lost with it (RFC 9112, 9.6)."""

ROOM_FOR_HEADERS = 16_384

LONGEST_ADDRESS = 65_535
"""What httptools reads of an address, in bytes."""

AGAIN = 50
AGAIN_EVERY = 0.005
"""From so many of those who were turned away is read again, each time so many seconds have passed."""


class Pace:
    """Reads again from those who were turned away, so many at a time: a crowd that asks again and again
    takes the time of those who were let in."""

    def __init__(self) -> None:
        self.line: deque[FlowControl] = deque()

    def hold(self, flow: FlowControl, loop: asyncio.AbstractEventLoop) -> None:
        flow.pause_reading()
        if not self.line:
            loop.call_later(AGAIN_EVERY, self.go_on, loop)
        self.line.append(flow)

    def go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        for _ in range(min(AGAIN, len(self.line))):
            self.line.popleft().resume_reading()
        if self.line:
            loop.call_later(AGAIN_EVERY, self.go_on, loop)


class WireConfig(Config):
    """uvicorn's configuration with the settings that the protocol goes by."""

    def __init__(self, app: Any, settings: Settings, **options: Any) -> None:
        super().__init__(app, http=Wire, ws="none", **options)
        self.settings = settings
        self.pace = Pace()
        self.cors = Cors(app, settings.origins) if settings.origins else None


GRAPHQL = b"/graphql"


class TurnedAway:
    """What uvicorn looks for where a request is under way, of one that has its answer already."""

    response_started = response_complete = True
    message_event = asyncio.Event()


TURNED_AWAY: Any = TurnedAway()


def head_of(answer: Answer, *further: Header) -> bytes:
    """What goes over the wire before an answer's body, but for its end: more headers may follow."""
    headers = b"".join([b"%b: %b\r\n" % header for header in (*further, *answer.all_headers())])
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
        self.parted = False
        self.admission: Admission = app_state["admission"]
        self.no_room = self.admission.refusal.answer(LEGACY)
        self.no_room_head = head_of(self.no_room)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.looking = self.loop.call_later(LOOK_EVERY, self.look)
        most = self.settings.max_connections
        if len(self.connections) > most:
            self.refuse(unavailable(f"{most:,} connections are open (MAX_CONNECTIONS)."))
            self.transport.close()  # of these none is kept, not for a moment

    def connection_lost(self, exc: Exception | None) -> None:
        self.looking.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.parted:
            return
        self.head += len(data)
        super().data_received(data)
        if self.in_head and self.head > self.most_head:
            self.refuse(
                Refusal(
                    431,
                    f"The head is too large; at most {self.most_head:,} bytes are allowed (MAX_BODY).",
                )
            )

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.began, self.idle_since = self.loop.time(), None

    def on_headers_complete(self) -> None:
        self.in_head = False
        if self.url.startswith(GRAPHQL) and self.idle:
            if not self.admission.has_room(self.loop) and self.method != b"OPTIONS":
                self.turn_away()
                return
            super().on_headers_complete()
            self.admission.expect(self.loop)
        else:
            super().on_headers_complete()
        extensions: Any = {ANSWERS: partial(self.answer, self.cycle), LEFT: self.transport.is_closing}
        self.scope["extensions"] = extensions
        # Who asks whether to send the body may do so after the answer, or not: what comes next can be either.
        if self.draining or self.expect_100_continue:
            self.cycle.keep_alive = False

    def answer(self, cycle: RequestResponseCycle, answer: Answer, identity: Header) -> bool:
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
            self.cors.lines(header(scope, b"origin")) if self.cors else b"",
            b"" if stays else b"connection: close\r\n",
            self.request_id,
        )
        self.transport.write(head if self.method == b"HEAD" else head + self.no_room.body)
        if stays:
            self.on_response_complete()
            self.pace.hold(self.flow, self.loop)
        else:
            self.part()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.in_head, self.head, self.began = True, 0, None

    def on_response_complete(self) -> None:
        """Begin the next request of a pipeline, or idle: `look` ends that, not a timer for each answer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self.idle_since = self.loop.time()

    def look(self) -> None:
        """See whether the client has kept us waiting for too long."""
        now, patience = self.loop.time(), self.settings.sender_timeout
        if self.began is not None and now - self.began >= patience:
            self.give_up(patience)
            return
        unsent = self.transport.get_write_buffer_size()
        if not unsent and self.began is None and self.has_idled(now):
            self.transport.close()
            return
        if unsent != self.unsent or not unsent:
            self.unsent, self.unsent_since = unsent, now
        elif now - self.unsent_since >= patience:
            self.transport.abort()
            return
        self.looking = self.loop.call_later(LOOK_EVERY, self.look)

    def give_up(self, patience: float) -> None:
        """Wait no longer for the rest of a request, which may have its answer already."""
        if self.in_head or not self.idle:
            self.refuse(
                Refusal(408, f"The request did not come within {patience:g} seconds (SENDER_TIMEOUT).")
            )
        else:
            self.transport.close()

    def has_idled(self, now: float) -> bool:
        """Whether the client has asked nothing for so long that it need not be waited for."""
        return self.idle_since is not None and now - self.idle_since >= self.timeout_keep_alive

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request of HTTP, or has an address that is longer than the parser reads."""
        if len(getattr(self, "url", b"")) > LONGEST_ADDRESS:
            self.refuse(
                Refusal(414, f"The address is too large; at most {LONGEST_ADDRESS:,} bytes are allowed.")
            )
        else:
            self.refuse(Refusal(400, f"This is no request of HTTP: {msg}"))

    def refuse(self, refusal: Refusal) -> None:
        """Say why, unless an answer has begun already, and end the connection."""
        if self.parted or self.transport.is_closing():
            return
        if self.idle or not self.cycle.response_started:
            answer = refusal.answer(LEGACY)
            head = head_of(answer, (b"connection", b"close"), (b"x-request-id", self.request_id))
            self.transport.write(b"%b\r\n%b" % (head, answer.body))
        if self.idle:
            self.part()
        else:
            self.transport.close()

    def part(self) -> None:
        """Send no more, and close when the client has seen that, or shortly after."""
        self.parted = True
        self.transport.write_eof()
        self.looking.cancel()
        self.looking = self.loop.call_later(PARTING, self.transport.close)

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
        return request_id(scope)

    @property
    def idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def close_if_idle(self) -> None:
        if self.idle:
            self.transport.close()
