"""This project's server. With the argument `graphql-core`, graphql-core runs every operation."""

import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from benchmarks.serving.peers.served import dsn, serve
from graphql_api.app import create_app
from graphql_api.execution import executor
from graphql_api.execution.documents import Document
from graphql_api.http.protocol import BookstoreHttpProtocol, ProtocolConfig
from graphql_api.settings import Settings


def refuse_to_compile(self: Document, condition_values: Mapping[str, Any]) -> str:
    """Return a reason instead of a plan, so that graphql-core runs every operation."""
    return "graphql-core is measured"


if __name__ == "__main__":
    if sys.argv[1:] == ["graphql-core"]:
        Document.compile_plan = refuse_to_compile
        executor.COOPERATIVE_THRESHOLD = sys.maxsize  # graphql-core does not yield either
    settings = Settings(pool_size=10, max_cost=20_000)
    serve(
        create_app(settings, dsn()),
        partial(ProtocolConfig, settings=settings, protocol=BookstoreHttpProtocol),
    )
