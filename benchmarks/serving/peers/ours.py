"""This project's server; with `stock` as argument, every operation is left to Strawberry's own execution."""

import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from benchmarks.serving.peers.served import dsn, serve
from graphql_api.app import create_app
from graphql_api.execution import run
from graphql_api.execution.documents import Document
from graphql_api.http.protocol import ProtocolConfig
from graphql_api.settings import Settings


def compiled(self: Document, flags: Mapping[str, Any]) -> str:
    return "stock execution is to be measured"


if __name__ == "__main__":
    if sys.argv[1:] == ["stock"]:
        Document.compiled = compiled
        run.SHORT = sys.maxsize  # it does not take turns with others either
    settings = Settings(pool_size=10, max_cost=20_000)
    serve(create_app(settings, dsn()), partial(ProtocolConfig, settings=settings))
