"""Metrics: how operations were run and how many requests there are, in the text format of Prometheus."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from graphql_api.http.admission import Admission

HEAD = """# HELP bookstore_operations_total Operations run: by their plan, or by stock execution and why.
# TYPE bookstore_operations_total counter
"""
REQUESTS = """# HELP bookstore_requests Requests that are admitted: running, and waiting in the queue.
# TYPE bookstore_requests gauge
bookstore_requests{{state="running"}} {running}
bookstore_requests{{state="waiting"}} {waiting}
"""
ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def metrics_route(operations: Mapping[str | None, int], admission: Admission) -> Route:
    """/metrics; operations are counted by the reason why stock execution ran them, None for those by plan."""

    async def metrics(request: Request) -> Response:
        lines = [
            f'bookstore_operations_total{{by="{"stock" if reason else "plan"}",'
            f'reason="{(reason or "").translate(ESCAPES)}"}} {count}\n'
            for reason, count in sorted(operations.items(), key=lambda item: item[0] or "")
        ]
        requests = REQUESTS.format(running=admission.admitted, waiting=len(admission.line))
        return PlainTextResponse(HEAD + "".join(lines) + requests, media_type="text/plain; version=0.0.4")

    return Route("/metrics", metrics)
