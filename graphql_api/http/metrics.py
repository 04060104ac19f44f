"""Metrics: counters of executed operations in the text format of Prometheus."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

_PREAMBLE = """# HELP bookstore_operations_total Operations by executor: plan, or stock (graphql-core).
# TYPE bookstore_operations_total counter
"""
_LABEL_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def metrics_route(operation_counts: Mapping[str | None, int]) -> Route:
    """Return the route /metrics.

    `operation_counts` has the number of operations by the reason for running on graphql-core, None for plans.
    """

    async def metrics(request: Request) -> Response:
        lines = [
            f'bookstore_operations_total{{by="{"stock" if reason else "plan"}",'
            f'reason="{(reason or "").translate(_LABEL_ESCAPES)}"}} {count}\n'
            for reason, count in sorted(operation_counts.items(), key=lambda item: item[0] or "")
        ]
        return PlainTextResponse(_PREAMBLE + "".join(lines), media_type="text/plain; version=0.0.4")

    return Route("/metrics", metrics)
