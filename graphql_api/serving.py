# pyright: basic
"""Serving: the application in one process, or in several that a parent keeps alive and replaces in turn."""

import gc
import socket
from functools import partial
from typing import Any

import click
import uvicorn
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from graphql_api.app import create_app
from graphql_api.http.paths import GRAPHQL_PATH
from graphql_api.http.protocol import ProtocolConfig
from graphql_api.settings import Settings

START_SECONDS = 60.0


def serve(settings: Settings, dsn: str, listener: socket.socket) -> None:
    """Answer on the listener until a signal ends it: SIGTERM or SIGINT.

    With several workers SIGHUP replaces each by a new one, which takes over before the old one ends.
    """
    config = ProtocolConfig(
        partial(application, settings, dsn),
        settings,
        factory=True,
        workers=settings.workers,
        log_config=log_config(settings.log_level),
        log_level="debug" if settings.log_level == "debug" else "error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=settings.drain_timeout,
        timeout_worker_healthcheck=START_SECONDS,
    )
    if settings.workers == 1:
        Announcing(config).run(sockets=[listener])
    else:
        Workers(config, [listener]).run()


def application(settings: Settings, dsn: str) -> Starlette:
    """The application, with garbage collection made ready for it.

    What is there now stays for good and is not looked through again. A parsed document is thousands of
    objects that mostly die young: with the usual thresholds they would be moved to the oldest generation
    first, each of whose collections stops all requests for a quarter of a second.
    """
    app = create_app(settings, dsn)
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 1_000)
    return app


class Announcing(uvicorn.Server):
    """A server that prints its address once it answers."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            announce(sockets[0])


class Workers(Multiprocess):
    """Processes that share a listener, whose address is printed once all of them answer."""

    def init_processes(self) -> None:
        super().init_processes()
        if all(process.wait_until_ready(START_SECONDS) for process in self.processes):
            announce(self.sockets[0])

    def terminate_all(self) -> None:
        # While the parent listens connections are made that nobody will accept any more.
        for listener in self.sockets:
            listener.close()
        super().terminate_all()


def announce(listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    click.echo(f"Serving http://{f'[{host}]' if ':' in host else host}:{port}{GRAPHQL_PATH}")


def log_config(level: str) -> dict[str, Any]:
    """Logging to standard error, each line with the id of its request."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request": {"()": "graphql_api.http.request_ids.RequestIdFilter"}},
        "formatters": {"line": {"format": "%(levelname)s %(name)s [%(request_id)s] %(message)s"}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "filters": ["request"], "formatter": "line"}
        },
        "root": {"level": level.upper(), "handlers": ["stderr"]},
        # It tells of each attempt to connect, with a traceback; ours are told of once.
        "loggers": {"asyncpg.pool": {"level": "ERROR"}},
    }
