"""Metrics: counters of executed operations and gauges of requests, in the text format of Prometheus."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from graphql_api.http.admission import Admission

_PREAMBLE = """# HELP bookstore_operations_total Operations by executor: plan, or graphql-core and why.
# TYPE bookstore_operations_total counter
"""
_REQUESTS = """# HELP bookstore_requests Admitted requests: running, or waiting in the queue.
# TYPE bookstore_requests gauge
bookstore_requests{{state="running"}} {running}
bookstore_requests{{state="waiting"}} {waiting}
"""
_LABEL_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def metrics_route(operation_counts: Mapping[str | None, int], admission: Admission) -> Route:
    """Return the route /metrics.

    `operation_counts` has the number of operations by the reason for running on graphql-core, None for plans.
    """

    async def metrics(request: Request) -> Response:
        lines = [
            f'bookstore_operations_total{{by="{"graphql-core" if reason else "plan"}",'
            f'reason="{(reason or "").translate(_LABEL_ESCAPES)}"}} {count}\n'
            for reason, count in sorted(operation_counts.items(), key=lambda item: item[0] or "")
        ]
        requests = _REQUESTS.format(running=admission.admitted, waiting=len(admission.line))
        return PlainTextResponse(
            _PREAMBLE + "".join(lines) + requests, media_type="text/plain; version=0.0.4"
        )

    return Route("/metrics", metrics)
