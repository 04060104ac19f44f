"""Metrics: counters of executed operations and gauges of requests, in the text format of Prometheus."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from graphql_api.http.admission import ADMISSION_STATE, Admission

_PREAMBLE = """# HELP bookstore_operations_total Operations by executor: plan, or graphql-core and why.
# TYPE bookstore_operations_total counter
"""
_REFUSALS = """# HELP bookstore_untrusted_documents_total Requests for documents that are not trusted.
# TYPE bookstore_untrusted_documents_total counter
bookstore_untrusted_documents_total{{sent="id"}} {id}
bookstore_untrusted_documents_total{{sent="text"}} {text}
"""
_DEPRECATED_USES = """# HELP bookstore_deprecated_uses_total Requests that use something deprecated.
# TYPE bookstore_deprecated_uses_total counter
"""
_REQUESTS = """# HELP bookstore_requests Admitted requests: running, or waiting in the queue.
# TYPE bookstore_requests gauge
bookstore_requests{{state="running"}} {running}
bookstore_requests{{state="waiting"}} {waiting}
"""
_LABEL_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def metrics_route(
    operation_counts: Mapping[str | None, int],
    refusals: Mapping[str, int],
    deprecated_uses: Mapping[tuple[str, str], int],
) -> Route:
    """Return the route /metrics.

    `operation_counts` has the number of operations by the reason for running on graphql-core, None for plans.
    `refusals` has the number of requests without a trusted document, for what they have sent: `id` or `text`.
    `deprecated_uses` has the number of requests that use something deprecated, by the name of the operation
    and the coordinate. The gauges of requests appear if the server's HTTP protocol controls admission.
    """

    async def metrics(request: Request) -> Response:
        lines = [
            f'bookstore_operations_total{{by="{"graphql-core" if reason else "plan"}",'
            f'reason="{(reason or "").translate(_LABEL_ESCAPES)}"}} {count}\n'
            for reason, count in sorted(operation_counts.items(), key=lambda item: item[0] or "")
        ]
        lines.append(_REFUSALS.format(**refusals))
        lines.append(_DEPRECATED_USES)
        lines += [
            f'bookstore_deprecated_uses_total{{coordinate="{coordinate}",operation="{operation}"}} {count}\n'
            for (operation, coordinate), count in sorted(deprecated_uses.items())
        ]
        admission: Admission | None = request.scope.get("state", {}).get(ADMISSION_STATE)
        requests = (
            _REQUESTS.format(running=admission.running, waiting=len(admission.waiters)) if admission else ""
        )
        return PlainTextResponse(
            _PREAMBLE + "".join(lines) + requests, media_type="text/plain; version=0.0.4"
        )

    return Route("/metrics", metrics)
