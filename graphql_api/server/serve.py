"""Serving: in this process, or in several that it supervises."""

import signal
import socket
from functools import partial

import click

from graphql_api.http.paths import GRAPHQL_PATH
from graphql_api.http.storefront_page import Storefront
from graphql_api.server.listener import url_of
from graphql_api.server.replaceable import ReplaceableServer
from graphql_api.server.supervisor import WorkerSupervisor
from graphql_api.settings import Settings


def serve(settings: Settings, dsn: str, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, printing the URL once requests are answered.

    SIGHUP replaces each worker by a new process, which answers before the old one ends. May raise
    KeyboardInterrupt after the last request, for both signals, and SystemExit if the server does not start.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the caller can clean up
    announce = partial(click.echo, f"Serving {_describe_urls(settings, listener)}")
    if settings.workers == 1:
        ReplaceableServer(settings, dsn, listener, announce).run()
    else:
        WorkerSupervisor(settings, dsn, listener).run(announce)


def _describe_urls(settings: Settings, listener: socket.socket) -> str:
    """Return the API's URL, with the storefront's before it if there is one."""
    url = url_of(listener)
    has_storefront = (
        settings.storefront
        and Storefront(explorer=settings.explorer).is_built
        and listener.family != socket.AF_UNIX
    )
    return f"{url.removesuffix(GRAPHQL_PATH)}/ and {url}" if has_storefront else url
