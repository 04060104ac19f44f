"""One process of the server: uvicorn, with the application that it serves."""

import gc
import signal
import socket
from collections.abc import Callable
from functools import partial
from types import FrameType

import uvicorn

from graphql_api.app import BookstoreApp, create_app
from graphql_api.http.protocol import BookstoreHttpProtocol, ProtocolConfig
from graphql_api.server.log_config import log_config
from graphql_api.settings import Settings


class ServerProcess(uvicorn.Server):
    """uvicorn's server in this process. `on_start` is called in the event loop once it answers.

    It finishes its requests when `should_exit` is set, or with SIGTERM or SIGINT. A second SIGINT cuts them
    off.
    """

    def __init__(self, settings: Settings, dsn: str, on_start: Callable[[], None]) -> None:
        super().__init__(build_config(settings, dsn))
        self._on_start = on_start
        self._interrupts = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_start()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # uvicorn takes any SIGINT for a second one when `should_exit` was set without a signal.
        self._interrupts += sig == signal.SIGINT
        super().handle_exit(sig if self._interrupts > 1 else signal.SIGTERM, frame)


def build_config(settings: Settings, dsn: str) -> ProtocolConfig:
    return ProtocolConfig(
        partial(build_application, settings, dsn),
        settings,
        BookstoreHttpProtocol,
        factory=True,
        log_config=log_config(settings.log_level),
        log_level="debug" if settings.log_level == "debug" else "error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=settings.drain_timeout,
    )


def build_application(settings: Settings, dsn: str) -> BookstoreApp:
    """Return the application, with garbage collection made ready for it.

    The objects that exist now stay for good and are not scanned again. A parsed document is thousands of
    objects that mostly die young. With the usual thresholds they would be moved to the oldest generation
    first, each of whose collections stops all requests for a quarter of a second.
    """
    app = create_app(settings, dsn)
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 1_000)
    return app
